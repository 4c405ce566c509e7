"""The next step of a descent: the quasi-Newton direction within the box, unless it has arrived."""

from __future__ import annotations

import math

from .._numba.options import register_jitable
from .._objective.layout import DIRECTION, FREE, LOWER, ORIGIN, ORIGIN_GRAD, SIZE, UNIT, UPPER
from . import metric as metrics
from .line_search import begin_line
from .requests import ENDED, ONE_SIDED, unblocked

#: The first cap on a step, in units; one that is reached is raised by `RAISE`.
REACH, RAISE = 3.0, 4.0
#: Arrived: the step is less than this part of the sizes of x, and the metric promises less than
#: this part of the whole fall of f: of a gradient that is small as SciPy has it, or of any.
CLOSE, LEAST_GAIN, LEAST_GAIN_STEEP = 1e-6, 1e-14, 1e-22
SMALL_GRADIENT = 1e-5
#: Given gradients lead on where values are lost in rounding, to this part of it.
BELOW_ROUNDING = 1e-6


@register_jitable
def next_step(s, vectors, metric):
    """Ask for the first point of a line search, unless the descent has arrived."""
    slope = _find_direction(s, vectors, metric)
    s.gain = -0.5 * slope
    if not s.gain < math.inf:
        return ENDED
    s.length = s.far = 0.0
    for i in range(vectors.shape[1]):
        move = abs(vectors[DIRECTION, i])
        s.length = max(s.length, move / vectors[UNIT, i])
        s.far = max(s.far, move / vectors[SIZE, i])
    if _has_arrived(s, measure_gradient(vectors)):
        s.arrived = 1
        return ENDED
    if s.width == ONE_SIDED and s.far <= CLOSE:
        return ENDED  # central differences tell more
    if s.length > s.reach:
        for i in range(vectors.shape[1]):
            vectors[DIRECTION, i] *= s.reach / s.length
        s.length = s.reach
        s.reach *= RAISE
    return begin_line(s, vectors)


@register_jitable
def measure_gradient(vectors):
    """Measure the largest component of the gradient at the origin, projected."""
    largest = 0.0
    for i in range(vectors.shape[1]):
        lower, upper = vectors[LOWER, i], vectors[UPPER, i]
        g = unblocked(vectors[ORIGIN, i], vectors[ORIGIN_GRAD, i], lower, upper)
        largest = max(largest, g)
    return largest


@register_jitable
def _has_arrived(s, gradient):
    """Tell whether there is nothing left that could be seen, or that anybody has asked for.

    What is seen is measured by the problem: by rounding, and by how far f has fallen.
    """
    if s.width <= 0.0 and gradient <= s.gtol:
        return True
    rounding = s.eps * abs(s.origin_f)
    if s.gain <= (BELOW_ROUNDING * rounding if s.cost_each == 0 else rounding):
        return True
    least = LEAST_GAIN if gradient <= SMALL_GRADIENT else LEAST_GAIN_STEEP
    return s.far <= CLOSE and s.gain <= least * (s.first_f - s.origin_f)


@register_jitable
def _find_direction(s, vectors, metric):
    """Find the direction and the slope along it.

    Coordinates that a bound holds are left out, and so are those that the direction would push out
    of the box: else the projection could lead uphill (Bertsekas).
    """
    n = vectors.shape[1]
    for i in range(n):
        x, g = vectors[ORIGIN, i], vectors[ORIGIN_GRAD, i]
        is_held = (g >= 0.0 and x <= vectors[LOWER, i]) or (g <= 0.0 and x >= vectors[UPPER, i])
        vectors[FREE, i] = 0.0 if is_held else 1.0
    again = True
    while again:
        metrics.solve(s, vectors, metric)
        again = False
        for i in range(n):
            x, d = vectors[ORIGIN, i], vectors[DIRECTION, i]
            if (d < 0.0 and x <= vectors[LOWER, i]) or (d > 0.0 and x >= vectors[UPPER, i]):
                vectors[FREE, i], again = 0.0, True
    slope = 0.0
    for i in range(n):
        slope += vectors[DIRECTION, i] * vectors[ORIGIN_GRAD, i]
    return slope
