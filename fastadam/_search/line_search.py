"""One line search: from the origin along the direction, projected onto the box.

It looks for a point that is low enough (Armijo) and beyond which it is less steep (the weak
condition of Wolfe), by bisection, which gets over kinks. Where values alone are known, a line is as
steep as the secant. The first steps of a descent are *judged*: believed only if they bring half of
what the metric promises, so that a start which is good is not lost to a first guess.
"""

from __future__ import annotations

import math

from .._numba.options import register_jitable
from .._objective.layout import (
    BEST_GRAD,
    BEST_X,
    DIRECTION,
    GRAD,
    LOWER,
    ORIGIN,
    ORIGIN_GRAD,
    TRIAL,
    UPPER,
    VALUE,
    VALUE_AND_GRADIENT,
    X,
)
from .requests import ENDED, NEXT, ask

#: The stage of a descent: the point at hand is one of a line search.
STEP = 0

#: Low enough: the fall as a part of that of the tangent; of the first steps, and how many these are
SUFFICIENT, JUDGED_SUFFICIENT, JUDGED = 1e-4, 0.25, 2
#: Still steep: the slope, or the secant's, as a part of the first slope.
STEEP = 0.9
#: A longer step is no improvement if it brings less than this part of what a shorter one did.
NO_LESS = 0.3
#: The most points, and so many of a search by values alone that has a low one.
MOST_POINTS, MOST_VALUES = 12, 8
LONGEST = 1e6
#: The least move with wide differences, as a part of their width.
LEAST_MOVE = 0.03


@register_jitable
def begin_line(s, vectors):
    """Ask for the first point."""
    s.step, s.low, s.high, s.points, s.is_level = 1.0, 0.0, math.inf, 0, 0
    return propose(s, vectors)


@register_jitable
def place(s, vectors, step):
    """Go so far along the direction, within the bounds; tell whether that is another point."""
    decrease, moved = 0.0, False
    for i in range(vectors.shape[1]):
        x = vectors[ORIGIN, i]
        p = x + step * vectors[DIRECTION, i]
        p = min(max(p, vectors[LOWER, i]), vectors[UPPER, i])
        vectors[X, i] = vectors[TRIAL, i] = p
        moved = moved or vectors[X, i] != x
        decrease += vectors[ORIGIN_GRAD, i] * (p - x)
    s.decrease = decrease
    return moved


@register_jitable
def propose(s, vectors):
    """Ask for the point at the step at hand; tell whether there is one."""
    if not place(s, vectors, s.step):
        return ENDED
    return ask(s, STEP, VALUE_AND_GRADIENT if s.cost_each == 0 else VALUE)


@register_jitable
def continue_line(s, vectors):
    """Take in a point and ask for another; tell whether the line search goes on."""
    return propose(s, vectors) if _judge_point(s, vectors) == NEXT else ENDED


@register_jitable
def _judge_point(s, vectors):
    """Take in a point and choose the next step; tell whether there is one.

    In the end, ``low`` is the step that it has found, or 0, unless a point is as low as rounding
    can tell: then ``is_level`` is 1.
    """
    change = s.f - s.origin_f
    has_gradient = s.request != VALUE
    slope = 0.0
    if has_gradient:
        for i in range(vectors.shape[1]):
            slope += vectors[GRAD, i] * (vectors[X, i] - vectors[ORIGIN, i])
        if _is_level(s, change, slope):
            _keep_level(s, vectors)
            return ENDED
    s.points += 1
    least = SUFFICIENT if s.moves >= JUDGED else JUDGED_SUFFICIENT
    is_low = change <= least * s.decrease and change < 0.0
    if is_low and (s.low == 0.0 or change <= NO_LESS * (s.low_f - s.origin_f)):
        s.low, s.low_f = s.step, s.f
        is_steep = (slope if has_gradient else change) < STEEP * s.decrease
        if not is_steep or s.step >= LONGEST or s.points >= MOST_POINTS:
            return ENDED
        s.step = 4.0 * s.step if s.high == math.inf else 0.5 * (s.low + s.high)
        return NEXT
    if s.points >= (MOST_VALUES if s.low > 0.0 and not has_gradient else MOST_POINTS):
        return ENDED
    s.high = s.step
    if s.low > 0.0:
        s.step = 0.5 * (s.low + s.high)
        return NEXT
    if not has_gradient and -s.decrease <= 0.25 * s.eps * abs(s.origin_f):
        return ENDED  # less than rounding can tell
    s.step *= _shorten(s.decrease, change)
    if s.step * s.length < LEAST_MOVE * s.width:
        return ENDED
    return NEXT


@register_jitable
def _shorten(decrease, change):
    """Find the lowest point of the parabola through both values, as a part of the step."""
    bent = change - decrease
    return min(max(-0.5 * decrease / bent, 0.1), 0.5) if bent < math.inf else 0.1


@register_jitable
def _is_level(s, change, slope):
    """Tell whether a point is as low as the origin but for rounding, and less steep.

    So the gradient leads on where values cannot: the approximate condition of Hager and Zhang.
    """
    is_equal = abs(change) <= 4.0 * s.eps * abs(s.origin_f) and s.f <= s.first_f
    return is_equal and abs(slope) <= -STEEP * s.decrease


@register_jitable
def _keep_level(s, vectors):
    """Take a point for the best, which it is but for rounding."""
    s.is_level, s.best_f, s.best_width = 1, s.f, s.width
    for i in range(vectors.shape[1]):
        vectors[BEST_X, i], vectors[BEST_GRAD, i] = vectors[X, i], vectors[GRAD, i]
