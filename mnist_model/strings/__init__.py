"""The reader without segmentation: a net that reads a whole strip of digits (CTC), and the strips it learns from."""
