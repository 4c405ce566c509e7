"""What the arrays of a case hold, and where steps lead from there, by the equations in float64."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import fastadam

from ..harness.adam import BETA1, BETA2, EPS, LR, Array, ExpectFrom
from ..harness.checks import gradient_scale, tolerance
from ..harness.reference import Reference
from .arrays import PERIOD


class Stepped(NamedTuple):
    """An optimiser: its class and how it is made.

    Parameters
    ----------
    make : callable
        Of parameters and `keywords`.
    keywords : dict
    dtype : dtype, default float32
        Of parameters and gradients.
    slack : float, default 1
        How many times as far off as rounding of a plain step a right one may be.
    """

    make: Callable[..., fastadam.Optimizer]
    keywords: dict[str, Any]
    dtype: npt.DTypeLike = np.float32
    slack: float = 1.0

    def bytes(self, size: int) -> int:
        """Return the memory of so many parameters, with gradients and state."""
        return np.dtype(self.dtype).itemsize * (2 + self._states) * size

    def moved(self, size: int) -> int:
        """Return how many bytes a step reads and writes: the gradient is only read."""
        return np.dtype(self.dtype).itemsize * (3 + 2 * self._states) * size

    @property
    def _states(self) -> int:
        return len(self.group.rule.state)

    @property
    def group(self) -> Any:
        """The hyper-parameters, with the defaults."""
        plain = {key: each for key, each in self.keywords.items() if key not in FORMS}
        return self.make(np.ones(1), **plain).param_groups[0]

    def pattern(self, size: int, period: int | None = None) -> Pattern:
        """Draw parameters and gradients from a normal distribution, the same in every run."""
        rng = np.random.default_rng(0)
        start, gradient = rng.standard_normal((2, min(size, period or PERIOD))).astype(self.dtype)
        group = dict(self.group)
        expect_from: ExpectFrom = partial(Reference, self.make.__name__, **group)
        limit = self.keywords.get("clip_norm")
        if limit is not None:
            # How often each gradient of the pattern occurs.
            times = size // len(gradient) + (np.arange(len(gradient)) < size % len(gradient))
            expect_from = partial(Clipped, expect_from, limit, times)
        return Pattern(start, gradient, expect_from, group["lr"], self.slack)


#: What is asked for beside the rule.
FORMS = ("clip_norm", "state_dtype")

ADAM = Stepped(fastadam.Adam, {"lr": LR, "betas": (BETA1, BETA2), "eps": EPS})


class Clipped:
    """A reference whose gradients are scaled down to a norm, as `torch.nn.utils` does it."""

    def __init__(self, expect_from: ExpectFrom, limit: float, times: Array, start: Array) -> None:
        self._inner, self._limit, self._times = expect_from(start), limit, times
        self.p: Array = self._inner.p

    def step(self, g: Array) -> None:
        """Update the parameters."""
        norm = np.sqrt(np.sum(self._times * g**2))
        self._inner.step(g * min(1.0, self._limit / (norm + 1e-6)))
        self.p = self._inner.p


class Pattern:
    """What parameters and gradients are repetitions of, and where steps lead from there."""

    def __init__(
        self, start: Array, gradient: Array, expect_from: ExpectFrom, lr: float, slack: float
    ) -> None:
        self.start, self.gradient = start, gradient
        self._expect_from, self._lr, self._slack = expect_from, lr, slack
        self._begin()

    def _begin(self) -> None:
        self._expected, self._taken = self._expect_from(self.start), 0

    def after(self, steps: int) -> Array:
        """Return the parameters after so many steps, in float64."""
        if steps < self._taken:
            self._begin()
        gradient = self.gradient.astype(np.float64)
        while self._taken < steps:
            self._expected.step(gradient_scale(self._taken) * gradient)
            self._taken += 1
        return self._expected.p.copy()

    def limits(self, steps: int) -> tuple[Array, Array]:
        """Return what parameters have to be within after so many steps."""
        expected, dtype = self.after(steps), self.start.dtype
        # Of float32 and the usual rate; all of it is in proportion to these.
        finer = float(np.finfo(dtype).eps / np.finfo(np.float32).eps)
        rounding = tolerance(expected, self.start, steps, self._lr * self._slack)
        allowed = finer * rounding
        lowest, highest = ((expected + side * allowed).astype(dtype) for side in (-1.0, 1.0))
        return lowest, highest
