"""``lr="auto"``: which gear, from the start to the end.

A search begins with a quasi-Newton *descent* (`descent`). Where gradients come from differences,
descents with wide ones follow, from the best point, the widest first: the slope that counts is that
over the width, not that of the ripple or kink at hand. So a minimum is left that is none at a
larger scale. A *simplex* is next (`simplex`): a look around if the first descent has arrived; if it
has not, as at a kink or in noise, until it gets no further. Where variables are too many for that,
a cycle of *legs* takes its place. What is gained begins all anew; what is not is the end.

A leg is a run of the rule at one step size, from the best point and with its moments at zero. It
ends when the best value has not fallen for `LEG_PATIENCE` iterations, or where the function is not
finite; the next is smaller by `SHRINK`. Its differences are as wide as its steps.

Sizes are those of x, coordinate by coordinate, or the user's. The constants were chosen on the
tuning part of ``benchmarks.functions``. `fastadam.minimize` names the literature.
"""

from __future__ import annotations

import math

from .._numba.options import register_jitable
from .._objective.layout import (
    BEST_GRAD,
    BEST_X,
    GRAD,
    GRADIENT,
    LOWER,
    SIZE,
    UNIT,
    UPPER,
    VALUE,
    X_SCALE,
    X,
)
from . import descent, simplex
from .outcomes import CONVERGED, MAXFEV, NONFINITE, RUNNING, SETTLED, UNBOUNDED, UNSETTLED, WAITING
from .requests import UNKNOWN, ask
from .state import MOST

#: Of the rule, unless the user says otherwise. The momentum lasts for 50 iterations, not 10.
HYPER_PARAMETERS = {"betas": (0.98, 0.995), "eps": 1e-12}

#: The least scale that is believed, in roundings of x: differences would be lost in them.
LEAST_SCALE = 1e8

LEG, DESCENT = 0, 1
#: Whether a search is compared with known minima where a descent ends, and has just been.
COMPARING, LOOKED = 1, 2

#: The widths of the differences of one descent after the other, in sizes; and how many of them are
#: enough if the first descent has arrived.
WIDTHS, ENOUGH = (0.3, 0.03, 0.1, 0.01, 1e-3, 1e-4), 2
#: No more cycles of legs than this.
CYCLES = 3
FIRST_STEP, SHRINK, LAST_STEP = 0.3, 0.3, 1e-7
LEG_PATIENCE = 20
#: The width of a leg's differences, as a part of its step, and where the usual ones take over.
WIDTH, NARROWEST = 0.3, 1e-5
#: A fall by less than this part does not prolong a leg.
LEG_FTOL = 1e-13
#: What counts as gained: a part of the value or, if that is less, of the whole fall; and of that.
GAIN, GAIN_FALL = 1e-6, 1e-16
#: What becomes of a size that x has left behind, at most.
SHRINK_SIZE = 0.1
#: Where no descent arrives, what the last metric promises has to be less than this part of the
#: value, or the value nearly nothing beside the fall.
PROMISE, NEARLY_NOTHING = 1e-3, 1e-6


@register_jitable
def start(s, vectors):
    """Set up a search: a descent, in sizes of the start or of the largest of it."""
    s.gear, s.turn, s.cycle, s.first_f = DESCENT, 0, 0, math.inf
    largest = 0.0
    for i in range(vectors.shape[1]):
        largest = max(largest, abs(vectors[BEST_X, i]))
    if not 0.0 < largest < math.inf:
        largest = 1.0
    for i in range(vectors.shape[1]):
        size, scale = abs(vectors[BEST_X, i]), vectors[X_SCALE, i]
        if scale > 0.0:
            size = max(scale, LEAST_SCALE * s.eps * size)
        room = vectors[UPPER, i] - vectors[LOWER, i]
        vectors[SIZE, i] = min(size if size > 0.0 else largest, room if room > 0.0 else math.inf)
    descent.begin(s, vectors)


@register_jitable
def go_down(s, vectors, first_row):
    """Take in an evaluation of a descent or a simplex; go on, or set up what comes after.

    The metric is in the rows from one on. If legs are next, the gear says so. To be compared with
    known minima, a search waits once where it ends.
    """
    # All of it is compiled anew in whatever calls it, so there are few levels of calls.
    goes_on = False
    if s.compares == LOOKED:
        s.compares = COMPARING
    else:
        if _note(s, vectors):
            if s.stage >= simplex.VERTEX:
                goes_on = simplex.advance(s, vectors, vectors[first_row:])
            else:
                goes_on = descent.advance(s, vectors, vectors[first_row:])
        if s.compares == COMPARING and not goes_on and s.status == RUNNING:
            s.status = WAITING
    if not goes_on and s.status == RUNNING:
        next_gear(s, vectors)


@register_jitable
def _note(s, vectors):
    """Note an evaluation if it is the best; tell whether a search can go on from it."""
    if s.first_f == math.inf:
        if not abs(s.f) < math.inf:
            s.status = NONFINITE
            return False
        s.first_f = s.f
    if s.f == -math.inf:
        s.status = UNBOUNDED
        return False
    has_gradient = s.request != VALUE
    if -math.inf < s.f < s.best_f or (s.f == s.best_f and has_gradient):
        s.best_f = s.f
        s.best_width = s.width if has_gradient else UNKNOWN
        for i in range(vectors.shape[1]):
            vectors[BEST_X, i] = vectors[X, i]
            vectors[BEST_GRAD, i] = vectors[GRAD, i] if has_gradient else math.nan
    if s.stage == descent.BEGIN and not has_gradient:
        s.status = MAXFEV  # there are none for the first gradient
        return False
    return True


@register_jitable
def next_gear(s, vectors):
    """Set up what comes after a descent or a cycle of legs, or set the status."""
    if s.turn == 0:
        s.turn_f, s.settled, s.promise = s.best_f, s.arrived, s.gain
    s.turn += 1
    if s.differs == 1 and s.turn <= (ENOUGH if s.settled == 1 else len(WIDTHS)):
        _begin_descent(s, vectors, WIDTHS[s.turn - 1])
    elif s.turn_f - s.best_f > _worth(s):
        s.gear, s.turn = DESCENT, 0
        for i in range(vectors.shape[1]):
            if vectors[X_SCALE, i] == 0.0:
                size = SHRINK_SIZE * vectors[SIZE, i]
                vectors[SIZE, i] = max(abs(vectors[BEST_X, i]), size)
        _begin_descent(s, vectors, 0.0)
    elif s.gear == LEG or s.stage >= simplex.VERTEX or (s.settled == 1 and not _may_look(s)):
        s.status = _end(s)
    elif vectors.shape[1] <= simplex.MOST_VARIABLES:
        simplex.begin(s, vectors)
    elif s.settled == 0 and s.cycle < CYCLES:
        s.gear = LEG
        s.cycle += 1
        s.lr, s.patience, s.cycle_end = FIRST_STEP / SHRINK, s.first_patience, MOST
        for i in range(vectors.shape[1]):
            vectors[UNIT, i] = vectors[SIZE, i]
        next_leg(s)
    else:
        s.status = _end(s)


@register_jitable
def _may_look(s):
    """Tell whether a look around a point where a descent has arrived may find something lower."""
    return s.differs == 1 and s.wide_cost > 1  # where all is fixed, a gradient takes no evaluations


@register_jitable
def _worth(s):
    """Find what a gain has to be worth to count: what the user says, or a part of the problem's."""
    if s.cycle_ftol >= 0.0:
        return s.cycle_ftol * (1.0 + abs(s.best_f))
    fall = s.first_f - s.best_f
    return max(GAIN * min(abs(s.best_f), fall), GAIN_FALL * fall)


@register_jitable
def _end(s):
    """Find the outcome of a search that has gained nothing in any gear."""
    if s.settled == 1:
        return CONVERGED
    value = abs(s.best_f)
    is_low = s.promise <= PROMISE * value or value <= NEARLY_NOTHING * (s.first_f - s.best_f)
    return SETTLED if is_low else UNSETTLED


@register_jitable
def _begin_descent(s, vectors, width):
    """Begin a descent from the best point with differences of a width, 0 being the usual one."""
    s.width = width
    descent.begin(s, vectors)
    ask(s, descent.BEGIN, GRADIENT)


@register_jitable
def next_leg(s):
    """Set up a leg with a smaller step; tell whether there is one."""
    s.lr *= SHRINK
    if s.lr < s.last_step:
        return False
    s.since = 0
    s.target = s.best_f
    s.width = s.lr * WIDTH if s.differs == 1 and s.lr * WIDTH >= s.narrowest else 0.0
    return True
