"""Many fits, one after the other in each thread: the compiled loop over curves."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from .._numba.addresses import borrowed
from .._numba.cache import compile_kernel
from .._numba.calls import make_function_at
from .._numba.options import KERNEL_OPTIONS, inline, register_jitable
from ..typing import Matrix, Vector
from .levenberg import FREE, IS_FREE, Limits, P, Work, fit
from .linear import invert, orthogonalize
from .models import SIGNATURE
from .outcomes import CONVERGED, FEW, LIMIT, NONFINITE, SINGULAR, STUCK

#: The columns of `Fits.counts`.
OUTCOME, NIT, NFEV, POINTS, COUNTS = range(5)


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
        shapes = (size, n), (size, n), (size, n, n), (size,), (size,)
        numbers = (np.full(shape, np.nan) for shape in shapes)
        return cls(*numbers, np.zeros((size, n), bool), np.zeros((size, COUNTS), np.int64))


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


@register_jitable
def judge(work, k, f, points, is_absolute, fits):
    """Store the covariance of a fit that has converged; give the outcome."""
    free, count = work.vectors[FREE], 0
    for j in range(free.size):
        count += free[j] == IS_FREE
        fits.at_bound[k, j] = free[j] != IS_FREE
    freedom = points - count
    if freedom > 0:
        fits.reduced_chi2[k] = f / freedom
    elif not is_absolute:
        return SINGULAR
    if not orthogonalize(work.model[1:], free, work.factor):
        return SINGULAR
    variance = 1.0 if is_absolute else f / freedom
    covariance = fits.covariance[k]
    invert(work.factor, free, variance, work.normal, covariance)
    for j in range(free.size):
        fits.stderr[k, j] = math.sqrt(covariance[j, j])
    return CONVERGED


@inline
def fit_row(call, task, work, curves, limits, is_absolute, fits, k):
    """Fit one curve, and store what is found."""
    y, lower, upper = curves.y[k], row_of(curves.lower, k), row_of(curves.upper, k)
    counts, points = fits.counts[k], weigh(y, row_of(curves.sigma, k), work.weight)
    counts[POINTS] = points
    if points < 0:
        counts[OUTCOME] = NONFINITE
        return
    start, p, free = row_of(curves.start, k), work.vectors[P], 0
    for j in range(p.size):
        p[j] = start[j]
        free += lower[j] < upper[j]
    if points < max(free, 1):
        counts[OUTCOME] = FEW
        return
    outcome, f, counts[NIT], counts[NFEV] = fit(call, task, work, y, lower, upper, limits)
    if outcome == CONVERGED or outcome == LIMIT or outcome == STUCK:
        fits.chi2[k] = f
        for j in range(p.size):
            fits.x[k, j] = p[j]
    if outcome == CONVERGED:
        outcome = judge(work, k, f, points, is_absolute, fits)
    counts[OUTCOME] = outcome


@cache
def rows_kernel() -> Callable[..., Any]:
    """Compile the loop over the rows of some curves, until ``halt[0]`` is set.

    At ``wrapper`` is the machine code of `models.wrap`, and at ``task`` what it is given.
    """
    function_at = make_function_at(SIGNATURE)

    def fit_rows(wrapper, task, work, curves, limits, is_absolute, fits, halt):
        work, curves, fits = borrowed(work), borrowed(curves), borrowed(fits)
        call, halt = function_at(wrapper), borrowed(halt)
        for k in range(curves.y.shape[0]):
            if halt[0] != 0:
                break
            fit_row(call, task, work, curves, limits, is_absolute, fits, k)

    vector, matrix, cube = (types.Array(types.float64, d, "C") for d in (1, 2, 3))
    counts, flags = types.Array(types.int64, 2, "C"), types.Array(types.boolean, 2, "C")
    given = (
        types.NamedTuple((matrix, vector, matrix, matrix, matrix), Work),
        types.NamedTuple((matrix,) * 5, Curves),
        types.NamedTuple((types.float64, types.float64, types.int64), Limits),
        types.boolean,
        types.NamedTuple((matrix, matrix, cube, vector, vector, flags, counts), Fits),
        types.Array(types.int64, 1, "C"),
    )
    return compile_kernel(
        fit_rows, types.void(types.intp, types.intp, *given), **KERNEL_OPTIONS
    )
