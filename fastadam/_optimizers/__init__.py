"""The optimisers: what they share, their arguments, and trees of parameters."""
