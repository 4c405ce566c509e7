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
def one_sided(value, slot, x, f, grad, trial, lower, upper, rel_step, unit):
    """Fill ``grad`` with ``(f(x + h e_i) - f) / h``, where ``h`` points away from 0."""
    evaluations = 0
    copy(x, trial)
    for i in range(x.size):
        h = rel_step[i] * size(x[i], unit[i])
        if x[i] < 0.0:
            h = -h
        if not lower[i] <= x[i] + h <= upper[i]:  # the other way, or as far as there is room
            up, down = upper[i] - x[i], x[i] - lower[i]
            h = min(abs(h), up) if up >= down else -min(abs(h), down)
        trial[i] = x[i] + h
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

    ``h`` is ``width`` units if that is wider than the scheme's own step. Beside a bound the points
    are as far away as there is room, and the three values give the slope of a parabola.
    """
    evaluations = 0
    copy(x, trial)
    for i in range(x.size):
        h = max(width, rel_step[i]) * size(x[i], unit[i])
        trial[i] = min(x[i] + h, upper[i])
        up = trial[i] - x[i]
        slope_up = slope_down = 0.0
        if up > 0.0:
            slope_up = (value(trial, slot) - f) / up
            evaluations += 1
            copy(x, trial)
        trial[i] = max(x[i] - h, lower[i])
        down = x[i] - trial[i]
        if down > 0.0:
            slope_down = (f - value(trial, slot)) / down
            evaluations += 1
            copy(x, trial)
        # Each slope counts by the other side's length: second order for unequal sides too.
        grad[i] = (down * slope_up + up * slope_down) / (up + down) if up + down > 0.0 else 0.0
        if up == 0.0:
            grad[i] = slope_down
        elif down == 0.0:
            grad[i] = slope_up
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
