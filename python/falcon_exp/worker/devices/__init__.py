"""The only code that knows devices."""
