"""Schedules with halves of a cosine, and those that rise first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from .._validate import count, flag, nonnegative, one_of, positive, unit_interval
from .shared import between, share_done


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
        done = share_done(step, self.steps)
        return between(self.first, self.last, done)


@dataclass(frozen=True)
class CosineRestarts:
    """Halves of a cosine one after the other: each starts again at the first rate.

    Parameters
    ----------
    first : float
        The rate at the first step of each cycle.
    steps : int
        How many steps the first cycle has. At least 1.
    growth : int, default 1
        How many times as many steps each cycle has as the one before. At least 1.
    last : float, default 0
        What the rate falls towards; the step that would have it begins the next cycle.

    References
    ----------
    .. [1] I. Loshchilov, F. Hutter, "SGDR: stochastic gradient descent with warm restarts",
       ICLR 2017, https://arxiv.org/abs/1608.03983
    .. [2] ``torch.optim.lr_scheduler.CosineAnnealingWarmRestarts``, whose ``T_0``, ``T_mult`` and
       ``eta_min`` are `steps`, `growth` and `last`.

    Examples
    --------
    >>> from fastadam.schedules import CosineRestarts
    >>> [round(CosineRestarts(1.0, steps=2, growth=2)(step), 3) for step in range(1, 8)]
    [1.0, 0.5, 1.0, 0.854, 0.5, 0.146, 1.0]
    """

    first: float
    steps: int
    growth: int = 1
    last: float = 0.0

    def __post_init__(self) -> None:
        nonnegative("first", self.first)
        count("steps", self.steps, 1)
        count("growth", self.growth, 1)
        nonnegative("last", self.last)

    def __call__(self, step: int) -> float:
        """Return the rate of a step."""
        past, length = step - 1, self.steps
        if self.growth == 1:
            past %= length
        while past >= length:
            past -= length
            length *= self.growth
        return between(self.first, self.last, past / length)


@dataclass(frozen=True)
class OneCycle:
    """Up to a rate and down again, in one cycle, far below the rate that it began with.

    Parameters
    ----------
    highest : float
        The highest rate.
    steps : int
        How many steps the cycle has; from its last step on the rate is constant. At least 1.
    rise : float, default 0.3
        Which part of the steps the rate rises in, in [0, 1].
    shape : {"cos", "linear"}
        How it changes.
    start_divisor, end_divisor : float, default 25 and 1e4
        The rate at step 1 is ``highest/start_divisor``, that at the end
        ``highest/start_divisor/end_divisor``.
    three_phases : bool, default False
        Whether the rate falls to that of step 1 in as many steps as it has risen in, and only then
        to the last.

    References
    ----------
    .. [1] L. N. Smith, N. Topin, "Super-convergence: very fast training of neural networks using
       large learning rates", https://arxiv.org/abs/1708.07120
    .. [2] ``torch.optim.lr_scheduler.OneCycleLR``, whose ``max_lr``, ``total_steps``,
       ``pct_start``, ``anneal_strategy``, ``div_factor``, ``final_div_factor`` and ``three_phase``
       are these; its cycle of the momentum is not done here.

    Examples
    --------
    >>> from fastadam.schedules import OneCycle
    >>> schedule = OneCycle(1.0, steps=10, shape="linear")
    >>> [round(schedule(step), 3) for step in (1, 2, 3, 5, 10, 11)]
    [0.04, 0.52, 1.0, 0.714, 0.0, 0.0]
    """

    highest: float
    steps: int
    rise: float = 0.3
    shape: Literal["cos", "linear"] = "cos"
    start_divisor: float = 25.0
    end_divisor: float = 1e4
    three_phases: bool = False

    def __post_init__(self) -> None:
        nonnegative("highest", self.highest)
        count("steps", self.steps, 1)
        unit_interval("rise", self.rise)
        one_of("shape", self.shape, ("cos", "linear"))
        positive("start_divisor", self.start_divisor)
        positive("end_divisor", self.end_divisor)
        flag("three_phases", self.three_phases)

    def __call__(self, step: int) -> float:
        """Return the rate of a step."""
        first = self.highest / self.start_divisor
        turn, end = self.rise * self.steps - 1, self.steps - 1
        phases = [(turn, self.highest)]
        if self.three_phases:
            phases.append((2 * turn, first))
        phases.append((end, first / self.end_divisor))
        past, begin, rate = min(step - 1, end), 0.0, first
        for at, goal in phases:
            if past <= at:
                break
            begin, rate = at, goal
        return self._between(rate, goal, begin, at, past)

    def _between(self, rate: float, goal: float, begin: float, end: float, past: int) -> float:
        done = (past - begin) / (end - begin) if end > begin else 1.0
        if self.shape == "cos":
            return between(rate, goal, done)
        return rate + (goal - rate) * done


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
