"""A user's functions as SciPy's methods take them: counted, remembered, and stopped in time.

SciPy's methods look at no clock, and give back the point, the gradient and the counts that each
happens to hold. So all of that is kept here, and what ends a method is raised from within it.
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
from .._search.deadline import Deadline
from .._search.monitor import Monitor, with_result
from .._search.outcomes import CONVERGED, MAXFEV, MAXITER, STAGNATED, STOPPED, TIMEOUT
from ..typing import Vector
from .options import MOST_ITERATIONS
from .results import make_result
from .setup import PATIENCE, Setup

#: What a polish has to gain, relative to 1 + |f|, after a search that needed no ftol.
FTOL = 1e-10


class StopMethodError(Exception):
    """Ends a method of SciPy; its argument is a key of `OUTCOMES`."""


@dataclass
class Point:
    """A point, its value, and its gradient if that is known."""

    x: Vector
    f: float
    grad: Vector | None = None


class CountedObjective:
    """The functions between a method of SciPy, which goes on from ``first``, and the user.

    Of points outside the ``box``, the bounds, the nearest inside is taken.
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
        self._differs = setup.objective.scheme != "gradient"
        # The evaluations of a gradient by differences.
        self._cost = setup.objective.gradient_cost * int(np.count_nonzero(box[0] < box[1]))
        options, self._deadline = setup.options, deadline
        #: The evaluations that are left.
        self.maxfev = options.maxfev - first.nfev
        self._patience = options.patience or PATIENCE
        #: The method is over where the value falls by less than ftol (1 + |f|) in `patience`
        #: iterations. None: where it does not fall, which is no success.
        self.gtol, self.ftol = options.gradient_tolerance, options.ftol
        if self.ftol is None and options.patience is not None:
            self.ftol = 0.0
        elif self.ftol is None and options.auto and options.gtol is None:
            self.ftol = FTOL
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
    def counts(self) -> dict[str, int]:
        """The number of iterations, of evaluations of the function, and of gradients."""
        return {"nit": self.nit, "nfev": self._objective.nfev, "njev": self._objective.njev}

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
        if self.nit >= MOST_ITERATIONS:
            raise StopMethodError(MAXITER)
        self._since += 1
        if self.best.f < self._target:
            fall = (self.ftol or 0.0) * (1.0 + abs(self.best.f))
            self._since, self._target = 0, self.best.f - fall
        if self.ends_by_value and self._since >= self._patience:
            raise StopMethodError(STAGNATED)

    # What the hand-over asks for

    def evaluate(self, x: Vector) -> Point:
        """Evaluate the point nearest to x inside the box, its value at least."""
        x = np.clip(x, *self._box)
        if (known := self._find_known(x)) is not None:
            return known
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

    def _find_known(self, x: Vector) -> Point | None:
        return next((p for p in (self._last, self.best) if np.array_equal(p.x, x)), None)

    def _require(self, evaluations: int, kept: int) -> None:
        """Require that so many evaluations are allowed, and some more, kept for the result."""
        if self._objective.nfev + evaluations + kept > self.maxfev:
            raise StopMethodError(MAXFEV)
        if self._deadline.left <= self._pace * (max(evaluations - 1, 0) + kept):
            raise StopMethodError(TIMEOUT)

    def _test_gradient(self) -> None:
        if self.ends_by_gradient and self.measure_gradient(self.best) <= self.gtol:
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
