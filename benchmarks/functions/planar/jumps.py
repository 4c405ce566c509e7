"""Published functions of two variables with jumps, terraces or poles."""

from __future__ import annotations

import math

from ..registry import Array, published


@published("corana_2d", [(-500, 500)] * 2, "discontinuous", "Jamil & Yang 2013, no. 37")
def corana(x: Array) -> float:
    """Bowl with rectangular pockets punched into it, scaled 1 to 1000."""
    total = 0.0
    for i in range(2):
        weight = 1.0 if i == 0 else 1000.0
        pocket = 0.2 * math.floor(abs(x[i] / 0.2) + 0.49999) * math.copysign(1.0, x[i])
        if abs(x[i] - pocket) < 0.05:
            inner = 0.0 if pocket == 0.0 else pocket - math.copysign(0.05, pocket)
            total += 0.15 * weight * inner**2
        else:
            total += weight * x[i] ** 2
    return total


@published("mishra_10", [(-10, 10)] * 2, "discontinuous", "Jamil & Yang 2013, no. 83")
def mishra_10(x: Array) -> float:
    """Terraces: floors of the variables and of their product."""
    return float((math.floor(x[0] * x[1]) - math.floor(x[0]) - math.floor(x[1])) ** 2)


@published("mishra_6", [(-10, 10)] * 2, "discontinuous", "Jamil & Yang 2013, no. 79")
def mishra_6(x: Array) -> float:
    """Infinite logarithmic walls across a bowl."""
    a = math.sin((math.cos(x[0]) + math.cos(x[1])) ** 2) ** 2
    b = math.cos((math.sin(x[0]) + math.sin(x[1])) ** 2) ** 2
    bowl = 0.1 * ((x[0] - 1.0) ** 2 + (x[1] - 1.0) ** 2)
    return bowl - math.log((a - b + x[0]) ** 2)


@published("rump", [(-500, 500)] * 2, "discontinuous", "Jamil & Yang 2013, no. 109, absolute")
def rump(x: Array) -> float:
    """Rump's cancelling polynomial, with a pole along one line and a kink at each zero."""
    a, b = x[0] ** 2, x[1] ** 2
    polynomial = (333.75 - a) * b**3 + a * (11.0 * a * b - 121.0 * b**2 - 2.0) + 5.5 * b**4
    return abs(polynomial + x[0] / (2.0 * x[1]))


@published("step_2d", [(-100, 100)] * 2, "discontinuous", "Jamil & Yang 2013, no. 138")
def step(x: Array) -> float:
    """Terraced pyramid."""
    return float(math.floor(abs(x[0])) + math.floor(abs(x[1])))


@published("step_2_2d", [(-100, 100)] * 2, "discontinuous", "Jamil & Yang 2013, no. 139")
def step_2(x: Array) -> float:
    """Terraced bowl."""
    return float(math.floor(x[0] + 0.5) ** 2 + math.floor(x[1] + 0.5) ** 2)


@published("tripod", [(-100, 100)] * 2, "discontinuous", "Jamil & Yang 2013, no. 155")
def tripod(x: Array) -> float:
    """Three pyramids on shelves of different height."""
    p = 1.0 if x[0] >= 0.0 else 0.0
    q = 1.0 if x[1] >= 0.0 else 0.0
    first = abs(x[0] + 50.0 * q * (1.0 - 2.0 * p))
    return q * (1.0 + p) + first + abs(x[1] + 50.0 * (1.0 - 2.0 * q))


FUNCTIONS = (
    corana,
    mishra_10,
    mishra_6,
    rump,
    step,
    step_2,
    tripod,
)
