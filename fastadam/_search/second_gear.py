"""The second gear of `auto`, compiled once for the loops of all rules, which call its address.

As a part of each it took them ten times as long to compile.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numba
from numba import types

from .._numba import private
from .._numba.cache import compile_kernel, kernel_address
from .._numba.calls import make_function_at
from .._numba.options import KERNEL_OPTIONS, register_jitable
from . import auto
from .state import MATRIX, RECORD

_SIGNATURE = types.void(RECORD, MATRIX, types.int64)


@cache
def _compile() -> Callable[..., Any]:
    return compile_kernel(auto.go_down, _SIGNATURE, **KERNEL_OPTIONS)


def find_address() -> int:
    """Find the machine code, or 0 where it is not called by its address."""
    return kernel_address(_compile()) if _has_address() else 0


def _has_address() -> bool:
    """Tell whether there is machine code, and a private way to call it."""
    return not numba.config.DISABLE_JIT and private.is_usable()


@cache
def select_go_down() -> Callable[..., Any]:
    """Select what loops are compiled with: the call by address, or all of it."""
    if not _has_address():
        return auto.go_down
    function_at = make_function_at(_SIGNATURE)

    @register_jitable
    def go_down(s, vectors, first_row):
        function_at(s.go_down)(s, vectors, first_row)

    return go_down
