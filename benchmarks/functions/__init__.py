"""Optimisation test functions from the literature.

They are the functions that a default setting is chosen and judged on: of one, two and more
variables, smooth, with kinks and with jumps, well and badly scaled. `FUNCTIONS` holds them all,
and `Published.held_out` says which of them nothing was tuned on.
"""

from __future__ import annotations

from . import assorted, least_squares, line, scalable
from .planar import curves, holes, jumps, minimax, multimodal, nonsmooth, polynomials
from .registry import Published

FUNCTIONS: tuple[Published, ...] = (
    polynomials.FUNCTIONS
    + curves.FUNCTIONS
    + holes.FUNCTIONS
    + jumps.FUNCTIONS
    + line.FUNCTIONS
    + minimax.FUNCTIONS
    + multimodal.FUNCTIONS
    + nonsmooth.FUNCTIONS
    + scalable.FUNCTIONS
    + least_squares.FUNCTIONS
    + assorted.FUNCTIONS
)

__all__ = ["FUNCTIONS", "Published"]
