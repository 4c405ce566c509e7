"""The `startup` suite: what a program waits for before its first step."""
