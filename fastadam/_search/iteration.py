"""One iteration of a search: judge the point that was evaluated, then step to the next.

The caller evaluates, and this decides ("reverse communication"). So the same code serves
functions in Python, which are called between two compiled iterations, and compiled functions,
which are called from within a compiled loop.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .._numba.options import inline, register_jitable
from .._objective.layout import (
    BEST_GRAD,
    BEST_X,
    GRAD,
    GRADIENT,
    LOWER,
    STATE,
    TRIAL,
    UNIT,
    UPPER,
    VALUE,
    VALUE_AND_GRADIENT,
    X,
)
from .._rules.spec import Rule
from .._rules.state import make_accessors, make_floors
from . import auto
from .outcomes import CONVERGED, MAXFEV, MAXITER, NONFINITE, RUNNING, STAGNATED
from .requests import cost, go_to_best, is_affordable, is_finite, unblocked


def make_iterate(
    rule: Rule, automatic: bool, dtype: str = "float64", go_down: Any = auto.go_down
) -> Callable[..., Any]:
    """Make ``iterate(s, vectors, state, hyper)`` of a rule; ``state`` is ``vectors[STATE:]``.

    ``dtype`` is that of ``vectors``; the scalars are float64. It takes in ``s.f`` and the gradient
    in ``vectors[GRAD]``, at ``vectors[X]``. Either it sets ``s.status``, and the search is over, or
    it leaves in ``vectors[X]`` (with a copy in `TRIAL`) and ``s.request`` what to evaluate next.
    If it is ``automatic``, it has all the gears of `auto`, whose second is ``go_down``.
    """
    sweep = _make_sweep(rule, automatic, dtype)
    if automatic:
        return inline(_make_automatic(rule, sweep, go_down))

    def iterate(s, vectors, state, hyper):
        if s.nit == 0 and not is_finite(vectors, X):
            s.status = NONFINITE
            return
        is_best = -math.inf < s.f <= s.best_f  # false for NaN
        norm = sweep(s, vectors, state, hyper, is_best)
        if judge(s, is_best, norm):
            go_on(s)
        elif s.status == CONVERGED and not is_finite(vectors, BEST_X):
            s.status = NONFINITE

    return inline(iterate)


def _make_automatic(
    rule: Rule, sweep: Callable[..., Any], go_down: Callable[..., Any]
) -> Callable[..., None]:
    """Make the iteration in all the gears of `auto`."""
    carried = rule.carried[0].start if rule.carried else 0.0
    state_rows = len(rule.state)

    def iterate(s, vectors, state, hyper):
        if s.nit == 0 and not is_finite(vectors, X):
            s.status = NONFINITE
        elif s.gear == auto.DESCENT:
            go_down(s, vectors, STATE + state_rows)
            if s.gear == auto.LEG:
                begin_leg(s, vectors, state)
        else:
            is_best = -math.inf < s.f <= s.best_f
            norm = sweep(s, vectors, state, hyper, is_best)
            if judge_leg(s, is_best, norm):
                go_on(s)
            elif s.status == RUNNING:
                if auto.next_leg(s):
                    begin_leg(s, vectors, state)
                else:
                    auto.next_gear(s, vectors)
        if s.status == CONVERGED and not is_finite(vectors, BEST_X):
            s.status = NONFINITE

    @register_jitable
    def begin_leg(s, vectors, state):
        go_to_best(s, vectors)
        for i in range(vectors.shape[1]):
            for k in range(state_rows):
                state[k, i] = 0.0
        s.t = 0
        s.carried = carried
        s.request = GRADIENT
        if not is_affordable(s, cost(s) - (s.cost_each > 0)):
            s.status = MAXFEV

    return iterate


@inline
def go_on(s):
    """Count an iteration of the rule, whose point is to be evaluated."""
    s.nit += 1
    s.t += 1
    s.request = VALUE_AND_GRADIENT


@inline
def judge(s, is_best, norm):
    """Take in a value and its gradient's norm; tell whether to go on."""
    if is_best and s.f < math.inf:
        s.best_f = s.f
        if norm <= s.gtol:
            s.status = CONVERGED
            return False
    elif not abs(s.f) < math.inf:
        s.status = NONFINITE
        return False
    if s.request == VALUE:
        s.status = MAXITER if s.nit >= s.maxiter else MAXFEV
        return False
    if not norm < math.inf:
        s.status = NONFINITE
        return False
    count_fall(s)
    if may_go_on(s) and s.since >= s.patience:
        s.status = STAGNATED
    return s.status == RUNNING


@inline
def judge_leg(s, is_best, norm):
    """Take in a value and its gradient's norm; tell whether to go on with the leg."""
    narrow = s.width == 0.0
    if is_best and s.f < math.inf:
        s.best_f = s.f
        s.best_width = s.width
        if norm <= s.gtol:
            if narrow:
                s.status = CONVERGED
            return False  # flat at this width of the differences: a narrower one may tell more
    if not (abs(s.f) < math.inf and norm < math.inf):
        return False
    if s.request == VALUE:
        s.status = MAXITER if s.nit >= s.maxiter else MAXFEV
        return False
    count_fall(s)
    return may_go_on(s) and s.since < s.patience and s.nit < s.cycle_end


@inline
def count_fall(s):
    """Count the iterations since the value last fell enough."""
    if s.f < s.target:
        s.target = s.f - s.ftol * (1.0 + abs(s.f))
        s.since = 0
    elif s.request != GRADIENT:
        s.since += 1


@inline
def may_go_on(s):
    """Tell whether another iteration is allowed."""
    if s.nit >= s.maxiter:
        s.status = MAXITER
    elif not is_affordable(s, cost(s)):
        s.status = MAXFEV
    return s.status == RUNNING


def _make_sweep(rule: Rule, automatic: bool, dtype: str) -> Callable[..., Any]:
    """Make the one pass over the vectors: it notes the best, steps, and returns the norm.

    It steps before the norm is known to be worth a step, which does no harm: x and the state of
    a search that is over are not used, and a new leg sets both. Two passes and a copy took
    113 ns for two coordinates.
    """
    coefficients, update, velocity = rule.coefficients, rule.update, rule.velocity
    carry = rule.carried[0].carry if rule.carried else None
    load, store = make_accessors(rule)
    floors = make_floors(rule, dtype)
    # One float64 scalar would have float32 arithmetic done in float64.
    real = np.dtype(dtype).type
    one, unflushed = real(1.0), (real(0.0),) * len(floors)  # what was stored has been flushed
    least = float(np.finfo(dtype).tiny)
    rounded = _make_rounding(rule.coefficient_count, real)

    # The vectors are indexed in place: views of them would be counted, see `loops`.
    def sweep(s, vectors, state, hyper, is_best):
        hyper = (s.lr, *hyper[1:]) if carry is None else (s.lr, *hyper[1:-1], s.carried)
        t = float(s.t + 1)
        c = rounded(coefficients(hyper, t))
        if carry is not None:
            s.carried = carry(hyper, t)
        size, clip = one, one
        if s.clip_norm < math.inf:
            wide_size, wide_clip = clipping(vectors, s.clip_norm, least)
            size, clip = real(wide_size), real(wide_clip)
        norm = 0.0
        for i in range(vectors.shape[1]):
            p, g = vectors[X, i], vectors[GRAD, i]
            lower, upper = vectors[LOWER, i], vectors[UPPER, i]
            if is_best:
                vectors[BEST_X, i] = p
                vectors[BEST_GRAD, i] = g
            norm = larger(norm, unblocked(p, g, lower, upper))
            if clip != one or size != one:
                g = clip * (g / size)
            unit = vectors[UNIT, i] if automatic else one
            if automatic:
                p, g = p / unit, g * unit
            p, new_state = update(p, g, load(state, i, unflushed), c)
            store(state, i, new_state, floors)
            if automatic:
                p = p * unit
            if p < lower or p > upper:
                p = lower if p < lower else upper
                # At a wall the velocity is spent: it would press on x for many steps after the
                # gradient has turned.
                if velocity >= 0:
                    state[velocity, i] = 0.0
            vectors[X, i] = p
            vectors[TRIAL, i] = p
        return norm

    return inline(sweep)


def _make_rounding(count: int, real: Any) -> Callable[..., Any]:
    """Make what casts a tuple of ``count`` numbers to a dtype; Numba has no loop over these."""
    if count == 0:
        return inline(lambda values: ())
    before, last = _make_rounding(count - 1, real), count - 1

    def rounded(values):
        return before(values) + (real(values[last]),)  # noqa: RUF005

    return inline(rounded)


@inline
def larger(a, b):
    """Take the larger of two, NaN if one of them is."""
    return a if a >= b or a != a else b


# Between these a sum of squares has all its digits.
_SMALLEST_SUM, _LARGEST_SUM = 1e-290, 1e300


@inline
def clipping(vectors, limit, least):
    """Find what brings the gradient's Euclidean norm down to ``limit``: a divisor and a factor.

    The divisor is 1 unless the squares or the factor would leave the range of numbers, and the
    factor is no less than ``least``, the smallest normal number of their dtype.
    """
    total = 0.0
    for i in range(vectors.shape[1]):
        g = float(vectors[GRAD, i])
        total += g * g
    if _SMALLEST_SUM < total < _LARGEST_SUM:
        clip = limit / math.sqrt(total) if total > limit * limit else 1.0
        if clip >= least:
            return 1.0, clip
    largest = 0.0
    for i in range(vectors.shape[1]):
        largest = max(largest, abs(float(vectors[GRAD, i])))
    if not (0.0 < largest < math.inf and total == total):  # nothing to clip, or all is lost
        return 1.0, 0.0 if total == math.inf else 1.0
    total = 0.0
    for i in range(vectors.shape[1]):
        ratio = float(vectors[GRAD, i]) / largest
        total += ratio * ratio
    root = math.sqrt(total)
    return (largest, limit / root) if limit / largest < root else (1.0, 1.0)
