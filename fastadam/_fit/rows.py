"""Many fits, one after the other in each thread: the compiled loop over curves."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import from_dtype, types
from numpy.typing import NDArray

from .._numba.addresses import borrowed
from .._numba.cache import compile_kernel
from .._numba.calls import make_function_at
from .._numba.options import KERNEL_OPTIONS, inline, register_jitable
from ..typing import Matrix, Vector
from .evaluation import evaluate
from .levenberg import advance, begin, judge
from .linear import DEPENDENT, invert, is_regular, orthogonalize
from .models import SIGNATURE
from .outcomes import CONVERGED, FEW, LIMIT, NONFINITE, SINGULAR, STUCK, UNFINISHED
from .state import FREE, INVERSE_STEP, IS_FREE, SCALARS, STEP, UNSCALE, Limits, P, Work
from .steps import propose

#: The columns of `Fits.counts`.
OUTCOME, NIT, NFEV, POINTS, COUNTS = range(5)

#: The share of the terms of a model that may be rounding in its differences: 2 eps. Terms that
#: cancel are larger than what is left, and p / h tells how large: b * (t + c * t^2) beside a * t
#: has errors that are right to 0.6 % for c = 1e-5, and would be wrong by a factor of 4 for 1e-6.
ROUNDING = 2.0**-51
#: The least p / h: 2^26 where nothing cancels, and some more, since differences are cut off, too.
_LEAST_TERMS = 2.0**28


class Curves(NamedTuple):
    """Some curves of m points, and where their n parameters begin; or one row of it for all."""

    y: Matrix  # (B, m); NaN where there is no point
    sigma: Matrix  # (B or 1, m); infinite where there is no point
    start: Matrix  # (B or 1, n)
    lower: Matrix
    upper: Matrix


class Fits(NamedTuple):
    """What is found, a row a curve."""

    x: Matrix
    stderr: Matrix
    covariance: NDArray[np.float64]  # (B, n, n)
    chi2: Vector
    reduced_chi2: Vector
    at_bound: NDArray[np.bool_]
    counts: NDArray[np.int64]  # (B, COUNTS)

    @classmethod
    def unknown(cls, size: int, n: int) -> Fits:
        """Make the fits of curves that are not fitted yet."""
        x, stderr, covariance = (np.full((size, *shape), np.nan) for shape in ((n,), (n,), (n, n)))
        chi2, reduced_chi2 = np.full(size, np.nan), np.full(size, np.nan)
        at_bound, counts = np.zeros((size, n), np.bool_), np.zeros((size, COUNTS), np.int64)
        return cls(x, stderr, covariance, chi2, reduced_chi2, at_bound, counts)

    def part(self, rows: slice) -> Fits:
        """Take some rows."""
        arrays: Any = self
        return Fits(*(each[rows] for each in arrays))


@register_jitable
def weigh(y, sigma, weight):
    """Fill in the weights of the points; count those that there are, or -1 if one is infinite."""
    points, is_finite = 0, True
    for i in range(y.size):
        weight[i] = 0.0 if math.isnan(y[i]) else 1.0 / sigma[i]
        if weight[i] > 0.0:
            points += 1
            is_finite &= abs(y[i]) < math.inf
    return points if is_finite else -1


@register_jitable
def row_of(matrix, k):
    """Take the row of a curve, or that of all."""
    return matrix[k if matrix.shape[0] > 1 else 0]


@inline
def prepare(work, curves, fits, k):
    """Have the search for the fit of a curve begin; tell whether it can."""
    counts, points = fits.counts[k], weigh(curves.y[k], row_of(curves.sigma, k), work.weight)
    counts[POINTS] = points
    if points < 0:
        counts[OUTCOME] = NONFINITE
        return False
    lower, upper, free = row_of(curves.lower, k), row_of(curves.upper, k), 0
    for j in range(lower.size):
        free += lower[j] < upper[j]
    if points < max(free, 1):
        counts[OUTCOME] = FEW
        return False
    begin(work, curves.y[k], row_of(curves.start, k), lower, upper)
    return True


@register_jitable
def factorize_end(work, rounding):
    """Have the factor of J^T J at the end, from J itself where it loses too much; False if none."""
    s, vectors = work.search[0], work.vectors
    free, unscale, dependent = vectors[FREE], vectors[UNSCALE], vectors[STEP]
    if s.has_factor != 0 and is_regular(work.factor, free):
        return True
    for j in range(free.size):
        unscale[j] = 1.0
        terms = max(_LEAST_TERMS, abs(vectors[P, j] * vectors[INVERSE_STEP, j]))
        dependent[j] = max(DEPENDENT, rounding * terms)
    return orthogonalize(work.model[1:], free, work.factor, dependent)


@inline
def store(work, limits, is_absolute, fits, k):
    """Store the fit of a curve."""
    s, free, counts = work.search[0], work.vectors[FREE], fits.counts[k]
    counts[OUTCOME], counts[NIT], counts[NFEV] = s.outcome, s.nit, s.nfev
    if s.outcome != CONVERGED and s.outcome != LIMIT and s.outcome != STUCK:
        return
    fits.chi2[k], freedom = s.f, counts[POINTS]
    for j in range(free.size):
        fits.x[k, j] = work.vectors[P, j]
    if s.outcome != CONVERGED:
        return
    for j in range(free.size):
        fits.at_bound[k, j] = free[j] != IS_FREE
        freedom -= free[j] == IS_FREE
    if freedom > 0:
        fits.reduced_chi2[k] = s.f / freedom
    if not ((is_absolute or freedom > 0) and factorize_end(work, limits.rounding)):
        counts[OUTCOME] = SINGULAR
        return
    covariance, variance = fits.covariance[k], 1.0 if is_absolute else s.f / freedom
    invert(work.factor, work.vectors[UNSCALE], free, variance, work.normal, covariance)
    for j in range(free.size):
        fits.stderr[k, j] = math.sqrt(covariance[j, j])


@cache
def rows_kernel() -> Callable[..., Any]:
    """Compile the loop over the rows of some curves, until ``halt[0]`` is set.

    ``wrapper`` and ``task`` are addresses: those of a `CompiledModel`.
    """
    function_at = make_function_at(SIGNATURE)

    def fit_rows(wrapper, task, work, curves, limits, is_absolute, fits, halt):
        work, curves, fits = borrowed(work), borrowed(curves), borrowed(fits)
        call, halt = function_at(wrapper), borrowed(halt)
        for k in range(curves.y.shape[0]):
            if halt[0] != 0:
                break
            if prepare(work, curves, fits, k):
                s = work.search[0]
                while s.outcome == UNFINISHED:
                    evaluate(call, task, work, curves.y[k])
                    if judge(work, limits):
                        advance(work, limits, propose(work))
                store(work, limits, is_absolute, fits, k)

    vector, matrix, cube = (types.Array(types.float64, d, "C") for d in (1, 2, 3))
    search = types.Array(from_dtype(SCALARS), 1, "C")
    counts, flags = types.Array(types.int64, 2, "C"), types.Array(types.boolean, 2, "C")
    given = (
        types.NamedTuple((search, matrix, vector, matrix, matrix, matrix), Work),
        types.NamedTuple((matrix,) * 5, Curves),
        types.NamedTuple((types.float64, types.float64, types.int64, types.float64), Limits),
        types.boolean,
        types.NamedTuple((matrix, matrix, cube, vector, vector, flags, counts), Fits),
        types.Array(types.int64, 1, "C"),
    )
    return compile_kernel(fit_rows, types.void(types.intp, types.intp, *given), **KERNEL_OPTIONS)
