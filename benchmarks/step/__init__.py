"""The `step` suite: one step of Adam, beside others'."""
