"""What a step does to a gradient before a rule's update, and with the parameter after it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba.extending import register_jitable


def choose_clip(is_clipped: bool) -> Callable[..., Any]:
    """Choose ``clip(g, scale, limit)``, which leaves gradients that are not to be clipped."""
    return clip_gradient if is_clipped else leave_gradient  # type: ignore[no-any-return]


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
