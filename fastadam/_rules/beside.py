"""What a step does to a gradient before a rule's update, and with the parameter after it."""

from __future__ import annotations

from numba.extending import register_jitable


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
def move_average(average, p, weight):
    """Move an average towards a parameter."""
    return average + weight * (p - average)
