"""What the live model is, read from the model."""
