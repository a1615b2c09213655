"""The page where people check what was flagged."""
