"""A schedule that is told how well it goes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .._validate import count, describe, fraction, nonnegative, one_of, real_number


@dataclass
class ReduceOnPlateau:
    """A rate that falls by a factor when a metric has stopped getting better.

    It is the only one with a state: `report` each epoch's metric, such as the validation loss. The
    steps themselves do not change it. `fastadam.Optimizer.save` saves it.

    Parameters
    ----------
    first : float
        The rate until it falls.
    mode : {"min", "max"}
        Whether a metric is better if it is lower, or higher.
    factor : float, default 0.1
        What the rate is multiplied by.
    patience : int, default 10
        So many reports that are no better do not count; the next one does.
    threshold : float, default 1e-4
        How much better than the best one a metric has to be.
    threshold_mode : {"rel", "abs"}
        Whether `threshold` is a part of the best metric, or a number.
    cooldown : int, default 0
        For so many reports after a fall none is counted.
    last : float, default 0
        The rate does not fall below.
    eps : float, default 1e-8
        A fall that is no larger is not made.

    Attributes
    ----------
    rate : float
        The rate at hand.
    best : float
        The best metric so far.

    References
    ----------
    .. [1] ``torch.optim.lr_scheduler.ReduceLROnPlateau``, whose ``step`` is `report` and whose
       ``min_lr`` is `last`.

    Examples
    --------
    >>> from fastadam.schedules import ReduceOnPlateau
    >>> schedule = ReduceOnPlateau(1.0, factor=0.5, patience=1)
    >>> rates = []
    >>> for loss in (3.0, 2.0, 2.0, 2.0, 1.0):
    ...     schedule.report(loss)
    ...     rates.append(schedule.rate)
    >>> rates
    [1.0, 1.0, 1.0, 0.5, 0.5]
    """

    first: float
    mode: Literal["min", "max"] = "min"
    factor: float = 0.1
    patience: int = 10
    threshold: float = 1e-4
    threshold_mode: Literal["rel", "abs"] = "rel"
    cooldown: int = 0
    last: float = 0.0
    eps: float = 1e-8
    rate: float = field(init=False)
    best: float = field(init=False)
    _worse: int = field(init=False, default=0, repr=False)
    _cooling: int = field(init=False, default=0, repr=False)

    def __post_init__(self) -> None:
        self.rate = nonnegative("first", self.first)
        one_of("mode", self.mode, ("min", "max"))
        fraction("factor", self.factor)
        count("patience", self.patience, 0)
        nonnegative("threshold", self.threshold)
        one_of("threshold_mode", self.threshold_mode, ("rel", "abs"))
        count("cooldown", self.cooldown, 0)
        nonnegative("last", self.last)
        nonnegative("eps", self.eps)
        self.best = math.inf if self.mode == "min" else -math.inf

    def __call__(self, step: int) -> float:
        """Return the rate, whatever the step."""
        return self.rate

    def report(self, metric: float) -> None:
        """Take in a metric; NaN is no better than any.

        Parameters
        ----------
        metric : float
        """
        value = real_number("metric", metric)
        if self._is_better(value):
            self.best, self._worse = value, 0
        else:
            self._worse += 1
        if self._cooling > 0:
            self._cooling -= 1
            self._worse = 0
        if self._worse > self.patience:
            lower = max(self.factor * self.rate, self.last)
            if self.rate - lower > self.eps:
                self.rate = lower
            self._cooling, self._worse = self.cooldown, 0

    def state_dict(self) -> dict[str, float]:
        """Return where it is, to go on from later: four numbers by name.

        Returns
        -------
        dict of str to float
        """
        numbers = {"rate": self.rate, "best": self.best}
        return {**numbers, "worse": self._worse, "cooling": self._cooling}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` returned; what the constructor was told stays.

        Parameters
        ----------
        state_dict : mapping of str to float

        Raises
        ------
        ValueError, TypeError
            If it is anything else. Nothing has changed then.
        """
        own = self.state_dict()
        if not isinstance(state_dict, Mapping) or state_dict.keys() != own.keys():
            raise ValueError(f"state_dict must have the keys {[*own]}, got {describe(state_dict)}")
        name = "state_dict[{!r}]".format
        best = real_number(name("best"), state_dict["best"])
        if math.isnan(best):
            raise ValueError(f"{name('best')} must not be NaN")
        state = {
            "rate": nonnegative(name("rate"), state_dict["rate"]),
            "best": best,
            "_worse": count(name("worse"), state_dict["worse"], 0),
            "_cooling": count(name("cooling"), state_dict["cooling"], 0),
        }
        vars(self).update(state)  # at once

    def _is_better(self, value: float) -> bool:
        is_lower = self.mode == "min"
        margin = -self.threshold if is_lower else self.threshold
        is_part = self.threshold_mode == "rel"
        bound = self.best * (1.0 + margin) if is_part else self.best + margin
        return value < bound if is_lower else value > bound
