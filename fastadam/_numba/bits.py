"""The bits of a number, in compiled code, where ``x.view`` is not for every scalar."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload


@intrinsic  # type: ignore[untyped-decorator]
def _float32_bits(context: Any, x: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(32))

    return types.uint32(types.float32), generate


@intrinsic  # type: ignore[untyped-decorator]
def _float32_of_bits(context: Any, bits: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.uint32), generate


# In Python, too, where an intrinsic cannot be called: so GPU kernels run in the simulator.


def float32_bits(x: Any) -> Any:
    """Give the bits of a float32 as a uint32."""
    return np.float32(x).view(np.uint32)


def float32_of_bits(bits: Any) -> Any:
    """Give the float32 of the bits in a uint32."""
    return np.uint32(bits).view(np.float32)


@overload(float32_bits)
def _compile_float32_bits(x):
    return lambda x: _float32_bits(x)


@overload(float32_of_bits)
def _compile_float32_of_bits(bits):
    return lambda bits: _float32_of_bits(bits)
