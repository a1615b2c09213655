"""What people do with a batch: review, correct, audit, export, erase."""
