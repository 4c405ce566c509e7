"""Gradients from values alone: one-sided, central and complex differences in a box.

``value(x, slot)`` is a user's function; ``slot`` is handed through to it. ``trial`` is scratch.
Each returns the number of evaluations. A coordinate whose bounds are equal is left alone: its
derivative counts as 0. No point leaves the box.

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
def one_sided(value, slot, x, f, grad, trial, lower, upper, rel_step, unit):
    """Fill ``grad`` with ``(f(x + h e_i) - f(x)) / h``, where ``h`` points away from 0."""
    evaluations = 0
    copy(x, trial)
    for i in range(x.size):
        h = step(x[i], rel_step[i], ONE_SIDED_STEP, unit[i])
        if x[i] < 0.0:
            h = -h
        if not lower[i] <= x[i] + h <= upper[i]:  # the other way, or as far as there is room
            up, down = upper[i] - x[i], x[i] - lower[i]
            h = min(abs(h), up) if up >= down else -min(abs(h), down)
        trial[i] = min(max(x[i] + h, lower[i]), upper[i])
        h = trial[i] - x[i]  # what was really added, after rounding
        if h == 0.0:
            grad[i] = 0.0
            continue
        grad[i] = (value(trial, slot) - f) / h
        evaluations += 1
        copy(x, trial)  # the function may have overwritten it
    return evaluations


@register_jitable
def central(value, slot, x, f, grad, trial, lower, upper, rel_step, unit, width):
    """Fill ``grad`` with ``(f(x + h e_i) - f(x - h e_i)) / 2h``.

    ``h`` is ``width`` units if that is wider than the scheme's own step. Where a bound is nearer
    than ``h``, the slope is that of the parabola through x and two points on the other side.
    """
    evaluations = 0
    copy(x, trial)
    for i in range(x.size):
        h = max(width * size(x[i], unit[i]), step(x[i], rel_step[i], CENTRAL_STEP, unit[i]))
        near, far = x[i] - h, x[i] + h
        inside = lower[i] <= near and far <= upper[i]
        if not inside:
            up, down = upper[i] - x[i], x[i] - lower[i]
            far = min(x[i] + 2.0 * h, upper[i]) if up >= down else max(x[i] - 2.0 * h, lower[i])
            near = x[i] + 0.5 * (far - x[i])
        a, b = near - x[i], far - x[i]
        if b == 0.0:  # no room
            grad[i] = 0.0
            continue
        trial[i] = far
        slope_b = (value(trial, slot) - f) / b
        copy(x, trial)
        evaluations += 1
        if a == 0.0 or a == b:  # no number between the two
            grad[i] = slope_b
            continue
        trial[i] = near
        slope_a = (value(trial, slot) - f) / a
        copy(x, trial)
        evaluations += 1
        grad[i] = (b * slope_a - a * slope_b) / (b - a)
    return evaluations


@register_jitable
def complex_step(value, slot, x, grad, trial, lower, upper, rel_step, unit):
    """Fill ``grad`` with ``imag(f(x + ih e_i)) / h``; ``trial`` is complex."""
    evaluations = 0
    for i in range(x.size):
        if lower[i] == upper[i]:
            grad[i] = 0.0
            continue
        h = rel_step[i] * size(x[i], unit[i])
        copy(x, trial)
        trial[i] = complex(x[i], h)
        grad[i] = value(trial, slot).imag / h
        evaluations += 1
    return evaluations
