"""Gradients from values alone: one-sided, central and complex differences in a box.

``value(x, slot)`` is a user's function; ``slot`` is handed through to it. ``trial`` is scratch.
``s.nfev`` counts the evaluations. A coordinate whose bounds are equal is left alone: its
derivative counts as 0. No point leaves the box.

If ``s.halt`` is set the functions return between two evaluations, and go on there when they are
called again: ``s.part`` says where, and is 1 at the start and 0 at the end, see `search`.

The functions run as they are in Python, and are compiled into the loop for compiled functions.
"""

from __future__ import annotations

from numba.extending import register_jitable

#: SciPy's relative steps: sqrt(eps) and cbrt(eps), which balance truncation against rounding.
ONE_SIDED_STEP = 2.0**-26
CENTRAL_STEP = 2.0 ** (-52 / 3)
#: A complex step has no cancellation to fear, so it is far below what could be seen of it.
COMPLEX_STEP = 2.0**-52


@register_jitable
def size(x, unit):
    """Return what relative steps are relative to: the unit, if there is one."""
    return unit if unit > 0.0 else max(1.0, abs(x))


@register_jitable
def copy(source, target):
    """Copy a vector. Numba's ``target[:] = source`` takes 0.5 s each to compile."""
    for i in range(target.size):
        target[i] = source[i]


@register_jitable
def step(x, rel_step, usual, unit):
    """Return a step that is not lost in rounding: the usual one takes the place of such a one."""
    h = rel_step * size(x, unit)
    return h if x + h != x and x - h != x else usual * size(x, unit)


@register_jitable
def beside(x, lower, upper, rel_step, unit):
    """Return the second point of a one-sided difference: away from 0, or where there is room."""
    h = step(x, rel_step, ONE_SIDED_STEP, unit)
    if x < 0.0:
        h = -h
    if not lower <= x + h <= upper:  # the other way, or as far as there is room
        up, down = upper - x, x - lower
        h = min(abs(h), up) if up >= down else -min(abs(h), down)
    return min(max(x + h, lower), upper)


@register_jitable
def around(x, lower, upper, rel_step, unit, width):
    """Return the two other points of a central difference: on both sides of x if there is room.

    Where a bound is nearer than the step, both are on the other side, one half as far away.
    """
    h = max(width * size(x, unit), step(x, rel_step, CENTRAL_STEP, unit))
    near, far = x - h, x + h
    if not (lower <= near and far <= upper):
        up, down = upper - x, x - lower
        far = min(x + 2.0 * h, upper) if up >= down else max(x - 2.0 * h, lower)
        near = x + 0.5 * (far - x)
    return near, far


@register_jitable
def secant(x, f, far, f_far):
    """Return the slope of the line through two points."""
    return (f_far - f) / (far - x)


@register_jitable
def parabola(x, f, near, f_near, far, f_far):
    """Return the slope at x of the parabola through three points."""
    a, b = near - x, far - x  # what was really added, after rounding
    slope_a, slope_b = secant(x, f, near, f_near), secant(x, f, far, f_far)
    return (b * slope_a - a * slope_b) / (b - a)


@register_jitable
def one_sided(value, slot, s, x, f, grad, trial, lower, upper, rel_step, unit):
    """Fill ``grad`` with ``(f(x + h e_i) - f(x)) / h``, where ``h`` points away from 0."""
    evaluations = part = 0
    copy(x, trial)
    for i in range(s.part - 1, x.size):
        trial[i] = beside(x[i], lower[i], upper[i], rel_step[i], unit[i])
        far = trial[i]  # as the array holds it, which may be in float32
        if far == x[i]:
            grad[i] = 0.0
            continue
        if s.halt != 0:
            part = i + 1
            break
        grad[i] = secant(x[i], f, far, value(trial, slot))
        evaluations += 1
        copy(x, trial)  # the function may have overwritten it
    s.nfev += evaluations
    s.part = part


@register_jitable
def central(value, slot, s, x, f, grad, trial, lower, upper, rel_step, unit, width):
    """Fill ``grad`` with ``(f(x + h e_i) - f(x - h e_i)) / 2h``.

    ``h`` is ``width`` units if that is wider than the scheme's own step. Where a bound is nearer
    than ``h``, the slope is that of the parabola through x and two points on the other side.
    """
    evaluations, part, known = 0, 0, s.part
    copy(x, trial)
    for i in range((known - 1) // 2, x.size):
        near, far = around(x[i], lower[i], upper[i], rel_step[i], unit[i], width)
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
            f_far = value(trial, slot)
            copy(x, trial)
            evaluations += 1
        if near == x[i] or near == far:  # no number between the two
            grad[i] = secant(x[i], f, far, f_far)
            continue
        if s.halt != 0:
            grad[i], part = f_far, 2 * i + 2
            break
        trial[i] = near
        f_near = value(trial, slot)
        copy(x, trial)
        evaluations += 1
        grad[i] = parabola(x[i], f, near, f_near, far, f_far)
    s.nfev += evaluations
    s.part = part


@register_jitable
def complex_step(value, slot, s, x, grad, trial, lower, upper, rel_step, unit):
    """Fill ``grad`` with ``imag(f(x + ih e_i)) / h``; ``trial`` is complex."""
    evaluations = part = 0
    for i in range(s.part - 1, x.size):
        if lower[i] == upper[i]:
            grad[i] = 0.0
            continue
        if s.halt != 0:
            part = i + 1
            break
        h = rel_step[i] * size(x[i], unit[i])
        copy(x, trial)
        trial[i] = complex(x[i], h)
        grad[i] = value(trial, slot).imag / h
        evaluations += 1
    s.nfev += evaluations
    s.part = part
