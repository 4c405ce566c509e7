"""Learning-rate schedules: callables from the step, which counts from 1, to the learning rate.

Any callable will do as an optimiser's ``lr``; these are the usual ones. The first step has the
first value: a schedule over ``steps`` steps runs from step 1 to step ``steps``.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ._validate import count, describe, nonnegative

__all__ = ["Cosine", "Exponential", "Linear", "Piecewise", "Warmup"]


def __dir__() -> list[str]:
    return sorted(__all__)


@dataclass(frozen=True)
class Linear:
    """From one rate to another in a straight line, and constant from there.

    Parameters
    ----------
    first, last : float
        The rates at step 1 and from step `steps` on.
    steps : int
        At least 1.

    Examples
    --------
    >>> from fastadam.schedules import Linear
    >>> [Linear(0.3, 0.1, steps=3)(step) for step in (1, 2, 3, 4)]
    [0.3, 0.2, 0.1, 0.1]
    """

    first: float
    last: float
    steps: int

    def __post_init__(self) -> None:
        nonnegative("first", self.first)
        nonnegative("last", self.last)
        count("steps", self.steps, 1)

    def __call__(self, step: int) -> float:
        """Return the rate of a step."""
        done = _share_done(step, self.steps)
        return (1.0 - done) * self.first + done * self.last


@dataclass(frozen=True)
class Cosine:
    """From one rate down to another along half a cosine, and constant from there.

    Parameters
    ----------
    first : float
        The rate at step 1.
    steps : int
        At least 1.
    last : float, default 0
        The rate from step `steps` on.

    References
    ----------
    .. [1] I. Loshchilov, F. Hutter, "SGDR: stochastic gradient descent with warm restarts",
       ICLR 2017, https://arxiv.org/abs/1608.03983 (without the restarts).

    Examples
    --------
    >>> from fastadam.schedules import Cosine
    >>> [round(Cosine(1.0, steps=5)(step), 3) for step in (1, 2, 3, 4, 5, 6)]
    [1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
    """

    first: float
    steps: int
    last: float = 0.0

    def __post_init__(self) -> None:
        nonnegative("first", self.first)
        nonnegative("last", self.last)
        count("steps", self.steps, 1)

    def __call__(self, step: int) -> float:
        """Return the rate of a step."""
        done = _share_done(step, self.steps)
        return self.last + (self.first - self.last) * 0.5 * (1.0 + math.cos(math.pi * done))


@dataclass(frozen=True)
class Exponential:
    """A rate that falls by a constant factor at each step.

    Parameters
    ----------
    first : float
        The rate at step 1.
    factor : float
        What each step multiplies it by.

    Examples
    --------
    >>> from fastadam.schedules import Exponential
    >>> [Exponential(1.0, 0.5)(step) for step in (1, 2, 3)]
    [1.0, 0.5, 0.25]
    """

    first: float
    factor: float

    def __post_init__(self) -> None:
        nonnegative("first", self.first)
        nonnegative("factor", self.factor)

    def __call__(self, step: int) -> float:
        """Return the rate of a step."""
        return self.first * self.factor ** (step - 1)


@dataclass(frozen=True)
class Piecewise:
    """A rate that changes at given steps.

    Parameters
    ----------
    first : float
        The rate at step 1.
    changes : mapping of int to float
        The rate from each of these steps on.

    Examples
    --------
    >>> from fastadam.schedules import Piecewise
    >>> [Piecewise(0.1, {3: 0.01})(step) for step in (1, 2, 3, 4)]
    [0.1, 0.1, 0.01, 0.01]
    """

    first: float
    changes: Mapping[int, float]

    def __post_init__(self) -> None:
        nonnegative("first", self.first)
        if not isinstance(self.changes, Mapping):
            raise TypeError(f"changes must be a mapping, got {describe(self.changes)}")
        for step, rate in self.changes.items():
            count("a step of changes", step, 1)
            nonnegative(f"changes[{step}]", rate)

    def __call__(self, step: int) -> float:
        """Return the rate of a step."""
        steps = sorted(self.changes)
        passed = bisect_right(steps, step)
        return self.changes[steps[passed - 1]] if passed else self.first


@dataclass(frozen=True)
class Warmup:
    """A rate that rises in a straight line from 0, before another schedule begins.

    Parameters
    ----------
    steps : int
        How many steps it rises: step ``k`` of them has ``k/steps`` of the rate that follows.
    then : float or callable
        The rate, or the schedule, that follows. Its own steps count from 1.

    Examples
    --------
    >>> from fastadam.schedules import Cosine, Warmup
    >>> [Warmup(2, then=Cosine(1.0, steps=3))(step) for step in (1, 2, 3, 4, 5)]
    [0.5, 1.0, 1.0, 0.5, 0.0]
    """

    steps: int
    then: float | Callable[[int], float]

    def __post_init__(self) -> None:
        count("steps", self.steps, 1)
        if not callable(self.then):
            nonnegative("then", self.then)

    def __call__(self, step: int) -> float:
        """Return the rate of a step."""
        rate = self.then(max(1, step - self.steps)) if callable(self.then) else self.then
        return rate * min(1.0, step / self.steps)


def _share_done(step: int, steps: int) -> float:
    """Compute 0 at step 1, 1 from the last step on, and in between in proportion."""
    return 1.0 if step >= steps else (step - 1) / (steps - 1)
