"""A kernel of the `cuda` suite."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import types

from fastadam._numba.gpu import with_cuda

cuda: Any = None  # see `fastadam._numba.gpu.with_cuda`

_VECTOR = types.Array(types.float32, 1, "C")


def copy_function() -> tuple[Callable[..., None], Any]:
    """Return the kernel ``copy(to, source)``, not yet compiled, and its signature.

    It goes element by element, as a step's kernel goes.
    """

    @with_cuda
    def copy(to: Any, source: Any) -> None:
        i, stride = cuda.grid(1), cuda.gridsize(1)
        while i < to.size:
            to[i] = source[i]
            i += stride

    return copy, types.void(_VECTOR, _VECTOR)
