"""The update rules: each one's arithmetic, and what it is called with."""
