"""Reading a batch of scans: what is new, by whom it is read, and what holds for the batch as a whole."""
