"""Published functions of two variables pieced together: largest of several, absolute values."""

from __future__ import annotations

import math

from ..registry import Array, published


@published("bartels_conn", [(-500, 500)] * 2, "nonsmooth", "Jamil & Yang 2013, no. 9")
def bartels_conn(x: Array) -> float:
    """Wide bowl with creases."""
    bowl = abs(x[0] ** 2 + x[1] ** 2 + x[0] * x[1])
    return bowl + abs(math.sin(x[0])) + abs(math.cos(x[1]))


@published("bukin_4", [(-15, -5), (-3, 3)], "nonsmooth", "Jamil & Yang 2013, no. 27")
def bukin_4(x: Array) -> float:
    """Parabola with a shallow crease across it."""
    return 100.0 * x[1] ** 2 + 0.01 * abs(x[0] + 10.0)


@published("cb2", [(-1, 3)] * 2, "nonsmooth", "Charalambous & Bandler 1976; box ours")
def cb2(x: Array) -> float:
    """Largest of three convex functions."""
    first = x[0] ** 2 + x[1] ** 4
    second = (2.0 - x[0]) ** 2 + (2.0 - x[1]) ** 2
    return max(first, second, 2.0 * math.exp(x[1] - x[0]))


@published("cb3", [(-1, 3)] * 2, "nonsmooth", "Charalambous & Bandler 1976; box ours")
def cb3(x: Array) -> float:
    """Largest of three convex functions, all equal at the minimum."""
    first = x[0] ** 4 + x[1] ** 2
    second = (2.0 - x[0]) ** 2 + (2.0 - x[1]) ** 2
    return max(first, second, 2.0 * math.exp(x[1] - x[0]))


@published("crescent", [(-3, 3)] * 2, "nonsmooth", "Kiwiel 1985; box ours")
def crescent(x: Array) -> float:
    """Larger of two paraboloids that meet on a circle."""
    circle = x[0] ** 2 + (x[1] - 1.0) ** 2
    return max(circle + x[1] - 1.0, -circle + x[1] + 1.0)


@published("dem", [(-2, 2), (-4, 2)], "nonsmooth", "Demyanov & Malozemov 1974; box ours")
def dem(x: Array) -> float:
    """Sharp valley that ends in a bowl."""
    return max(5.0 * x[0] + x[1], -5.0 * x[0] + x[1], x[0] ** 2 + x[1] ** 2 + 4.0 * x[1])


@published("lq", [(-2, 2)] * 2, "nonsmooth", "Luksan & Vlcek 2000; box ours")
def lq(x: Array) -> float:
    """Plane and bowl that meet on the unit circle."""
    plane = -x[0] - x[1]
    return max(plane, plane + x[0] ** 2 + x[1] ** 2 - 1.0)


@published("mifflin_1", [(-2, 2)] * 2, "nonsmooth", "Luksan & Vlcek 2000; box ours")
def mifflin_1(x: Array) -> float:
    """Slope with a steep penalty outside the unit circle."""
    return -x[0] + 20.0 * max(x[0] ** 2 + x[1] ** 2 - 1.0, 0.0)


@published("mifflin_2", [(-2, 2)] * 2, "nonsmooth", "Luksan & Vlcek 2000; box ours")
def mifflin_2(x: Array) -> float:
    """Slope along a creased circle."""
    circle = x[0] ** 2 + x[1] ** 2 - 1.0
    return -x[0] + 2.0 * circle + 1.75 * abs(circle)


@published("price_1", [(-500, 500)] * 2, "nonsmooth", "Jamil & Yang 2013, no. 94")
def price_1(x: Array) -> float:
    """Four bowls with creases between them."""
    return (abs(x[0]) - 5.0) ** 2 + (abs(x[1]) - 5.0) ** 2


@published("ql", [(-2, 5)] * 2, "nonsmooth", "Luksan & Vlcek 2000; box ours")
def ql(x: Array) -> float:
    """Bowl with two steep linear penalties."""
    bowl = x[0] ** 2 + x[1] ** 2
    first = bowl + 10.0 * (-4.0 * x[0] - x[1] + 4.0)
    return max(bowl, first, bowl + 10.0 * (-x[0] - 2.0 * x[1] + 6.0))


@published("quintic_2d", [(-10, 10)] * 2, "nonsmooth", "Jamil & Yang 2013, no. 101")
def quintic(x: Array) -> float:
    """Absolute quintics, kinked at every zero."""
    total = 0.0
    for i in range(2):
        u = x[i]
        total += abs(u**5 - 3.0 * u**4 + 4.0 * u**3 + 2.0 * u**2 - 10.0 * u - 4.0)
    return total


@published("schwefel_2_20_2d", [(-100, 100)] * 2, "nonsmooth", "Jamil & Yang 2013, no. 122")
def schwefel_2_20(x: Array) -> float:
    """Pyramid on its edge: the sum of absolute values."""
    return abs(x[0]) + abs(x[1])


@published("schwefel_2_21_2d", [(-100, 100)] * 2, "nonsmooth", "Jamil & Yang 2013, no. 123")
def schwefel_2_21(x: Array) -> float:
    """Pyramid on a square: the largest absolute value."""
    return max(abs(x[0]), abs(x[1]))


@published("schwefel_2_22_2d", [(-100, 100)] * 2, "nonsmooth", "Jamil & Yang 2013, no. 124")
def schwefel_2_22(x: Array) -> float:
    """Sum and product of absolute values."""
    return abs(x[0]) + abs(x[1]) + abs(x[0] * x[1])


@published("schwefel_2_6", [(-100, 100)] * 2, "nonsmooth", "Jamil & Yang 2013, no. 121")
def schwefel_2_6(x: Array) -> float:
    """Pyramid with an oblique base."""
    return max(abs(x[0] + 2.0 * x[1] - 7.0), abs(2.0 * x[0] + x[1] - 5.0))


@published("wolfe_2d", [(-3, 5), (-4, 4)], "nonsmooth", "Luksan & Vlcek 2000; box ours")
def wolfe(x: Array) -> float:
    """Convex function that traps steepest descent at a point that is not stationary."""
    side = abs(x[1])
    if x[0] >= side:
        return 5.0 * math.sqrt(9.0 * x[0] ** 2 + 16.0 * side**2)
    if x[0] > 0.0:
        return 9.0 * x[0] + 16.0 * side
    return 9.0 * x[0] + 16.0 * side - x[0] ** 9


FUNCTIONS = (
    bartels_conn,
    bukin_4,
    cb2,
    cb3,
    crescent,
    dem,
    lq,
    mifflin_1,
    mifflin_2,
    price_1,
    ql,
    quintic,
    schwefel_2_20,
    schwefel_2_21,
    schwefel_2_22,
    schwefel_2_6,
    wolfe,
)
