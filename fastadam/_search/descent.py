"""The second gear: a quasi-Newton descent from the best point, one evaluation at a time.

The gradient is given, or comes from differences: of some width, or of the usual one, then from one
side until the descent is near its end. What a descent cannot go down by, it tries in other ways:
central differences; the lowest point that wide differences have seen; a metric made anew.
"""

from __future__ import annotations

from .._numba.options import register_jitable
from .._objective.layout import (
    BEST_X,
    CURVATURE,
    GRAD,
    GRADIENT,
    LOWER,
    ORIGIN,
    ORIGIN_GRAD,
    REL_STEP,
    SIZE,
    TRIAL,
    UNIT,
    UPPER,
    VALUE,
    X,
)
from . import metric as metrics
from .first_metric import PROBE, SECOND_LOOK, start_metric, take_probe
from .line_search import JUDGED, STEP, continue_line, place
from .outcomes import NONFINITE, RUNNING, UNBOUNDED
from .requests import ASKED, ENDED, NEXT, ONE_SIDED, RENEW, ask, go_to, go_to_best, is_finite
from .steps import CLOSE, REACH, measure_gradient, next_step

#: More stages: the point is the origin; the step has been made; the gradient at the origin is new;
#: the lowest point of the differences.
BEGIN, MOVED, CENTRED, POLL = 3, 4, 5, 6

#: A descent may be given so many new metrics, and so many polls.
MOST_RENEWALS, MOST_POLLS = 3, 10
#: It stalls if in so many steps, and one for each variable, it gains less than this part of its
#: value and of its fall, or of its fall alone.
STALL, STALL_GAIN, STALL_FALL = 30, 1e-5, 1e-14
#: So many sizes away from 0 there is no minimum, nor so low.
FAR_AWAY, LOW = 1e20, -1e50
#: What a poll has to bring, in units of what rounding does.
SEEN = 16.0


@register_jitable
def begin(s, vectors):
    """Set up a descent from the best point, whose gradient is to be evaluated at s.width."""
    s.stage = BEGIN
    s.arrived = s.updates = s.renewals = s.polls = 0
    s.reach, s.gain = REACH, 0.0
    for i in range(vectors.shape[1]):
        vectors[UNIT, i] = vectors[SIZE, i]
    go_to(s, vectors, BEST_X, s.best_f)


@register_jitable
def advance(s, vectors, metric):
    """Take in an evaluation and ask for the next; tell whether the descent goes on."""
    # Each part is called at one place: the compiler copies them into every one.
    then = _take(s, vectors, metric)
    while True:
        if then == RENEW:
            then = start_metric(s, vectors, metric)
        if then == NEXT:
            then = next_step(s, vectors, metric)
        if then == ASKED:
            return True
        if s.status != RUNNING or not _may_recover(s):
            return False
        then = _recover(s, vectors)


@register_jitable
def _take(s, vectors, metric):
    """Take in an evaluation; tell what is next."""
    if s.stage == STEP:
        if continue_line(s, vectors) == ASKED:
            return ASKED
        then = _adopt(s, vectors) if s.status == RUNNING else ENDED
        if then != NEXT:
            return then
        s.stage = MOVED
    elif s.stage == PROBE or s.stage == SECOND_LOOK:
        return take_probe(s, vectors, metric)
    elif s.stage == POLL:
        if not s.f < s.origin_f:
            s.polls = MOST_POLLS
            return ENDED
        return ask(s, BEGIN, GRADIENT)
    if not is_finite(vectors, GRAD):
        if s.nit == 0:  # the start's
            s.status = NONFINITE
        return ENDED
    if s.stage == MOVED:
        if _stalls(s, vectors):
            return ENDED
        metrics.update(s, vectors, metric)
    s.origin_f = s.f
    for i in range(vectors.shape[1]):
        vectors[ORIGIN, i], vectors[ORIGIN_GRAD, i] = vectors[X, i], vectors[GRAD, i]
    if s.stage != BEGIN:
        return NEXT
    s.begin_f = s.mark_f = s.f
    s.moves = 0
    if s.width <= 0.0 and measure_gradient(vectors) <= s.gtol:
        s.arrived = 1
        return ENDED
    return RENEW


@register_jitable
def _adopt(s, vectors):
    """Go to what a line search has found, if anything; tell what is next.

    Where the gradient there is not known, it is asked for.
    """
    if _is_unbounded(s, vectors):
        s.status = UNBOUNDED
        return ENDED
    if s.is_level == 1 or (s.low > 0.0 and s.best_f == s.low_f):
        go_to_best(s, vectors)
    elif s.low > 0.0:  # a point that was not believed is lower
        place(s, vectors, s.low)
        s.f = s.low_f
        return ask(s, MOVED, GRADIENT)
    elif s.best_f < s.origin_f and s.moves >= JUDGED:
        go_to_best(s, vectors)
    else:
        return ENDED
    return NEXT if s.best_width == s.width else ask(s, MOVED, GRADIENT)


@register_jitable
def _is_unbounded(s, vectors):
    """Tell whether the best point or its value has run away."""
    farthest = 0.0
    for i in range(vectors.shape[1]):
        farthest = max(farthest, abs(vectors[BEST_X, i]) / vectors[SIZE, i])
    return s.best_f < LOW or (s.best_f < 0.0 and farthest > FAR_AWAY)


@register_jitable
def _stalls(s, vectors):
    """Count a step; tell whether the descent has gained too little in the last ones."""
    s.moves += 1
    if s.moves % (STALL + vectors.shape[1]) != 0:
        return False
    fall, gain = s.begin_f - s.f, s.mark_f - s.f
    s.mark_f = s.f
    if gain > max(STALL_GAIN * min(abs(s.f), fall), STALL_FALL * fall):
        return False
    s.arrived = 1 if s.far <= CLOSE else 0
    s.polls, s.renewals = MOST_POLLS, MOST_RENEWALS
    return True


@register_jitable
def _may_poll(s):
    is_useful = s.width > 0.0 or s.arrived == 1  # a saddle has no gradient either
    return s.differs == 1 and s.polls < MOST_POLLS and is_useful


@register_jitable
def _may_recover(s):
    """Tell whether a descent that has come to its end may go on in another way."""
    if s.width == ONE_SIDED or _may_poll(s):
        return True
    return s.arrived == 0 and s.updates > 0 and s.renewals < MOST_RENEWALS


@register_jitable
def _recover(s, vectors):
    """Find another way to go on; tell what is next."""
    go_to(s, vectors, ORIGIN, s.origin_f)
    if s.width == ONE_SIDED:
        s.width = 0.0
        s.arrived = 0
        return ask(s, CENTRED, GRADIENT)
    if _may_poll(s):
        s.polls += 1
        return _poll(s, vectors)
    s.arrived = s.updates = 0
    s.renewals += 1
    return RENEW


@register_jitable
def _poll(s, vectors):
    """Ask for the lowest point of the differences around the origin, if it is lower."""
    least, at, by = -SEEN * s.eps * abs(s.origin_f), -1, 0.0
    for i in range(vectors.shape[1]):
        h = max(s.width, vectors[REL_STEP, i]) * vectors[UNIT, i]
        if vectors[ORIGIN_GRAD, i] > 0.0:
            h = -h
        x = vectors[ORIGIN, i] + h
        change = vectors[ORIGIN_GRAD, i] * h + 0.5 * vectors[CURVATURE, i] * h * h
        if change < least and vectors[LOWER, i] <= x <= vectors[UPPER, i]:
            least, at, by = change, i, h
    if at < 0:
        return ENDED
    vectors[X, at] += by
    vectors[TRIAL, at] = vectors[X, at]
    return ask(s, POLL, VALUE)
