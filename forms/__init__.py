"""What is printed on the paper: form files, and the templates that every other package speaks of.

The bottom layer: it imports nothing of this project, and no imaging library.
"""
