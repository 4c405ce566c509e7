"""The metric that a descent starts with, from what is known of the curvature at its origin.

Central differences know it along each coordinate. Where the gradient is given, its changes beside
the origin tell: along each coordinate if these are few, which gives the Hessian, and else along one
direction through all. They also tell whether the gradient is that of the function.
"""

from __future__ import annotations

import math

from .._numba.options import register_jitable
from .._objective.layout import (
    CURVATURE,
    GRAD,
    LOWER,
    ORIGIN,
    ORIGIN_GRAD,
    REL_STEP,
    TRIAL,
    UNIT,
    UPPER,
    VALUE_AND_GRADIENT,
    X,
)
from . import metric as metrics
from .outcomes import DISAGREES
from .requests import ENDED, NEXT, ONE_SIDED, ask, is_finite
from .steps import REACH

#: The stages of a descent: the point is beside the origin; and again, farther from it.
PROBE, SECOND_LOOK = 1, 2

#: How far from the origin gradients are compared, in units: given ones, and those of differences.
PROBE_GRADIENTS, PROBE_DIFFERENCES = 1e-6, 1e-4
#: More variables are probed together.
MOST_PROBED = 10
#: The first move where nothing is known of the curvature, in units.
BLIND_MOVE = 0.01
#: Less than this part of the largest element of the diagonal is rounding.
LEAST = 1e-12
#: The least unit of differences, as a part of the size of x.
FINEST = 1e-5
#: A second derivative has to be so many times what rounding makes of it.
SEEN = 8.0

#: How far a value may be from what the gradient says, as a part of it; how much farther from the
#: origin the second look is, and how near to each other both have to be.
WRONG, FARTHER, SAME = 0.05, 1024.0, 0.05
#: What rounding does to a value, in units of its own last place.
ROUNDING = 64.0


@register_jitable
def start_metric(s, vectors, metric):
    """Choose the metric, or ask for a point beside the origin; tell what is next.

    After the first metric of a descent, gradients may be from one-sided differences.
    """
    n = vectors.shape[1]
    if s.cost_each == 0 or (s.renewals > 0 and s.width == 0.0 and n <= MOST_PROBED):
        s.probe = -1
        for i in range(n):
            metrics.set_diagonal(metric, i, 0.0)
        return _next_probe(s, vectors, metric)
    if s.differs == 0 or s.width < 0.0:
        start_blind(s, vectors, metric)
        return NEXT
    s.is_guess = 0
    if s.width == 0.0:
        _refine_units(s, vectors)
    is_bowl = True
    for i in range(n):
        value = _curvature(s, vectors, i)
        is_bowl = is_bowl and vectors[CURVATURE, i] > 0.0
        metrics.set_diagonal(metric, i, value)
    # Among many a diagonal is never replaced, so that it has to be one that can last.
    metrics.fill_diagonal(metric, 1.0 if n > metrics.MOST_DENSE and not is_bowl else LEAST)
    if s.renewals == 0 and s.width == 0.0 and s.has_one_sided == 1:
        s.width = ONE_SIDED
    return NEXT


@register_jitable
def start_blind(s, vectors, metric):
    """Choose a metric where nothing is known of the curvature."""
    steepest = 0.0
    for i in range(vectors.shape[1]):
        steepest = max(steepest, abs(vectors[ORIGIN_GRAD, i]) * vectors[UNIT, i])
    for i in range(vectors.shape[1]):
        metrics.set_diagonal(metric, i, steepest / BLIND_MOVE if steepest > 0.0 else 1.0)
    s.is_guess = 1


@register_jitable
def _curvature(s, vectors, i):
    """Find the size of the curvature along a coordinate, but for rounding, in its unit."""
    unit = vectors[UNIT, i]
    value = abs(vectors[CURVATURE, i]) * unit * unit
    half = max(s.width, vectors[REL_STEP, i])
    if not value > SEEN * s.eps * abs(s.origin_f) / (half * half):
        value = 0.0
    return max(value, abs(vectors[ORIGIN_GRAD, i]) * unit / REACH)


@register_jitable
def _refine_units(s, vectors):
    """Let the usual differences be no wider than the curvature allows.

    Where x is far from 0, or the function far from flat, a part of the size of x is too much. What
    balances truncation and rounding goes with the root of value over curvature.
    """
    for i in range(vectors.shape[1]):
        curvature = abs(vectors[CURVATURE, i])
        if 0.0 < curvature < math.inf:
            natural, unit = math.sqrt(abs(s.origin_f) / curvature), vectors[UNIT, i]
            vectors[UNIT, i] = min(max(natural, FINEST * unit), unit)


@register_jitable
def _next_probe(s, vectors, metric):
    """Ask for the next point beside the origin, if there is one; tell what is next."""
    n = vectors.shape[1]
    s.probe += 1
    if n > MOST_PROBED:
        if s.probe > 0:
            return NEXT
    else:
        while s.probe < n and not vectors[LOWER, s.probe] < vectors[UPPER, s.probe]:
            metrics.set_diagonal(metric, s.probe, 1.0)
            s.probe += 1
        if s.probe == n:
            s.is_guess = 0
            metrics.fill_diagonal(metric, LEAST)
            return NEXT
    _place_probe(s, vectors, s.probe_step)
    return ask(s, PROBE, VALUE_AND_GRADIENT)


@register_jitable
def _place_probe(s, vectors, distance):
    """Go so many units from the origin, along a coordinate or, of many, along all."""
    together = vectors.shape[1] > MOST_PROBED
    for i in range(vectors.shape[1]):
        x, p = vectors[ORIGIN, i], vectors[ORIGIN, i]
        if together or i == s.probe:
            move = distance * vectors[UNIT, i]
            if together and i % 2 == 1:
                move = -move
            p = x + move
            if not vectors[LOWER, i] <= p <= vectors[UPPER, i]:
                p = min(max(x - move, vectors[LOWER, i]), vectors[UPPER, i])
        vectors[X, i] = vectors[TRIAL, i] = p


@register_jitable
def take_probe(s, vectors, metric):
    """Take in a point beside the origin; tell what is next."""
    differs = s.cost_each == 0 and _is_mismatch(s, vectors)
    secant = (s.f - s.origin_f) / (s.probe_step * (1.0 if s.stage == PROBE else FARTHER))
    if s.stage == PROBE:
        _take_changes(s, vectors, metric)
        if differs:
            s.secant = secant
            _place_probe(s, vectors, FARTHER * s.probe_step)
            return ask(s, SECOND_LOOK, VALUE_AND_GRADIENT)
    elif differs and abs(secant - s.secant) <= SAME * abs(secant):
        s.status = DISAGREES
        return ENDED
    return _next_probe(s, vectors, metric)


@register_jitable
def _is_mismatch(s, vectors):
    """Tell whether the value rises by what the gradient does not say, nor rounding.

    They agree if the secant is between the slopes at its ends, so that kinks do no harm; and noise
    does none since its secants differ from one look to the next, or are 0.
    """
    before = after = 0.0
    for i in range(vectors.shape[1]):
        move = vectors[X, i] - vectors[ORIGIN, i]
        before += vectors[ORIGIN_GRAD, i] * move
        after += vectors[GRAD, i] * move
    change = s.f - s.origin_f
    slack = WRONG * max(abs(before), abs(after), abs(change))
    noise = ROUNDING * s.eps * max(abs(s.f), abs(s.origin_f))
    if not noise < slack < math.inf or change == 0.0:
        return False
    return not min(before, after) - slack <= change <= max(before, after) + slack


@register_jitable
def _take_changes(s, vectors, metric):
    """Take in the changes of the gradient: a column of the Hessian or, of many, its size."""
    i, n = s.probe, vectors.shape[1]
    if not is_finite(vectors, GRAD):
        if n > MOST_PROBED:
            start_blind(s, vectors, metric)
        return
    if n > MOST_PROBED:
        along = squares = 0.0
        for j in range(n):
            move = vectors[X, j] - vectors[ORIGIN, j]
            along += (vectors[GRAD, j] - vectors[ORIGIN_GRAD, j]) * move
            squares += (move / vectors[UNIT, j]) ** 2
        start_blind(s, vectors, metric)
        if abs(along) > 0.0 and squares > 0.0:
            for j in range(n):
                metrics.set_diagonal(metric, j, abs(along) / squares)
        return
    h = vectors[X, i] - vectors[ORIGIN, i]
    if h != 0.0:
        for j in range(n):
            change = (vectors[GRAD, j] - vectors[ORIGIN_GRAD, j]) / h
            metrics.set_column(metric, i, j, change * vectors[UNIT, i] * vectors[UNIT, j])
