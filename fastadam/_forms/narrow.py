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
from typing import Any

import numpy as np
from numba.extending import register_jitable

from .._numba.bits import float32_bits, float32_of_bits
from .._rules.spec import Rule
from .._rules.state import flush, make_accessors

#: Numbers that share a scale, of 4 bytes. With 256 a step took a tenth longer, with more no less.
BLOCK = 512

LOW_SIGNED, LOW_UNSIGNED = np.float32(2.0**-16), np.float32(2.0**-32)
LAST_SIGNED, LAST_UNSIGNED = np.uint32(127), np.uint32(255)
#: How far a code is from the bits of the float32.
SHIFT = np.uint32(20)
LARGEST = np.finfo(np.float32).max

_ZERO, _ONE, _SIGN = np.uint32(0), np.uint32(1), np.uint32(0x80)
_SIZE, _INFINITY = np.uint32(0x7FFFFFFF), np.uint32(0x7F800000)
_NAN = np.uint16(0x7FC0)
_LOW, _12, _15, _HALF, _24 = (
    np.uint32(0xFFFF),
    np.uint32(12),
    np.uint32(15),
    np.uint32(16),
    np.uint32(24),
)
_A, _B, _C = np.uint32(0x9E3779B1), np.uint32(0x7FEB352D), np.uint32(0x846CA68B)

#: What an element's random bits are multiplied by for each row that is written, the last of which
#: are the parameters: constants, for a shift by a variable is one of 64 bits here, and slower.
_FIRST, _SECOND, _THIRD, _LAST = (
    np.uint32(each) for each in (1, 0x2C1B3C6D, 0x297A2D39, 0x85EBCA6B)
)
MULTIPLIERS = np.array([_FIRST, _SECOND, _THIRD, _LAST], np.uint32)


@register_jitable
def make_seed(step):
    """Make a number of a step for `draw`."""
    return np.uint32(np.uint32(step) * _C)


@register_jitable
def draw(i, seed):
    """Give an element 32 random bits, of which the upper ones are best."""
    x = np.uint32(np.uint32(np.uint32(i) * _A) + seed)
    x = np.uint32(np.uint32(x ^ (x >> _15)) * _B)
    return np.uint32(np.uint32(x ^ (x >> _15)) * _C)


def count_blocks(size: int) -> int:
    """Count the blocks of an array."""
    return -(-size // BLOCK)


def choose_codec(dtype: np.dtype[Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Choose how parameters and gradients are read, and parameters written."""
    write = narrow_parameter if dtype == np.uint16 else keep_parameter
    return choose_reader(dtype), write


def choose_reader(dtype: np.dtype[Any]) -> Callable[..., Any]:
    """Choose what makes a number of an element: uint16 are the bits of bfloat16."""
    return widen if dtype == np.uint16 else take  # type: ignore[no-any-return]


@register_jitable
def take(x):
    """Take a number as it is, where others are to be widened."""
    return x


@register_jitable
def widen(bits):
    """Read a bfloat16."""
    return float32_of_bits(np.uint32(np.uint32(bits) << _HALF))


@register_jitable
def narrow(x, bits):
    """Write a bfloat16, rounded by 16 random bits. Infinity stays, and NaN.

    On a GPU all bits of a NaN are set but the sign: rounded, it would be -0.
    """
    return np.uint16(np.uint32(float32_bits(x) + bits) >> _HALF) if x == x else _NAN


@register_jitable
def narrow_parameter(x, random):
    """Write a parameter as a bfloat16."""
    return narrow(x, np.uint32(random * _LAST) >> _HALF)


@register_jitable
def keep_parameter(x, random):
    """Keep a float32 parameter as it is."""
    return x


@register_jitable
def narrow_first(x, random):
    """Write a number of the first row of a state as a bfloat16."""
    return narrow(x, random >> _HALF)


@register_jitable
def narrow_second(x, random):
    """Write one of the second."""
    return narrow(x, random & _LOW)


@register_jitable
def narrow_third(x, random):
    """Write one of the third."""
    return narrow(x, np.uint32(random * _THIRD) >> _HALF)


#: By the row of the state.
NARROW = narrow_first, narrow_second, narrow_third


# As in `_rules.state`: a pair of accessors for each number of state arrays.


@register_jitable
def _load1(state, i, floors):
    return (widen(state[0, i]),)


@register_jitable
def _store1(state, i, values, floors, random):
    state[0, i] = narrow_first(flush(values[0], floors[0]), random)


@register_jitable
def _load2(state, i, floors):
    return widen(state[0, i]), widen(state[1, i])


@register_jitable
def _store2(state, i, values, floors, random):
    state[0, i] = narrow_first(flush(values[0], floors[0]), random)
    state[1, i] = narrow_second(flush(values[1], floors[1]), random)


@register_jitable
def _load3(state, i, floors):
    return widen(state[0, i]), widen(state[1, i]), widen(state[2, i])


@register_jitable
def _store3(state, i, values, floors, random):
    state[0, i] = narrow_first(flush(values[0], floors[0]), random)
    state[1, i] = narrow_second(flush(values[1], floors[1]), random)
    state[2, i] = narrow_third(flush(values[2], floors[2]), random)


_ACCESSORS = (_load1, _store1), (_load2, _store2), (_load3, _store3)


def make_narrow_accessors(rule: Rule, state: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Make ``load(state, i, floors)`` and ``store(state, i, values, floors, random)``.

    ``state`` is "bfloat16", or "" for float32 where random bits are at hand all the same.
    """
    if state == "bfloat16" and rule.state:
        return _ACCESSORS[len(rule.state) - 1]
    load, store_plain = make_accessors(rule)

    def store(state, i, values, floors, random):
        store_plain(state, i, values, floors)

    store.__qualname__ = f"{rule.name}_store_float32"  # of its own: Numba names code by it
    return load, register_jitable(store)


@register_jitable
def decode_signed(code, scale):
    """Read a number with a sign."""
    code = np.uint32(code)
    bits = np.uint32(((code & LAST_SIGNED) << SHIFT) + float32_bits(LOW_SIGNED))
    size = scale * (float32_of_bits(bits) - LOW_SIGNED)
    return float32_of_bits(np.uint32(float32_bits(size) | ((code & _SIGN) << _24)))


@register_jitable
def decode_unsigned(code, scale):
    """Read a number without a sign."""
    bits = np.uint32((np.uint32(code) << SHIFT) + float32_bits(LOW_UNSIGNED))
    return scale * (float32_of_bits(bits) - LOW_UNSIGNED)


@register_jitable
def _encode(y, low, random, multiplier):
    """Write ``y >= 0`` as a code; infinity and NaN as one above all others."""
    above = np.uint32(float32_bits(y + low) - float32_bits(low))
    return np.uint32(above + (np.uint32(random * multiplier) >> _12)) >> SHIFT


@register_jitable
def encode_signed(x, unit, random, multiplier):
    """Write a number with a sign, ``unit`` times as large."""
    code = min(_encode(unit * abs(x), LOW_SIGNED, random, multiplier), LAST_SIGNED)
    return np.uint8(code | ((float32_bits(x) >> _24) & _SIGN))


@register_jitable
def encode_unsigned(x, unit, random, multiplier):
    """Write one without a sign, and never 0: steps are divided by its root."""
    code = min(_encode(unit * x, LOW_UNSIGNED, random, multiplier), LAST_UNSIGNED)
    return np.uint8(max(code, _ONE))


@register_jitable
def finite_size(x):
    """Give the bits of a finite number's size, and 0 for others.

    As whole numbers they are in the same order: a maximum of floats does not vectorise, because of
    NaN, and took 1.5 ns an element.
    """
    bits = float32_bits(x) & _SIZE
    return bits if bits < _INFINITY else _ZERO


@register_jitable
def _decode_last(is_signed):
    """Give what the last code stands for, in scales."""
    low, last = (LOW_SIGNED, LAST_SIGNED) if is_signed else (LOW_UNSIGNED, LAST_UNSIGNED)
    return float32_of_bits(np.uint32((last << SHIFT) + float32_bits(low))) - low


@register_jitable
def choose_unit(size, is_signed):
    """Choose what a block's numbers are multiplied by before they are written.

    ``size`` are the bits of the largest, as `finite_size` gives them.
    """
    largest = float32_of_bits(np.uint32(size))
    return _decode_last(is_signed) / largest if largest > np.float32(0.0) else np.float32(0.0)


@register_jitable
def choose_scale(size, is_signed):
    """Choose the scale of a block's codes."""
    return min(float32_of_bits(np.uint32(size)) / _decode_last(is_signed), LARGEST)


@register_jitable
def read_uint8(stored, scale, is_signed, out):
    """Widen a block of codes to float32.

    All are arrays of a block: at ``stored[start + j]`` Numba looks whether the index is negative,
    and nothing vectorises.
    """
    if is_signed:
        for j in range(out.size):
            out[j] = decode_signed(stored[j], scale)
    else:
        for j in range(out.size):
            out[j] = decode_unsigned(stored[j], scale)


@register_jitable
def write_uint8(x, stored, is_signed, random, multiplier):
    """Write a block as codes, and give its scale."""
    size = _ZERO
    for j in range(x.size):
        size = max(size, finite_size(x[j]))
    unit = choose_unit(size, is_signed)
    if is_signed:
        for j in range(x.size):
            stored[j] = encode_signed(x[j], unit, random[j], multiplier)
    else:
        for j in range(x.size):
            stored[j] = encode_unsigned(x[j], unit, random[j], multiplier)
    return choose_scale(size, is_signed)


#: What each kind of state is kept in.
STORED = {
    kind: np.dtype(name)
    for kind, name in {"": "float32", "bfloat16": "uint16", "uint8": "uint8"}.items()
}
