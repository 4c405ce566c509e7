"""Optimisation test functions from the literature.

They are the functions that a default setting is chosen and judged on: of one, two and more
variables, smooth, with kinks and with jumps, well and badly scaled. `FUNCTIONS` holds them all,
and `Published.held_out` says which of them nothing was tuned on.
"""

from __future__ import annotations

from . import (
    assorted,
    least_squares,
    planar,
    planar_curves,
    planar_holes,
    planar_jumps,
    planar_line,
    planar_minimax,
    planar_multimodal,
    planar_nonsmooth,
    scalable,
)
from .registry import Published

FUNCTIONS: tuple[Published, ...] = (
    planar.FUNCTIONS
    + planar_curves.FUNCTIONS
    + planar_holes.FUNCTIONS
    + planar_jumps.FUNCTIONS
    + planar_line.FUNCTIONS
    + planar_minimax.FUNCTIONS
    + planar_multimodal.FUNCTIONS
    + planar_nonsmooth.FUNCTIONS
    + scalable.FUNCTIONS
    + least_squares.FUNCTIONS
    + assorted.FUNCTIONS
)

__all__ = ["FUNCTIONS", "Published"]
