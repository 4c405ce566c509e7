"""Smooth published functions of two variables with few minima that are not polynomials.

Adjiman, Hosaki, McCormick and Ursem 1 fall without bound outside their box, as published, and
Mishra 2 is the root of a negative number far outside.
"""

from __future__ import annotations

import math

from fastadam import problems

from ..registry import Array, published, take


@published("adjiman", [(-1, 2), (-1, 1)], "smooth", "Jamil & Yang 2013, no. 5")
def adjiman(x: Array) -> float:
    """Slope with a saddle, lowest on the edge of the box."""
    return math.cos(x[0]) * math.sin(x[1]) - x[0] / (x[1] ** 2 + 1.0)


branin = take("branin", problems.branin(), "smooth", "Jamil & Yang 2013, no. 22")


@published("branin_2", [(-5, 15), (-5, 15)], "smooth", "Jamil & Yang 2013, no. 23")
def branin_2(x: Array) -> float:
    """Branin's valley with a growing ripple in both variables."""
    valley = x[1] - 5.1 * x[0] ** 2 / (4.0 * math.pi**2) + 5.0 * x[0] / math.pi - 6.0
    ripple = math.cos(x[0]) * math.cos(x[1]) * math.log(x[0] ** 2 + x[1] ** 2 + 1.0)
    return valley**2 + 10.0 * (1.0 - 1.0 / (8.0 * math.pi)) * ripple + 10.0


@published("brent", [(-10, 10), (-10, 10)], "smooth", "Jamil & Yang 2013, no. 24")
def brent(x: Array) -> float:
    """Bowl with a Gaussian bump, lowest in a corner of the box."""
    return (x[0] + 10.0) ** 2 + (x[1] + 10.0) ** 2 + math.exp(-(x[0] ** 2) - x[1] ** 2)


@published("cliff", [(-1, 4), (-1, 4)], "smooth", "Himmelblau 1972, no. 27; box ours")
def cliff(x: Array) -> float:
    """Slow slope that ends at an exponential wall."""
    return ((x[0] - 3.0) / 100.0) ** 2 - (x[0] - x[1]) + math.exp(20.0 * (x[0] - x[1]))


@published("exp_2", [(0, 20), (0, 20)], "smooth", "Jamil & Yang 2013, no. 55")
def exp_2(x: Array) -> float:
    """Fit of two exponential decays, flat far from the answer."""
    total = 0.0
    for i in range(10):
        fitted = math.exp(-i * x[0] / 10.0) - 5.0 * math.exp(-i * x[1] / 10.0)
        total += (fitted - math.exp(-i / 10.0) + 5.0 * math.exp(-1.0 * i)) ** 2
    return total


@published("hosaki", [(0, 5), (0, 6)], "smooth", "Jamil & Yang 2013, no. 66")
def hosaki(x: Array) -> float:
    """Quartic in one variable times a decaying square in the other."""
    u = x[0]
    quartic = 1.0 - 8.0 * u + 7.0 * u**2 - 7.0 / 3.0 * u**3 + 0.25 * u**4
    return quartic * x[1] ** 2 * math.exp(-x[1])


@published("jennrich_sampson", [(-1, 1), (-1, 1)], "smooth", "Jamil & Yang 2013, no. 67")
def jennrich_sampson(x: Array) -> float:
    """Sum of exponentials, 124.36 at best and 1e9 in a corner."""
    total = 0.0
    for i in range(1, 11):
        total += (2.0 + 2.0 * i - math.exp(i * x[0]) - math.exp(i * x[1])) ** 2
    return total


@published("mccormick", [(-1.5, 4), (-3, 3)], "smooth", "Jamil & Yang 2013, no. 72")
def mccormick(x: Array) -> float:
    """Tilted gutter with a sine along it."""
    return math.sin(x[0] + x[1]) + (x[0] - x[1]) ** 2 - 1.5 * x[0] + 2.5 * x[1] + 1.0


@published("mishra_2_2d", [(0, 1), (0, 1)], "smooth", "Jamil & Yang 2013, no. 75")
def mishra_2(x: Array) -> float:
    """Power whose base and exponent both fall along the diagonal."""
    rest = 2.0 - 0.5 * (x[0] + x[1])
    return (1.0 + rest) ** rest


powell_badly_scaled = take(
    "powell_badly_scaled",
    problems.powell_badly_scaled(),
    "smooth",
    "More et al. 1981, no. 3; box ours",
    [(-5, 5), (-5, 10)],
)


@published("ursem_1", [(-2.5, 3), (-2, 2)], "smooth", "Jamil & Yang 2013, no. 156")
def ursem_1(x: Array) -> float:
    """One global and one local minimum on a tilted sine."""
    return -math.sin(2.0 * x[0] - 0.5 * math.pi) - 3.0 * math.cos(x[1]) - 0.5 * x[0]


FUNCTIONS = (
    adjiman,
    branin,
    branin_2,
    brent,
    cliff,
    exp_2,
    hosaki,
    jennrich_sampson,
    mccormick,
    mishra_2,
    powell_badly_scaled,
    ursem_1,
)
