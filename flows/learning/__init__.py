"""Training, calibrating and evaluating models, and learning from what people answered."""
