"""What a step does to a gradient before a rule's update, and with the parameter after it."""

from __future__ import annotations

from numba.extending import register_jitable

from .state import flush


@register_jitable
def clip_gradient(g, scale, limit):
    """Scale a gradient and cut it at ``limit`` and ``-limit``; NaN stays NaN."""
    g = scale * g
    if g > limit:
        return limit
    return -limit if g < -limit else g


@register_jitable
def leave_gradient(g, scale, limit):
    """Leave a gradient as it is."""
    return g


@register_jitable
def add_to_average(average, i, p, weight, floor):
    """Add a parameter to its average, without a subnormal where it stays 0."""
    average[i] = flush(average[i] + weight * (p - average[i]), floor)


@register_jitable
def leave_average(average, i, p, weight, floor):
    """Leave an average that there is not."""
