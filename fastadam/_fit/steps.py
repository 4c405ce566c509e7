"""The step of the compiled search: damped, so that it is no longer than the radius, within bounds.

A parameter that would leave its bounds ends there, and the others step knowing so. One that is at a
bound, and held there by the slope, is not free.
"""

from __future__ import annotations

import math

from .._numba.options import inline, register_jitable
from .linear import factorize, solve
from .state import (
    FREE,
    GRADIENT,
    IS_FREE,
    IS_HELD,
    IS_PINNED,
    LOWER,
    SCALE,
    STEP,
    TRIAL,
    UNSCALE,
    UPPER,
    P,
)

#: By how much a step may miss the radius, and how often its damping is improved for it, at most.
_ROOM, _MOST_DAMPINGS = 0.1, 10
#: How J^T J, scaled to a diagonal of 1, is damped where it is singular.
_LEAST_DAMPING = 1e-13


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
def solve_damped(work, damping):
    """Fill in the step of a damping, within bounds; False if there is none."""
    vectors, normal, factor = work.vectors, work.normal, work.factor
    free, unscale, step = vectors[FREE], vectors[UNSCALE], vectors[STEP]
    find_free(vectors)
    has_pinned = False
    while True:
        if not factorize(normal, unscale, damping, free, factor):
            return False
        for j in range(free.size):  # TRIAL has the scaled step for a while
            slope = vectors[GRADIENT, j]
            if has_pinned:
                for k in range(free.size):
                    if free[k] == IS_PINNED:
                        slope += normal[j, k] * step[k]
            vectors[TRIAL, j] = -slope * unscale[j] if free[j] == IS_FREE else 0.0
        solve(factor, vectors[TRIAL])
        for j in range(free.size):
            if free[j] != IS_PINNED:
                step[j] = vectors[TRIAL, j] * unscale[j]
        if not pin(vectors):
            return True
        has_pinned = True


@register_jitable
def length_of(vectors, row):
    """Find how long a vector is, in units of the scales."""
    total = 0.0
    for j in range(vectors.shape[1]):
        total += (vectors[SCALE, j] * vectors[row, j]) ** 2
    return math.sqrt(total)


@register_jitable
def improve_damping(work, damping, low, high):
    """Make a step's length approach the radius: Newton's method on its inverse, after Hebden.

    It gives the next damping, and what it is between: ``high`` is below 0 at first.
    """
    s, vectors = work.search[0], work.vectors
    lengths = slopes = weighted = 0.0
    for j in range(vectors.shape[1]):
        value = 0.0
        if vectors[FREE, j] == IS_FREE:
            length = value = vectors[SCALE, j] * vectors[STEP, j]
            for i in range(j):
                value -= work.factor[j, i] * vectors[TRIAL, i]
            value *= work.factor[j, j]
            lengths += length * length
            slopes += (vectors[UNSCALE, j] * vectors[GRADIENT, j]) ** 2
        vectors[TRIAL, j] = value
        weighted += value * value
    excess = s.length - s.radius
    change = excess / s.radius * lengths / weighted if weighted > 0.0 else damping
    if high < 0.0:
        low, high = damping + change, math.sqrt(slopes) / s.radius
        return max(min(max(s.damping, low), high), _LEAST_DAMPING), low, high
    if excess > 0.0:
        low = max(low, damping)
    else:
        high = min(high, damping)
    return max(low, damping + change), low, high


@inline
def propose(work):
    """Choose the step: Gauss and Newton's, or as long a one as the radius; False if there is none.

    How much f should fall is at least 0, but for rounding.
    """
    s, vectors, normal = work.search[0], work.vectors, work.normal
    damping, low, high, tries = 0.0, 0.0, -1.0, 0
    while True:
        if not solve_damped(work, damping):
            if damping > 0.0:
                return False
            damping = _LEAST_DAMPING
            continue
        s.length = length_of(vectors, STEP)
        excess = s.length - s.radius
        is_there = excess <= _ROOM * s.radius and (high < 0.0 or excess >= -_ROOM * s.radius)
        if is_there or tries == _MOST_DAMPINGS:
            break
        damping, low, high = improve_damping(work, damping, low, high)
        tries += 1
    s.damping, s.predicted, s.slope = damping if high >= 0.0 else 0.0, 0.0, 0.0
    for j in range(vectors.shape[1]):
        p, step, gradient = vectors[P, j], vectors[STEP, j], vectors[GRADIENT, j]
        vectors[TRIAL, j] = min(max(p + step, vectors[LOWER, j]), vectors[UPPER, j])
        slope = 2.0 * gradient + normal[j, j] * step
        for k in range(j):
            slope += 2.0 * normal[j, k] * vectors[STEP, k]
        s.predicted -= slope * step
        s.slope += gradient * step
    return True
