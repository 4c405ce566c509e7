"""What a search asks for next, and what of it is allowed."""

from __future__ import annotations

from .._numba.options import register_jitable
from .._objective.layout import BEST_GRAD, BEST_X, GRAD, GRADIENT, TRIAL, VALUE, X
from .outcomes import MAXFEV, MAXITER

#: What is next in a descent: nothing, an evaluation, another step, another metric. As conditions,
#: the first two are false and true.
ENDED, ASKED, NEXT, RENEW = range(4)

#: A width that asks for one-sided differences, and one that stands for no gradient at all.
ONE_SIDED = -1.0
UNKNOWN = -2.0


@register_jitable
def cost(s):
    """Count the evaluations that a value and a gradient take."""
    if s.width == 0.0:
        return s.cost
    return s.one_sided_cost if s.width < 0.0 else s.wide_cost


@register_jitable
def is_affordable(s, evaluations):
    """Tell whether some more evaluations are allowed."""
    return s.nfev + evaluations <= s.maxfev


@register_jitable
def ask(s, stage, request):
    """Ask for an evaluation at X, with room left for the scheme's gradient, if that is allowed."""
    evaluations = max(cost(s), s.cost)
    if request == GRADIENT and s.cost_each > 0:
        evaluations -= 1  # the value is known
    elif request == VALUE and s.cost_each == 0:
        evaluations += 1  # a given gradient may take another
    if not is_affordable(s, evaluations):
        s.status = MAXFEV
        return ENDED
    if request != GRADIENT:
        if s.nit >= s.maxiter:
            s.status = MAXITER
            return ENDED
        s.nit += 1
    s.stage, s.request = stage, request
    return ASKED


@register_jitable
def go_to(s, vectors, row, f):
    """Go to the point in a row, where the value is ``f``."""
    s.f = f
    for i in range(vectors.shape[1]):
        vectors[X, i] = vectors[TRIAL, i] = vectors[row, i]


@register_jitable
def go_to_best(s, vectors):
    """Go to the best point, with its gradient."""
    go_to(s, vectors, BEST_X, s.best_f)
    for i in range(vectors.shape[1]):
        vectors[GRAD, i] = vectors[BEST_GRAD, i]


@register_jitable
def is_finite(vectors, row):
    """Tell whether all of a row is."""
    difference = 0.0
    for i in range(vectors.shape[1]):
        difference += vectors[row, i] - vectors[row, i]  # NaN of what is not finite
    return difference == 0.0


@register_jitable
def unblocked(p, g, lower, upper):
    """Measure a component of the gradient, 0 if it pushes against a bound."""
    return 0.0 if (g > 0.0 and p <= lower) or (g < 0.0 and p >= upper) else abs(g)
