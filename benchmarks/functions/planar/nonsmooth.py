"""Published functions of two variables with cusps, cones or creases in a landscape of waves.

"nonsmooth" is said of a function whose gradient jumps or blows up somewhere. The egg holder,
the tables, Mishra 3 and 4, Rana, Schwefel 2.26 and Ursem 3 and 4 fall without bound outside
their box, as published.
"""

from __future__ import annotations

import math

from ..registry import Array, published


@published("ackley_2", [(-32, 32)] * 2, "nonsmooth", "Jamil & Yang 2013, no. 2")
def ackley_2(x: Array) -> float:
    """Blunt cone."""
    return -200.0 * math.exp(-0.02 * math.sqrt(x[0] ** 2 + x[1] ** 2))


@published("ackley_3", [(-32, 32)] * 2, "nonsmooth", "Ackley 1987; Gavana AMPGO, Ackley03")
def ackley_3(x: Array) -> float:
    """Blunt cone with a ripple, minimum -195.63."""
    cone = -200.0 * math.exp(-0.02 * math.sqrt(x[0] ** 2 + x[1] ** 2))
    return cone + 5.0 * math.exp(math.cos(3.0 * x[0]) + math.sin(3.0 * x[1]))


@published("ackley_4_2d", [(-35, 35)] * 2, "nonsmooth", "Jamil & Yang 2013, no. 4")
def ackley_4(x: Array) -> float:
    """Cone with regular waves; the kink is at the origin only."""
    cone = math.exp(-0.2) * math.sqrt(x[0] ** 2 + x[1] ** 2)
    return cone + 3.0 * (math.cos(2.0 * x[0]) + math.sin(2.0 * x[1]))


@published("bukin_6", [(-15, -5), (-3, 3)], "nonsmooth", "Jamil & Yang 2013, no. 28")
def bukin_6(x: Array) -> float:
    """Razor-sharp curved valley with a nearly flat floor."""
    return 100.0 * math.sqrt(abs(x[1] - 0.01 * x[0] ** 2)) + 0.01 * abs(x[0] + 10.0)


@published("carrom_table", [(-10, 10)] * 2, "nonsmooth", "Jamil & Yang 2013, no. 147")
def carrom_table(x: Array) -> float:
    """Wells that deepen towards the corners."""
    rim = math.exp(abs(1.0 - math.sqrt(x[0] ** 2 + x[1] ** 2) / math.pi))
    return -((math.cos(x[0]) * math.cos(x[1]) * rim) ** 2) / 30.0


@published("cross_in_tray", [(-10, 10)] * 2, "nonsmooth", "Jamil & Yang 2013, no. 39")
def cross_in_tray(x: Array) -> float:
    """Tray of wells, with a sharp ridge along each axis."""
    rim = math.exp(abs(100.0 - math.sqrt(x[0] ** 2 + x[1] ** 2) / math.pi))
    return -0.0001 * (abs(math.sin(x[0]) * math.sin(x[1]) * rim) + 1.0) ** 0.1


@published("cross_leg_table", [(-10, 10)] * 2, "nonsmooth", "Mishra 2006")
def cross_leg_table(x: Array) -> float:
    """Infinitely thin crevices in a flat table."""
    rim = math.exp(abs(100.0 - math.sqrt(x[0] ** 2 + x[1] ** 2) / math.pi))
    return -((abs(math.sin(x[0]) * math.sin(x[1]) * rim) + 1.0) ** -0.1)


@published("crowned_cross", [(-10, 10)] * 2, "nonsmooth", "Mishra 2006")
def crowned_cross(x: Array) -> float:
    """Cross-in-tray upside down: sharp crevices along each axis."""
    rim = math.exp(abs(100.0 - math.sqrt(x[0] ** 2 + x[1] ** 2) / math.pi))
    return 0.0001 * (abs(math.sin(x[0]) * math.sin(x[1]) * rim) + 1.0) ** 0.1


@published("decanomial", [(-10, 10)] * 2, "nonsmooth", "Jamil & Yang 2013, no. 81 (Mishra 8)")
def decanomial(x: Array) -> float:
    """Degree twenty along one variable, eight along the other."""
    u = x[0]
    # Horner's form: the powers up to the tenth cancel heavily near 2.
    ten = u - 20.0
    for c in (180.0, -960.0, 3360.0, -8064.0, 13340.0, -15360.0, 11520.0, -5120.0, 2624.0):
        ten = ten * u + c
    return 0.001 * (abs(ten) + (x[1] + 3.0) ** 4) ** 2


@published("egg_holder", [(-512, 512)] * 2, "nonsmooth", "Jamil & Yang 2013, no. 53")
def egg_holder(x: Array) -> float:
    """Rugged wells that deepen towards the corners."""
    v = x[1] + 47.0
    first = v * math.sin(math.sqrt(abs(v + 0.5 * x[0])))
    return -first - x[0] * math.sin(math.sqrt(abs(x[0] - v)))


@published("holder_table_1", [(-10, 10)] * 2, "nonsmooth", "Jamil & Yang 2013, no. 145")
def holder_table_1(x: Array) -> float:
    """Creased table, deepest at the four corners."""
    rim = math.exp(abs(1.0 - math.sqrt(x[0] ** 2 + x[1] ** 2) / math.pi))
    return -abs(math.cos(x[0]) * math.cos(x[1]) * rim)


@published("holder_table_2", [(-10, 10)] * 2, "nonsmooth", "Jamil & Yang 2013, no. 146")
def holder_table_2(x: Array) -> float:
    """Creased table, deepest near the four corners."""
    rim = math.exp(abs(1.0 - math.sqrt(x[0] ** 2 + x[1] ** 2) / math.pi))
    return -abs(math.sin(x[0]) * math.cos(x[1]) * rim)


@published("mishra_11_2d", [(-10, 10)] * 2, "nonsmooth", "Jamil & Yang 2013, no. 84")
def mishra_11(x: Array) -> float:
    """Gap between arithmetic and geometric mean, zero on the diagonals."""
    return (0.5 * (abs(x[0]) + abs(x[1])) - math.sqrt(abs(x[0] * x[1]))) ** 2


@published("mishra_3", [(-10, 10)] * 2, "nonsmooth", "Jamil & Yang 2013, no. 76")
def mishra_3(x: Array) -> float:
    """Parabolic cusps on a slight slope."""
    wave = math.cos(math.sqrt(abs(x[0] ** 2 + x[1])))
    return math.sqrt(abs(wave)) + 0.01 * (x[0] + x[1])


@published("mishra_4", [(-10, 10)] * 2, "nonsmooth", "Jamil & Yang 2013, no. 77")
def mishra_4(x: Array) -> float:
    """Parabolic cusps on a slight slope, out of phase."""
    wave = math.sin(math.sqrt(abs(x[0] ** 2 + x[1])))
    return math.sqrt(abs(wave)) + 0.01 * (x[0] + x[1])


@published("pen_holder", [(-11, 11)] * 2, "nonsmooth", "Jamil & Yang 2013, no. 86")
def pen_holder(x: Array) -> float:
    """Flat-bottomed wells between thin walls."""
    rim = math.exp(abs(1.0 - math.sqrt(x[0] ** 2 + x[1] ** 2) / math.pi))
    return -math.exp(-1.0 / abs(rim * math.cos(x[0]) * math.cos(x[1])))


@published("rana_2d", [(-500, 500)] * 2, "nonsmooth", "Jamil & Yang 2013, no. 102")
def rana(x: Array) -> float:
    """Rugged wells that deepen towards the corners."""
    a = math.sqrt(abs(x[1] + x[0] + 1.0))
    b = math.sqrt(abs(x[1] - x[0] + 1.0))
    return (x[1] + 1.0) * math.cos(b) * math.sin(a) + x[0] * math.cos(a) * math.sin(b)


@published("schwefel_2_26_2d", [(-500, 500)] * 2, "nonsmooth", "Jamil & Yang 2013, no. 128")
def schwefel_2_26(x: Array) -> float:
    """Waves that deepen towards the corners, the mean over the variables."""
    first = x[0] * math.sin(math.sqrt(abs(x[0])))
    return -0.5 * (first + x[1] * math.sin(math.sqrt(abs(x[1]))))


@published("testtube_holder", [(-10, 10)] * 2, "nonsmooth", "Jamil & Yang 2013, no. 148")
def testtube_holder(x: Array) -> float:
    """Creased rows of wells."""
    rim = math.exp(abs(math.cos((x[0] ** 2 + x[1] ** 2) / 200.0)))
    return -4.0 * abs(math.sin(x[0]) * math.cos(x[1]) * rim)


@published("ursem_3", [(-2, 2), (-1.5, 1.5)], "nonsmooth", "Jamil & Yang 2013, no. 157")
def ursem_3(x: Array) -> float:
    """Five minima in a row, the middle one deepest."""
    a, b = abs(x[0]), abs(x[1])
    first = math.sin(2.2 * math.pi * x[0] + 0.5 * math.pi) * (2.0 - b) / 2.0 * (3.0 - a) / 2.0
    second = math.sin(0.5 * math.pi * x[1] ** 2 + 0.5 * math.pi)
    return -first - second * (2.0 - b) / 2.0 * (2.0 - a) / 2.0


@published("ursem_4", [(-2, 2)] * 2, "nonsmooth", "Jamil & Yang 2013, no. 158")
def ursem_4(x: Array) -> float:
    """Cone in the middle, half wells at the corners."""
    wave = math.sin(0.5 * math.pi * x[0] + 0.5 * math.pi)
    return -3.0 * wave * (2.0 - math.sqrt(x[0] ** 2 + x[1] ** 2)) / 4.0


@published(
    "xin_she_yang_2_2d",
    [(-6.283185307179586, 6.283185307179586)] * 2,
    "nonsmooth",
    "Jamil & Yang 2013, no. 170",
)
def xin_she_yang_2(x: Array) -> float:
    """Absolute values under a wavy factor."""
    waves = math.sin(x[0] ** 2) + math.sin(x[1] ** 2)
    return (abs(x[0]) + abs(x[1])) * math.exp(-waves)


@published("xin_she_yang_4_2d", [(-10, 10)] * 2, "nonsmooth", "Jamil & Yang 2013, no. 172")
def xin_she_yang_4(x: Array) -> float:
    """Needle at the centre of a creased, wavy plain."""
    waves = math.sin(x[0]) ** 2 + math.sin(x[1]) ** 2
    slow = math.sin(math.sqrt(abs(x[0]))) ** 2 + math.sin(math.sqrt(abs(x[1]))) ** 2
    return (waves - math.exp(-(x[0] ** 2) - x[1] ** 2)) * math.exp(-slow)


FUNCTIONS = (
    ackley_2,
    ackley_3,
    ackley_4,
    bukin_6,
    carrom_table,
    cross_in_tray,
    cross_leg_table,
    crowned_cross,
    decanomial,
    egg_holder,
    holder_table_1,
    holder_table_2,
    mishra_11,
    mishra_3,
    mishra_4,
    pen_holder,
    rana,
    schwefel_2_26,
    testtube_holder,
    ursem_3,
    ursem_4,
    xin_she_yang_2,
    xin_she_yang_4,
)
