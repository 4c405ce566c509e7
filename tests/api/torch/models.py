"""Small models and their gradients, the same at each call."""

SHAPES = (3, 4), (17,), (), (2, 3, 4, 4), (0,)


class Models:
    def __init__(self, torch):
        self._torch = torch

    def make(self, dtype="float64"):
        """Make parameters; those of the fourth shape are in another order in memory."""
        torch = self._torch
        draw = torch.Generator().manual_seed(0)
        tensors = [torch.randn(shape, generator=draw).to(getattr(torch, dtype)) for shape in SHAPES]
        tensors[3] = tensors[3].to(memory_format=torch.channels_last)
        return [torch.nn.Parameter(tensor) for tensor in tensors]

    def train(self, optimizer, params, steps=20, seed=1):
        """Take steps, in each of which some parameters have no gradient."""
        torch = self._torch
        draw = torch.Generator().manual_seed(seed)
        for step in range(steps):
            for place, p in enumerate(params):
                gradient = torch.randn(p.shape, generator=draw).to(p.dtype)
                p.grad = None if (step + place) % 5 == 0 else gradient
            optimizer.step()

    def difference(self, ours, theirs):
        """Return the largest difference; parameters are of the order of 1."""
        pairs = zip(ours, theirs, strict=True)
        return max(float((a - b).detach().abs().max()) for a, b in pairs if a.numel())
