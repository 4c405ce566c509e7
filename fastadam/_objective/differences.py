"""Gradients from values alone: one-sided, central and complex differences in a box.

``value(trial, data)`` is a user's function, see `forms`; the views are those of
`evaluation.select_views`, and ``s`` the scalars of a search. A coordinate whose bounds are equal is
left alone: its derivative counts as 0. No point leaves the box.

If ``s.halt`` is set the functions return between two evaluations, and go on there when they are
called again: ``s.part`` says where, and is 1 at the start and 0 at the end, see `state`.

The functions run as they are in Python, and are compiled into the loop for compiled functions.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .._numba.options import register_jitable

#: SciPy's relative steps: sqrt(eps) and cbrt(eps), which balance truncation against rounding.
ONE_SIDED_STEP = 2.0**-26
CENTRAL_STEP = 2.0 ** (-52 / 3)
#: A complex step has no cancellation to fear, so it is far below what could be seen of it.
COMPLEX_STEP = 2.0**-52


@register_jitable
def size(x, unit):
    """Find what relative steps are relative to: the unit, if there is one."""
    return unit if unit > 0.0 else max(1.0, abs(x))


@register_jitable
def copy(source, target):
    """Copy a vector. Numba's ``target[:] = source`` takes 0.5 s each to compile."""
    for i in range(target.size):
        target[i] = source[i]


@register_jitable
def step(x, rel_step, usual, unit):
    """Choose a step that is not lost in rounding: the usual one takes the place of such a one."""
    h = rel_step * size(x, unit)
    return h if x + h != x and x - h != x else usual * size(x, unit)


@register_jitable
def beside(x, lower, upper, rel_step, unit):
    """Find the second point of a one-sided difference: away from 0, or where there is room."""
    h = step(x, rel_step, ONE_SIDED_STEP, unit)
    if x < 0.0:
        h = -h
    if not lower <= x + h <= upper:  # the other way, or as far as there is room
        up, down = upper - x, x - lower
        h = min(abs(h), up) if up >= down else -min(abs(h), down)
    return min(max(x + h, lower), upper)


@register_jitable
def around(x, lower, upper, rel_step, unit, width):
    """Find the two other points of a central difference: on both sides of x if there is room.

    Where a bound is nearer than the step, both are on the other side, one half as far away. With a
    width below 0 it is one-sided.
    """
    if width < 0.0:
        return x, beside(x, lower, upper, ONE_SIDED_STEP, unit)
    h = max(width * size(x, unit), step(x, rel_step, CENTRAL_STEP, unit))
    near, far = x - h, x + h
    if not (lower <= near and far <= upper):
        up, down = upper - x, x - lower
        far = min(x + 2.0 * h, upper) if up >= down else max(x - 2.0 * h, lower)
        near = x + 0.5 * (far - x)
    return near, far


@register_jitable
def secant(x, f, far, f_far):
    """Slope of the line through two points."""
    return (f_far - f) / (far - x)


@register_jitable
def counts_near(x, near, far):
    """Tell whether the near point is another than x and the far one; of arrays too."""
    return (near != x) & (near != far)


@register_jitable
def slope(x, f, near, f_near, far, f_far):
    """Slope at x of the parabola through three points, or of the line where two coincide."""
    if not counts_near(x, near, far):
        return secant(x, f, far, f_far)
    a, b = near - x, far - x  # what was really added, after rounding
    slope_a, slope_b = secant(x, f, near, f_near), secant(x, f, far, f_far)
    return (b * slope_a - a * slope_b) / (b - a)


@register_jitable
def bend(x, f, near, f_near, far, f_far):
    """Second derivative of the parabola through three points, NaN where two coincide."""
    if not counts_near(x, near, far):
        return math.nan
    return 2.0 * (secant(x, f, far, f_far) - secant(x, f, near, f_near)) / (far - near)


def make_real_step(find_points: Any) -> Callable[..., None]:
    """Make what fills ``grad`` with slopes through x and the points that ``find_points`` gives."""

    def real_step(value, data, s, views):
        x, trial, grad, lower, upper, rel_step, unit, _, curvature = views
        f, evaluations, part, known = s.f, 0, 0, s.part
        copy(x, trial)
        for i in range((known - 1) // 2, x.size):
            near, far = find_points(x[i], lower[i], upper[i], rel_step[i], unit[i], s.width)
            trial[i] = near
            near = trial[i]  # as the array holds it, which may be in float32
            trial[i] = far
            far = trial[i]
            if far == x[i]:  # no room
                grad[i] = 0.0
                continue
            if known == 2 * i + 2:  # halted between the two
                f_far = grad[i]
            else:
                if s.halt != 0:
                    part = 2 * i + 1
                    break
                f_far = value(trial, data)
                copy(x, trial)  # the function may have overwritten it
                evaluations += 1
            f_near = f_far
            if counts_near(x[i], near, far):
                if s.halt != 0:
                    grad[i], part = f_far, 2 * i + 2
                    break
                trial[i] = near
                f_near = value(trial, data)
                copy(x, trial)
                evaluations += 1
            grad[i] = slope(x[i], f, near, f_near, far, f_far)
            curvature[i] = bend(x[i], f, near, f_near, far, f_far)
        s.nfev += evaluations
        s.part = part

    return register_jitable(real_step)


@register_jitable
def one_sided(x, lower, upper, rel_step, unit, width):
    """Points of a one-sided difference, which has no near one but x; or of a wide central one."""
    if width > 0.0:
        return around(x, lower, upper, rel_step, unit, width)
    return x, beside(x, lower, upper, rel_step, unit)


@register_jitable
def find_complex_step(x, lower, upper, rel_step, unit):
    """Find the imaginary part of a complex step: 0 where there is no room for a real one."""
    return 0.0 if lower == upper else rel_step * size(x, unit)


@register_jitable
def complex_step(value, data, s, views):
    """Fill ``grad`` with ``imag(f(x + ih e_i)) / h``."""
    x, _, grad, lower, upper, rel_step, unit, complex_trial, _ = views
    evaluations = part = 0
    for i in range(s.part - 1, x.size):
        h = find_complex_step(x[i], lower[i], upper[i], rel_step[i], unit[i])
        if h == 0.0:
            grad[i] = 0.0
            continue
        if s.halt != 0:
            part = i + 1
            break
        copy(x, complex_trial)
        complex_trial[i] = complex(x[i], h)
        grad[i] = value(complex_trial, data).imag / h
        evaluations += 1
    s.nfev += evaluations
    s.part = part


#: By scheme: ``find_points(x, lower, upper, rel_step, unit, width) -> near, far``.
POINT_FINDERS = {"2-point": one_sided, "3-point": around}

#: By scheme: ``fill(value, data, s, views)``, which fills the gradient.
FILLERS = {
    **{scheme: make_real_step(find_points) for scheme, find_points in POINT_FINDERS.items()},
    "cs": complex_step,
}
