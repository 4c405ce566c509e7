"""Levenberg and Marquardt's method, for one curve: the part that is compiled.

Of a model with derivatives J and residuals r, each divided by its sigma, the step is

    s = -(J^T J + damping D^2)^-1 J^T r

where D is the largest norm that each column of J has had [1]_: the method does not see the units of
the parameters. A parameter that would leave its bounds ends there, and the others step knowing so.
One that is at a bound, and held there by the slope, is not free.

Each point is evaluated with its derivatives at once, since nearly all steps are good, and a model
that is called for a point with one parameter changed shares most of its work with that call:
compilers see it. After a step that was not good, the values are asked for alone.

References
----------
.. [1] J. J. More, "The Levenberg-Marquardt algorithm: implementation and theory", in Numerical
   Analysis, Lecture Notes in Mathematics 630, 1978.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from .._numba.addresses import address_of
from .._numba.options import inline, register_jitable
from ..typing import Matrix, Vector
from .linear import dot, factorize, solve
from .outcomes import CONVERGED, LIMIT, MISSHAPEN, NONFINITE, STUCK

#: The rows of `Work.vectors`. Differences are taken between TRIAL and BESIDE.
P, TRIAL, BESIDE, INVERSE_STEP, GRADIENT, STEP, SCALE, UNSCALE, UNIT, FREE, VECTORS = range(11)
#: What `Work.vectors` has of a parameter in FREE.
IS_FREE, IS_HELD, IS_PINNED = 1.0, 0.0, -1.0

#: sqrt(eps), which balances truncation against rounding in a one-sided difference.
_RELATIVE_STEP = 2.0**-26
#: Steps of a first difference that are so many times too short or too long are taken again.
_WRONG_STEP = 1e3

_FIRST_DAMPING = 1e-3
#: What is damped no more than this is not damped: no step would differ.
_NO_DAMPING = 1e-10
_LEAST_RAISED, _MOST_DAMPING = 1e-4, 1e18
#: The share of the predicted reduction that a good step brings.
_GOOD = 1e-4
#: A search that can find no good step has converged if this is the share of f that it expected.
_SMALL = 1e-3


class Work(NamedTuple):
    """What a thread fits its curves in: n parameters, m points."""

    model: Matrix  # (1 + n, m): residuals at TRIAL, and their derivatives, a row a parameter
    weight: Vector  # (m,): 1 / sigma, or 0 for a point that is left out
    vectors: Matrix  # (VECTORS, n)
    normal: Matrix  # (n, n): J^T J at P
    factor: Matrix  # (n, n)

    @classmethod
    def of(cls, n: int, m: int) -> Work:
        """Make it for n parameters and m points."""
        shapes = (1 + n, m), (m,), (VECTORS, n), (n, n), (n, n)
        return cls(*map(np.zeros, shapes))


class Limits(NamedTuple):
    """When a search ends."""

    ftol: float
    xtol: float
    maxfev: int


@register_jitable
def find_step(p, unit):
    """Choose the step of a difference: the unit changes a model by as much as there is of it.

    A model of p - x is known as well as p is: far from 0 steps are longer than the unit's share,
    and shorter than that of p.
    """
    size = abs(p)
    if unit > 0.0:
        size = unit if size < unit else math.sqrt(size * unit)
    return _RELATIVE_STEP * size if size > 0.0 else _RELATIVE_STEP


@register_jitable
def choose_steps(vectors, lower, upper):
    """Choose the points beside TRIAL; those of a parameter whose bounds are equal do not count."""
    for j in range(lower.size):
        p = vectors[TRIAL, j]
        h = find_step(p, vectors[UNIT, j])
        if p + h > upper[j]:
            h = -h
        vectors[BESIDE, j] = p + h
        h = vectors[BESIDE, j] - p  # what was really added, after rounding
        vectors[INVERSE_STEP, j] = 1.0 / h if lower[j] < upper[j] else 0.0


@register_jitable
def have_steps_been_right(vectors, lower, upper):
    """Tell whether the steps of a difference were of the order that its result asks for."""
    for j in range(lower.size):
        h = abs(vectors[BESIDE, j] - vectors[TRIAL, j])
        wanted = find_step(vectors[TRIAL, j], vectors[UNIT, j])
        is_right = h < _WRONG_STEP * wanted and wanted < _WRONG_STEP * h
        if lower[j] < upper[j] and not is_right:
            return False
    return True


@register_jitable
def evaluate(call, task, work, y, has_slopes):
    """Fill in the residuals at TRIAL, maybe their derivatives; add up the squares.

    It is -1 if the model's shape is wrong.
    """
    model, weight, vectors = work.model, work.weight, work.vectors
    trial, beside = address_of(vectors[TRIAL]), address_of(vectors[BESIDE])
    inverses = address_of(vectors[INVERSE_STEP]) if has_slopes else 0
    if not call(task, trial, beside, inverses, address_of(model)):
        return -1.0
    for i in range(y.size):
        model[0, i] -= y[i]
    for j in range(model.shape[0] if has_slopes else 1):
        row = model[j]
        for i in range(y.size):
            row[i] = row[i] * weight[i] if weight[i] > 0.0 else 0.0
    return dot(model[0], model[0])


@inline
def normalize(work, size):
    """Fill in J^T J and J^T r of the point that was evaluated, the scales and the units."""
    vectors, model, normal = work.vectors, work.model, work.normal
    for j in range(vectors.shape[1]):
        row = model[j + 1]
        vectors[GRADIENT, j] = dot(row, model[0])
        for k in range(j + 1):
            normal[j, k] = normal[k, j] = dot(row, model[k + 1])
        norm = math.sqrt(normal[j, j])
        if norm > vectors[SCALE, j]:
            vectors[SCALE, j], vectors[UNSCALE, j] = norm, 1.0 / norm
        if norm > 0.0:
            vectors[UNIT, j] = size / norm


@inline
def find_free(vectors, lower, upper):
    """Find what is held by a bound: the sum of squares would fall beyond it."""
    for j in range(lower.size):
        p, slope = vectors[P, j], vectors[GRADIENT, j]
        is_held = (p <= lower[j] and slope >= 0.0) or (p >= upper[j] and slope <= 0.0)
        vectors[FREE, j] = IS_HELD if is_held or lower[j] == upper[j] else IS_FREE


@inline
def pin(vectors, lower, upper):
    """End at their bounds all steps that would leave them; tell whether there were any."""
    has_pinned = False
    for j in range(lower.size):
        if vectors[FREE, j] == IS_FREE:
            low, high = lower[j] - vectors[P, j], upper[j] - vectors[P, j]
            if not low <= vectors[STEP, j] <= high:
                vectors[STEP, j] = low if vectors[STEP, j] < low else high
                vectors[FREE, j] = IS_PINNED
                has_pinned = True
    return has_pinned


@inline
def propose(work, lower, upper, damping):
    """Choose STEP and TRIAL; give by how much f should fall, or -1 if there is no such step."""
    vectors, normal, factor = work.vectors, work.normal, work.factor
    n, free, unscale, step = lower.size, vectors[FREE], vectors[UNSCALE], vectors[STEP]
    find_free(vectors, lower, upper)
    for j in range(n):
        step[j] = 0.0
    while True:
        if not factorize(normal, unscale, damping, free, factor):
            return -1.0
        for j in range(n):  # TRIAL has the solution for a while
            slope = vectors[GRADIENT, j]
            for k in range(n):
                if free[k] == IS_PINNED:
                    slope += normal[j, k] * step[k]
            vectors[TRIAL, j] = -slope * unscale[j] if free[j] == IS_FREE else 0.0
        solve(factor, vectors[TRIAL])
        for j in range(n):
            if free[j] == IS_FREE:
                step[j] = vectors[TRIAL, j] * unscale[j]
        if not pin(vectors, lower, upper):
            break
    predicted = 0.0
    for j in range(n):
        p = vectors[P, j]
        vectors[TRIAL, j] = min(max(p + step[j], lower[j]), upper[j])
        slope = 2.0 * vectors[GRADIENT, j] + normal[j, j] * step[j]
        for k in range(j):
            slope += 2.0 * normal[j, k] * step[k]
        predicted -= slope * step[j]
    return predicted


@register_jitable
def is_small(vectors, xtol):
    """Tell whether a step is short beside the point, both in units of the scales."""
    steps = points = 0.0
    for j in range(vectors.shape[1]):
        steps += (vectors[SCALE, j] * vectors[STEP, j]) ** 2
        points += (vectors[SCALE, j] * vectors[P, j]) ** 2
    return steps <= xtol * xtol * points


@register_jitable
def begin(call, task, work, y, lower, upper):
    """Evaluate the start; give f, the size of the data and the count of evaluations."""
    vectors = work.vectors
    size = 0.0
    for i in range(y.size):
        if work.weight[i] > 0.0:
            size += (y[i] * work.weight[i]) ** 2
    size = math.sqrt(size)
    for j in range(lower.size):
        vectors[TRIAL, j] = vectors[P, j]
        vectors[UNIT, j] = 0.0
    f, evaluations = math.inf, 0
    for _ in range(3):
        for j in range(lower.size):
            vectors[SCALE, j], vectors[UNSCALE, j] = 0.0, 1.0
        choose_steps(vectors, lower, upper)
        f = evaluate(call, task, work, y, True)
        evaluations += 1
        if not 0.0 <= f < math.inf:
            break
        normalize(work, size)
        if have_steps_been_right(vectors, lower, upper):
            break
    return f, size, evaluations * (lower.size + 1)


# Inlined, the functions of an iteration keep their arguments, some fifty words with all the fields
# of the arrays, out of the stack: 2.0 instead of 2.9 us a fit of 3 parameters to 24 points.
@inline
def fit(call, task, work, y, lower, upper, limits):
    """Fit one curve, from P, to P; give the outcome, f, iterations and evaluations.

    The rows of `Work.model` hold the residuals and derivatives at a point that is no further from P
    than what ``ftol`` leaves, if it has converged.
    """
    vectors, per_point = work.vectors, lower.size + 1
    f, size, nfev = begin(call, task, work, y, lower, upper)
    if not 0.0 <= f < math.inf:
        return MISSHAPEN if f == -1.0 else NONFINITE, f, 0, nfev
    nit, damping, expected = 0, _FIRST_DAMPING, -1.0
    has_slopes = wants_slopes = may_undamp = True
    while True:
        predicted = propose(work, lower, upper, damping)
        if not predicted >= 0.0:
            damping = max(10.0 * damping, _NO_DAMPING)
            if damping > _MOST_DAMPING:
                return NONFINITE, f, nit, nfev
            continue
        if predicted <= limits.ftol * f:
            if may_undamp and damping > _NO_DAMPING:
                damping, may_undamp = 0.0, False
                continue
            break
        if expected < 0.0:
            expected = predicted
        if nfev >= limits.maxfev:
            return LIMIT, f, nit, nfev
        if wants_slopes:
            choose_steps(vectors, lower, upper)
            has_slopes = False  # those at P
        trial_f = evaluate(call, task, work, y, wants_slopes)
        nfev += per_point if wants_slopes else 1
        ratio = (f - trial_f) / predicted
        has_ended = is_small(vectors, limits.xtol)
        if not ratio > _GOOD:
            wants_slopes = may_undamp = False
            if has_ended or damping > _MOST_DAMPING:
                break
            damping = max(10.0 * damping, _LEAST_RAISED)
            continue
        if not wants_slopes:
            choose_steps(vectors, lower, upper)
            evaluate(call, task, work, y, True)
            nfev += per_point
        for j in range(lower.size):
            vectors[P, j] = vectors[TRIAL, j]
        normalize(work, size)
        f, nit, expected = trial_f, nit + 1, -1.0
        has_slopes = wants_slopes = may_undamp = True
        damping *= 4.0 if ratio < 0.25 else 1.0 if ratio < 0.75 else 0.1 if ratio < 0.9 else 0.01
        if has_ended:
            find_free(vectors, lower, upper)
            return CONVERGED, f, nit, nfev
    if expected > _SMALL * f:
        return STUCK, f, nit, nfev
    if not has_slopes:
        for j in range(lower.size):
            vectors[TRIAL, j] = vectors[P, j]
        choose_steps(vectors, lower, upper)
        evaluate(call, task, work, y, True)
        nfev += per_point
    if expected >= 0.0:  # a step was tried, and was not good
        find_free(vectors, lower, upper)
        return CONVERGED, f, nit, nfev
    for j in range(lower.size):
        vectors[P, j] = vectors[TRIAL, j]
    return CONVERGED, f - predicted, nit, nfev
