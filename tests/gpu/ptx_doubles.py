"""What the machine of `ptx` does in functions of float64, such as exponentials and logarithms."""

from fractions import Fraction

import numpy as np

#: The registers of floating-point numbers, by the beginning of their names; others hold bits.
FLOATS = {"%fd": (np.float64, np.uint64), "%f": (np.float32, np.uint32)}


def fused(a, b, c):
    """Compute ``a*b + c``, rounded once."""
    if not np.isfinite([a, b, c]).all():
        return a * b + c
    exact = Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c))
    return np.float64(float(exact)) if exact else a * b + c


def reciprocal(x):
    """Compute what the hardware does in a moment: the upper half of the bits of ``1/x``."""
    bits = np.float64(1.0 / x).view(np.uint64)
    return (bits & np.uint64(0xFFFFFFFF00000000)).view(np.float64)


def move_bits(target, source, values, size):
    """Move bits between registers, of which some are pairs in braces; return the new values."""
    half = 4 * size
    names = source.strip("{}").replace(" ", "").split(",")
    bits = sum(_bits(name, values) << half * k for k, name in enumerate(names))
    names = target.strip("{}").replace(" ", "").split(",")
    if len(names) == 1:
        return {target: _from_bits(target, bits)}
    return {name: bits >> half * k & (1 << half) - 1 for k, name in enumerate(names)}


def _bits(name, values):
    """Return what a register holds, or a literal is, as a whole number."""
    if not name.startswith("%"):
        return int(name)
    kind = _find_kind(name)
    return int(values[name].view(kind[1])) if kind else int(values[name])


def _from_bits(name, bits):
    kind = _find_kind(name)
    return kind[1](bits).view(kind[0]) if kind else bits


def _find_kind(name):
    return next((kind for start, kind in FLOATS.items() if name.startswith(start)), None)
