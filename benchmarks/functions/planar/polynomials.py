"""Published polynomials of two variables: bowls, narrow valleys, double wells.

Where the source gives no box, one is chosen around its starting point, and `source` says so.
Schwefel 2.36 falls without bound outside its box, as published.
"""

from __future__ import annotations

import math

from fastadam import problems

from ..registry import Array, published, take

beale = take("beale", problems.beale(), "smooth", "Jamil & Yang 2013, no. 10")
booth = take("booth", problems.booth(), "smooth", "Jamil & Yang 2013, no. 20")
brown_badly_scaled = take(
    "brown_badly_scaled",
    problems.brown_badly_scaled(),
    "smooth",
    "More et al. 1981, no. 4; box ours",
    [(-10, 10), (-10, 10)],
)


@published("bukin_2", [(-15, -5), (-3, 3)], "smooth", "Jamil & Yang 2013, no. 26, squared")
def bukin_2(x: Array) -> float:
    """Parabolic valley with a nearly flat floor."""
    return 100.0 * (x[1] - 0.01 * x[0] ** 2 + 1.0) ** 2 + 0.01 * (x[0] + 10.0) ** 2


camel_3 = take("camel_3", problems.three_hump_camel(), "smooth", "Jamil & Yang 2013, no. 29")
camel_6 = take(
    "camel_6", problems.six_hump_camel(), "smooth", "Jamil & Yang 2013, no. 30", [(-5, 5), (-5, 5)]
)


@published("cube", [(-10, 10), (-10, 10)], "smooth", "Jamil & Yang 2013, no. 41")
def cube(x: Array) -> float:
    """Narrow valley along a cubic."""
    return 100.0 * (x[1] - x[0] ** 3) ** 2 + (1.0 - x[0]) ** 2


@published("deckkers_aarts", [(-20, 20), (-20, 20)], "smooth", "Jamil & Yang 2013, no. 45")
def deckkers_aarts(x: Array) -> float:
    """Degree eight, scaled 1e5 to 1 between the variables."""
    radius = x[0] ** 2 + x[1] ** 2
    return 1e5 * x[0] ** 2 + x[1] ** 2 - radius**2 + 1e-5 * radius**4


@published("el_attar", [(-500, 500), (-500, 500)], "smooth", "Jamil & Yang 2013, no. 51")
def el_attar(x: Array) -> float:
    """El-Attar-Vidyasagar-Dutta: three inconsistent equations, degree six."""
    return (
        (x[0] ** 2 + x[1] - 10.0) ** 2
        + (x[0] + x[1] ** 2 - 7.0) ** 2
        + (x[0] ** 2 + x[1] ** 3 - 1.0) ** 2
    )


@published("engvall", [(-2000, 2000), (-2000, 2000)], "smooth", "Gavana AMPGO, Engvall")
def engvall(x: Array) -> float:
    """Quartic bowl in a very wide box."""
    return x[0] ** 4 + x[1] ** 4 + 2.0 * x[0] ** 2 * x[1] ** 2 - 4.0 * x[0] + 3.0


freudenstein_roth = take(
    "freudenstein_roth", problems.freudenstein_roth(), "smooth", "Jamil & Yang 2013, no. 56"
)


goldstein_price = take(
    "goldstein_price", problems.goldstein_price(), "smooth", "Jamil & Yang 2013, no. 58"
)


himmelblau = take("himmelblau", problems.himmelblau(), "smooth", "Jamil & Yang 2013, no. 65")


# fmt: off
JUDGE_Y = (
    4.284, 4.149, 3.877, 0.533, 2.211, 2.389, 2.145, 3.231, 1.998, 1.379,
    2.106, 1.428, 1.011, 2.179, 2.858, 1.388, 1.651, 1.593, 1.046, 2.152
)
JUDGE_A = (
    0.286, 0.973, 0.384, 0.276, 0.973, 0.543, 0.957, 0.948, 0.543, 0.797,
    0.936, 0.889, 0.006, 0.828, 0.399, 0.617, 0.939, 0.784, 0.072, 0.889
)
JUDGE_B = (
    0.645, 0.585, 0.310, 0.058, 0.455, 0.779, 0.259, 0.202, 0.028, 0.099,
    0.142, 0.296, 0.175, 0.180, 0.842, 0.039, 0.103, 0.620, 0.158, 0.704
)
# fmt: on


@published("judge", [(-10, 10), (-10, 10)], "smooth", "Judge et al. 1985; Gavana AMPGO, Judge")
def judge(x: Array) -> float:
    """Nonlinear regression on twenty observations, with two minima."""
    total = 0.0
    for i in range(20):
        total += (x[0] + x[1] * JUDGE_A[i] + x[1] ** 2 * JUDGE_B[i] - JUDGE_Y[i]) ** 2
    return total


@published("leon", [(-1.2, 1.2), (-1.2, 1.2)], "smooth", "Lavi & Vogl 1966; Gavana AMPGO, Leon")
def leon(x: Array) -> float:
    """Narrow valley along a cubic, close to its bend."""
    return 100.0 * (x[1] - x[0] ** 3) ** 2 + (1.0 - x[0]) ** 2


matyas = take("matyas", problems.matyas(), "smooth", "Jamil & Yang 2013, no. 71")


@published("mishra_7_2d", [(-10, 10), (-10, 10)], "smooth", "Jamil & Yang 2013, no. 80")
def mishra_7(x: Array) -> float:
    """Product less a factorial, zero on a hyperbola."""
    return (x[0] * x[1] - 2.0) ** 2


@published("price_3", [(-500, 500), (-500, 500)], "smooth", "Jamil & Yang 2013, no. 96")
def price_3(x: Array) -> float:
    """Two crossing parabolas in a wide box."""
    return 100.0 * (x[1] - x[0] ** 2) ** 2 + (6.4 * (x[1] - 0.5) ** 2 - x[0] - 0.6) ** 2


@published("price_4", [(-500, 500), (-500, 500)], "smooth", "Jamil & Yang 2013, no. 97")
def price_4(x: Array) -> float:
    """Degree eight in a wide box, with three zeros."""
    return (2.0 * x[0] ** 3 * x[1] - x[1] ** 3) ** 2 + (6.0 * x[0] - x[1] ** 2 + x[1]) ** 2


@published("quadratic", [(-10, 10), (-10, 10)], "smooth", "Jamil & Yang 2013, no. 99")
def quadratic(x: Array) -> float:
    """Convex quadratic with a value of some -3874 at its minimum."""
    return (
        -3803.84
        - 138.08 * x[0]
        - 232.92 * x[1]
        + 128.08 * x[0] ** 2
        + 203.64 * x[1] ** 2
        + 182.25 * x[0] * x[1]
    )


@published("rotated_ellipse", [(-500, 500), (-500, 500)], "smooth", "Jamil & Yang 2013, no. 107")
def rotated_ellipse(x: Array) -> float:
    """Convex quadratic, turned by thirty degrees."""
    return 7.0 * x[0] ** 2 - 6.0 * math.sqrt(3.0) * x[0] * x[1] + 13.0 * x[1] ** 2


@published("rotated_ellipse_2", [(-500, 500), (-500, 500)], "smooth", "Jamil & Yang 2013, no. 108")
def rotated_ellipse_2(x: Array) -> float:
    """Convex quadratic, turned by forty-five degrees."""
    return x[0] ** 2 - x[0] * x[1] + x[1] ** 2


@published("sargan_2d", [(-100, 100), (-100, 100)], "smooth", "Jamil & Yang 2013, no. 111")
def sargan(x: Array) -> float:
    """Convex quadratic with coupled variables."""
    return 2.0 * (x[0] ** 2 + x[1] ** 2 + 0.8 * x[0] * x[1])


@published("schwefel_2_23_2d", [(-10, 10), (-10, 10)], "smooth", "Jamil & Yang 2013, no. 125")
def schwefel_2_23(x: Array) -> float:
    """Tenth powers: 1e10 on the edge, flat about the origin."""
    return x[0] ** 10 + x[1] ** 10


@published("schwefel_2_25_2d", [(0, 10), (0, 10)], "smooth", "Jamil & Yang 2013, no. 127")
def schwefel_2_25(x: Array) -> float:
    """Parabolic valley opening sideways."""
    return (x[1] - 1.0) ** 2 + (x[0] - x[1] ** 2) ** 2


@published("schwefel_2_36", [(0, 500), (0, 500)], "smooth", "Jamil & Yang 2013, no. 129")
def schwefel_2_36(x: Array) -> float:
    """Cubic with a small triangle below zero in a wide box."""
    return -x[0] * x[1] * (72.0 - 2.0 * x[0] - 2.0 * x[1])


@published("schwefel_2_4_2d", [(0, 10), (0, 10)], "smooth", "Jamil & Yang 2013, no. 120")
def schwefel_2_4(x: Array) -> float:
    """Bowl plus two parabolic valleys."""
    return (x[0] - 1.0) ** 2 + (x[0] - x[0] ** 2) ** 2 + (x[1] - 1.0) ** 2 + (x[0] - x[1] ** 2) ** 2


@published("sodp_2d", [(-1, 1), (-1, 1)], "smooth", "Surjanovic & Bingham, sum of different powers")
def sodp(x: Array) -> float:
    """Sum of different powers: a square and a cube of the size."""
    return x[0] ** 2 + abs(x[1]) ** 3


@published("stenger", [(-1, 4), (-1, 4)], "smooth", "Stenger 1975; box ours")
def stenger(x: Array) -> float:
    """Two quadratic equations with two solutions."""
    return (x[0] ** 2 - 4.0 * x[1]) ** 2 + (x[1] ** 2 - 2.0 * x[0] + 4.0 * x[1]) ** 2


@published("treccani", [(-5, 5), (-5, 5)], "smooth", "Jamil & Yang 2013, no. 149")
def treccani(x: Array) -> float:
    """Quartic double well."""
    return x[0] ** 4 + 4.0 * x[0] ** 3 + 4.0 * x[0] ** 2 + x[1] ** 2


@published("wayburn_seader_1", [(-5, 5), (-5, 5)], "smooth", "Wayburn & Seader 1987; Gavana AMPGO")
def wayburn_seader_1(x: Array) -> float:
    """Degree twelve, two zeros in a flat ring."""
    return (x[0] ** 6 + x[1] ** 4 - 17.0) ** 2 + (2.0 * x[0] + x[1] - 4.0) ** 2


@published("wayburn_seader_2", [(-500, 500), (-500, 500)], "smooth", "Jamil & Yang 2013, no. 163")
def wayburn_seader_2(x: Array) -> float:
    """Small circle of small values in a wide quartic."""
    circle = 1.613 - 4.0 * (x[0] - 0.3125) ** 2 - 4.0 * (x[1] - 1.625) ** 2
    return circle**2 + (x[1] - 1.0) ** 2


@published("wayburn_seader_3", [(-500, 500), (-500, 500)], "smooth", "Jamil & Yang 2013, no. 164")
def wayburn_seader_3(x: Array) -> float:
    """Circle again, tilted by a cubic."""
    tilt = 2.0 * x[0] ** 3 / 3.0 - 8.0 * x[0] ** 2 + 33.0 * x[0] - x[0] * x[1] + 5.0
    return tilt + ((x[0] - 4.0) ** 2 + (x[1] - 5.0) ** 2 - 4.0) ** 2


zakharov = take("zakharov_2d", problems.zakharov(2), "smooth", "Jamil & Yang 2013, no. 173")


@published("zettl", [(-5, 10), (-5, 10)], "smooth", "Jamil & Yang 2013, no. 174")
def zettl(x: Array) -> float:
    """Quartic ring through the origin, slightly tilted."""
    return (x[0] ** 2 + x[1] ** 2 - 2.0 * x[0]) ** 2 + 0.25 * x[0]


@published("zirilli", [(-10, 10), (-10, 10)], "smooth", "Jamil & Yang 2013, no. 175")
def zirilli(x: Array) -> float:
    """Tilted quartic double well."""
    return 0.25 * x[0] ** 4 - 0.5 * x[0] ** 2 + 0.1 * x[0] + 0.5 * x[1] ** 2


FUNCTIONS = (
    beale,
    booth,
    brown_badly_scaled,
    bukin_2,
    camel_3,
    camel_6,
    cube,
    deckkers_aarts,
    el_attar,
    engvall,
    freudenstein_roth,
    goldstein_price,
    himmelblau,
    judge,
    leon,
    matyas,
    mishra_7,
    price_3,
    price_4,
    quadratic,
    rotated_ellipse,
    rotated_ellipse_2,
    sargan,
    schwefel_2_23,
    schwefel_2_25,
    schwefel_2_36,
    schwefel_2_4,
    sodp,
    stenger,
    treccani,
    wayburn_seader_1,
    wayburn_seader_2,
    wayburn_seader_3,
    zakharov,
    zettl,
    zirilli,
)
