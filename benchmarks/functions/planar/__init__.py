"""Published functions of two variables."""
