"""``lr="auto"``: steps from large to small, each size until it no longer helps.

A *leg* is a run of the rule at one step size, from the best point so far and with its moments at
zero. It ends when the best value has not fallen for `PATIENCE` iterations, or where the function
is not finite; the next is smaller by `SHRINK`. A *cycle* is the legs from a large step to one of
no more effect than rounding. The next cycle starts again at a large step, smaller by `CYCLE`, and
more patient by `PATIENCE_GROWTH`; the search ends with a cycle in vain.

Where gradients come from differences, these are as wide as the steps: the slope that counts for
a step is that over its length, not that of the kink or ripple it starts on. The narrow ones of
the usual scheme take over where both would be as accurate.

In the literature: backing up to the best point with a smaller step after a stagnation is the
"decay on plateau" of neural networks; warm restarts are Loshchilov & Hutter's; discarding the
momentum when it no longer helps is O'Donoghue & Candès'; differences whose width follows
the step are Gilmore & Kelley's implicit filtering.

The constants were chosen on the tuning part of ``benchmarks.published``.
"""

from __future__ import annotations

from numba.extending import register_jitable

from .search import STAGNATED

#: Of the rule, unless the user says otherwise. The momentum lasts for 50 iterations, not 10.
BETAS = (0.98, 0.995)
EPSILON = 1e-12

FIRST_STEP = 0.3
CYCLE = 0.3
SHRINK = 0.5
PATIENCE = 20
PATIENCE_GROWTH = 4
CYCLES = 3
LAST_STEP = 1e-10
WIDTH = 0.3
NARROWEST = 1e-5
FTOL = 1e-7
#: A fall by less than this part of ftol does not prolong a leg.
LEG_FTOL = 1e-3


@register_jitable
def next_cycle(s, best_x):
    """Set up the first leg of a cycle."""
    s.cycle += 1
    k = min(s.cycle, CYCLES - 1)
    s.scale = 1.0
    for i in range(best_x.size):
        s.scale = max(s.scale, abs(best_x[i]))
    s.scale = min(s.scale, s.reach)
    s.lr = s.scale * FIRST_STEP * CYCLE**k
    s.patience = s.first_patience * PATIENCE_GROWTH**k
    s.cycle_f = s.best_f


@register_jitable
def next_leg(s, best_x):
    """Set up a leg with a smaller step, or a new cycle; set the status if it is all over.

    A search starts with a step of 0 in the cycle before the first, so with a new cycle.
    """
    s.lr *= SHRINK
    if s.lr <= LAST_STEP * s.scale:
        gain = s.cycle_f - s.best_f
        if s.cycle >= CYCLES - 1 and gain <= s.cycle_ftol * (1.0 + abs(s.best_f)):
            s.status = STAGNATED
            return
        next_cycle(s, best_x)
    s.since = 0
    s.target = s.best_f
    s.width = 0.0
    if s.widen == 1 and s.lr * WIDTH >= NARROWEST * s.scale:
        s.width = s.lr * WIDTH
