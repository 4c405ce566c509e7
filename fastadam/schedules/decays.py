"""Schedules that fall, or go from one rate to another, once."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .._validate import count, describe, nonnegative
from .shared import share_done


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
        done = share_done(step, self.steps)
        return (1.0 - done) * self.first + done * self.last


@dataclass(frozen=True)
class Polynomial:
    r"""From one rate down to 0 by a power of what is left, and 0 from there.

    .. math:: \eta_k = \eta_1 \left(1 - \frac{k - 1}{n}\right)^p

    Parameters
    ----------
    first : float
        The rate at step 1.
    steps : int
        `n`: so many steps after the first the rate is 0. At least 1.
    power : float, default 1
        `p`, not negative.

    References
    ----------
    .. [1] ``torch.optim.lr_scheduler.PolynomialLR``, whose ``total_iters`` is `steps`.

    Examples
    --------
    >>> from fastadam.schedules import Polynomial
    >>> [Polynomial(1.0, steps=4, power=2)(step) for step in (1, 2, 3, 4, 5, 6)]
    [1.0, 0.5625, 0.25, 0.0625, 0.0, 0.0]
    """

    first: float
    steps: int
    power: float = 1.0

    def __post_init__(self) -> None:
        nonnegative("first", self.first)
        count("steps", self.steps, 1)
        nonnegative("power", self.power)

    def __call__(self, step: int) -> float:
        """Return the rate of a step."""
        left = 1.0 - share_done(step, self.steps + 1)
        return float(self.first * left**self.power)


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
class Step:
    """A rate that falls by a factor every so many steps.

    Parameters
    ----------
    first : float
        The rate at step 1.
    every : int
        How many steps have the same rate. At least 1.
    factor : float, default 0.1
        What the rate is multiplied by then.

    References
    ----------
    .. [1] ``torch.optim.lr_scheduler.StepLR``, whose ``step_size`` is `every` and whose ``gamma``
       is `factor`.

    Examples
    --------
    >>> from fastadam.schedules import Step
    >>> [Step(1.0, every=2, factor=0.5)(step) for step in (1, 2, 3, 4, 5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    first: float
    every: int
    factor: float = 0.1

    def __post_init__(self) -> None:
        nonnegative("first", self.first)
        count("every", self.every, 1)
        nonnegative("factor", self.factor)

    def __call__(self, step: int) -> float:
        """Return the rate of a step."""
        return self.first * self.factor ** ((step - 1) // self.every)


@dataclass(frozen=True)
class MultiStep:
    """A rate that falls by a factor after each of some numbers of steps.

    Parameters
    ----------
    first : float
        The rate at step 1.
    after : sequence of int
        After how many steps the rate is multiplied; one that is there twice counts twice.
    factor : float, default 0.1
        What the rate is multiplied by then.

    See Also
    --------
    Piecewise : The rates themselves from given steps on.

    References
    ----------
    .. [1] ``torch.optim.lr_scheduler.MultiStepLR``, whose ``milestones`` are `after` and whose
       ``gamma`` is `factor`.

    Examples
    --------
    >>> from fastadam.schedules import MultiStep
    >>> [MultiStep(1.0, after=[1, 3], factor=0.5)(step) for step in (1, 2, 3, 4, 5)]
    [1.0, 0.5, 0.5, 0.25, 0.25]
    """

    first: float
    after: Sequence[int]
    factor: float = 0.1

    def __post_init__(self) -> None:
        nonnegative("first", self.first)
        if isinstance(self.after, (str, bytes)) or not isinstance(self.after, Sequence):
            given = describe(self.after)
            raise TypeError(f"after must be a sequence of whole numbers, got {given}")
        for number in self.after:
            count("a number of after", number, 1)
        nonnegative("factor", self.factor)

    def __call__(self, step: int) -> float:
        """Return the rate of a step."""
        return self.first * self.factor ** sum(number < step for number in self.after)


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
class InverseSquareRoot:
    r"""A rate that falls as one over the root of the step, after some steps that share the first.

    .. math:: \eta_k = \eta_1 \sqrt{n / \max(k, n)}

    Parameters
    ----------
    first : float
        The rate up to step `steps`.
    steps : int, default 1
        `n`, at least 1.

    References
    ----------
    .. [1] C. Raffel et al., "Exploring the limits of transfer learning with a unified text-to-text
       transformer", Journal of Machine Learning Research 21 (2020), 140; section 3.1.2.

    Examples
    --------
    >>> from fastadam.schedules import InverseSquareRoot
    >>> [InverseSquareRoot(1.0, steps=4)(step) for step in (1, 4, 16, 64)]
    [1.0, 1.0, 0.5, 0.25]
    """

    first: float
    steps: int = 1

    def __post_init__(self) -> None:
        nonnegative("first", self.first)
        count("steps", self.steps, 1)

    def __call__(self, step: int) -> float:
        """Return the rate of a step."""
        return self.first * math.sqrt(self.steps / max(step, self.steps))
