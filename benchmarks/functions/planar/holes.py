"""Published functions of two variables with holes in a plain: sums of Gaussians and the like."""

from __future__ import annotations

import math

from fastadam import problems

from ..registry import Array, published, take


@published("damavandi", [(0, 14)] * 2, "smooth", "Jamil & Yang 2013, no. 42")
def damavandi(x: Array) -> float:
    """Broad misleading bowl, and a needle of a hole away from it."""
    a, b = math.pi * (x[0] - 2.0), math.pi * (x[1] - 2.0)
    # The limit at the removable poles.
    first = math.sin(a) / a if a != 0.0 else 1.0
    second = math.sin(b) / b if b != 0.0 else 1.0
    hole = 1.0 - abs(first * second) ** 5
    return hole * (2.0 + (x[0] - 7.0) ** 2 + 2.0 * (x[1] - 7.0) ** 2)


@published("drop_wave", [(-5.12, 5.12)] * 2, "smooth", "Surjanovic & Bingham, drop-wave")
def drop_wave(x: Array) -> float:
    """Circular waves that die away from the centre."""
    radius = x[0] ** 2 + x[1] ** 2
    return -(1.0 + math.cos(12.0 * math.sqrt(radius))) / (0.5 * radius + 2.0)


easom = take("easom", problems.easom(), "smooth", "Jamil & Yang 2013, no. 50")


@published("foxholes", [(-65.536, 65.536)] * 2, "smooth", "De Jong 1975, F5")
def foxholes(x: Array) -> float:
    """Shekel's foxholes: twenty-five narrow holes in a plateau of 500."""
    total = 0.002
    for j in range(25):
        a, b = 16.0 * (j % 5 - 2), 16.0 * (j // 5 - 2)
        total += 1.0 / (j + 1.0 + (x[0] - a) ** 6 + (x[1] - b) ** 6)
    return 1.0 / total


@published("franke", [(0, 1), (0, 1)], "smooth", "Franke 1979")
def franke(x: Array) -> float:
    """Two Gaussian peaks and a dip on the unit square, flat outside it."""
    a, b = 9.0 * x[0], 9.0 * x[1]
    return (
        0.75 * math.exp(-((a - 2.0) ** 2) / 4.0 - (b - 2.0) ** 2 / 4.0)
        + 0.75 * math.exp(-((a + 1.0) ** 2) / 49.0 - (b + 1.0) / 10.0)
        + 0.5 * math.exp(-((a - 7.0) ** 2) / 4.0 - (b - 3.0) ** 2 / 4.0)
        - 0.2 * math.exp(-((a - 4.0) ** 2) - (b - 7.0) ** 2)
    )


@published("gramacy_lee_2", [(-2, 6), (-2, 6)], "smooth", "Gramacy & Lee 2008")
def gramacy_lee_2(x: Array) -> float:
    """One dip and one bump near the origin of a flat plain."""
    return x[0] * math.exp(-(x[0] ** 2) - x[1] ** 2)


LANGERMANN_A = ((3.0, 5.0), (5.0, 2.0), (2.0, 1.0), (1.0, 4.0), (7.0, 9.0))
LANGERMANN_C = (1.0, 2.0, 5.0, 2.0, 3.0)


@published(
    "langermann_2d", [(0, 10)] * 2, "smooth", "Bersini et al. 1996; Gavana AMPGO, Langermann"
)
def langermann(x: Array) -> float:
    """Five damped circular waves."""
    total = 0.0
    for i in range(5):
        radius = (x[0] - LANGERMANN_A[i][0]) ** 2 + (x[1] - LANGERMANN_A[i][1]) ** 2
        total -= LANGERMANN_C[i] * math.exp(-radius / math.pi) * math.cos(math.pi * radius)
    return total


@published("muller_brown", [(-1.5, 1.2), (-0.2, 2)], "smooth", "Muller & Brown 1979; box ours")
def muller_brown(x: Array) -> float:
    """Model potential of a reaction: three wells, two saddles."""
    u, v = x[0], x[1]
    return (
        -200.0 * math.exp(-((u - 1.0) ** 2) - 10.0 * v**2)
        - 100.0 * math.exp(-(u**2) - 10.0 * (v - 0.5) ** 2)
        - 170.0
        * math.exp(-6.5 * (u + 0.5) ** 2 + 11.0 * (u + 0.5) * (v - 1.5) - 6.5 * (v - 1.5) ** 2)
        + 15.0 * math.exp(0.7 * (u + 1.0) ** 2 + 0.6 * (u + 1.0) * (v - 1.0) + 0.7 * (v - 1.0) ** 2)
    )


@published("peaks", [(-3, 3)] * 2, "smooth", "MATLAB manual, peaks")
def peaks(x: Array) -> float:
    """Three hills and three hollows in a flat plain."""
    u, v = x[0], x[1]
    return (
        3.0 * (1.0 - u) ** 2 * math.exp(-(u**2) - (v + 1.0) ** 2)
        - 10.0 * (u / 5.0 - u**3 - v**5) * math.exp(-(u**2) - v**2)
        - math.exp(-((u + 1.0) ** 2) - v**2) / 3.0
    )


@published("rosenbrock_modified", [(-2, 2), (-2, 2)], "smooth", "Jamil & Yang 2013, no. 106")
def rosenbrock_modified(x: Array) -> float:
    """Rosenbrock's valley with a narrow Gaussian hole in its slope."""
    hole = math.exp(-((x[0] + 1.0) ** 2 + (x[1] + 1.0) ** 2) / 0.1)
    return 74.0 + 100.0 * (x[1] - x[0] ** 2) ** 2 + (1.0 - x[0]) ** 2 - 400.0 * hole


@published("xin_she_yang_3_2d", [(-20, 20)] * 2, "smooth", "Jamil & Yang 2013, no. 171")
def xin_she_yang_3(x: Array) -> float:
    """Needle at the centre of a flat plateau."""
    plateau = math.exp(-((x[0] / 15.0) ** 10) - (x[1] / 15.0) ** 10)
    needle = math.exp(-(x[0] ** 2) - x[1] ** 2)
    return plateau - 2.0 * needle * (math.cos(x[0]) * math.cos(x[1])) ** 2


FUNCTIONS = (
    damavandi,
    drop_wave,
    easom,
    foxholes,
    franke,
    gramacy_lee_2,
    langermann,
    muller_brown,
    peaks,
    rosenbrock_modified,
    xin_she_yang_3,
)
