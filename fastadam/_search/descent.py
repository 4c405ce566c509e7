"""The second gear: a quasi-Newton descent from the best point, one evaluation at a time."""

from __future__ import annotations

import math

from .._numba.options import register_jitable
from .._objective.layout import (
    BEST_GRAD,
    BEST_X,
    CURVATURE,
    DIRECTION,
    FREE,
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
    VALUE_AND_GRADIENT,
    X,
)
from . import metric as metrics
from .outcomes import MAXFEV, MAXITER, RUNNING, UNBOUNDED

# What the evaluation at hand is for.
BEGIN, PROBE, TRIAL_STEP, MOVED, CENTRED, POLL = range(6)

#: With more variables the gradient's changes along each are not looked at before the first step.
MOST_PROBED = 10
#: The first move where nothing is known of the curvature, in units.
FIRST_MOVE = 0.1
FIRST_BLIND_MOVE = 0.01
REACH = 3.0
#: Armijo's and Wolfe's constants.
SUFFICIENT = 1e-4
FLATTER = 0.9
MOST_TRIES = 12
FAR = 1e20
STALL = 30
JUDGED = 2
JUDGED_SUFFICIENT = 0.25
#: A width that asks for one-sided differences, and one that stands for no gradient at all.
ONE_SIDED = -1.0
UNKNOWN = -2.0


@register_jitable
def begin(s, vectors):
    """Set up a descent from the best point at the width at hand."""
    s.stage = BEGIN
    s.arrived = s.updates = s.renewed = s.polled = 0
    for i in range(vectors.shape[1]):
        vectors[X, i] = vectors[TRIAL, i] = vectors[BEST_X, i]


@register_jitable
def advance(s, vectors, metric):
    """Take in an evaluation and ask for the next; tell whether the descent goes on."""
    going = take(s, vectors, metric)
    while not going and s.status == RUNNING and can_recover(s):
        going = recover(s, vectors, metric)
    return going


@register_jitable
def take(s, vectors, metric):
    """Take in an evaluation; tell whether another is asked for."""
    if s.stage == TRIAL_STEP:
        if judge_trial(s, vectors):
            return True
        if s.status != RUNNING:
            return False
        far = 0.0
        for i in range(vectors.shape[1]):
            far = max(far, abs(vectors[BEST_X, i]) / vectors[UNIT, i])
        if s.best_f < 0.0 and (far > FAR or not s.best_f * s.best_f < math.inf):
            s.status = UNBOUNDED
            return False
        if s.equal == 1 or (s.low > 0.0 and s.best_f == s.low_f):
            load_best(s, vectors)
        elif s.low > 0.0:
            place(s, vectors, s.low)
            s.f = s.low_f
            return ask(s, vectors, MOVED, GRADIENT)
        elif s.best_f < s.origin_f and s.moves >= JUDGED:
            load_best(s, vectors)
        else:
            return False
        if s.best_width != s.width:
            return ask(s, vectors, MOVED, GRADIENT)
        s.stage = MOVED
    elif s.stage == POLL:
        if not s.f < s.origin_f:
            s.polled = 1000
            return False
        return ask(s, vectors, BEGIN, GRADIENT)
    elif s.stage == PROBE:
        take_probe(s, vectors, metric)
        return next_probe(s, vectors, metric)
    if not is_finite_gradient(vectors):
        return False
    if s.stage == BEGIN:
        take_origin(s, vectors)
        s.begin_f = s.mark_f = s.f
        s.moves = 0
        if s.width <= 0.0 and measure_projected(vectors) <= s.gtol:
            s.arrived = 1
            return False
        return start_metric(s, vectors, metric, True)
    if s.stage == MOVED:
        s.moves += 1
        if s.moves % (STALL + vectors.shape[1]) == 0:
            fall = s.begin_f - s.f
            if s.mark_f - s.f <= max(1e-5 * min(abs(s.f), fall), 1e-14 * fall):
                s.arrived = 1 if s.far <= 1e-6 else 0
                s.polled = s.renewed = 1000
                return False
            s.mark_f = s.f
        metrics.update(s, vectors, metric, s.renew == 1)
        s.renew = 0
        if metric.shape[1] <= metrics.MOST_DENSE:
            s.updates += 1
    take_origin(s, vectors)
    return next_step(s, vectors, metric)


@register_jitable
def is_finite_gradient(vectors):
    total = 0.0
    for i in range(vectors.shape[1]):
        total += vectors[GRAD, i] - vectors[GRAD, i]
    return total == 0.0


@register_jitable
def load_best(s, vectors):
    """Go to the best point."""
    s.f = s.best_f
    for i in range(vectors.shape[1]):
        vectors[X, i] = vectors[TRIAL, i] = vectors[BEST_X, i]
        vectors[GRAD, i] = vectors[BEST_GRAD, i]


@register_jitable
def take_origin(s, vectors):
    """Let the descent go on from the point at hand."""
    s.origin_f = s.f
    for i in range(vectors.shape[1]):
        vectors[ORIGIN, i] = vectors[X, i]
        vectors[ORIGIN_GRAD, i] = vectors[GRAD, i]


@register_jitable
def ask(s, vectors, stage, request):
    """Ask for an evaluation, if that is allowed."""
    needed = cost(s)
    if request == GRADIENT:
        needed -= 1
    if s.nfev + needed > s.maxfev:
        s.status = MAXFEV
        return False
    if request != GRADIENT:
        if s.nit >= s.maxiter:
            s.status = MAXITER
            return False
        s.nit += 1
    s.stage, s.request = stage, request
    return True


@register_jitable
def cost(s):
    """Count the evaluations that a value and a gradient take."""
    if s.width == 0.0:
        return s.cost
    return s.forward_cost if s.width < 0.0 else s.wide_cost


@register_jitable
def start_metric(s, vectors, metric, forward):
    """Choose the metric of the first step."""
    n = vectors.shape[1]
    if n <= MOST_PROBED and (s.cost_each == 0 or (s.renewed > 0 and s.width == 0.0)):
        s.probe = -1
        for i in range(n):
            metrics.start_diagonal(metric, i, 0.0)
        return next_probe(s, vectors, metric)
    steepest = 0.0
    for i in range(n):
        steepest = max(steepest, abs(vectors[ORIGIN_GRAD, i]) * vectors[UNIT, i])
    known, bowl = 1, True
    largest = 0.0
    if s.differs == 1 and s.width == 0.0:
        refine_units(s, vectors)
    for i in range(n):
        unit = vectors[UNIT, i]
        slope = abs(vectors[ORIGIN_GRAD, i]) * unit
        if s.cost_each == 0 or s.differs == 0 or s.width < 0.0:
            value, known = steepest / FIRST_BLIND_MOVE, 0
        else:
            value = abs(vectors[CURVATURE, i]) * unit * unit
            half = max(s.width, vectors[REL_STEP, i])
            noise = 8.0 * s.eps * abs(s.origin_f) / (half * half)
            if not value > noise:
                value = 0.0
            value = max(value, slope / REACH)
            bowl = bowl and vectors[CURVATURE, i] > 0.0
        largest = max(largest, value)
        metrics.start_diagonal(metric, i, value)
    if not 0.0 < largest < math.inf:
        largest = 1.0
    for i in range(n):
        value = metrics.diagonal(metric, i)
        if not bowl and n > metrics.MOST_DENSE:
            metrics.start_diagonal(metric, i, largest)
        elif not value > 1e-12 * largest:
            metrics.start_diagonal(metric, i, 1e-12 * largest)
    s.renew = 1 - known
    if s.width == 0.0 and forward and s.forward == 1:
        s.width = ONE_SIDED
    return next_step(s, vectors, metric)


@register_jitable
def refine_units(s, vectors):
    """Let differences be no wider than the curvature allows."""
    for i in range(vectors.shape[1]):
        c = abs(vectors[CURVATURE, i])
        if 0.0 < c < math.inf:
            natural = math.sqrt(abs(s.origin_f) / c)
            unit = vectors[UNIT, i]
            vectors[UNIT, i] = min(max(natural, 1e-5 * unit), unit)


@register_jitable
def next_probe(s, vectors, metric):
    """Ask for the gradient beside the origin, along the next coordinate that is not fixed."""
    n = vectors.shape[1]
    s.probe += 1
    while s.probe < n and not vectors[LOWER, s.probe] < vectors[UPPER, s.probe]:
        metrics.start_diagonal(metric, s.probe, 1.0)
        s.probe += 1
    if s.probe == n:
        s.renew = 0
        return next_step(s, vectors, metric)
    for i in range(n):
        vectors[X, i] = vectors[ORIGIN, i]
    i = s.probe
    h = s.probe_step * vectors[UNIT, i]
    if vectors[ORIGIN, i] + h > vectors[UPPER, i]:
        h = max(-h, vectors[LOWER, i] - vectors[ORIGIN, i])
    vectors[X, i] = vectors[ORIGIN, i] + h
    for j in range(n):
        vectors[TRIAL, j] = vectors[X, j]
    return ask(s, vectors, PROBE, VALUE_AND_GRADIENT)


@register_jitable
def take_probe(s, vectors, metric):
    """Take in a column of the Hessian."""
    i, n = s.probe, vectors.shape[1]
    h = vectors[X, i] - vectors[ORIGIN, i]
    if h == 0.0 or not is_finite_gradient(vectors):
        metrics.start_diagonal(
            metric, i, abs(vectors[ORIGIN_GRAD, i]) * vectors[UNIT, i] / FIRST_MOVE
        )
        return
    for j in range(n):
        value = (vectors[GRAD, j] - vectors[ORIGIN_GRAD, j]) / h
        value *= vectors[UNIT, i] * vectors[UNIT, j]
        if j > i:
            metric[1 + j, i] = value
        elif j == i:
            metric[1 + i, i] = value
        else:
            metric[1 + i, j] = 0.5 * (metric[1 + i, j] + value)
    if metric[1 + i, i] == 0.0:
        metric[1 + i, i] = 1e-300


@register_jitable
def measure_projected(vectors):
    """Measure the largest component of the gradient at the origin that no bound holds."""
    largest = 0.0
    for i in range(vectors.shape[1]):
        x, g = vectors[ORIGIN, i], vectors[ORIGIN_GRAD, i]
        held = (g >= 0.0 and x <= vectors[LOWER, i]) or (g <= 0.0 and x >= vectors[UPPER, i])
        if not held:
            largest = max(largest, abs(g))
    return largest


@register_jitable
def find_direction(s, vectors, metric):
    """Find the direction of the next step and the slope along it."""
    n = vectors.shape[1]
    for i in range(n):
        x, g = vectors[ORIGIN, i], vectors[ORIGIN_GRAD, i]
        lower, upper = vectors[LOWER, i], vectors[UPPER, i]
        blocked = (g >= 0.0 and x <= lower) or (g <= 0.0 and x >= upper)
        vectors[FREE, i] = 0.0 if blocked else 1.0
    while True:
        metrics.solve(s, vectors, metric)
        again = False
        for i in range(n):
            if vectors[FREE, i] == 0.0:
                continue
            x, d = vectors[ORIGIN, i], vectors[DIRECTION, i]
            if (d < 0.0 and x <= vectors[LOWER, i]) or (d > 0.0 and x >= vectors[UPPER, i]):
                vectors[FREE, i], again = 0.0, True
        if not again:
            break
    slope = 0.0
    for i in range(n):
        slope += vectors[DIRECTION, i] * vectors[ORIGIN_GRAD, i]
    return slope


@register_jitable
def next_step(s, vectors, metric):
    """Begin a line search, unless the search has arrived."""
    slope = find_direction(s, vectors, metric)
    gain = -0.5 * slope
    if not gain < math.inf:
        return False
    steep = 0.0
    for i in range(vectors.shape[1]):
        if vectors[FREE, i] != 0.0:
            steep = max(steep, abs(vectors[ORIGIN_GRAD, i]))
    if s.width <= 0.0 and steep <= s.gtol:
        s.arrived = 1
    rounding = s.eps * abs(s.origin_f)
    fall = s.first_f - s.origin_f
    if s.cost_each == 0:
        rounding *= 1e-6
    length = far = 0.0
    for i in range(vectors.shape[1]):
        length = max(length, abs(vectors[DIRECTION, i]) / vectors[UNIT, i])
        far = max(far, abs(vectors[DIRECTION, i]) / vectors[SIZE, i])
    s.far, s.length = far, length
    if gain <= rounding:
        s.arrived = 1
    elif far <= 1e-6 and gain <= (1e-14 if steep <= 1e-5 else 1e-22) * fall:
        s.arrived = 1
    if s.arrived == 1:
        return False
    if length > REACH * s.reach:
        scale = REACH * s.reach / length
        for i in range(vectors.shape[1]):
            vectors[DIRECTION, i] *= scale
        slope *= scale
        s.reach *= 4.0
        s.length = length * scale
    s.slope = slope
    s.step, s.low, s.high, s.tries, s.equal = 1.0, 0.0, math.inf, 0, 0
    return propose(s, vectors)


@register_jitable
def place(s, vectors, step):
    """Go so far along the direction, within the bounds; tell whether that is another point."""
    decrease, moved = 0.0, False
    for i in range(vectors.shape[1]):
        x = vectors[ORIGIN, i]
        p = x + step * vectors[DIRECTION, i]
        p = min(max(p, vectors[LOWER, i]), vectors[UPPER, i])
        moved = moved or p != x
        decrease += vectors[ORIGIN_GRAD, i] * (p - x)
        vectors[X, i] = vectors[TRIAL, i] = p
    s.decrease = decrease
    return moved


@register_jitable
def propose(s, vectors):
    """Ask for the point at the step at hand."""
    moved = place(s, vectors, s.step)
    if not moved:
        s.stage = TRIAL_STEP
        return False
    return ask(s, vectors, TRIAL_STEP, VALUE_AND_GRADIENT if s.cost_each == 0 else VALUE)


@register_jitable
def judge_trial(s, vectors):
    """Take in the point of a step; tell whether the line search goes on."""
    change = s.f - s.origin_f
    has_gradient = s.request != VALUE
    rounding = 4.0 * s.eps * abs(s.origin_f)
    slope = 0.0
    if has_gradient:
        for i in range(vectors.shape[1]):
            slope += vectors[GRAD, i] * (vectors[X, i] - vectors[ORIGIN, i])
    if has_gradient and abs(change) <= rounding and abs(slope) <= -FLATTER * s.decrease:
        if s.f <= s.first_f:
            s.equal = 1
            s.best_f, s.best_width = s.f, s.width
            for i in range(vectors.shape[1]):
                vectors[BEST_X, i], vectors[BEST_GRAD, i] = vectors[X, i], vectors[GRAD, i]
            return False
    s.tries += 1
    sufficient = SUFFICIENT if s.moves >= JUDGED else JUDGED_SUFFICIENT
    lowest = s.low == 0.0 or change <= 0.3 * (s.low_f - s.origin_f)
    if change <= sufficient * s.decrease and change < 0.0 and lowest:
        if has_gradient:
            extend = slope < FLATTER * s.decrease
        else:
            extend = change < 0.9 * s.decrease
        s.low, s.low_f = s.step, s.f
        if not extend or s.step >= 1e6 or s.tries >= MOST_TRIES:
            return False
        s.step = 4.0 * s.step if s.high == math.inf else 0.5 * (s.low + s.high)
        return propose(s, vectors)
    if s.tries >= MOST_TRIES:
        return False
    if -s.decrease <= 0.25 * s.eps * abs(s.origin_f) and not has_gradient:
        return False
    s.high = s.step
    if s.low > 0.0:
        if not has_gradient and s.tries >= 8:
            return False
        s.step = 0.5 * (s.low + s.high)
        return propose(s, vectors)
    # The lowest point of the parabola through both values.
    factor = 0.1
    bent = change - s.decrease
    if bent < math.inf:
        factor = min(max(-0.5 * s.decrease / bent, 0.1), 0.5)
    s.step *= factor
    if s.step * s.length < 0.03 * s.width:
        return False
    return propose(s, vectors)


@register_jitable
def can_recover(s):
    """Tell whether a descent that has come to its end may go on in another way."""
    if s.width == ONE_SIDED or may_poll(s):
        return True
    return s.arrived == 0 and s.updates > 0 and s.renewed < 3


@register_jitable
def may_poll(s):
    """Tell whether the points of the last differences may be looked at."""
    return s.differs == 1 and s.polled < 10 and (s.width > 0.0 or s.arrived == 1)


@register_jitable
def recover(s, vectors, metric):
    """Go on with central differences, or with a new metric; tell whether something is asked for."""
    for i in range(vectors.shape[1]):
        vectors[X, i] = vectors[TRIAL, i] = vectors[ORIGIN, i]
    s.f = s.origin_f
    if s.width == ONE_SIDED:
        s.width = 0.0
        s.arrived = 0
        return ask(s, vectors, CENTRED, GRADIENT)
    if may_poll(s):
        s.polled += 1
        return poll(s, vectors)
    s.arrived = 0
    s.renewed += 1
    s.updates = 0
    return start_metric(s, vectors, metric, False)


@register_jitable
def poll(s, vectors):
    """Ask for the lowest point of the differences around the origin, if it is lower."""
    least, at, by = -16.0 * s.eps * abs(s.origin_f), -1, 0.0
    for i in range(vectors.shape[1]):
        h = max(s.width, vectors[REL_STEP, i]) * vectors[UNIT, i]
        if vectors[GRAD, i] > 0.0:
            h = -h
        x = vectors[ORIGIN, i] + h
        change = vectors[ORIGIN_GRAD, i] * h + 0.5 * vectors[CURVATURE, i] * h * h
        if change < least and vectors[LOWER, i] <= x <= vectors[UPPER, i]:
            least, at, by = change, i, h
    if at < 0:
        return False
    vectors[X, at] += by
    vectors[TRIAL, at] = vectors[X, at]
    return ask(s, vectors, POLL, VALUE)
