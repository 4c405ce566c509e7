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
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import OptimizeResult

from .._objective.layout import GRADIENT
from .._objective.python import PythonObjective
from .._search import auto as annealing
from .._search.deadline import Deadline
from .._search.monitor import Monitor, with_result
from .._search.outcomes import CONVERGED, MAXFEV, MAXITER, STAGNATED, STOPPED, TIMEOUT
from ..typing import Vector
from .options import MAXITER as MOST_ITERATIONS
from .options import Options
from .results import make_result
from .setup import PATIENCE, Setup


class StopMethodError(Exception):
    """Ends a method of SciPy; ``outcome`` is a key of `OUTCOMES`."""

    def __init__(self, outcome: int) -> None:
        super().__init__(outcome)
        self.outcome = outcome


@dataclass(frozen=True)
class Limits:
    """What is left of the limits, and the tolerances.

    Attributes
    ----------
    maxiter, maxfev : float
        Iterations, and evaluations of the function.
    deadline : Deadline
        When the time is over.
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
    deadline: Deadline
    gtol: float
    ftol: float | None
    patience: int


def find_limits(options: Options, spent: int, deadline: Deadline) -> Limits:
    """Find what a search that has spent some evaluations has left."""
    by_default = annealing.FTOL if options.auto else None
    if options.patience is not None:
        by_default = 0.0
    return Limits(
        maxiter=MOST_ITERATIONS,
        maxfev=options.maxfev - spent,
        deadline=deadline,
        gtol=options.gtol,
        ftol=by_default if options.ftol is None else options.ftol,
        patience=options.patience or PATIENCE,
    )


@dataclass
class Point:
    """A point, its value, and its gradient if that is known."""

    x: Vector
    f: float
    grad: Vector | None = None


class CountedObjective:
    """The functions between a method of SciPy and the user.

    Parameters
    ----------
    setup : Setup
        The user's functions, and the options of their differences.
    box : tuple of ndarray
        The bounds. Of points outside the nearest inside is taken.
    first : OptimizeResult
        The point to go on from.
    deadline : Deadline
        When the time is over.
    callback : callable or None
        The user's, called after each iteration.
    """

    def __init__(
        self,
        setup: Setup,
        box: tuple[Vector, Vector],
        first: OptimizeResult,
        deadline: Deadline,
        callback: Callable[..., Any] | None,
    ) -> None:
        self._setup, self._box, self._objective = setup, box, PythonObjective(setup.objective)
        self._callback = None if callback is None else with_result(callback)
        scheme = setup.objective.scheme
        self._differs = scheme != "gradient"
        # The evaluations of a gradient by differences.
        free = int(np.count_nonzero(box[0] < box[1]))
        self._cost = setup.objective.gradient_cost * free
        self.limits = find_limits(setup.options, first.nfev, deadline)
        #: The result to go on from; and the lowest point so far.
        self.first = first
        self.best = self._last = self._start = Point(first.x.copy(), first.fun, first.jac.copy())
        # The search may have had no evaluations left for differences.
        if self._differs and np.any(np.isnan(first.jac)):
            self.best.grad = None
        self.nit = 0
        #: Whether a small gradient of the best point ends the method, and a value that stays.
        self.ends_by_gradient = self.ends_by_value = False
        self._pace = deadline.spent / max(first.nfev, 1)  # seconds that an evaluation takes
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
        """Evaluate the value at a point."""
        return self.evaluate(x).f

    def gradient(self, x: Vector) -> Vector:
        """Evaluate the gradient at a point."""
        x = np.clip(x, *self._box)
        # Only a user's own gradient needs no value, and Newton-CG asks for many without.
        if self._find_known(x) is None and self._objective.has_jac:
            self._require(0, 0)
            return self._objective.gradient(x)
        grad = self.add_gradient(self.evaluate(x)).grad
        assert grad is not None
        return grad.copy()

    def iterate(self, x: Vector, *_: Any) -> None:
        """Take in an iteration."""
        self.nit += 1
        if self._callback is not None:
            try:
                self._callback(np.clip(x, *self._box), self.value(x))
            except StopIteration:
                raise StopMethodError(STOPPED) from None
        if self.nit >= self.limits.maxiter:
            raise StopMethodError(MAXITER)
        self._since += 1
        if self.best.f < self._target:
            fall = (self.limits.ftol or 0.0) * (1.0 + abs(self.best.f))
            self._since, self._target = 0, self.best.f - fall
        if self.ends_by_value and self._since >= self.limits.patience:
            raise StopMethodError(STAGNATED)

    # What the hand-over asks for

    def evaluate(self, x: Vector) -> Point:
        """Evaluate the point nearest to x inside the box, its value at least."""
        x = np.clip(x, *self._box)
        point = self._find_known(x)
        if point is not None:
            return point
        self._require(1, self._cost)
        begun = time.monotonic()
        point = Point(x, *self._objective.evaluate(x))
        self._pace = time.monotonic() - begun
        self._last = point
        if -math.inf < point.f <= self.best.f:
            self.best = point
            self._test_gradient()
        return point

    def add_gradient(self, point: Point) -> Point:
        """Give a point its gradient, if that is allowed."""
        if point.grad is None:
            kept = self._cost if self.best.grad is None and self.best is not point else 0
            self._require(self._cost, kept)
            self._set_gradient(point)
        if point is self.best:
            self._test_gradient()
        return point

    def finish(self) -> Point:
        """Give the best point its gradient; evaluations for that have been kept back.

        All but those that the search did not have.
        """
        if self.best.grad is None:
            with suppress(StopMethodError):
                if self.best is self._start:
                    self._require(self._cost, 0)
                self._set_gradient(self.best)
        return self.best

    def measure_gradient(self, point: Point) -> float:
        """Find the largest component of the projected gradient; NaN if it is not known.

        Unlike that of the search it is no larger than the way to the bound, as in L-BFGS-B:
        interior methods only come near.
        """
        if point.grad is None:
            return math.nan
        lower, upper = self._box
        room = np.where(point.grad > 0.0, point.x - lower, upper - point.x)
        return float(np.minimum(np.abs(point.grad), room).max())

    # Evaluations

    def _find_known(self, x: Vector) -> Point | None:
        for point in (self._last, self.best):
            if np.array_equal(point.x, x):
                return point
        return None

    def _require(self, evaluations: int, kept: int) -> None:
        """Require that so many evaluations are allowed, and some more, kept for the result."""
        if self.nfev + evaluations + kept > self.limits.maxfev:
            raise StopMethodError(MAXFEV)
        if self.limits.deadline.left <= self._pace * (max(evaluations - 1, 0) + kept):
            raise StopMethodError(TIMEOUT)

    def _test_gradient(self) -> None:
        if self.ends_by_gradient and self.measure_gradient(self.best) <= self.limits.gtol:
            raise StopMethodError(CONVERGED)

    def _set_gradient(self, point: Point) -> None:
        if not self._differs:
            point.grad = self._objective.gradient(point.x)
            return
        begun = time.monotonic()
        # Of a search that makes no iteration.
        options = replace(self._setup.options, lr=0.0, maxiter=0, maxfev=math.inf)
        run = replace(self._setup, options=options).start_one(point.x, *self._box)
        run.search.scalars.f, run.search.scalars.request = point.f, GRADIENT
        Monitor(run, Deadline(math.inf)).drive()
        found = make_result(run)
        self._pace = (time.monotonic() - begun) / max(found.nfev, 1)
        self._objective.nfev += found.nfev
        self._objective.njev += 1
        point.grad = found.jac
