"""What the live model is, as read from the model itself."""
