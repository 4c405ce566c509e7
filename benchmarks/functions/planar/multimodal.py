"""Smooth published functions of two variables with many minima: sums and products of waves.

Mishra 5 and Ursem's waves fall without bound outside their box, as published.
"""

from __future__ import annotations

import math

from ..registry import Array, published


@published(
    "bird", [(-6.283185307179586, 6.283185307179586)] * 2, "smooth", "Jamil & Yang 2013, no. 16"
)
def bird(x: Array) -> float:
    """Valley along the diagonal, with deep exponential wells."""
    return (
        (x[0] - x[1]) ** 2
        + math.exp((1.0 - math.sin(x[0])) ** 2) * math.cos(x[1])
        + math.exp((1.0 - math.cos(x[1])) ** 2) * math.sin(x[0])
    )


@published("bohachevsky_1", [(-100, 100)] * 2, "smooth", "Jamil & Yang 2013, no. 17")
def bohachevsky_1(x: Array) -> float:
    """Wide bowl with ripples in each variable."""
    return (
        x[0] ** 2
        + 2.0 * x[1] ** 2
        - 0.3 * math.cos(3.0 * math.pi * x[0])
        - 0.4 * math.cos(4.0 * math.pi * x[1])
        + 0.7
    )


@published("bohachevsky_2", [(-100, 100)] * 2, "smooth", "Jamil & Yang 2013, no. 18")
def bohachevsky_2(x: Array) -> float:
    """Wide bowl with a product of ripples."""
    ripple = math.cos(3.0 * math.pi * x[0]) * math.cos(4.0 * math.pi * x[1])
    return x[0] ** 2 + 2.0 * x[1] ** 2 - 0.3 * ripple + 0.3


@published("bohachevsky_3", [(-100, 100)] * 2, "smooth", "Jamil & Yang 2013, no. 19")
def bohachevsky_3(x: Array) -> float:
    """Wide bowl with oblique ripples."""
    ripple = math.cos(3.0 * math.pi * x[0] + 4.0 * math.pi * x[1])
    return x[0] ** 2 + 2.0 * x[1] ** 2 - 0.3 * ripple + 0.3


@published("chichinadze", [(-30, 30)] * 2, "smooth", "Jamil & Yang 2013, no. 33")
def chichinadze(x: Array) -> float:
    """Waves on a parabola in one variable, almost nothing in the other."""
    return (
        x[0] ** 2
        - 12.0 * x[0]
        + 11.0
        + 10.0 * math.cos(0.5 * math.pi * x[0])
        + 8.0 * math.sin(5.0 * math.pi * x[0])
        - math.sqrt(0.2) * math.exp(-0.5 * (x[1] - 0.5) ** 2)
    )


@published("deflected_corrugated_spring", [(0, 10)] * 2, "smooth", "Gavana AMPGO, alpha 5, k 5")
def deflected_corrugated_spring(x: Array) -> float:
    """Circular waves on a shallow bowl."""
    radius = (x[0] - 5.0) ** 2 + (x[1] - 5.0) ** 2
    return 0.1 * radius - math.cos(5.0 * math.sqrt(radius))


@published("egg_crate", [(-5, 5)] * 2, "smooth", "Jamil & Yang 2013, no. 52")
def egg_crate(x: Array) -> float:
    """Deep regular wells on a shallow bowl."""
    return x[0] ** 2 + x[1] ** 2 + 25.0 * (math.sin(x[0]) ** 2 + math.sin(x[1]) ** 2)


@published("giunta", [(-1, 1)] * 2, "smooth", "Jamil & Yang 2013, no. 57")
def giunta(x: Array) -> float:
    """Bowl of sines with a slight ripple."""
    total = 0.6
    for i in range(2):
        angle = 16.0 / 15.0 * x[i] - 1.0
        total += math.sin(angle) + math.sin(angle) ** 2 + math.sin(4.0 * angle) / 50.0
    return total


@published("hansen", [(-10, 10)] * 2, "smooth", "Jamil & Yang 2013, no. 61")
def hansen(x: Array) -> float:
    """Product of two wave packets; the literature also calls it Levy 3."""
    first, second = 0.0, 0.0
    for i in range(5):
        first += (i + 1.0) * math.cos(i * x[0] + i + 1.0)
        second += (i + 1.0) * math.cos((i + 2.0) * x[1] + i + 1.0)
    return first * second


@published("keane", [(0, 10)] * 2, "smooth", "Jamil & Yang 2013, no. 69")
def keane(x: Array) -> float:
    """Bumps that shrink away from the origin."""
    radius = math.sqrt(x[0] ** 2 + x[1] ** 2)
    if radius == 0.0:  # The limit: the numerator is of the fourth order.
        return 0.0
    return -(math.sin(x[0] - x[1]) ** 2) * math.sin(x[0] + x[1]) ** 2 / radius


@published("levy_13", [(-10, 10)] * 2, "smooth", "Surjanovic & Bingham, Levy N. 13")
def levy_13(x: Array) -> float:
    """Bowl with growing ripples."""
    return (
        math.sin(3.0 * math.pi * x[0]) ** 2
        + (x[0] - 1.0) ** 2 * (1.0 + math.sin(3.0 * math.pi * x[1]) ** 2)
        + (x[1] - 1.0) ** 2 * (1.0 + math.sin(2.0 * math.pi * x[1]) ** 2)
    )


@published("levy_5", [(-10, 10)] * 2, "smooth", "Levy & Montalvo 1985; Gavana AMPGO, Levy05")
def levy_5(x: Array) -> float:
    """Hansen's waves on a bowl, some 760 minima."""
    first, second = 0.0, 0.0
    for i in range(1, 6):
        first += i * math.cos((i - 1.0) * x[0] + i)
        second += i * math.cos((i + 1.0) * x[1] + i)
    return first * second + (x[0] + 1.42513) ** 2 + (x[1] + 0.80032) ** 2


@published("mishra_5", [(-10, 10)] * 2, "smooth", "Jamil & Yang 2013, no. 78")
def mishra_5(x: Array) -> float:
    """Parabola in a folded wave, tilted."""
    a = math.sin((math.cos(x[0]) + math.cos(x[1])) ** 2) ** 2
    b = math.cos((math.sin(x[0]) + math.sin(x[1])) ** 2) ** 2
    return (a + b + x[0]) ** 2 + 0.01 * x[0] + 0.1 * x[1]


@published("parsopoulos", [(-5, 5)] * 2, "smooth", "Jamil & Yang 2013, no. 85")
def parsopoulos(x: Array) -> float:
    """Plain of equal wells."""
    return math.cos(x[0]) ** 2 + math.sin(x[1]) ** 2


@published("periodic", [(-10, 10)] * 2, "smooth", "Jamil & Yang 2013, no. 90, also Price 2, no. 95")
def periodic(x: Array) -> float:
    """Plain of wells at 1, the central one a tenth deeper."""
    bump = math.exp(-(x[0] ** 2) - x[1] ** 2)
    return 1.0 + math.sin(x[0]) ** 2 + math.sin(x[1]) ** 2 - 0.1 * bump


@published("ripple_1", [(0, 1)] * 2, "smooth", "Jamil & Yang 2013, no. 103")
def ripple_1(x: Array) -> float:
    """Grid of twenty-five holes under a very fast ripple."""
    total = 0.0
    for i in range(2):
        envelope = math.exp(-2.0 * math.log(2.0) * ((x[i] - 0.1) / 0.8) ** 2)
        holes = math.sin(5.0 * math.pi * x[i]) ** 6
        total -= envelope * (holes + 0.1 * math.cos(500.0 * math.pi * x[i]) ** 2)
    return total


@published("ripple_25", [(0, 1)] * 2, "smooth", "Jamil & Yang 2013, no. 104")
def ripple_25(x: Array) -> float:
    """Grid of twenty-five holes."""
    total = 0.0
    for i in range(2):
        envelope = math.exp(-2.0 * math.log(2.0) * ((x[i] - 0.1) / 0.8) ** 2)
        total -= envelope * math.sin(5.0 * math.pi * x[i]) ** 6
    return total


@published("sawtooth_xy", [(-20, 20)] * 2, "smooth", "Gavana AMPGO, SawtoothXY")
def sawtooth_xy(x: Array) -> float:
    """Spiral of growing saw teeth."""
    radius = math.sqrt(x[0] ** 2 + x[1] ** 2)
    angle = math.atan2(x[1], x[0])
    teeth = (
        math.sin(radius)
        - math.sin(2.0 * radius) / 2.0
        + math.sin(3.0 * radius) / 3.0
        - math.sin(4.0 * radius) / 4.0
        + 4.0
    )
    around = 0.5 * math.cos(2.0 * angle - 0.5) + math.cos(angle) + 2.0
    return teeth * radius**2 / (radius + 1.0) * around


@published("schaffer_1", [(-100, 100)] * 2, "smooth", "Jamil & Yang 2013, no. 112")
def schaffer_1(x: Array) -> float:
    """Circular waves, ever faster outwards."""
    radius = x[0] ** 2 + x[1] ** 2
    return 0.5 + (math.sin(radius) ** 2 - 0.5) / (1.0 + 0.001 * radius) ** 2


@published("schaffer_2", [(-100, 100)] * 2, "smooth", "Jamil & Yang 2013, no. 113")
def schaffer_2(x: Array) -> float:
    """Hyperbolic waves, ever faster outwards."""
    scale = (1.0 + 0.001 * (x[0] ** 2 + x[1] ** 2)) ** 2
    return 0.5 + (math.sin(x[0] ** 2 - x[1] ** 2) ** 2 - 0.5) / scale


@published("schaffer_3", [(-100, 100)] * 2, "smooth", "Jamil & Yang 2013, no. 114")
def schaffer_3(x: Array) -> float:
    """Sine of a cosine of hyperbolic waves."""
    scale = (1.0 + 0.001 * (x[0] ** 2 + x[1] ** 2)) ** 2
    # The published absolute value inside the cosine changes nothing.
    return 0.5 + (math.sin(math.cos(x[0] ** 2 - x[1] ** 2)) ** 2 - 0.5) / scale


@published("schaffer_4", [(-100, 100)] * 2, "smooth", "Jamil & Yang 2013, no. 115")
def schaffer_4(x: Array) -> float:
    """Cosine of a sine of hyperbolic waves."""
    scale = (1.0 + 0.001 * (x[0] ** 2 + x[1] ** 2)) ** 2
    return 0.5 + (math.cos(math.sin(x[0] ** 2 - x[1] ** 2)) ** 2 - 0.5) / scale


@published("shubert", [(-10, 10)] * 2, "smooth", "Jamil & Yang 2013, no. 133")
def shubert(x: Array) -> float:
    """Product of two wave packets, eighteen global minima."""
    first, second = 0.0, 0.0
    for j in range(1, 6):
        first += j * math.cos((j + 1.0) * x[0] + j)
        second += j * math.cos((j + 1.0) * x[1] + j)
    return first * second


@published("shubert_3", [(-10, 10)] * 2, "smooth", "Jamil & Yang 2013, no. 134")
def shubert_3(x: Array) -> float:
    """Sum of two sine packets."""
    total = 0.0
    for j in range(1, 6):
        total += j * (math.sin((j + 1.0) * x[0] + j) + math.sin((j + 1.0) * x[1] + j))
    return total


@published("shubert_4", [(-10, 10)] * 2, "smooth", "Jamil & Yang 2013, no. 135")
def shubert_4(x: Array) -> float:
    """Sum of two cosine packets."""
    total = 0.0
    for j in range(1, 6):
        total += j * (math.cos((j + 1.0) * x[0] + j) + math.cos((j + 1.0) * x[1] + j))
    return total


@published("trefethen", [(-10, 10)] * 2, "smooth", "Jamil & Yang 2013, no. 152")
def trefethen(x: Array) -> float:
    """Waves of many lengths on a bowl: problem 4 of the hundred-digit challenge."""
    return (
        math.exp(math.sin(50.0 * x[0]))
        + math.sin(60.0 * math.exp(x[1]))
        + math.sin(70.0 * math.sin(x[0]))
        + math.sin(math.sin(80.0 * x[1]))
        - math.sin(10.0 * (x[0] + x[1]))
        + 0.25 * (x[0] ** 2 + x[1] ** 2)
    )


@published("tsoulos", [(-1, 1)] * 2, "smooth", "Tsoulos 2008")
def tsoulos(x: Array) -> float:
    """Rastrigin-like bowl on a small box, 49 minima."""
    return x[0] ** 2 + x[1] ** 2 - math.cos(18.0 * x[0]) - math.cos(18.0 * x[1])


@published("ursem_waves", [(-0.9, 1.2), (-1.2, 1.2)], "smooth", "Jamil & Yang 2013, no. 159")
def ursem_waves(x: Array) -> float:
    """Nine uneven minima on a falling slope."""
    wave = math.cos(3.0 * x[0] - x[1] ** 2 * (2.0 + x[0])) * math.sin(2.5 * math.pi * x[0])
    return -0.9 * x[0] ** 2 + (x[1] ** 2 - 4.5 * x[1] ** 2) * x[0] * x[1] + 4.7 * wave


@published("venter", [(-50, 50)] * 2, "smooth", "Jamil & Yang 2013, no. 160")
def venter(x: Array) -> float:
    """Venter and Sobiezcczanski-Sobieski: two wave lengths on a bowl."""
    total = 0.0
    for i in range(2):
        total += x[i] ** 2 - 100.0 * (math.cos(x[i]) ** 2 + math.cos(x[i] ** 2 / 30.0))
    return total


FUNCTIONS = (
    bird,
    bohachevsky_1,
    bohachevsky_2,
    bohachevsky_3,
    chichinadze,
    deflected_corrugated_spring,
    egg_crate,
    giunta,
    hansen,
    keane,
    levy_13,
    levy_5,
    mishra_5,
    parsopoulos,
    periodic,
    ripple_1,
    ripple_25,
    sawtooth_xy,
    schaffer_1,
    schaffer_2,
    schaffer_3,
    schaffer_4,
    shubert,
    shubert_3,
    shubert_4,
    trefethen,
    tsoulos,
    ursem_waves,
    venter,
)
