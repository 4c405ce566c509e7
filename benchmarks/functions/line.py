"""Published functions of one variable.

Forrester and line 5 fall without bound outside their box, as published.
"""

from __future__ import annotations

import math

from .registry import Array, published


@published("forrester", [(0, 1)], "smooth", "Forrester, Sobester & Keane 2008")
def forrester(x: Array) -> float:
    """Wave in a parabola, with a local and a global minimum."""
    return (6.0 * x[0] - 2.0) ** 2 * math.sin(12.0 * x[0] - 4.0)


@published("gramacy_lee_1", [(0.5, 2.5)], "smooth", "Gramacy & Lee 2012")
def gramacy_lee_1(x: Array) -> float:
    """Damped wave on a quartic."""
    return math.sin(10.0 * math.pi * x[0]) / (2.0 * x[0]) + (x[0] - 1.0) ** 4


@published("line_2", [(2.7, 7.5)], "smooth", "Hansen, Jaumard & Lu 1992, no. 2")
def line_2(x: Array) -> float:
    """Two sines out of step."""
    return math.sin(x[0]) + math.sin(10.0 / 3.0 * x[0])


@published("line_3", [(-10, 10)], "smooth", "Hansen, Jaumard & Lu 1992, no. 3")
def line_3(x: Array) -> float:
    """Shubert's sine packet."""
    total = 0.0
    for k in range(1, 6):
        total -= k * math.sin((k + 1.0) * x[0] + k)
    return total


@published("line_5", [(0, 1.2)], "smooth", "Hansen, Jaumard & Lu 1992, no. 5")
def line_5(x: Array) -> float:
    """Wave of changing height."""
    return -(1.4 - 3.0 * x[0]) * math.sin(18.0 * x[0])


@published("line_13", [(0.001, 0.99)], "nonsmooth", "Hansen, Jaumard & Lu 1992, no. 13")
def line_13(x: Array) -> float:
    """Bowl with infinite slope at both ends, its roots real beyond them."""
    rest = 1.0 - x[0] ** 2
    return -(abs(x[0]) ** (2.0 / 3.0)) - math.copysign(abs(rest) ** (1.0 / 3.0), rest)


@published("line_15", [(-5, 5)], "smooth", "Hansen, Jaumard & Lu 1992, no. 15")
def line_15(x: Array) -> float:
    """Rational function, flat far out."""
    return (x[0] ** 2 - 5.0 * x[0] + 6.0) / (x[0] ** 2 + 1.0)


@published("line_18", [(0, 6)], "smooth", "Hansen, Jaumard & Lu 1992, no. 18")
def line_18(x: Array) -> float:
    """Parabola that goes over into a logarithm, its curvature jumping."""
    return (x[0] - 2.0) ** 2 if x[0] <= 3.0 else 2.0 * math.log(x[0] - 2.0) + 1.0


FUNCTIONS = (
    forrester,
    gramacy_lee_1,
    line_2,
    line_3,
    line_5,
    line_13,
    line_15,
    line_18,
)
