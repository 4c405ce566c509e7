"""Levenberg and Marquardt's method, for one curve: the part that is compiled.

Of a model with derivatives J and residuals r, each divided by its sigma, the step is

    s = -(J^T J + damping D^2)^-1 J^T r

where D is the largest norm that each column of J has had: the method does not see the units of the
parameters. The damping is 0, or such that D s is as long as the radius, which is chosen by how
good steps have been. That is MINPACK's method [1]_; what differs is that there are bounds.

A search is a loop of `evaluate`, `judge`, `propose` and `advance`, which share a record. There is
one call of each, since every further one would be compiled again. Inlined, the functions keep their
arguments, some sixty words with all the fields of the arrays, out of the stack: 2.0 instead of 2.8
us a fit of 3 parameters to 24 points.

References
----------
.. [1] J. J. More, "The Levenberg-Marquardt algorithm: implementation and theory", in Numerical
   Analysis, Lecture Notes in Mathematics 630, 105-116, 1978.
"""

from __future__ import annotations

import math

from .._numba.options import inline, register_jitable
from .evaluation import choose_steps, have_steps_been_right, normalize
from .outcomes import CONVERGED, LIMIT, MISSHAPEN, NONFINITE, STUCK, UNFINISHED
from .state import END, LOWER, SCALE, SLOPES, START, TRIAL, TRY, UNIT, UNSCALE, UPPER, P
from .steps import find_free, length_of

#: The first radius beside the length of the start; if that is 0, alone.
_FIRST_RADIUS = 100.0
#: The share of the predicted reduction that a good step brings.
_GOOD = 1e-4
#: A search that can find no good step has converged if this is the share of f that it expected.
_SMALL = 1e-3
#: How often the steps of the first differences are chosen.
_MOST_STARTS = 3


@register_jitable
def begin(work, y, start, lower, upper):
    """Have a search begin; the weights are there."""
    s, vectors = work.search[0], work.vectors
    size, s.has_weights = 0.0, 0
    for i in range(y.size):
        if work.weight[i] != 1.0:
            s.has_weights = 1
        if work.weight[i] > 0.0:
            size += (y[i] * work.weight[i]) ** 2
    s.size, s.outcome, s.phase, s.damping = math.sqrt(size), UNFINISHED, START, 0.0
    s.nit = s.nfev = s.starts = s.has_factor = 0
    s.wants_slopes, s.expected = 1, -1.0
    for j in range(start.size):
        vectors[P, j] = vectors[TRIAL, j] = start[j]
        vectors[LOWER, j], vectors[UPPER, j] = lower[j], upper[j]
        vectors[UNIT, j] = vectors[SCALE, j] = 0.0
        vectors[UNSCALE, j] = 1.0
    choose_steps(vectors)


@register_jitable
def resize(s, actual):
    """Choose the next radius by how good a step was."""
    ratio = actual / s.predicted
    if s.nit == 0:
        s.radius = min(s.radius, s.length)
    if not ratio > 0.25:
        share = 0.5 if actual >= 0.0 else 0.5 * s.slope / (s.slope + 0.5 * actual)
        share = share if share > 0.1 else 0.1  # also where it is NaN
        s.radius = share * min(s.radius, 10.0 * s.length)
        s.damping /= share
    elif ratio >= 0.75 or s.damping == 0.0:
        s.radius = 2.0 * s.length
        s.damping *= 0.5


@inline
def judge(work, limits):
    """Take what was evaluated into account; tell whether a step is to be chosen next."""
    s, vectors, has_ended = work.search[0], work.vectors, False
    if s.phase == END:
        s.outcome = CONVERGED
        return False
    if s.phase == TRY:
        actual, least = s.f - s.trial_f, limits.ftol * s.f
        is_good = actual > _GOOD * s.predicted
        resize(s, actual)
        is_short = s.radius <= limits.xtol * length_of(vectors, P)
        has_ended = is_short or (s.predicted <= least and abs(actual) <= least)
        if not is_good:
            s.wants_slopes = 0
            if has_ended:
                finish(work)
            return not has_ended
        if s.wants_slopes == 0:
            s.phase, s.wants_slopes = SLOPES, 1
            choose_steps(vectors)
            return False
    elif not 0.0 <= s.trial_f < math.inf:
        s.outcome = MISSHAPEN if s.trial_f == -1.0 else NONFINITE
        return False
    normalize(work)
    s.f, s.expected, s.has_slopes = s.trial_f, -1.0, 1
    for j in range(vectors.shape[1]):
        vectors[P, j] = vectors[TRIAL, j]
    if s.phase == START:
        s.starts += 1
        if s.starts < _MOST_STARTS and not have_steps_been_right(vectors):
            for j in range(vectors.shape[1]):
                vectors[SCALE, j], vectors[UNSCALE, j] = 0.0, 1.0
            choose_steps(vectors)
            return False
        length = length_of(vectors, P)
        s.radius = _FIRST_RADIUS * (length if length > 0.0 else 1.0)
        return True
    s.nit += 1
    if has_ended:
        find_free(vectors)
        s.outcome = CONVERGED
    return not has_ended


@inline
def advance(work, limits, has_step):
    """Go to the trial that was proposed, or end."""
    s = work.search[0]
    if not has_step:
        s.outcome = NONFINITE
    elif s.damping == 0.0 and s.predicted <= limits.ftol * s.f:
        finish(work)
    elif s.nfev >= limits.maxfev:
        s.outcome = LIMIT
    else:
        if s.expected < 0.0:
            s.expected = s.predicted
        s.phase = TRY
        if s.wants_slopes != 0:
            choose_steps(work.vectors)
            s.has_slopes = 0


@register_jitable
def finish(work):
    """End at P, or at the trial if that is as near as ``ftol`` asks for."""
    s, vectors = work.search[0], work.vectors
    if s.expected > _SMALL * s.f:
        s.outcome = STUCK
    elif s.expected < 0.0:
        for j in range(vectors.shape[1]):
            vectors[P, j] = vectors[TRIAL, j]
        s.f -= s.predicted
        s.outcome, s.has_factor = CONVERGED, 1
    else:  # a step was tried, and was not good
        find_free(vectors)
        if s.has_slopes != 0:
            s.outcome = CONVERGED
            return
        for j in range(vectors.shape[1]):
            vectors[TRIAL, j] = vectors[P, j]
        choose_steps(vectors)
        s.phase, s.wants_slopes = END, 1
