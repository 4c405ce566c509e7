"""The life of a row: how the search of one problem begins, and how it ends.

Compiled into each loop over the rows of a batch, the GPU's too. A search alone is a batch of one.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.extending import register_jitable
from numpy.typing import NDArray

from .._objective.layout import (
    BEST_GRAD,
    BEST_X,
    CURVATURE,
    GRAD,
    GRADIENT,
    LOWER,
    STATE,
    TRIAL,
    UNIT,
    UPPER,
    VALUE,
    X,
)
from ..typing import Matrix, Vector
from . import auto
from .outcomes import INFEASIBLE, MAXITER, RAISED, RUNNING, TIMEOUT
from .requests import cost, go_to, is_affordable
from .state import MATRIX, VECTOR

#: The columns of ``counts``.
NIT, NFEV, NJEV, OUTCOME = range(4)


class Starts(NamedTuple):
    """Where the searches of B problems start: a row for each, or one for all but ``points``."""

    points: Matrix
    lowers: Matrix
    uppers: Matrix
    rates: Vector  # the step sizes, unless a schedule or `auto` has others


class Solutions(NamedTuple):
    """What is found of B problems: the best points, the values and gradients there, the counts."""

    x: Matrix
    fun: Vector
    jac: Matrix
    counts: NDArray[np.int64]

    @property
    def whole(self) -> Solutions:
        """The same in one column of whole vectors, see `Search`."""
        return Solutions(self.x[:, None], self.fun, self.jac[:, None], self.counts)

    def select(self, rows: slice) -> Solutions:
        """Select those of some problems, as views."""
        return Solutions(self.x[rows], self.fun[rows], self.jac[rows], self.counts[rows])

    @classmethod
    def unknown(cls, points: Matrix) -> Solutions:
        """Make those of problems that nobody has begun.

        The memory of x is that of the points, if they are in float64: each start is read before
        the result of its row is written over it.
        """
        size = len(points)
        counts = np.zeros((size, 4), dtype=np.int64)
        counts[:, OUTCOME] = TIMEOUT
        x = points.astype(np.float64, copy=False)
        return cls(x, np.full(size, np.nan), np.full(points.shape, np.nan), counts)


def starts_type(matrix: Any = MATRIX) -> Any:
    """Make Numba's type of `Starts` with some type of matrices."""
    return types.NamedTuple((matrix, matrix, matrix, VECTOR), Starts)


def solutions_type(matrix: Any = MATRIX) -> Any:
    """Make Numba's type of `Solutions` with some type of matrices."""
    counts = types.Array(types.int64, 2, "C")
    return types.NamedTuple((matrix, VECTOR, matrix, counts), Solutions)


@register_jitable
def hold_number(lower, upper):
    """Tell whether there is a number between bounds, or arrays of them."""
    return (lower <= upper) & (lower < math.inf) & (upper > -math.inf)


@register_jitable
def begin(s, vectors, k, starts):
    """Set up the search of row ``k`` from a template; tell whether its bounds hold a number."""
    free = 0
    for i in range(vectors.shape[1]):
        lower = starts.lowers[k if starts.lowers.shape[0] > 1 else 0, i]
        upper = starts.uppers[k if starts.uppers.shape[0] > 1 else 0, i]
        if not hold_number(lower, upper):
            s.status = INFEASIBLE
            return False
        free += lower < upper
        p = starts.points[k, i]
        p = lower if p < lower else upper if p > upper else p  # NaN stays NaN
        vectors[X, i] = vectors[TRIAL, i] = vectors[BEST_X, i] = p
        vectors[LOWER, i], vectors[UPPER, i], vectors[UNIT, i] = lower, upper, 0.0
        vectors[GRAD, i] = vectors[BEST_GRAD, i] = vectors[CURVATURE, i] = 0.0
        for j in range(STATE, vectors.shape[0]):
            vectors[j, i] = 0.0
    s.cost, s.wide_cost = 1 + s.cost_each * free, 1 + 2 * free
    s.one_sided_cost = 1 + free
    if s.auto == 0:
        s.lr = starts.rates[k if starts.rates.size > 1 else 0]
    else:
        auto.start(s, vectors)
    if not is_affordable(s, cost(s)):
        s.request = VALUE
    return True


@register_jitable
def wants_narrow(s):
    """Tell whether the best gradient came from wide differences, and another is allowed."""
    return s.best_width != 0.0 and is_affordable(s, s.cost - (s.cost_each > 0))


@register_jitable
def to_best(s, vectors):
    """Ask for the gradient at the best point by the scheme's own differences."""
    s.width, s.request, s.part = 0.0, GRADIENT, 0
    go_to(s, vectors, BEST_X, s.best_f)


@register_jitable
def keep_gradient(s, vectors):
    """Note the gradient, which is the scheme's own, as that at the best point."""
    s.best_width = 0.0
    for i in range(vectors.shape[1]):
        vectors[BEST_GRAD, i] = vectors[GRAD, i]


@register_jitable
def conclude(s, vectors):
    """Let nothing more be evaluated; one more iteration then has the last point judged.

    A point whose gradient is unfinished is dropped, unless nothing else is known.
    """
    s.halt, s.maxiter = 1, s.nit
    if s.part > 0 and s.best_f == math.inf:
        s.part, s.request = 0, VALUE
        for i in range(vectors.shape[1]):
            vectors[GRAD, i] = math.nan


@register_jitable
def leave(s):
    """Note that a search has run out of time which was not over, or lacks the gradient there."""
    if s.status == RUNNING or s.status == MAXITER or wants_narrow(s):  # the second by `conclude`
        s.status = TIMEOUT


@register_jitable
def find_solution(s):
    """Find the value to report, the vector that is the gradient, and whether that is to be told.

    It is not if it comes from other differences than the scheme's. x is always the best.
    """
    if s.best_f < math.inf:
        return s.best_f, BEST_GRAD, s.best_width == 0.0
    return s.f, GRAD, True  # not even the start gave a number


@register_jitable
def store(s, vectors, k, solutions):
    """Write the result of row ``k``."""
    solutions.fun[k], grad, is_own = find_solution(s)
    for i in range(vectors.shape[1]):
        solutions.x[k, i] = vectors[BEST_X, i]
        solutions.jac[k, i] = vectors[grad, i] if is_own else math.nan
    write_counts(k, solutions, s.nit, s.nfev, s.njev, s.status)


@register_jitable
def lose(k, solutions, nit, nfev, njev):
    """Write that row ``k`` raised an exception, after some iterations and evaluations."""
    solutions.fun[k] = math.nan
    for i in range(solutions.x.shape[1]):
        solutions.x[k, i] = solutions.jac[k, i] = math.nan
    write_counts(k, solutions, nit, nfev, njev, RAISED)


@register_jitable
def write_counts(k, solutions, nit, nfev, njev, outcome):
    """Write how far row ``k`` came, and how it ended."""
    counts = solutions.counts
    counts[k, NIT], counts[k, NFEV], counts[k, NJEV], counts[k, OUTCOME] = nit, nfev, njev, outcome
