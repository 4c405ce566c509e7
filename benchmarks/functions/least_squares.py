"""Published sums of squares: the set of Moré, Garbow and Hillstrom, with the fits of curves.

Moré, Garbow and Hillstrom give starting points, not boxes; where no later collection gives a
box, it is one of a like size around the start and the known minimiser.
"""

from __future__ import annotations

import math

from fastadam import problems

from .curve_fits import (
    MGH,
    bard,
    eckerle4,
    gaussian,
    hougen,
    kowalik_osborne,
    meyer,
    osborne_1,
    rat43,
    thurber,
)
from .registry import Array, Published, published, take

helical_valley = take("helical_valley", problems.helical_valley(), "smooth", f"{MGH}, no. 7")


@published("gulf", [(0.1, 100.0), (0.0, 25.6), (0.0, 5.0)], "smooth", f"{MGH}, no. 11")
def gulf(x: Array) -> float:
    """Fit of a stretched exponential, flat far out; 0 at (50, 25, 1.5)."""
    total = 0.0
    for i in range(1, 100):
        t = i / 100.0
        y = 25.0 + (-50.0 * math.log(t)) ** (2.0 / 3.0)
        total += (math.exp(-(abs(y - x[1]) ** x[2]) / x[0]) - t) ** 2
    return total


@published("box_3", [(0.0, 20.0)] * 3, "smooth", f"{MGH}, no. 12")
def box_3(x: Array) -> float:
    """Fit of two exponentials; 0 at (1, 10, 1) and on a line."""
    total = 0.0
    for i in range(1, 11):
        t = 0.1 * i
        known = math.exp(-t) - math.exp(-10.0 * t)
        total += (math.exp(-t * x[0]) - math.exp(-t * x[1]) - x[2] * known) ** 2
    return total


powell_singular = take("powell_singular", problems.powell_singular(), "smooth", f"{MGH}, no. 13")
wood = take("wood", problems.wood(), "smooth", f"{MGH}, no. 14")


@published("brown_dennis", [(-25.0, 25.0)] * 4, "smooth", f"{MGH}, no. 16")
def brown_dennis(x: Array) -> float:
    """Quartic with a large residual; 85822.2."""
    total = 0.0
    for i in range(1, 21):
        t = i / 5.0
        line = x[0] + t * x[1] - math.exp(t)
        wave = x[2] + x[3] * math.sin(t) - math.cos(t)
        total += (line * line + wave * wave) ** 2
    return total


@published("biggs_exp6", [(0.0, 10.0)] * 6, "smooth", f"{MGH}, no. 18")
def biggs_exp6(x: Array) -> float:
    """Fit of three exponentials; 0 at (1, 10, 1, 5, 4, 3)."""
    total = 0.0
    for i in range(1, 14):
        t = 0.1 * i
        y = math.exp(-t) - 5.0 * math.exp(-10.0 * t) + 3.0 * math.exp(-4.0 * t)
        first = x[2] * math.exp(-t * x[0]) - x[3] * math.exp(-t * x[1])
        total += (first + x[5] * math.exp(-t * x[4]) - y) ** 2
    return total


@published("watson_6d", [(-2.0, 2.0)] * 6, "smooth", f"{MGH}, no. 20")
def watson(x: Array) -> float:
    """Polynomial solution of a differential equation, ill conditioned; 0.00228767."""
    total = x[0] ** 2 + (x[1] - x[0] ** 2 - 1.0) ** 2
    for i in range(1, 30):
        t = i / 29.0
        value = 0.0
        slope = 0.0
        # Horner's rule for the polynomial and its derivative.
        for j in range(len(x) - 1, -1, -1):
            slope = slope * t + value
            value = value * t + x[j]
        total += (slope - value * value - 1.0) ** 2
    return total


@published("extended_rosenbrock_10d", [(-2.048, 2.048)] * 10, "smooth", f"{MGH}, no. 21")
def extended_rosenbrock(x: Array) -> float:
    """Five separate curved valleys; 0 at 1."""
    total = 0.0
    for i in range(0, len(x), 2):
        total += 100.0 * (x[i + 1] - x[i] * x[i]) ** 2 + (1.0 - x[i]) ** 2
    return total


@published("penalty_1_10d", [(-10.0, 10.0)] * 10, "smooth", f"{MGH}, no. 23")
def penalty_1(x: Array) -> float:
    """Sphere as a penalty with a slope 1e-5 as steep along it; 7.08765e-5."""
    near = 0.0
    squares = 0.0
    for v in x:
        near += (v - 1.0) ** 2
        squares += v * v
    return 1e-5 * near + (squares - 0.25) ** 2


@published("penalty_2_4d", [(-2.0, 2.0)] * 4, "smooth", f"{MGH}, no. 24")
def penalty_2(x: Array) -> float:
    """Ellipsoid as a penalty with exponentials along it; 9.37629e-6."""
    n = len(x)
    total = (x[0] - 0.2) ** 2
    weighted = n * x[0] ** 2 - 1.0
    for i in range(1, n):
        here = math.exp(x[i] / 10.0)
        y = math.exp((i + 1.0) / 10.0) + math.exp(i / 10.0)
        total += 1e-5 * (here + math.exp(x[i - 1] / 10.0) - y) ** 2
        total += 1e-5 * (here - math.exp(-0.1)) ** 2
        weighted += (n - i) * x[i] ** 2
    return total + weighted**2


@published("variably_dimensioned_10d", [(-2.0, 2.0)] * 10, "smooth", f"{MGH}, no. 25")
def variably_dimensioned(x: Array) -> float:
    """Bowl with one direction that steepens to the fourth power; 0 at 1."""
    total = 0.0
    weighted = 0.0
    for i in range(len(x)):
        total += (x[i] - 1.0) ** 2
        weighted += (i + 1.0) * (x[i] - 1.0)
    return total + weighted**2 + weighted**4


trigonometric = take(
    "trigonometric_5d", problems.trigonometric(5), "smooth", f"{MGH}, no. 26", [(0.0, math.pi)] * 5
)


@published("brown_almost_linear_5d", [(-2.0, 2.0)] * 5, "smooth", f"{MGH}, no. 27")
def brown_almost_linear(x: Array) -> float:
    """Linear equations and one product; 0 at 1, and a local minimum of 1."""
    n = len(x)
    everything = 0.0
    product = 1.0
    for v in x:
        everything += v
        product *= v
    total = (product - 1.0) ** 2
    for i in range(n - 1):
        total += (x[i] + everything - (n + 1.0)) ** 2
    return total


@published("discrete_boundary_value_10d", [(-1.0, 1.0)] * 10, "smooth", f"{MGH}, no. 28")
def discrete_boundary_value(x: Array) -> float:
    """Finite differences of a boundary value problem; 0."""
    n = len(x)
    h = 1.0 / (n + 1.0)
    total = 0.0
    for i in range(n):
        before = x[i - 1] if i > 0 else 0.0
        after = x[i + 1] if i < n - 1 else 0.0
        cube = (x[i] + (i + 1.0) * h + 1.0) ** 3
        total += (2.0 * x[i] - before - after + 0.5 * h * h * cube) ** 2
    return total


broyden_tridiagonal = take(
    "broyden_tridiagonal_10d",
    problems.broyden_tridiagonal(10),
    "smooth",
    f"{MGH}, no. 30",
    [(-2.0, 1.0)] * 10,
)


@published("broyden_banded_10d", [(-2.0, 1.0)] * 10, "smooth", f"{MGH}, no. 31")
def broyden_banded(x: Array) -> float:
    """Cubic equations in up to six neighbours; 0."""
    n = len(x)
    total = 0.0
    for i in range(n):
        residual = x[i] * (2.0 + 5.0 * x[i] ** 2) + 1.0
        for j in range(max(0, i - 5), min(n, i + 2)):
            if j != i:
                residual -= x[j] * (1.0 + x[j])
        total += residual**2
    return total


@published("chebyquad_8d", [(0.0, 1.0)] * 8, "smooth", f"{MGH}, no. 35")
def chebyquad(x: Array) -> float:
    """Nodes of Chebyshev's equal-weight quadrature, alike in any order; 0.00351687."""
    n = len(x)
    total = 0.0
    for degree in range(1, n + 1):
        mean = 0.0
        for v in x:
            y = 2.0 * v - 1.0
            low = 1.0
            high = y
            for _ in range(1, degree):
                low, high = high, 2.0 * y * high - low
            mean += high / n
        integral = 0.0 if degree % 2 == 1 else -1.0 / (degree * degree - 1.0)
        total += (mean - integral) ** 2
    return total


FUNCTIONS: tuple[Published, ...] = (
    helical_valley,
    bard,
    gaussian,
    meyer,
    gulf,
    box_3,
    powell_singular,
    wood,
    kowalik_osborne,
    brown_dennis,
    osborne_1,
    biggs_exp6,
    watson,
    extended_rosenbrock,
    penalty_1,
    penalty_2,
    variably_dimensioned,
    trigonometric,
    brown_almost_linear,
    discrete_boundary_value,
    broyden_tridiagonal,
    broyden_banded,
    chebyquad,
    hougen,
    thurber,
    rat43,
    eckerle4,
)
