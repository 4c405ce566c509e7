"""``lr="auto"``: steps from large to small, each size until it no longer helps.

A *leg* is a run of the rule at one step size, from the best point so far and with its moments at
zero. It ends when the best value has not fallen for `LEG_PATIENCE` iterations, or where the
function is not finite; the next is smaller by `SHRINK`. A *cycle* is the legs from a large step to
one of no more effect than rounding, or takes a quarter of all iterations. The next cycle starts
again at a large step, smaller by `CYCLE`, and more patient by `PATIENCE_GROWTH`; the search ends
with a cycle in vain. That tells of a minimum only if the last leg moved by little: the moves of
some rules grow with the gradient.

Steps are in *units*, one for each coordinate: its size at the start of the leg, but at least some
part of the largest. In every other cycle that part is nearly 0, which is what parameters of very
different size need.

Where gradients come from differences, these are as wide as the steps: the slope that counts for
a step is that over its length, not that of the kink or ripple it starts on. The narrow ones of
the usual scheme take over where both would be as accurate.

The constants were chosen on the tuning part of ``benchmarks.functions``. `fastadam.minimize` names
the literature.
"""

from __future__ import annotations

import math

from numba.extending import register_jitable

from .._objective.layout import BEST_GRAD, BEST_X, GRAD, GRADIENT, LOWER, SIZE, UNIT, UPPER, VALUE, X
from . import descent
from .outcomes import MAXFEV, NONFINITE, OVERSHOT, RUNNING, STAGNATED, UNBOUNDED, WAITING

#: Of the rule, unless the user says otherwise. The momentum lasts for 50 iterations, not 10.
HYPER_PARAMETERS = {"betas": (0.98, 0.995), "eps": 1e-12}

FIRST_STEP = 0.3
CYCLE = 0.3
SHRINK = 0.3
LAST_STEP = 1e-7
LEG_PATIENCE = 20
PATIENCE_GROWTH = 4
#: At least so many cycles, unless the gradient vanishes.
CYCLES = 3
#: No cycle takes more than this part of all iterations, or more than so many, if these are more.
CYCLE_SHARE = 0.25
CYCLE_ITERATIONS = 1000
#: The least unit, as a part of the largest: of the first cycle, the second, the third, ...
LEAST_UNITS = (0.1, 1e-8)
#: The width of differences, as a part of the step, and where the usual scheme takes over.
WIDTH = 0.3
NARROWEST = 1e-5
#: A cycle that gains less than this, relative to 1 + |f|, is in vain.
FTOL = 1e-10
#: A fall by less than this part of ftol does not prolong a leg.
LEG_FTOL = 1e-3


LEG, DESCENT = 0, 1

#: Of a search that is compared with known minima: is the end of this descent to be?
COMPARING, LOOKED = 1, 2


@register_jitable
def start(s, vectors):
    """Set up a search."""
    s.gear = DESCENT
    s.reach = 1.0
    s.first_f = math.inf
    n = vectors.shape[1]
    largest = 0.0
    for i in range(n):
        largest = max(largest, abs(vectors[BEST_X, i]))
    if largest == 0.0:
        largest = 1.0
    for i in range(n):
        x = abs(vectors[BEST_X, i])
        room = vectors[UPPER, i] - vectors[LOWER, i]
        vectors[SIZE, i] = min(x if x > 0.0 else largest, room if room > 0.0 else math.inf)
        vectors[UNIT, i] = vectors[SIZE, i]
    descent.begin(s, vectors)
    s.turn = s.cycle = 0


@register_jitable
def descend(s, vectors, metric):
    """Take in an evaluation of a descent."""
    if s.first_f == math.inf:
        if not abs(s.f) < math.inf:
            s.status = NONFINITE
            return False
        s.first_f = s.f
    is_best = s.f < s.best_f or (s.f == s.best_f and s.request != VALUE)
    if is_best and s.f > -math.inf:
        s.best_f = s.f
        s.best_width = s.width if s.request != VALUE else descent.UNKNOWN
        for i in range(vectors.shape[1]):
            vectors[BEST_X, i] = vectors[X, i]
            vectors[BEST_GRAD, i] = vectors[GRAD, i] if s.request != VALUE else math.nan
    if s.request == VALUE and s.stage == descent.BEGIN:
        s.status = MAXFEV
        return False
    return descent.advance(s, vectors, metric)


@register_jitable
def descend_or_wait(s, vectors, metric):
    """Descend, but where that ends wait once, if it may be a minimum that was found before."""
    if s.compares == LOOKED:
        s.compares = COMPARING
        return False
    goes_on = descend(s, vectors, metric)
    if s.compares == COMPARING and not goes_on and s.status == RUNNING:
        s.status = WAITING
    return goes_on


WIDTHS = (0.3, 0.1, 0.03, 0.01, 1e-3, 1e-4)
LEAST_GAIN = 1e-7


@register_jitable
def next_gear(s, vectors):
    """Choose what comes after a descent or a cycle of legs."""
    if s.turn == 0:
        s.turn_f = s.best_f
        s.flat = s.arrived
        s.turn_gain = -0.5 * s.slope
    s.turn += 1
    if s.differs == 1 and s.turn <= len(WIDTHS):
        s.width = WIDTHS[s.turn - 1]
        begin_descent(s, vectors)
        return
    fall = s.first_f - s.best_f
    gained = s.turn_f - s.best_f > max(1e-6 * min(abs(s.best_f), fall), 1e-16 * fall)
    if not gained and s.flat == 0 and s.gear == DESCENT and s.cycle < 3:
        s.cycle += 1
        s.gear = LEG
        s.lr = FIRST_STEP / SHRINK
        s.patience = s.first_patience
        for i in range(vectors.shape[1]):
            vectors[UNIT, i] = vectors[SIZE, i]
        s.cycle_end = 2**62
        next_leg(s, vectors)
        return
    s.gear = DESCENT
    if gained:
        s.turn = 0
        for i in range(vectors.shape[1]):
            vectors[SIZE, i] = max(abs(vectors[BEST_X, i]), 0.1 * vectors[SIZE, i])
        s.width = 0.0
        begin_descent(s, vectors)
        return
    settled = s.flat == 1 or s.turn_gain <= 1e-3 * abs(s.best_f) or abs(s.best_f) <= 1e-6 * fall
    s.status = STAGNATED if settled else OVERSHOT


@register_jitable
def begin_descent(s, vectors):
    """Set up a descent from the best point at the width at hand, and ask for its gradient."""
    descent.begin(s, vectors)
    s.f = s.best_f
    s.reach = 1.0
    for i in range(vectors.shape[1]):
        vectors[UNIT, i] = vectors[SIZE, i]
    descent.ask(s, vectors, descent.BEGIN, GRADIENT)


@register_jitable
def next_leg(s, vectors):
    """Set up a leg with a smaller step; tell whether there is one."""
    s.lr *= SHRINK
    if s.lr < s.last_step:
        return False
    s.since = 0
    s.target = s.best_f
    s.width = s.lr * WIDTH if s.widen == 1 and s.lr * WIDTH >= s.narrowest else 0.0
    return True


@register_jitable
def end_in_vain(s, vectors):
    """Find the outcome of a search whose last cycle has gained nothing.

    The last leg's first move has to be small, in units: at most the root of the last step, where
    that of Adam and its kin is the last step itself. A value so far below 0, or x so far from it,
    that the square overflows has run away.
    """
    if s.best_f < 0.0 and not s.best_f * s.best_f < math.inf:
        return UNBOUNDED
    for i in range(vectors.shape[1]):
        x = vectors[BEST_X, i]
        if not x * x < math.inf:
            return UNBOUNDED
    return STAGNATED if s.move <= math.sqrt(s.last_step) else OVERSHOT


@register_jitable
def first_move(vectors, clip, size):
    """Measure how far the first step of a leg, from the best point, moves a coordinate, in units.

    Without bound where the square of the gradient in units overflows: a second moment of infinity
    is all that has kept it from moving. ``clip`` and ``size`` are those of `iteration.clipping`.
    """
    largest = 0.0
    for i in range(vectors.shape[1]):
        unit = vectors[UNIT, i]
        g = clip * (vectors[GRAD, i] / size) * unit
        move = abs(vectors[X, i] - vectors[BEST_X, i]) / unit
        if not g * g < math.inf:
            return math.inf
        if not move <= largest:
            largest = move
    return largest


@register_jitable
def next_cycle(s):
    """Set up the first leg of a cycle."""
    s.cycle += 1
    k = min(s.cycle, CYCLES - 1)
    s.lr = FIRST_STEP * CYCLE**k
    s.patience = s.first_patience * PATIENCE_GROWTH**k
    s.cycle_f = s.best_f
    s.cycle_end = s.nit + max(CYCLE_ITERATIONS, int(CYCLE_SHARE * s.maxiter))


@register_jitable
def measure_units(vectors, least):
    """Set the unit of each coordinate: the size of the best x there, within its bounds."""
    n = vectors.shape[1]
    largest = 1.0
    for i in range(n):
        largest = max(largest, abs(vectors[BEST_X, i]))
    for i in range(n):
        room = vectors[UPPER, i] - vectors[LOWER, i]
        unit = max(abs(vectors[BEST_X, i]), least * largest)
        vectors[UNIT, i] = min(unit, room if room > 0.0 else math.inf)
