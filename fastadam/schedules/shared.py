"""What schedules have in common."""

from __future__ import annotations

import math


def share_done(step: int, steps: int) -> float:
    """Compute 0 at step 1, 1 from the last step on, and in between in proportion."""
    return 1.0 if step >= steps else (step - 1) / (steps - 1)


def between(first: float, last: float, done: float) -> float:
    """Go from one rate to another along half a cosine."""
    return last + (first - last) * 0.5 * (1.0 + math.cos(math.pi * done))
