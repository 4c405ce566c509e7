"""Numbers in 16 and in 8 bits: how float32 is written in fewer, and read again.

``bfloat16`` is the upper half of a float32: its range, with 8 significant bits.

``uint8`` is a code in a block of numbers that share a scale, the largest of them. In units of it
``y + low`` is written as a float of 3 bits of mantissa, with the exponent counted from that of
``low``: below ``low`` the codes are evenly spaced, down to 0, above it each is an eighth or less
from the next. A number with a sign has 7 bits and ``low`` 2**-16; one without has 8 and 2**-32,
as for a square.

Both are rounded at random, up or down by how near each neighbour is, so that the mean is right.
With rounding to the nearest a moment that changes by a thousandth at each step stands still, for
a neighbour is four thousandths away, or an eighth. The random bits are a hash of the element's
place and of the step: the same for any number of threads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba.extending import register_jitable

from .._numba.bits import float32_bits, float32_of_bits

#: Numbers that share a scale, of 4 bytes. With 256 a step took a tenth longer, with more no less.
BLOCK = 512

LOW_SIGNED, LOW_UNSIGNED = np.float32(2.0**-16), np.float32(2.0**-32)
LAST_SIGNED, LAST_UNSIGNED = np.uint32(127), np.uint32(255)
#: How far a code is from the bits of the float32.
SHIFT = np.uint32(20)
LARGEST = np.finfo(np.float32).max

_ZERO, _ONE, _SIGN = np.uint32(0), np.uint32(1), np.uint32(0x80)
_SIZE, _INFINITY = np.uint32(0x7FFFFFFF), np.uint32(0x7F800000)
_12, _15, _HALF, _24 = np.uint32(12), np.uint32(15), np.uint32(16), np.uint32(24)
_A, _B, _C = np.uint32(0x9E3779B1), np.uint32(0x7FEB352D), np.uint32(0x846CA68B)

#: What an element's random bits are multiplied by for each row that is written: as a shift by a
#: number that is not constant is one of 64 bits here, and slower.
MULTIPLIERS = np.array([1, 0x2C1B3C6D, 0x297A2D39, 0x85EBCA6B], np.uint32)


@register_jitable
def draw(start, step, out):
    """Fill a block with 32 random bits for each element, of which the upper ones are best."""
    seed = np.uint32(np.uint32(step) * _C)
    for j in range(out.size):
        x = np.uint32(np.uint32(np.uint32(start + j) * _A) + seed)
        x = np.uint32(np.uint32(x ^ (x >> _15)) * _B)
        out[j] = np.uint32(np.uint32(x ^ (x >> _15)) * _C)


@register_jitable
def take(x):
    """Take a number as it is, where others are to be widened."""
    return x


@register_jitable
def widen(bits):
    """Read a bfloat16."""
    return float32_of_bits(np.uint32(np.uint32(bits) << _HALF))


@register_jitable
def _read_bfloat16(stored, scale, is_signed, out):
    for j in range(out.size):
        out[j] = widen(stored[j])


@register_jitable
def _write_bfloat16(x, stored, is_signed, random, multiplier):
    for j in range(x.size):  # infinity stays, and NaN
        bits = float32_bits(x[j]) + (np.uint32(random[j] * multiplier) >> _HALF)
        stored[j] = np.uint16(np.uint32(bits) >> _HALF)
    return np.float32(1.0)


@register_jitable
def _read_float32(stored, scale, is_signed, out):
    for j in range(out.size):
        out[j] = stored[j]


@register_jitable
def _write_float32(x, stored, is_signed, random, multiplier):
    for j in range(x.size):
        stored[j] = x[j]
    return np.float32(1.0)


@register_jitable
def open_float32(stored, room):
    """Use float32 parameters or gradients where they are."""
    return stored


@register_jitable
def close_float32(x, stored, random, multiplier):
    """Leave them there."""


@register_jitable
def open_bfloat16(stored, room):
    """Widen parameters or gradients into a room for them."""
    _read_bfloat16(stored, np.float32(1.0), True, room)
    return room


@register_jitable
def close_bfloat16(x, stored, random, multiplier):
    """Write them back."""
    _write_bfloat16(x, stored, True, random, multiplier)


@register_jitable
def _read_uint8(stored, scale, is_signed, out):
    if is_signed:
        for j in range(out.size):
            code = np.uint32(stored[j])
            bits = np.uint32(((code & LAST_SIGNED) << SHIFT) + float32_bits(LOW_SIGNED))
            size = scale * (float32_of_bits(bits) - LOW_SIGNED)
            out[j] = float32_of_bits(np.uint32(float32_bits(size) | ((code & _SIGN) << _24)))
    else:
        for j in range(out.size):
            bits = np.uint32((np.uint32(stored[j]) << SHIFT) + float32_bits(LOW_UNSIGNED))
            out[j] = scale * (float32_of_bits(bits) - LOW_UNSIGNED)


@register_jitable
def _encode(y, low, random, multiplier):
    """Write ``y >= 0`` as a code; infinity and NaN as one above all others."""
    above = np.uint32(float32_bits(y + low) - float32_bits(low))
    return np.uint32(above + (np.uint32(random * multiplier) >> _12)) >> SHIFT


@register_jitable
def _decode_last(low, last):
    """Give what the last code stands for, in scales."""
    return float32_of_bits(np.uint32((last << SHIFT) + float32_bits(low))) - low


@register_jitable
def _find_largest(x):
    """Find the largest finite size.

    By the bits, as whole numbers: a maximum of floats does not vectorise, because of NaN, and
    took 1.5 ns an element.
    """
    largest = _ZERO
    for j in range(x.size):
        bits = float32_bits(x[j]) & _SIZE
        largest = max(largest, bits if bits < _INFINITY else _ZERO)
    return float32_of_bits(np.uint32(largest))


@register_jitable
def _write_uint8(x, stored, is_signed, random, multiplier):
    largest = _find_largest(x)
    low, last = (LOW_SIGNED, LAST_SIGNED) if is_signed else (LOW_UNSIGNED, LAST_UNSIGNED)
    top = _decode_last(low, last)
    unit = top / largest if largest > np.float32(0.0) else np.float32(0.0)
    if is_signed:
        for j in range(x.size):
            code = min(_encode(unit * abs(x[j]), low, random[j], multiplier), last)
            stored[j] = np.uint8(code | ((float32_bits(x[j]) >> _24) & _SIGN))
    else:
        for j in range(x.size):
            code = min(_encode(unit * x[j], low, random[j], multiplier), last)
            stored[j] = np.uint8(max(code, _ONE))  # never 0: steps are divided by its root
    return min(largest / top, LARGEST)


class Storage(NamedTuple):
    """How a row of numbers is kept.

    ``read(stored, scale, is_signed, out)`` widens a block to float32, and
    ``write(x, stored, is_signed, random, multiplier)`` keeps one and gives its scale. All are
    arrays of a block: at ``stored[start + j]`` Numba looks whether the index is negative, and
    nothing vectorises.
    """

    name: str
    dtype: np.dtype[Any]
    read: Callable[..., None]
    write: Callable[..., Any]


STORAGES = {
    each.name: each
    for each in (
        Storage("float32", np.dtype(np.float32), _read_float32, _write_float32),
        Storage("bfloat16", np.dtype(np.uint16), _read_bfloat16, _write_bfloat16),
        Storage("uint8", np.dtype(np.uint8), _read_uint8, _write_uint8),
    )
}
