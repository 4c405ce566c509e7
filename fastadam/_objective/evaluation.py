"""What a search requests, evaluated at its x: the value, and the gradient by differences."""

from __future__ import annotations

import math

from .._numba.options import inline
from .differences import central, complex_step, copy, one_sided
from .layout import GRAD, GRADIENT, LOWER, REL_STEP, TRIAL, UNIT, UPPER, VALUE, X


@inline
def three_point(value, slot, s, rows):
    """Evaluate the value, and the gradient by central differences."""
    x, trial, grad = rows[X], rows[TRIAL], rows[GRAD]
    lower, upper, rel_step, unit = rows[LOWER], rows[UPPER], rows[REL_STEP], rows[UNIT]
    if not has_value(value, slot, s, trial, grad):
        return
    central(value, slot, s, x, s.f, grad, trial, lower, upper, rel_step, unit, s.width)
    if s.part == 0:
        s.njev += 1


@inline
def two_point(value, slot, s, rows):
    """Evaluate the value, and the gradient by one-sided differences, or by wide central ones."""
    if s.width > 0.0:
        three_point(value, slot, s, rows)
        return
    x, trial, grad = rows[X], rows[TRIAL], rows[GRAD]
    lower, upper, rel_step, unit = rows[LOWER], rows[UPPER], rows[REL_STEP], rows[UNIT]
    if not has_value(value, slot, s, trial, grad):
        return
    one_sided(value, slot, s, x, s.f, grad, trial, lower, upper, rel_step, unit)
    if s.part == 0:
        s.njev += 1


@inline
def complex_point(value, slot, s, rows, complex_trial):
    """Evaluate the value, and the gradient by the complex step."""
    x, grad = rows[X], rows[GRAD]
    lower, upper, rel_step, unit = rows[LOWER], rows[UPPER], rows[REL_STEP], rows[UNIT]
    if s.part == 0:
        copy(x, complex_trial)
        s.f = value(complex_trial, slot).real
        s.nfev += 1
        if only_value(s, grad):
            return
    complex_step(value, slot, s, x, grad, complex_trial, lower, upper, rel_step, unit)
    if s.part == 0:
        s.njev += 1


@inline
def has_value(value, slot, s, trial, grad):
    """Evaluate the value unless it is known; return whether the gradient is wanted too."""
    if s.part > 0:
        return True
    if s.request != GRADIENT:
        s.f = value(trial, slot)
        s.nfev += 1
    return not only_value(s, grad)


@inline
def only_value(s, grad):
    """Return whether no gradient is wanted, which then is NaN; or begin its evaluation."""
    if s.request == VALUE:
        for i in range(grad.size):
            grad[i] = math.nan
        return True
    s.part = 1
    return False
