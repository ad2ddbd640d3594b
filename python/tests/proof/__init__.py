"""The proof of what ran."""
