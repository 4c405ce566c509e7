"""What a search requests, evaluated at its x: the value, and the gradient by differences or not."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .._numba.options import inline
from .differences import FILLERS, copy
from .layout import CURVATURE, GRAD, GRADIENT, LOWER, REL_STEP, TRIAL, UNIT, UPPER, VALUE, X


@inline
def select_views(vectors, complex_trial):
    """Select what evaluations see of a search: once, since each view takes time.

    ``complex_trial`` has one number for each variable with "cs", and none otherwise.
    """
    x, trial, grad = vectors[X], vectors[TRIAL], vectors[GRAD]
    lower, upper, rel_step = vectors[LOWER], vectors[UPPER], vectors[REL_STEP]
    unit, curvature = vectors[UNIT], vectors[CURVATURE]
    return x, trial, grad, lower, upper, rel_step, unit, complex_trial, curvature


@inline
def real_value(form, views, data):
    """Evaluate a function of real x."""
    return form(views[1], data)


@inline
def complex_value(form, views, data):
    """Evaluate a function of complex x."""
    copy(views[0], views[7])
    return form(views[7], data).real


def make_evaluation(scheme: str, form: Any, value_at: Any = None) -> Callable[..., None]:
    """Make ``evaluate(s, views, data)``: it evaluates what a search requests, or goes on with it.

    ``form`` is the user's function, as `forms` makes it. ``value_at`` says how one that gives the
    value alone is evaluated at x, if not as the scheme does it.
    """
    if scheme == "gradient":

        def evaluate(s, views, data):
            s.f = form(views[0], views[1], views[2], data)
            s.nfev += 1
            s.njev = s.nfev

        return evaluate
    fill = FILLERS[scheme]
    value = value_at or (complex_value if scheme == "cs" else real_value)

    def evaluate_differences(s, views, data):
        if s.part == 0:
            if s.request != GRADIENT:
                s.f = value(form, views, data)
                s.nfev += 1
            if s.request == VALUE:
                grad = views[2]
                for i in range(grad.size):
                    grad[i] = math.nan
                return
            s.part = 1
        fill(form, data, s, views)
        if s.part == 0:
            s.njev += 1

    return evaluate_differences
