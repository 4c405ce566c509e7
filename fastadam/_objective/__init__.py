"""The user's function: its forms, its gradient, and where it runs."""
