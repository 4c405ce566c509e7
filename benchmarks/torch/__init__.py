"""The `torch` suite: a step of `fastadam.torch.Adam` beside PyTorch's own."""
