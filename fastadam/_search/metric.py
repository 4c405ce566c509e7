"""The metric of a quasi-Newton step: what is known of the Hessian, in units.

With few variables it is dense: the Hessian's approximation itself, updated by the formula of
Broyden, Fletcher, Goldfarb and Shanno, with Powell's damping. It is factorised anew for each step,
so that coordinates which a bound holds can be left out exactly, and so that what is not positive
definite is made so. With many it is limited: a diagonal and the last `PAIRS` pairs of steps and
changes of the gradient, as in Nocedal's two-loop recursion.

The memory is ``metric``, a matrix of `rows_needed` rows. Dense: a row for the diagonal of
Cholesky's factor, then the matrix, whose lower triangle is the approximation and whose upper one is
the factor. Limited: the diagonal, a row of scalars, then steps and changes in turn.
"""

from __future__ import annotations

import math

from .._numba.options import register_jitable
from .._objective.layout import DIRECTION, FREE, GRAD, ORIGIN, ORIGIN_GRAD, UNIT, X

#: More variables have a limited metric: the time of a factorisation grows with their cube.
MOST_DENSE = 50
PAIRS = 8
#: What of s'Bs the curvature s'y is kept above: Powell's constant.
DAMPING = 0.2


def rows_needed(n: int) -> int:
    """Count the rows of the memory."""
    return 1 + n if n <= MOST_DENSE else 2 + 2 * PAIRS


@register_jitable
def set_diagonal(metric, i, value):
    """Set an element of a diagonal, and what is left of it in its row to 0."""
    if metric.shape[1] > MOST_DENSE:
        metric[0, i] = value
        return
    for j in range(i):
        metric[1 + i, j] = 0.0
    metric[1 + i, i] = value


@register_jitable
def diagonal(metric, i):
    """Give an element of the diagonal."""
    return metric[0, i] if metric.shape[1] > MOST_DENSE else metric[1 + i, i]


@register_jitable
def set_column(metric, i, j, value):
    """Set an element of a column of a Hessian, dense; of what is known twice, the mean counts."""
    if j >= i:
        metric[1 + j, i] = value
    else:
        metric[1 + i, j] = 0.5 * (metric[1 + i, j] + value)


@register_jitable
def fill_diagonal(metric, least):
    """Let no element of the diagonal be less than a part of the largest of all, nor all be 0.

    One that is, in a row with others, gets the size of these.
    """
    n, largest = metric.shape[1], 0.0
    for i in range(n):
        largest = max(largest, _largest_of_row(metric, i))
    if not 0.0 < largest < math.inf:
        largest = 1.0
    for i in range(n):
        if not abs(diagonal(metric, i)) > least * largest:
            value = max(least * largest, _largest_of_row(metric, i))
            if n > MOST_DENSE:
                metric[0, i] = value
            else:
                metric[1 + i, i] = value


@register_jitable
def _largest_of_row(metric, i):
    """Find the largest element of a row of the matrix, which may be diagonal."""
    largest = abs(diagonal(metric, i))
    if metric.shape[1] <= MOST_DENSE:
        for j in range(metric.shape[1]):
            largest = max(largest, abs(metric[1 + max(i, j), min(i, j)]))
    return largest


@register_jitable
def _rescale(metric, factor):
    """Multiply a metric that is still diagonal."""
    for i in range(metric.shape[1]):
        if metric.shape[1] > MOST_DENSE:
            metric[0, i] *= factor
        else:
            metric[1 + i, i] *= factor


@register_jitable
def solve(s, vectors, metric):
    """Find the quasi-Newton direction in `DIRECTION` from `ORIGIN_GRAD`, of free coordinates.

    A matrix that is not positive definite is made so first, by a shift of its diagonal.
    """
    if metric.shape[1] > MOST_DENSE:
        _solve_limited(s, vectors, metric)
        return
    shift = 0.0
    while not _factorise(vectors, metric, shift):
        shift = max(8.0 * shift, 1e-12)
        if not shift < 1e12:
            break
    n = metric.shape[1]
    if shift > 0.0:
        for i in range(n):
            metric[1 + i, i] = abs(metric[1 + i, i]) * (1.0 + shift)
    for i in range(n):
        total = -vectors[ORIGIN_GRAD, i] * vectors[UNIT, i] * vectors[FREE, i]
        for k in range(i):
            total -= metric[1 + k, i] * vectors[DIRECTION, k]
        vectors[DIRECTION, i] = total / metric[0, i]
    for i in range(n - 1, -1, -1):
        total = vectors[DIRECTION, i]
        for k in range(i + 1, n):
            total -= metric[1 + i, k] * vectors[DIRECTION, k]
        vectors[DIRECTION, i] = total / metric[0, i]
    for i in range(n):
        vectors[DIRECTION, i] *= vectors[UNIT, i] * vectors[FREE, i]


@register_jitable
def _factorise(vectors, metric, shift):
    """Factorise the matrix of the free coordinates, its diagonal larger by ``shift`` of itself."""
    n = metric.shape[1]
    for j in range(n):
        if vectors[FREE, j] == 0.0:
            metric[0, j] = 1.0
            for i in range(j + 1, n):
                metric[1 + j, i] = 0.0
            continue
        least = abs(metric[1 + j, j])
        total = least * (1.0 + shift)
        for k in range(j):
            total -= metric[1 + k, j] * metric[1 + k, j]
        if not total > 1e-14 * least:
            return False
        root = math.sqrt(total)
        metric[0, j] = root
        for i in range(j + 1, n):
            total = metric[1 + i, j] * vectors[FREE, i]
            for k in range(j):
                total -= metric[1 + k, i] * metric[1 + k, j]
            metric[1 + j, i] = total / root
    return True


@register_jitable
def update(s, vectors, metric):
    """Take in the step from `ORIGIN` to `X` and the change of the gradient.

    If the metric is a guess, the curvature along the step replaces its size.
    """
    n = metric.shape[1]
    step_change = step_step = 0.0
    for i in range(n):
        unit = vectors[UNIT, i]
        step = (vectors[X, i] - vectors[ORIGIN, i]) / unit
        change = (vectors[GRAD, i] - vectors[ORIGIN_GRAD, i]) * unit
        step_change += step * change
        step_step += step * step * abs(diagonal(metric, i))
    if not (abs(step_change) < math.inf and 0.0 < step_step < math.inf):
        return
    if s.is_guess == 1 and step_change > 0.0:
        _rescale(metric, step_change / step_step)
    s.is_guess = 0
    if n > MOST_DENSE:
        _update_limited(s, vectors, metric, step_change)
        return
    _update_dense(vectors, metric, step_change)
    s.updates += 1


@register_jitable
def _update_dense(vectors, metric, step_change):
    """Update the matrix, with a change of the gradient that keeps it positive definite."""
    n, curvature = metric.shape[1], 0.0
    for i in range(n):
        total = 0.0
        for j in range(n):
            step = (vectors[X, j] - vectors[ORIGIN, j]) / vectors[UNIT, j]
            total += (metric[1 + i, j] if j <= i else metric[1 + j, i]) * step
        vectors[DIRECTION, i] = total
        curvature += total * (vectors[X, i] - vectors[ORIGIN, i]) / vectors[UNIT, i]
    if not 0.0 < curvature < math.inf:
        return
    keep = 1.0
    if step_change < DAMPING * curvature:
        keep = (1.0 - DAMPING) * curvature / (curvature - step_change)
    damped = keep * step_change + (1.0 - keep) * curvature
    for i in range(n):
        a = vectors[DIRECTION, i]
        y = (vectors[GRAD, i] - vectors[ORIGIN_GRAD, i]) * vectors[UNIT, i]
        y = keep * y + (1.0 - keep) * a
        for j in range(i + 1):
            b = vectors[DIRECTION, j]
            z = (vectors[GRAD, j] - vectors[ORIGIN_GRAD, j]) * vectors[UNIT, j]
            z = keep * z + (1.0 - keep) * b
            metric[1 + i, j] += (y / damped) * z - (a / curvature) * b


@register_jitable
def _update_limited(s, vectors, metric, step_change):
    """Keep a pair in the place of the oldest, and scale the diagonal to its curvature."""
    if not step_change > 0.0:
        return
    k = s.updates % PAIRS
    for i in range(metric.shape[1]):
        unit = vectors[UNIT, i]
        metric[2 + 2 * k, i] = (vectors[X, i] - vectors[ORIGIN, i]) / unit
        metric[3 + 2 * k, i] = (vectors[GRAD, i] - vectors[ORIGIN_GRAD, i]) * unit
    metric[1, k] = 1.0 / step_change
    total = 0.0
    for i in range(metric.shape[1]):
        total += metric[3 + 2 * k, i] * metric[3 + 2 * k, i] / metric[0, i]
    _rescale(metric, total / step_change)
    s.updates += 1


@register_jitable
def _solve_limited(s, vectors, metric):
    """Find the direction by the recursion over the pairs, from the last to the first and back."""
    n, known = metric.shape[1], min(s.updates, PAIRS)
    for i in range(n):
        vectors[DIRECTION, i] = -vectors[ORIGIN_GRAD, i] * vectors[UNIT, i] * vectors[FREE, i]
    for back in range(known):
        k = (s.updates - 1 - back) % PAIRS
        total = 0.0
        for i in range(n):
            total += metric[2 + 2 * k, i] * vectors[DIRECTION, i]
        total *= metric[1, k]
        metric[1, PAIRS + k] = total
        for i in range(n):
            vectors[DIRECTION, i] -= total * metric[3 + 2 * k, i]
    for i in range(n):
        vectors[DIRECTION, i] /= metric[0, i]
    for back in range(known - 1, -1, -1):
        k = (s.updates - 1 - back) % PAIRS
        total = 0.0
        for i in range(n):
            total += metric[3 + 2 * k, i] * vectors[DIRECTION, i]
        total = metric[1, PAIRS + k] - total * metric[1, k]
        for i in range(n):
            vectors[DIRECTION, i] += total * metric[2 + 2 * k, i]
    for i in range(n):
        vectors[DIRECTION, i] *= vectors[UNIT, i] * vectors[FREE, i]
