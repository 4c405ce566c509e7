"""Steps that are captured in a graph and replayed, beside those that the CPU takes."""

from itertools import chain

import numpy as np

from .family import FAMILY, gradients, start

#: Of two groups: one array, and two of which one is empty.
SIZES = [37], [5, 0, 64]


class Walk:
    """One optimiser on the CPU and one on a GPU, or what stands in for it, with equal arrays.

    ``to_gpu(array)`` copies there, ``to_host(array)`` back, ``write(there, array)`` copies into an
    array that is there. ``capture(function)`` captures what a function does; what it returns
    replays that. ``options`` are the optimisers' besides those of their names.
    """

    def __init__(self, name, dtype, to_gpu, to_host, write, capture, tolerance=0.0, **options):
        make, keywords = FAMILY[name]
        keywords = {**keywords, **options}
        self.to_host, self.write, self.tolerance = to_host, write, tolerance
        host = [[start((size,), dtype) for size in sizes] for sizes in SIZES]
        there = [[to_gpu(p.copy()) for p in group] for group in host]
        self.host, self.there = (list(chain.from_iterable(each)) for each in (host, there))
        self.grads = [[to_gpu(np.zeros_like(p)) for p in group] for group in host]
        self.cpu, self.gpu = (
            make([{"params": a}, {"params": b, "lr": 0.25, "weight_decay": 0.0}], **keywords)
            for a, b in (host, there)
        )
        self._capture = lambda: capture(lambda: self.gpu.step(self.grads))
        self._seed = 0

    def capture(self):
        """Capture a step; return what replays it."""
        before = self.gpu.step_count
        replay = self._capture()
        assert self.gpu.step_count == before
        return replay

    def step(self, step=None):
        """Have both take a step with new gradients, the one on the GPU by calling ``step``."""
        self._seed += 1
        each = iter(self.host)
        given = []
        for group in self.grads:
            given.append([])
            for there in group:
                p = next(each)
                (g,) = gradients(p.shape, p.dtype, 1, self._seed)
                self.write(there, g)
                given[-1].append(g)
        self.cpu.step(given)
        if step is None:
            self.gpu.step(self.grads)
        else:
            step()

    def assert_same(self):
        """Compare parameters, counts and state: all bits, or within the tolerance."""
        one, other = self.gpu.state_dict(), self.cpu.state_dict()
        assert one.keys() == other.keys()
        pairs = [(one[key], value) for key, value in other.items() if key != "rule"]
        pairs += [(self.to_host(q), p) for p, q in zip(self.host, self.there, strict=True)]
        for value, expected in pairs:
            np.testing.assert_allclose(value, expected, rtol=self.tolerance, atol=self.tolerance)
        assert self.gpu.step_count == self.cpu.step_count


def assert_replays_are_steps(walk):
    """Mix steps, captures and replays with all that the host can read and set."""
    walk.step()
    replay = walk.capture()
    for _ in range(3):
        walk.step(replay)
    walk.assert_same()
    walk.cpu.lr = walk.gpu.lr = 0.125
    walk.step(replay)
    for optimizer in (walk.cpu, walk.gpu):
        optimizer.param_groups[1]["maximize"] = True
    walk.step(replay)
    walk.assert_same()
    walk.step()  # not captured
    walk.assert_same()
    walk.step(replay)
    walk.step(walk.capture())
    walk.step(replay)
    walk.assert_same()
    walk.gpu.load_state_dict(walk.cpu.state_dict())
    walk.step(replay)
    walk.assert_same()
    assert walk.gpu.step_count == 11
