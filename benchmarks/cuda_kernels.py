"""A kernel of the `cuda` suite; imported where numba-cuda is."""

from __future__ import annotations

from typing import Any

from numba import types

from fastadam.cuda.target import compiler

cuda = compiler()  # a global, where the simulator looks for it

_VECTOR = types.Array(types.float32, 1, "C")
COPY_SIGNATURE = types.void(_VECTOR, _VECTOR)


def copy(to: Any, source: Any) -> None:
    """Copy from one array to another, element by element as a step's kernel goes."""
    i, stride = cuda.grid(1), cuda.gridsize(1)
    while i < to.size:
        to[i] = source[i]
        i += stride
