"""The contract of many problems, and who solves them."""
