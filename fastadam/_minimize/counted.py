"""A user's functions as SciPy's methods take them: counted, remembered, and stopped in time.

SciPy's methods know limits of their own kinds, look at no clock, and give back the point, the
gradient and the counts that each of them happens to hold. So all of that is kept here, and what
has to end a method is raised from within the functions that it calls.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import OptimizeResult

from .._objective.objective import Objective
from .._objective.python import PythonObjective
from .._search.outcomes import CONVERGED, MAXFEV, MAXITER, STAGNATED, STOPPED, TIMEOUT
from ..typing import Vector


class StopMethodError(Exception):
    """Ends a method of SciPy; ``end`` is a key of `OUTCOMES`."""

    def __init__(self, end: int) -> None:
        super().__init__(end)
        self.end = end


@dataclass(frozen=True)
class Limits:
    """What is left of the limits, and the tolerances.

    Attributes
    ----------
    maxiter, maxfev : float
        Iterations, and evaluations of the function.
    deadline : float
        By `time.monotonic`.
    pace : float
        The seconds that an evaluation has taken so far.
    gtol : float
        For the largest component of the projected gradient.
    ftol : float or None
        The search is over where the value falls by less than this, relative to ``1 + |f|``, in
        ``patience`` iterations. None: where it does not fall, which is no success.
    patience : int
        See `ftol`.
    """

    maxiter: float
    maxfev: float
    deadline: float
    pace: float
    gtol: float
    ftol: float | None
    patience: int


@dataclass
class Point:
    """A point, its value, and its gradient if that is known."""

    x: Vector
    f: float
    grad: Vector | None = None


class Metered:
    """The functions between a method of SciPy and the user.

    Parameters
    ----------
    objective : Objective
        The user's.
    first : OptimizeResult
        The point to go on from.
    box : tuple of ndarray
        The bounds. Of points outside the nearest inside is taken.
    limits : Limits
        What is allowed.
    difference : callable or None
        Returns a result with the gradient at a point of known value, by differences; None for a
        gradient of the user's.
    cost : int
        The evaluations that this takes.
    callback : callable or None
        ``callback(x, f)``, after each iteration.
    """

    def __init__(
        self,
        objective: Objective,
        first: OptimizeResult,
        box: tuple[Vector, Vector],
        limits: Limits,
        difference: Callable[[Vector, float], OptimizeResult] | None,
        cost: int,
        callback: Callable[[Vector, float], Any] | None,
    ) -> None:
        self._objective, self._box, self._limits = PythonObjective(objective), box, limits
        self._difference, self._cost, self._callback = difference, cost, callback
        #: The lowest so far.
        self.best = self._last = self._start = Point(first.x.copy(), first.fun, first.jac.copy())
        # The search may have had no evaluations left for differences.
        if difference is not None and np.any(np.isnan(first.jac)):
            self.best.grad = None
        self.nit = 0
        #: Whether a small gradient of the best point ends the method, and a value that stays.
        self.ends_by_gradient = self.ends_by_value = False
        self._pace = limits.pace  # seconds that the last evaluation took
        self._since, self._target = 0, math.inf

    @property
    def nfev(self) -> int:
        """The number of evaluations of the function."""
        return self._objective.nfev

    @property
    def njev(self) -> int:
        """The number of gradients."""
        return self._objective.njev

    # What SciPy calls

    def value(self, x: Vector) -> float:
        """Return the value at a point."""
        return self.at(x).f

    def gradient(self, x: Vector) -> Vector:
        """Return the gradient at a point."""
        x = np.clip(x, *self._box)
        point = self._known(x)
        # Only a user's own gradient needs no value, and Newton-CG asks for many without.
        if point is None and self._objective.has_jac:
            self._allow(0, 0)
            return self._objective.gradient(x)
        return self._with_gradient(self.at(x)).copy()

    def iterate(self, x: Vector, *_: Any) -> None:
        """Take in an iteration."""
        self.nit += 1
        if self._callback is not None:
            try:
                self._callback(np.clip(x, *self._box), self.value(x))
            except StopIteration:
                raise StopMethodError(STOPPED) from None
        if self.nit >= self._limits.maxiter:
            raise StopMethodError(MAXITER)
        self._since += 1
        if self.best.f < self._target:
            fall = (self._limits.ftol or 0.0) * (1.0 + abs(self.best.f))
            self._since, self._target = 0, self.best.f - fall
        if self.ends_by_value and self._since >= self._limits.patience:
            raise StopMethodError(STAGNATED)

    # What the hand-over asks for

    def at(self, x: Vector) -> Point:
        """Return the point nearest to x inside the box, with its value."""
        x = np.clip(x, *self._box)
        point = self._known(x)
        if point is not None:
            return point
        self._allow(1, self._cost)
        begun = time.monotonic()
        point = Point(x, *self._objective.evaluate(x))
        self._pace = time.monotonic() - begun
        self._last = point
        if -math.inf < point.f <= self.best.f:
            self.best = point
            self._look()
        return point

    def finished(self) -> Point:
        """Return the best point with its gradient; evaluations for that have been kept back.

        All but those that the search did not have.
        """
        if self.best.grad is None:
            with suppress(StopMethodError):
                if self.best is self._start:
                    self._allow(self._cost, 0)
                self._set_gradient(self.best)
        return self.best

    def with_gradient(self, point: Point) -> Point:
        """Return a point with its gradient, if that is allowed."""
        self._with_gradient(point)
        return point

    def optimality(self, point: Point) -> float:
        """Return the largest component of the projected gradient; NaN if it is not known.

        Unlike that of the search it is no larger than the way to the bound, as in L-BFGS-B:
        interior methods only come near.
        """
        if point.grad is None:
            return math.nan
        lower, upper = self._box
        room = np.where(point.grad > 0.0, point.x - lower, upper - point.x)
        return float(np.minimum(np.abs(point.grad), room).max())

    # Evaluations

    def _known(self, x: Vector) -> Point | None:
        for point in (self._last, self.best):
            if np.array_equal(point.x, x):
                return point
        return None

    def _allow(self, evaluations: int, kept: int) -> None:
        """Require that so many evaluations are allowed, and some more, kept for the result."""
        limits = self._limits
        if self.nfev + evaluations + kept > limits.maxfev:
            raise StopMethodError(MAXFEV)
        if time.monotonic() + self._pace * (max(evaluations - 1, 0) + kept) >= limits.deadline:
            raise StopMethodError(TIMEOUT)

    def _look(self) -> None:
        if self.ends_by_gradient and self.optimality(self.best) <= self._limits.gtol:
            raise StopMethodError(CONVERGED)

    def _with_gradient(self, point: Point) -> Vector:
        if point.grad is None:
            kept = self._cost if self.best.grad is None and self.best is not point else 0
            self._allow(self._cost, kept)
            self._set_gradient(point)
        if point is self.best:
            self._look()
        assert point.grad is not None
        return point.grad

    def _set_gradient(self, point: Point) -> None:
        if self._difference is None:
            point.grad = self._objective.gradient(point.x)
            return
        begun = time.monotonic()
        found = self._difference(point.x, point.f)
        self._pace = (time.monotonic() - begun) / max(found.nfev, 1)
        self._objective.nfev += found.nfev
        self._objective.njev += 1
        point.grad = found.jac
