"""How each method is asked of the library."""
