"""Published functions of a fixed number of variables, minimax functions and steps."""

from __future__ import annotations

import math

import numpy as np

from .registry import Array, Published, published

SURVEY = "Jamil & Yang 2013"
MINIMAX = "Lukšan & Vlček 2000"
LARGE = "Haarala, Miettinen & Mäkelä 2004"


def _data(text: str) -> Array:
    return np.array(text.split(), dtype=np.float64)


CORANA_WEIGHTS = _data("1 1000 10 100")
HARTMANN_HEIGHTS = _data("1 1.2 3 3.2")
HARTMANN_6_SCALES = _data(
    "10 3 17 3.5 1.7 8  0.05 10 17 0.1 8 14  3 3.5 1.7 10 17 8  17 8 0.05 10 0.1 14"
).reshape(4, 6)
HARTMANN_6_CENTRES = 1e-4 * _data(
    "1312 1696 5569 124 8283 5886  2329 4135 8307 3736 1004 9991"
    " 2348 1451 3522 2883 3047 6650  4047 8828 8732 5743 1091 381"
).reshape(4, 6)
SHEKEL_WIDTHS = _data("0.1 0.2 0.2 0.4 0.4 0.6 0.3 0.7 0.5 0.5")
SHEKEL_CENTRES = _data(
    "4 4 4 4  1 1 1 1  8 8 8 8  6 6 6 6  3 7 3 7  2 9 2 9  5 5 3 3  8 1 8 1  6 2 6 2  7 3.6 7 3.6"
).reshape(10, 4)
# Lower triangle of the ten points' distances, row by row.
COLA_DISTANCES = _data(
    "1.27  1.69 1.43  2.04 2.35 2.43  3.09 3.18 3.26 2.85  3.20 3.22 3.27 2.88 1.55"
    " 2.86 2.56 2.58 2.59 3.12 3.06  3.17 3.18 3.18 3.12 1.31 1.64 3.00"
    " 3.21 3.18 3.18 3.17 1.70 1.36 2.95 1.32  2.38 2.31 2.42 1.94 2.85 2.81 2.56 2.91 2.97"
)
SHOR_WEIGHTS = _data("1 5 10 2 4 3 1.7 2.5 6 3.5")
SHOR_CENTRES = _data(
    "0 0 0 0 0  2 1 1 1 3  1 2 1 1 2  1 4 1 2 2  3 2 1 0 1"
    " 0 2 1 0 1  1 1 1 1 1  1 0 1 2 1  0 0 2 1 0  1 1 2 0 0"
).reshape(10, 5)


@published("corana", [(-5.0, 5.0)] * 4, "discontinuous", "Corana et al. 1987")
def corana(x: Array) -> float:
    """Badly scaled bowl with a flat hole punched at every grid point; 0 at 0."""
    total = 0.0
    for i in range(4):
        v = x[i]
        sign = math.copysign(1.0, v)
        z = 0.2 * math.floor(abs(v / 0.2) + 0.49999) * sign
        if abs(v - z) < 0.05:
            if z == 0.0:
                sign = 0.0
            total += 0.15 * CORANA_WEIGHTS[i] * (z - 0.05 * sign) ** 2
        else:
            total += CORANA_WEIGHTS[i] * v * v
    return total


@published("hartmann_6", [(0.0, 1.0)] * 6, "smooth", "Hartman 1973, Dixon & Szegő 1978")
def hartmann_6(x: Array) -> float:
    """Four wells on a plain; -3.32237."""
    total = 0.0
    for i in range(4):
        inner = 0.0
        for j in range(6):
            inner += HARTMANN_6_SCALES[i, j] * (x[j] - HARTMANN_6_CENTRES[i, j]) ** 2
        total -= HARTMANN_HEIGHTS[i] * math.exp(-inner)
    return total


@published("shekel_10", [(0.0, 10.0)] * 4, "smooth", "Shekel 1971, Dixon & Szegő 1978")
def shekel_10(x: Array) -> float:
    """Ten foxholes of different widths; -10.5364."""
    total = 0.0
    for i in range(10):
        inner = SHEKEL_WIDTHS[i]
        for j in range(4):
            inner += (x[j] - SHEKEL_CENTRES[i, j]) ** 2
        total -= 1.0 / inner
    return total


@published("lennard_jones_9d", [(-4.0, 4.0)] * 9, "smooth", "Lennard-Jones 1924, three atoms")
def lennard_jones(x: Array) -> float:
    """Energy of a cluster of three atoms, with poles where two meet; -3."""
    total = 0.0
    for i in range(0, 9, 3):
        for j in range(0, i, 3):
            squares = 0.0
            for k in range(3):
                squares += (x[i + k] - x[j + k]) ** 2
            sixth = 1.0 / squares**3
            total += sixth * sixth - 2.0 * sixth
    return total


@published("paviani", [(2.001, 9.999)] * 10, "smooth", "Himmelblau 1972")
def paviani(x: Array) -> float:
    """Squared logarithms, with no value outside (2, 10); -45.77848."""
    total = 0.0
    product = 1.0
    for v in x:
        total += math.log(v - 2.0) ** 2 + math.log(10.0 - v) ** 2
        product *= v
    return total - product**0.2


@published("cola", [(0.0, 4.0)] + [(-4.0, 4.0)] * 16, "smooth", "Adorio & Diliman 2005")
def cola(x: Array) -> float:
    """Ten points in the plane fitted to 45 distances; 11.7464."""
    total = 0.0
    pair = 0
    for i in range(1, 10):
        # The first point is the origin, the second is on the axis.
        a = x[0] if i == 1 else x[2 * i - 3]
        b = 0.0 if i == 1 else x[2 * i - 2]
        for j in range(i):
            c = 0.0
            d = 0.0
            if j == 1:
                c = x[0]
            elif j > 1:
                c = x[2 * j - 3]
                d = x[2 * j - 2]
            distance = math.sqrt((a - c) ** 2 + (b - d) ** 2)
            total += (distance - COLA_DISTANCES[pair]) ** 2
            pair += 1
    return total


@published("dolan", [(-100.0, 100.0)] * 5, "nonsmooth", f"{SURVEY}, no. 49, made positive")
def dolan(x: Array) -> float:
    """Absolute value of a wave of growing height; 0."""
    wave = (x[0] + 1.7 * x[1]) * math.sin(x[0]) - 1.5 * x[2]
    other = 0.1 * x[3] * math.cos(x[3] + x[4] - x[0])
    return abs(wave - other + 0.2 * x[4] ** 2 - x[1] - 1.0)


@published("miele_cantrell", [(-1.0, 1.0)] * 4, "smooth", "Miele & Cantrell 1969")
def miele_cantrell(x: Array) -> float:
    """Fourth, sixth and eighth powers, singular at the minimum; 0 at (0, 1, 1, 1)."""
    first = (math.exp(x[0]) - x[1]) ** 4 + 100.0 * (x[1] - x[2]) ** 6
    return first + math.tan(x[2] - x[3]) ** 4 + x[0] ** 8


@published("storn_chebyshev_9d", [(-128.0, 128.0)] * 9, "smooth", "Storn & Price 1997")
def storn_chebyshev(x: Array) -> float:
    """Polynomial to stay in [-1, 1] and leave it steeply; under 1e-6 at Chebyshev's T8."""
    left = 0.0
    right = 0.0
    for v in x:
        left = -1.2 * left + v
        right = 1.2 * right + v
    total = max(0.0, 72.661 - left) ** 2 + max(0.0, 72.661 - right) ** 2
    for k in range(61):
        value = 0.0
        for v in x:
            value = value * (k / 30.0 - 1.0) + v
        total += max(0.0, abs(value) - 1.0) ** 2
    return total


@published("inverse_hilbert_9d", [(-1024.0, 1024.0)] * 9, "nonsmooth", "Price et al. 2018")
def inverse_hilbert(x: Array) -> float:
    """Sum of the absolute residuals of a 3 x 3 inverse, ill conditioned; 0."""
    total = 0.0
    for i in range(3):
        for j in range(3):
            residual = -1.0 if i == j else 0.0
            for k in range(3):
                residual += x[3 * k + j] / (i + k + 1.0)
            total += abs(residual)
    return total


@published("chebyshev_rosenbrock_4d", [(-2.0, 2.0)] * 4, "smooth", "Gürbüzbalaban & Overton 2012")
def chebyshev_rosenbrock(x: Array) -> float:
    """Nesterov's valley that folds over with every variable; 0 at 1."""
    total = 0.25 * (x[0] - 1.0) ** 2
    for i in range(len(x) - 1):
        total += (x[i + 1] - 2.0 * x[i] ** 2 + 1.0) ** 2
    return total


@published(
    "kinked_chebyshev_rosenbrock_4d",
    [(-2.0, 2.0)] * 4,
    "nonsmooth",
    "Gürbüzbalaban & Overton 2012, second nonsmooth variant",
)
def kinked_chebyshev_rosenbrock(x: Array) -> float:
    """Nesterov's folded valley of absolute values; 0 at 1."""
    total = 0.25 * abs(x[0] - 1.0)
    for i in range(len(x) - 1):
        total += abs(x[i + 1] - 2.0 * abs(x[i]) + 1.0)
    return total


@published("mxhilb_10d", [(-2.0, 2.0)] * 10, "nonsmooth", f"{LARGE}, problem 2")
def mxhilb(x: Array) -> float:
    """Largest absolute value of a product with Hilbert's matrix; 0 at 0."""
    largest = 0.0
    for i in range(len(x)):
        inner = 0.0
        for j in range(len(x)):
            inner += x[j] / (i + j + 1.0)
        largest = max(largest, abs(inner))
    return largest


@published("chained_lq_10d", [(-2.0, 2.0)] * 10, "nonsmooth", f"{LARGE}, problem 3")
def chained_lq(x: Array) -> float:
    """Sum of maxima of a plane and a bowl; -12.7279."""
    total = 0.0
    for i in range(len(x) - 1):
        a = x[i]
        b = x[i + 1]
        total += max(0.0, a * a + b * b - 1.0) - a - b
    return total


@published("shor", [(-2.0, 4.0)] * 5, "nonsmooth", "Shor 1985")
def shor(x: Array) -> float:
    """Largest of ten bowls; 22.60016."""
    largest = 0.0
    for i in range(10):
        squares = 0.0
        for j in range(5):
            squares += (x[j] - SHOR_CENTRES[i, j]) ** 2
        largest = max(largest, SHOR_WEIGHTS[i] * squares)
    return largest


@published("maxquad", [(-1.0, 1.0)] * 10, "nonsmooth", "Lemaréchal 1978")
def maxquad(x: Array) -> float:
    """Largest of five quadratics; -0.8414083."""
    largest = -math.inf
    for k in range(1, 6):
        value = 0.0
        for i in range(1, 11):
            diagonal = i / 10.0 * abs(math.sin(k))
            for j in range(1, 11):
                if i != j:
                    entry = math.exp(min(i, j) / max(i, j)) * math.cos(i * j) * math.sin(k)
                    value += entry * x[i - 1] * x[j - 1]
                    diagonal += abs(entry)
            value += diagonal * x[i - 1] ** 2 - math.exp(i / k) * math.sin(i * k) * x[i - 1]
        largest = max(largest, value)
    return largest


@published("rosen_suzuki", [(-3.0, 3.0)] * 4, "nonsmooth", f"{MINIMAX}, Rosen-Suzuki")
def rosen_suzuki(x: Array) -> float:
    """Quadratic with three constraints as an exact penalty; -44 at (0, 1, 2, -1)."""
    a, b, c, d = x[0] ** 2, x[1] ** 2, x[2] ** 2, x[3] ** 2
    cost = a + b + 2.0 * c + d - 5.0 * x[0] - 5.0 * x[1] - 21.0 * x[2] + 7.0 * x[3]
    first = a + b + c + d + x[0] - x[1] + x[2] - x[3] - 8.0
    second = a + 2.0 * b + c + 2.0 * d - x[0] - x[3] - 10.0
    third = 2.0 * a + b + c + 2.0 * x[0] - x[1] - x[3] - 5.0
    return cost + 10.0 * max(0.0, first, second, third)


@published("wong_1", [(-10.0, 10.0)] * 7, "nonsmooth", f"{MINIMAX}, Wong 1")
def wong_1(x: Array) -> float:
    """Polynomial with four constraints as an exact penalty; 680.6301."""
    a, b, c, d, e, f, g = x[0], x[1], x[2], x[3], x[4], x[5], x[6]
    cost = (a - 10.0) ** 2 + 5.0 * (b - 12.0) ** 2 + c**4 + 3.0 * (d - 11.0) ** 2
    cost += 10.0 * e**6 + 7.0 * f**2 + g**4 - 4.0 * f * g - 10.0 * f - 8.0 * g
    first = 2.0 * a**2 + 3.0 * b**4 + c + 4.0 * d**2 + 5.0 * e - 127.0
    second = 7.0 * a + 3.0 * b + 10.0 * c**2 + d - e - 282.0
    third = 23.0 * a + b**2 + 6.0 * f**2 - 8.0 * g - 196.0
    fourth = 4.0 * a**2 + b**2 - 3.0 * a * b + 2.0 * c**2 + 5.0 * f - 11.0 * g
    return cost + 10.0 * max(0.0, first, second, third, fourth)


@published("gear_train", [(12.0, 60.0)] * 4, "discontinuous", "Sandgren 1990")
def gear_train(x: Array) -> float:
    """Gear ratio from four whole numbers of teeth; 2.7e-12 at (16, 19, 43, 49)."""
    ratio = math.floor(x[0]) * math.floor(x[1]) / (math.floor(x[2]) * math.floor(x[3]))
    return (1.0 / 6.931 - ratio) ** 2


@published("plateau_5d", [(-5.12, 5.12)] * 5, "discontinuous", "Gavana AMPGO, Plateau")
def plateau(x: Array) -> float:
    """Flat steps down to the middle; 30 around 0."""
    total = 30.0
    for v in x:
        total += math.floor(abs(v))
    return total


@published("step_2_5d", [(-100.0, 100.0)] * 5, "discontinuous", f"{SURVEY}, no. 139")
def step_2(x: Array) -> float:
    """Bowl of flat steps; 0 around 0."""
    total = 0.0
    for v in x:
        total += math.floor(v + 0.5) ** 2
    return total


@published("zero_sum_4d", [(-10.0, 10.0)] * 4, "discontinuous", "Gavana AMPGO, ZeroSum")
def zero_sum(x: Array) -> float:
    """Cusp along a plane that drops to 0 in the plane itself."""
    total = 0.0
    for v in x:
        total += v
    if total == 0.0:
        return 0.0
    return 1.0 + math.sqrt(10000.0 * abs(total))


@published("noncontinuous_rastrigin_5d", [(-5.12, 5.12)] * 5, "discontinuous", "Liang et al. 2006")
def noncontinuous_rastrigin(x: Array) -> float:
    """Rastrigin's wells about 0, half-integer steps farther out; 0 at 0."""
    total = 0.0
    for v in x:
        y = v if abs(v) < 0.5 else math.floor(2.0 * v + 0.5) / 2.0
        total += y * y - 10.0 * math.cos(2.0 * math.pi * y) + 10.0
    return total


FUNCTIONS: tuple[Published, ...] = (
    corana,
    hartmann_6,
    shekel_10,
    lennard_jones,
    paviani,
    cola,
    dolan,
    miele_cantrell,
    storn_chebyshev,
    inverse_hilbert,
    chebyshev_rosenbrock,
    kinked_chebyshev_rosenbrock,
    mxhilb,
    chained_lq,
    shor,
    maxquad,
    rosen_suzuki,
    wong_1,
    gear_train,
    plateau,
    step_2,
    zero_sum,
    noncontinuous_rastrigin,
)
