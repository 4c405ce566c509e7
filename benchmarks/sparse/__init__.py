"""The `sparse` suite: steps with gradients of some rows of a table."""
