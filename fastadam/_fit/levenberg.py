"""Levenberg and Marquardt's method, for one curve: the part that is compiled.

Of a model with derivatives J and residuals r, each divided by its sigma, the step is

    s = -(J^T J + damping D^2)^-1 J^T r

where D is the largest norm that each column of J has had [1]_: the method does not see the units of
the parameters. A parameter that would leave its bounds ends there, and the others step knowing so.
One that is at a bound, and held there by the slope, is not free.

A search is a loop of `evaluate`, `judge` and `advance`, which share a record: there is one call of
each, since every further one would be compiled again. Each point is evaluated with its derivatives at once, since nearly all steps are good, and a model
that is called for a point with one parameter changed shares most of its work with that call:
compilers see it. After a step that was not good, the values are asked for alone.

Inlined, the functions keep their arguments, some sixty words with all the fields of the arrays, out
of the stack: 2.0 instead of 2.8 us a fit of 3 parameters to 24 points.

References
----------
.. [1] J. J. More, "The Levenberg-Marquardt algorithm: implementation and theory", in Numerical
   Analysis, Lecture Notes in Mathematics 630, 1978.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._numba.addresses import address_of
from .._numba.options import inline, register_jitable
from ..typing import Matrix, Vector
from .linear import dot, factorize, solve
from .outcomes import CONVERGED, LIMIT, MISSHAPEN, NONFINITE, STUCK, UNFINISHED

#: The rows of `Work.vectors`. Differences are taken between TRIAL and BESIDE.
P, TRIAL, BESIDE, INVERSE_STEP, GRADIENT, STEP, SCALE, UNSCALE, UNIT, FREE = range(10)
LOWER, UPPER, VECTORS = range(10, 13)
#: What `Work.vectors` has of a parameter in FREE.
IS_FREE, IS_HELD, IS_PINNED = 1.0, 0.0, -1.0

#: What a point is evaluated for: to begin; as a trial; for the derivatives where a trial was good
#: without them; for those at the end.
START, TRY, SLOPES, END = range(4)

#: sqrt(eps), which balances truncation against rounding in a one-sided difference.
_RELATIVE_STEP = 2.0**-26
#: Steps of a first difference that are so many times too short or too long are taken again.
_WRONG_STEP, _MOST_STARTS = 1e3, 3

_FIRST_DAMPING = 1e-3
#: What is damped no more than this is not damped: no step would differ.
_NO_DAMPING = 1e-10
_LEAST_RAISED, _MOST_DAMPING = 1e-4, 1e18
#: The share of the predicted reduction that a good step brings.
_GOOD = 1e-4
#: A search that can find no good step has converged if this is the share of f that it expected.
_SMALL = 1e-3

#: The scalars of a search.
SCALARS = np.dtype(
    [
        ("outcome", np.int64),
        ("phase", np.int64),
        ("f", np.float64),  # at P
        ("trial_f", np.float64),  # where it was evaluated last; -1 if the model's shape is wrong
        ("size", np.float64),  # of the data, divided by sigma
        ("damping", np.float64),
        ("predicted", np.float64),  # by how much f should fall
        ("expected", np.float64),  # what it was for the first trial from P, or -1
        ("nit", np.int64),
        ("nfev", np.int64),
        ("starts", np.int64),  # how often the start was evaluated
        ("wants_slopes", np.int64),  # whether the next evaluation is with derivatives
        ("has_slopes", np.int64),  # whether those at P are in `Work.model`
        ("may_undamp", np.int64),
    ],
    align=True,
)


class Work(NamedTuple):
    """What a thread fits its curves in: n parameters, m points."""

    search: NDArray[Any]  # (1,): the scalars
    model: Matrix  # (1 + n, m): residuals at TRIAL, and their derivatives, a row a parameter
    weight: Vector  # (m,): 1 / sigma, or 0 for a point that is left out
    vectors: Matrix  # (VECTORS, n)
    normal: Matrix  # (n, n): J^T J at P
    factor: Matrix  # (n, n)

    @classmethod
    def of(cls, n: int, m: int) -> Work:
        """Make it for n parameters and m points."""
        shapes = (1 + n, m), (m,), (VECTORS, n), (n, n), (n, n)
        return cls(np.zeros(1, SCALARS), *map(np.zeros, shapes))


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


@inline
def choose_steps(vectors):
    """Choose the points beside TRIAL; those of a parameter whose bounds are equal do not count."""
    for j in range(vectors.shape[1]):
        p = vectors[TRIAL, j]
        h = find_step(p, vectors[UNIT, j])
        if p + h > vectors[UPPER, j]:
            h = -h
        vectors[BESIDE, j] = p + h
        h = vectors[BESIDE, j] - p  # what was really added, after rounding
        is_fixed = vectors[LOWER, j] == vectors[UPPER, j]
        vectors[INVERSE_STEP, j] = 0.0 if is_fixed else 1.0 / h


@register_jitable
def have_steps_been_right(vectors):
    """Tell whether the steps of a difference were of the order that its result asks for."""
    for j in range(vectors.shape[1]):
        h = abs(vectors[BESIDE, j] - vectors[TRIAL, j])
        wanted = find_step(vectors[TRIAL, j], vectors[UNIT, j])
        is_right = h < _WRONG_STEP * wanted and wanted < _WRONG_STEP * h
        if vectors[LOWER, j] < vectors[UPPER, j] and not is_right:
            return False
    return True


@register_jitable
def begin(work, y, start, lower, upper):
    """Have a search begin; the weights are there."""
    s, vectors = work.search[0], work.vectors
    size = 0.0
    for i in range(y.size):
        if work.weight[i] > 0.0:
            size += (y[i] * work.weight[i]) ** 2
    s.size, s.outcome, s.phase, s.damping = math.sqrt(size), UNFINISHED, START, _FIRST_DAMPING
    s.nit = s.nfev = s.starts = 0
    s.wants_slopes, s.expected = 1, -1.0
    for j in range(start.size):
        vectors[P, j] = vectors[TRIAL, j] = start[j]
        vectors[LOWER, j], vectors[UPPER, j] = lower[j], upper[j]
        vectors[UNIT, j] = vectors[SCALE, j] = 0.0
        vectors[UNSCALE, j] = 1.0
    choose_steps(vectors)


@inline
def evaluate(call, task, work, y):
    """Fill in the residuals at TRIAL, maybe their derivatives; add up the squares."""
    s, model, weight, vectors = work.search[0], work.model, work.weight, work.vectors
    has_slopes = s.wants_slopes != 0
    trial, beside = address_of(vectors[TRIAL]), address_of(vectors[BESIDE])
    inverses = address_of(vectors[INVERSE_STEP]) if has_slopes else 0
    s.nfev += model.shape[0] if has_slopes else 1
    if not call(task, trial, beside, inverses, address_of(model)):
        s.trial_f = -1.0
        return
    for i in range(y.size):
        model[0, i] -= y[i]
    for j in range(model.shape[0] if has_slopes else 1):
        row = model[j]
        for i in range(y.size):
            row[i] = row[i] * weight[i] if weight[i] > 0.0 else 0.0
    s.trial_f = dot(model[0], model[0])


@inline
def normalize(work):
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
            vectors[UNIT, j] = work.search[0].size / norm


@inline
def find_free(vectors):
    """Find what is held by a bound: the sum of squares would fall beyond it."""
    for j in range(vectors.shape[1]):
        lower, upper = vectors[LOWER, j], vectors[UPPER, j]
        p, slope = vectors[P, j], vectors[GRADIENT, j]
        is_held = (p <= lower and slope >= 0.0) or (p >= upper and slope <= 0.0)
        vectors[FREE, j] = IS_HELD if is_held or lower == upper else IS_FREE


@inline
def pin(vectors):
    """End at their bounds all steps that would leave them; tell whether there were any."""
    has_pinned = False
    for j in range(vectors.shape[1]):
        if vectors[FREE, j] == IS_FREE:
            p = vectors[P, j]
            low, high = vectors[LOWER, j] - p, vectors[UPPER, j] - p
            if not low <= vectors[STEP, j] <= high:
                vectors[STEP, j] = low if vectors[STEP, j] < low else high
                vectors[FREE, j] = IS_PINNED
                has_pinned = True
    return has_pinned


@inline
def propose(work):
    """Choose STEP and TRIAL; give by how much f should fall, or below 0 if there is no such step."""
    vectors, normal, factor = work.vectors, work.normal, work.factor
    n, damping = vectors.shape[1], work.search[0].damping
    free, unscale, step = vectors[FREE], vectors[UNSCALE], vectors[STEP]
    find_free(vectors)
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
        if not pin(vectors):
            break
    predicted = 0.0
    for j in range(n):
        p = vectors[P, j]
        vectors[TRIAL, j] = min(max(p + step[j], vectors[LOWER, j]), vectors[UPPER, j])
        slope = 2.0 * vectors[GRADIENT, j] + normal[j, j] * step[j]
        for k in range(j):
            slope += 2.0 * normal[j, k] * step[k]
        predicted -= slope * step[j]
    return predicted


@inline
def is_small(vectors, xtol):
    """Tell whether a step is short beside the point, both in units of the scales."""
    steps = points = 0.0
    for j in range(vectors.shape[1]):
        steps += (vectors[SCALE, j] * vectors[STEP, j]) ** 2
        points += (vectors[SCALE, j] * vectors[P, j]) ** 2
    return steps <= xtol * xtol * points


@inline
def judge(work, limits):
    """Take what was evaluated into account; tell whether a step is to be chosen next."""
    s, vectors = work.search[0], work.vectors
    if s.phase == END:
        s.outcome = CONVERGED
        return False
    has_ended = s.phase != START and is_small(vectors, limits.xtol)
    if s.phase == TRY:
        ratio = (s.f - s.trial_f) / s.predicted
        if not ratio > _GOOD:
            s.wants_slopes = s.may_undamp = 0
            if has_ended or s.damping > _MOST_DAMPING:
                finish(work)
                return False
            s.damping = max(10.0 * s.damping, _LEAST_RAISED)
            return True
        s.damping *= 4.0 if ratio < 0.25 else 1.0 if ratio < 0.75 else 0.1 if ratio < 0.9 else 0.01
        if s.wants_slopes == 0:
            s.phase, s.wants_slopes = SLOPES, 1
            choose_steps(vectors)
            return False
    elif not 0.0 <= s.trial_f < math.inf:
        s.outcome = MISSHAPEN if s.trial_f == -1.0 else NONFINITE
        return False
    normalize(work)
    s.f, s.expected = s.trial_f, -1.0
    s.has_slopes = s.may_undamp = 1
    for j in range(vectors.shape[1]):
        vectors[P, j] = vectors[TRIAL, j]
    if s.phase == START:
        s.starts += 1
        if s.starts < _MOST_STARTS and not have_steps_been_right(vectors):
            choose_steps(vectors)
            return False
        return True
    s.nit += 1
    if has_ended:
        find_free(vectors)
        s.outcome = CONVERGED
    return not has_ended


@inline
def advance(work, limits):
    """Choose the next trial, or end."""
    s, vectors = work.search[0], work.vectors
    while True:
        s.predicted = propose(work)
        if not s.predicted >= 0.0:
            s.damping = max(10.0 * s.damping, _NO_DAMPING)
            if s.damping > _MOST_DAMPING:
                s.outcome = NONFINITE
                return
        elif s.predicted > limits.ftol * s.f:
            break
        elif s.may_undamp != 0 and s.damping > _NO_DAMPING:
            s.damping, s.may_undamp = 0.0, 0
        else:
            finish(work)
            return
    if s.expected < 0.0:
        s.expected = s.predicted
    if s.nfev >= limits.maxfev:
        s.outcome = LIMIT
        return
    s.phase = TRY
    if s.wants_slopes != 0:
        choose_steps(vectors)
        s.has_slopes = 0


@register_jitable
def finish(work):
    """End at P, or at the trial if that is as near as ``ftol`` asks for."""
    s, vectors = work.search[0], work.vectors
    if s.expected > _SMALL * s.f:
        s.outcome = STUCK
    elif s.expected < 0.0:
        for j in range(vectors.shape[1]):
            vectors[P, j] = vectors[TRIAL, j]
        s.f -= s.predicted
        s.outcome = CONVERGED
    else:  # a step was tried, and was not good
        find_free(vectors)
        if s.has_slopes != 0:
            s.outcome = CONVERGED
            return
        for j in range(vectors.shape[1]):
            vectors[TRIAL, j] = vectors[P, j]
        choose_steps(vectors)
        s.phase, s.wants_slopes = END, 1
