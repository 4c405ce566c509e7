"""Linear algebra on the few parameters of a model, for compiled loops.

What is not ``free`` (its entry is not above 0) is left out: its row of a factor is that of the unit
matrix. The diagonals of factors hold their inverses.
"""

from __future__ import annotations

import math

from .._numba.options import inline, inline_sum, register_jitable

#: Of rows that are orthogonal to the others but for this share, nothing but rounding is left.
DEPENDENT = 2.0**-45

#: Pivots of a matrix whose inverse is no larger lose 6 of 16 digits to rounding, at most.
_REGULAR = 1e3


# The only sums here that are as long as a curve. In the order in which they are written they take
# 4 additions' time each: 165 instead of 55 ns for a normal matrix of 3 parameters and 24 points.
@inline_sum
def dot(a, b):
    """Add up products, in any order."""
    total = 0.0
    for i in range(a.size):
        total += a[i] * b[i]
    return total


@inline
def factorize(normal, unscale, damping, free, factor):
    """Fill the Cholesky factor of a matrix whose diagonal is scaled to 1, and damped.

    False if it has none.
    """
    for j in range(free.size):
        for k in range(j + 1):
            value = 0.0
            if free[j] > 0.0 and free[k] > 0.0:
                value = normal[j, k] * unscale[j] * unscale[k]
            if j == k:
                value = value + damping if free[j] > 0.0 else 1.0
            for i in range(k):
                value -= factor[j, i] * factor[k, i]
            if j > k:
                factor[j, k] = value * factor[k, k]
            elif value > 0.0:
                factor[j, j] = 1.0 / math.sqrt(value)
            else:
                return False
    return True


@inline
def solve(factor, x):
    """Solve with a Cholesky factor, in place."""
    n = x.size
    for j in range(n):
        value = x[j]
        for i in range(j):
            value -= factor[j, i] * x[i]
        x[j] = value * factor[j, j]
    for j in range(n - 1, -1, -1):
        value = x[j]
        for i in range(j + 1, n):
            value -= factor[i, j] * x[i]
        x[j] = value * factor[j, j]


@register_jitable
def orthogonalize(rows, free, factor, dependent):
    """Make the free rows orthonormal, by Gram and Schmidt; False if they depend on each other.

    They do if no more than its share ``dependent[j]`` of a row is orthogonal to the others.

    The factor is Cholesky's of the products of the rows, which are not formed: that would lose half
    of the digits.
    """
    n, m = rows.shape
    for j in range(n):
        row = rows[j]
        for k in range(n):
            factor[j, k] = 0.0
        if not free[j] > 0.0:
            continue
        before = dot(row, row)
        for k in range(j):
            if free[k] > 0.0:
                other = rows[k]
                part = factor[j, k] = dot(row, other)
                for i in range(m):
                    row[i] -= part * other[i]
        left = dot(row, row)
        if not left > before * dependent[j] ** 2:
            return False
        inverse = factor[j, j] = 1.0 / math.sqrt(left)
        for i in range(m):
            row[i] *= inverse
    return True


@register_jitable
def is_regular(factor, free):
    """Tell whether a Cholesky factor of a scaled matrix is known to nearly all digits."""
    largest = 0.0
    for j in range(free.size):
        if free[j] > 0.0:
            largest = max(largest, factor[j, j])
    return largest < _REGULAR


@register_jitable
def invert(factor, unscale, free, variance, work, inverse):
    """Fill in the inverse, times ``variance``, of the matrix whose scaled form has a factor.

    It is NaN for what is not free.
    """
    n = free.size
    for k in range(n):  # the inverse of the factor
        for j in range(k, n):
            value = 0.0
            if free[j] > 0.0 and free[k] > 0.0:
                if j == k:
                    value = -1.0
                for i in range(k, j):
                    value += factor[j, i] * work[i, k]
                value *= -factor[j, j]
            work[j, k] = value
    for j in range(n):
        for k in range(j + 1):
            value = math.nan
            if free[j] > 0.0 and free[k] > 0.0:
                value = 0.0
                for i in range(j, n):
                    value += work[i, j] * work[i, k]
            inverse[j, k] = inverse[k, j] = variance * value * unscale[j] * unscale[k]
