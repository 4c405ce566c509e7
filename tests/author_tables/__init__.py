"""What the authors' packages compute for the rules that PyTorch does not have."""
