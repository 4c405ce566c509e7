"""The starts of searches that compiled code calls."""

from __future__ import annotations

from typing import Any

import numba
from numba import types
from numba.extending import overload

from .tuples import cast_like


def as_start(x0: Any) -> Any:
    """Take a vector as it is, and a number or a tuple of them as a tuple of float64."""
    raise NotImplementedError("for compiled code alone")


@overload(as_start)
def _find_start(x0):  # type: ignore[no-untyped-def]  # Numba compares the signatures
    if _is_real(x0):
        return lambda x0: (float(x0),)
    if isinstance(x0, types.BaseTuple) and all(map(_is_real, x0)):
        return lambda x0: cast_like(x0, 0.0)
    if isinstance(x0, types.Array) and x0.ndim == 1 and _is_real(x0.dtype):
        return lambda x0: x0
    raise numba.TypingError(
        f"x0 must be a vector of real numbers, a tuple of them, or one, got {x0}"
    )


def _is_real(numba_type: Any) -> bool:
    return isinstance(numba_type, (types.Integer, types.Float))
