"""Pages of HTML about a batch and about a training."""
