"""The contenders on a GPU: steps, and a copy of the bytes that a step moves.

Each has arrays of its own. What is copied is read once and written once: half of the bytes that a
step reads and writes, 28 a parameter of float32 Adam (parameter, gradient and two moments; and all
but the gradient).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ..harness.adam import BETA1, BETA2, EPS, LR
from ..harness.checks import SCALES
from ..step.contenders import numpy_textbook
from .arrays import Arrays, CupyArrays, Search, TorchArrays, fill, filled, outside
from .patterns import ADAM, Pattern, Stepped

#: Elements of float32 of the arrays that are copied, one to the other; more is copied in turns.
COPIED = 350_000_000


@dataclass
class Stepper:
    """Somebody's steps on parameters of their own."""

    step: Callable[[], object]
    arrays: Arrays
    params: Any
    grads: Any
    pattern: Pattern

    def begin(self) -> None:
        """Take the first steps, with gradients that change."""
        gradient = self.pattern.gradient
        for scale in SCALES:
            self.set_gradients(gradient * gradient.dtype.type(scale))
            self.step()
        self.set_gradients(gradient)

    def set_gradients(self, pattern: Any) -> None:
        """Fill the gradients with a pattern."""
        fill(self.arrays, self.grads, pattern)

    def find_error(self, calls: int, search: Search = outside) -> str:
        """Compare every parameter with float64's, after the first steps and ``calls`` more."""
        steps = len(SCALES) + calls
        found = self.find_outside(*self.pattern.limits(steps), search)
        if found is None:
            return ""
        index, value = found
        expected = self.pattern.after(steps)
        right = expected[index % len(expected)]
        return f"parameter {index:,} is {value:.9g} after {steps} steps, not {right:.9g}"

    def find_outside(self, lowest: Any, highest: Any, search: Search) -> Any:
        """Find the first parameter that is not within a pattern."""
        return search(self.arrays, self.params, lowest, highest)


@dataclass
class Copier:
    """A copy from one array to another, in turns."""

    arrays: Arrays
    source: Any
    to: Any
    elements: int
    pattern: Any

    def __post_init__(self) -> None:
        whole, rest = divmod(self.elements, len(self.source))
        self._turns = [(self.to, self.source)] * whole
        if rest:
            self._turns.append((self.to[:rest], self.source[:rest]))

    def step(self) -> None:
        """Copy."""
        for to, source in self._turns:
            self.arrays.assign(to, source)

    def begin(self) -> None:
        """Copy over zeros."""
        fill(self.arrays, self.to, np.zeros_like(self.pattern))
        self.step()

    def find_error(self, calls: int, search: Search = outside) -> str:
        """Compare every element."""
        found = search(self.arrays, self.to, self.pattern, self.pattern)
        if found is None:
            return ""
        index, value = found
        right = self.pattern[index % len(self.pattern)]
        return f"element {index:,} is {value:.9g}, not {right:.9g}"


Contender = Stepper | Copier


class Peer(NamedTuple):
    """How a contender is made, and the memory that it needs; of the number of parameters."""

    make: Callable[[int], Contender]
    bytes: Callable[[int], int]


def fastadam_step(arrays: Arrays, stepped: Stepped, size: int) -> Stepper:
    """Step an optimiser of fastadam, on arrays of any library."""
    pattern = stepped.pattern(size)
    params = filled(arrays, size, pattern.start)
    grads = filled(arrays, size, pattern.gradient)
    optimizer = stepped.make(params, **stepped.keywords)
    return Stepper(partial(optimizer.step, grads), arrays, params, grads, pattern)


def torch_fused(arrays: TorchArrays, stepped: Stepped, size: int) -> Stepper:
    """Step `torch.optim.Adam`, fused."""
    torch, pattern = arrays.torch, stepped.pattern(size)
    params = torch.nn.Parameter(filled(arrays, size, pattern.start))
    grads = filled(arrays, size, pattern.gradient)
    params.grad = grads
    optimizer = torch.optim.Adam([params], lr=LR, betas=(BETA1, BETA2), eps=EPS, fused=True)
    return Stepper(optimizer.step, arrays, params.detach(), grads, pattern)


def cupy_textbook(arrays: Arrays, stepped: Stepped, size: int) -> Stepper:
    """Step Adam as textbooks print it; CuPy takes the place of NumPy by itself."""
    pattern = stepped.pattern(size)
    params = filled(arrays, size, pattern.start)
    grads = filled(arrays, size, pattern.gradient)
    return Stepper(numpy_textbook([params], [grads]).step, arrays, params, grads, pattern)


def driver_copy(arrays: Arrays, stepped: Stepped, size: int) -> Copier:
    """Copy as many bytes as a step of so many parameters moves."""
    pattern, length = ADAM.pattern(size).start, copied_elements(stepped, size)
    source, to = filled(arrays, length, pattern), arrays.empty(length)
    return Copier(arrays, source, to, stepped.moved(size) // 8, pattern)


def copied_elements(stepped: Stepped, size: int) -> int:
    """Return the length of each of the two arrays that are copied."""
    return min(stepped.moved(size) // 8, COPIED)


OURS, COPY = "fastadam", "copy, the driver's"
ON_TORCH, ON_CUPY = "fastadam on torch tensors", "fastadam on CuPy arrays"
TORCH, CUPY = "torch fused", "CuPy textbook"


def beside_copy(gpu: Any, stepped: Stepped) -> dict[str, Peer]:
    """Return a step and the copy of its bytes."""
    return {
        OURS: Peer(partial(fastadam_step, gpu.arrays, stepped), stepped.bytes),
        COPY: Peer(
            partial(driver_copy, gpu.arrays, stepped), lambda n: 8 * copied_elements(stepped, n)
        ),
    }


def others(stepped: Stepped) -> dict[str, Peer]:
    """Return steps of Adam of others."""
    return {
        TORCH: Peer(lambda n: torch_fused(TorchArrays(), stepped, n), stepped.bytes),
        # Parameters, gradients, moments; and five arrays more in the middle of a step.
        CUPY: Peer(
            lambda n: cupy_textbook(CupyArrays(), stepped, n), lambda n: 9 * stepped.bytes(n) // 4
        ),
    }


def on_their_arrays(stepped: Stepped) -> dict[str, Peer]:
    """Return our steps on arrays of other libraries."""
    return {
        ON_TORCH: Peer(lambda n: fastadam_step(TorchArrays(), stepped, n), stepped.bytes),
        ON_CUPY: Peer(lambda n: fastadam_step(CupyArrays(), stepped, n), stepped.bytes),
    }
