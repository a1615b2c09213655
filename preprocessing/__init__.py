"""From pixels to ink: open a scan, register it to its form, drop the print, cut fields, propose digits, 28x28.

The only package that imports OpenCV and scikit-image.
"""
