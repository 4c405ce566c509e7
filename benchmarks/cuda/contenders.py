"""The contenders on a GPU: a step of Adam each, and copies of the bytes that a step moves.

Each has arrays of its own, but for the copies, which share theirs. What is copied is read once and
written once, 28 bytes a parameter in all, as many as a step of float32 Adam reads (parameter,
gradient, two moments) and writes (all but the gradient).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from fastadam import Adam

from ..harness.adam import BETA1, BETA2, EPS, LR, Array, adam_from
from ..harness.checks import SCALES, gradient_scale, tolerance
from ..step.contenders import numpy_textbook
from .arrays import PERIOD, Arrays, CupyArrays, TorchArrays, fill, filled, outside

#: Elements of the arrays that are copied, one to the other; more than that is copied in turns.
COPIED = 350_000_000


class Pattern:
    """What parameters and gradients are repetitions of, and where steps lead from there."""

    def __init__(self, start: Array, gradient: Array) -> None:
        self.start, self.gradient = start, gradient
        self._begin()

    def _begin(self) -> None:
        self._expected, self._taken = adam_from(self.start), 0

    def after(self, steps: int) -> Array:
        """Return the parameters after so many steps, in float64."""
        if steps < self._taken:
            self._begin()
        gradient = self.gradient.astype(np.float64)
        while self._taken < steps:
            self._expected.step(gradient_scale(self._taken) * gradient)
            self._taken += 1
        return self._expected.p.copy()


def make_pattern(size: int) -> Pattern:
    """Draw parameters and gradients from a normal distribution, the same in every run."""
    rng = np.random.default_rng(0)
    start, gradient = rng.standard_normal((2, min(size, PERIOD)), dtype=np.float32)
    return Pattern(start, gradient)


@dataclass
class Stepper:
    """Somebody's Adam on parameters of their own."""

    step: Callable[[], object]
    arrays: Arrays
    params: Any
    grads: Any

    def begin(self, pattern: Pattern) -> None:
        """Take the first steps, with gradients that change."""
        for scale in SCALES:
            fill(self.arrays, self.grads, pattern.gradient * np.float32(scale))
            self.step()
        fill(self.arrays, self.grads, pattern.gradient)

    def find_error(self, pattern: Pattern, calls: int) -> str:
        """Compare every parameter with float64's, after the first steps and ``calls`` more."""
        steps = len(SCALES) + calls
        expected = pattern.after(steps)
        allowed = tolerance(expected, pattern.start, steps)
        lowest, highest = ((expected + side * allowed).astype(np.float32) for side in (-1.0, 1.0))
        for index, value in outside(self.arrays, self.params, lowest, highest):
            right = expected[index % len(expected)]
            return f"parameter {index:,} is {value:.9g} after {steps} steps, not {right:.9g}"
        return ""


@dataclass
class Copier:
    """A copy from one array to another, in turns."""

    copy: Callable[[Any, Any], object]
    arrays: Arrays
    source: Any
    to: Any
    elements: int

    def __post_init__(self) -> None:
        whole, rest = divmod(self.elements, len(self.source))
        self._turns = [(self.to, self.source)] * whole
        if rest:
            self._turns.append((self.to[:rest], self.source[:rest]))

    def step(self) -> None:
        """Copy."""
        for to, source in self._turns:
            self.copy(to, source)

    def begin(self, pattern: Pattern) -> None:
        """Copy over zeros."""
        fill(self.arrays, self.to, np.zeros_like(pattern.start))
        self.step()

    def find_error(self, pattern: Pattern, calls: int) -> str:
        """Compare every element."""
        for index, value in outside(self.arrays, self.to, pattern.start, pattern.start):
            right = pattern.start[index % len(pattern.start)]
            return f"element {index:,} is {value:.9g}, not {right:.9g}"
        return ""


Contender = Stepper | Copier


class Peer(NamedTuple):
    """How a contender is made, and the memory that it needs.

    Parameters
    ----------
    make : callable
        Of the number of parameters and their pattern.
    bytes : callable
        Of the number of parameters.
    """

    make: Callable[[int, Pattern], Contender]
    bytes: Callable[[int], int]


def fastadam_step(arrays: Arrays, size: int, pattern: Pattern) -> Stepper:
    """Step `fastadam.Adam`, on arrays of any library."""
    params = filled(arrays, size, pattern.start)
    grads = filled(arrays, size, pattern.gradient)
    optimizer = Adam(params, lr=LR, betas=(BETA1, BETA2), eps=EPS)
    return Stepper(partial(optimizer.step, grads), arrays, params, grads)


def torch_fused(arrays: TorchArrays, size: int, pattern: Pattern) -> Stepper:
    """Step `torch.optim.Adam`, fused."""
    torch = arrays.torch
    params = torch.nn.Parameter(filled(arrays, size, pattern.start))
    grads = filled(arrays, size, pattern.gradient)
    params.grad = grads
    optimizer = torch.optim.Adam([params], lr=LR, betas=(BETA1, BETA2), eps=EPS, fused=True)
    return Stepper(optimizer.step, arrays, params.detach(), grads)


def cupy_textbook(arrays: Arrays, size: int, pattern: Pattern) -> Stepper:
    """Step Adam as textbooks print it; CuPy takes the place of NumPy by itself."""
    params = filled(arrays, size, pattern.start)
    grads = filled(arrays, size, pattern.gradient)
    return Stepper(numpy_textbook([params], [grads]).step, arrays, params, grads)


def copied_elements(size: int) -> int:
    """Return the length of each of the two arrays that are copied."""
    return min(7 * size // 2, COPIED)


class Copies:
    """Makes the contenders that copy; the first one makes the arrays for both."""

    def __init__(self, arrays: Arrays) -> None:
        self._arrays = arrays
        self._shared: tuple[Any, Any] | None = None

    def make(self, copy: Callable[[Any, Any], object], size: int, pattern: Pattern) -> Copier:
        """Return a contender."""
        if self._shared is None:
            length = copied_elements(size)
            self._shared = filled(self._arrays, length, pattern.start), self._arrays.empty(length)
        return Copier(copy, self._arrays, *self._shared, 7 * size // 2)


OURS, DRIVER_COPY, KERNEL_COPY = "fastadam", "copy, the driver's", "copy, a kernel"
ON_TORCH, ON_CUPY = "fastadam on torch tensors", "fastadam on CuPy arrays"
TORCH, CUPY = "torch fused", "CuPy textbook"
COPIES = (DRIVER_COPY, KERNEL_COPY)


def peers(gpu: Any) -> dict[str, Peer]:
    """Return all contenders on a GPU, by name."""
    copies = Copies(gpu.arrays)
    return {
        OURS: Peer(lambda n, p: fastadam_step(gpu.arrays, n, p), lambda n: 16 * n),
        DRIVER_COPY: Peer(
            lambda n, p: copies.make(gpu.arrays.assign, n, p), lambda n: 8 * copied_elements(n)
        ),
        KERNEL_COPY: Peer(lambda n, p: copies.make(gpu.copying_kernel(), n, p), lambda n: 0),
        TORCH: Peer(lambda n, p: torch_fused(TorchArrays(), n, p), lambda n: 16 * n),
        # Parameters, gradients, moments; and five arrays more in the middle of a step.
        CUPY: Peer(lambda n, p: cupy_textbook(CupyArrays(), n, p), lambda n: 36 * n),
        ON_TORCH: Peer(lambda n, p: fastadam_step(TorchArrays(), n, p), lambda n: 16 * n),
        ON_CUPY: Peer(lambda n, p: fastadam_step(CupyArrays(), n, p), lambda n: 16 * n),
    }
