"""What PyTorch computes for every rule and flag: the cases, their tables, and their maker."""
