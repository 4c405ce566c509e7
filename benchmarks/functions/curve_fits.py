"""Published fits of curves to data, in `least_squares.FUNCTIONS`."""

from __future__ import annotations

import math

import numpy as np

from .registry import Array, published

MGH = "Moré, Garbow & Hillstrom 1981"
NIST = "NIST Statistical Reference Datasets"


def _data(text: str) -> Array:
    return np.array(text.split(), dtype=np.float64)


BARD_Y = _data("0.14 0.18 0.22 0.25 0.29 0.32 0.35 0.39 0.37 0.58 0.73 0.96 1.34 2.10 4.39")


GAUSSIAN_Y = _data(
    "0.0009 0.0044 0.0175 0.0540 0.1295 0.2420 0.3521 0.3989"
    " 0.3521 0.2420 0.1295 0.0540 0.0175 0.0044 0.0009"
)


MEYER_Y = _data(
    "34780 28610 23650 19630 16370 13720 11540 9744 8261 7030 6005 5147 4427 3820 3307 2872"
)


KOWALIK_Y = _data("0.1957 0.1947 0.1735 0.1600 0.0844 0.0627 0.0456 0.0342 0.0323 0.0235 0.0246")


KOWALIK_U = _data("4 2 1 0.5 0.25 0.167 0.125 0.1 0.0833 0.0714 0.0625")


OSBORNE_Y = _data(
    "0.844 0.908 0.932 0.936 0.925 0.908 0.881 0.850 0.818 0.784 0.751 0.718 0.685 0.658 0.628"
    " 0.603 0.580 0.558 0.538 0.522 0.506 0.490 0.478 0.467 0.457 0.448 0.438 0.431 0.424 0.420"
    " 0.414 0.411 0.406"
)


THURBER_X = _data(
    "-3.067 -2.981 -2.921 -2.912 -2.840 -2.797 -2.702 -2.699 -2.633 -2.481 -2.363 -2.322 -1.501"
    " -1.460 -1.274 -1.212 -1.100 -1.046 -0.915 -0.714 -0.566 -0.545 -0.400 -0.309 -0.109 -0.103"
    " 0.010 0.119 0.377 0.790 0.963 1.006 1.115 1.572 1.841 2.047 2.200"
)


THURBER_Y = _data(
    "80.574 84.248 87.264 87.195 89.076 89.608 89.868 90.101 92.405 95.854 100.696 101.060"
    " 401.672 390.724 567.534 635.316 733.054 759.087 894.206 990.785 1090.109 1080.914 1122.643"
    " 1178.351 1260.531 1273.514 1288.339 1327.543 1353.863 1414.509 1425.208 1421.384 1442.962"
    " 1464.350 1468.705 1447.894 1457.628"
)


RAT43_Y = _data(
    "16.08 33.83 65.80 97.20 191.55 326.20 386.87 520.53 590.03 651.92 724.93 699.56 689.96"
    " 637.56 717.41"
)


ECKERLE_X = _data(
    "400 405 410 415 420 425 430 435 436.5 438 439.5 441 442.5 444 445.5 447 448.5 450 451.5 453"
    " 454.5 456 457.5 459 460.5 462 463.5 465 470 475 480 485 490 495 500"
)


ECKERLE_Y = _data(
    "0.0001575 0.0001699 0.0002350 0.0003102 0.0004917 0.0008710 0.0017418 0.0046400 0.0065895"
    " 0.0097302 0.0149002 0.0237310 0.0401683 0.0712559 0.1264458 0.2073413 0.2902366 0.3445623"
    " 0.3698049 0.3668534 0.3106727 0.2078154 0.1164354 0.0616764 0.0337200 0.0194023 0.0117831"
    " 0.0074357 0.0022732 0.0008800 0.0004579 0.0002345 0.0001586 0.0001143 0.0000710"
)


# Hydrogen, n-pentane, isopentane, rate.
HOUGEN = _data(
    "470 300 10 8.55  285 80 10 3.79  470 300 120 4.82  470 80 120 0.02  470 80 10 2.75"
    " 100 190 10 14.39  100 80 65 2.54  470 190 65 4.35  100 300 54 13.00  100 300 120 8.50"
    " 100 80 120 0.05  285 300 10 11.32  285 190 120 3.13"
).reshape(13, 4)


@published("bard", [(-0.25, 0.25), (0.01, 2.5), (0.01, 2.5)], "smooth", f"{MGH}, no. 8")
def bard(x: Array) -> float:
    """Rational fit; 0.00821487."""
    total = 0.0
    for i in range(15):
        u = i + 1.0
        v = 15.0 - i
        total += (BARD_Y[i] - x[0] - u / (v * x[1] + min(u, v) * x[2])) ** 2
    return total


@published("gaussian", [(-2.0, 2.0)] * 3, "smooth", f"{MGH}, no. 9")
def gaussian(x: Array) -> float:
    """Fit of a bell curve; 1.12793e-8."""
    total = 0.0
    for i in range(15):
        t = (7.0 - i) / 2.0
        total += (x[0] * math.exp(-0.5 * x[1] * (t - x[2]) ** 2) - GAUSSIAN_Y[i]) ** 2
    return total


@published("meyer", [(0.001, 0.04), (3000.0, 7000.0), (200.0, 400.0)], "smooth", f"{MGH}, no. 10")
def meyer(x: Array) -> float:
    """Fit of an exponential, extremely badly scaled; 87.9458."""
    total = 0.0
    for i in range(16):
        t = 50.0 + 5.0 * i
        total += (x[0] * math.exp(x[1] / (t + x[2])) - MEYER_Y[i]) ** 2
    return total


@published("kowalik_osborne", [(0.0, 0.42)] * 4, "smooth", f"{MGH}, no. 15")
def kowalik_osborne(x: Array) -> float:
    """Rational fit; 3.07505e-4."""
    total = 0.0
    for i in range(11):
        u = KOWALIK_U[i]
        total += (KOWALIK_Y[i] - x[0] * u * (u + x[1]) / (u * (u + x[2]) + x[3])) ** 2
    return total


@published(
    "osborne_1",
    [(0.0, 1.0), (0.0, 3.0), (-2.0, 0.0), (0.0, 0.04), (0.0, 0.04)],
    "smooth",
    f"{MGH}, no. 17",
)
def osborne_1(x: Array) -> float:
    """Fit of two exponentials to data, badly scaled; 5.46489e-5."""
    total = 0.0
    for i in range(33):
        t = 10.0 * i
        model = x[0] + x[1] * math.exp(-t * x[3]) + x[2] * math.exp(-t * x[4])
        total += (OSBORNE_Y[i] - model) ** 2
    return total


@published("hougen", [(0.01, 2.0)] * 5, "smooth", "Bates & Watts 1988, Hougen-Watson kinetics")
def hougen(x: Array) -> float:
    """Rational fit of reaction rates; 0.298901."""
    total = 0.0
    for i in range(13):
        top = x[0] * HOUGEN[i, 1] - HOUGEN[i, 2] / x[4]
        bottom = 1.0 + x[1] * HOUGEN[i, 0] + x[2] * HOUGEN[i, 1] + x[3] * HOUGEN[i, 2]
        total += (HOUGEN[i, 3] - top / bottom) ** 2
    return total


@published(
    "thurber",
    [
        (1000.0, 1500.0),
        (1000.0, 2000.0),
        (400.0, 700.0),
        (40.0, 100.0),
        (0.7, 1.2),
        (0.3, 0.5),
        (0.03, 0.06),
    ],
    "smooth",
    f"{NIST}, Thurber; the box spans its two starts",
)
def thurber(x: Array) -> float:
    """Ratio of cubics, scales from 0.05 to 1500; 5642.708."""
    total = 0.0
    for i in range(37):
        t = THURBER_X[i]
        top = x[0] + t * (x[1] + t * (x[2] + t * x[3]))
        total += (THURBER_Y[i] - top / (1.0 + t * (x[4] + t * (x[5] + t * x[6])))) ** 2
    return total


@published(
    "rat43",
    [(100.0, 1000.0), (1.0, 10.0), (0.1, 1.0), (0.5, 2.0)],
    "smooth",
    f"{NIST}, Rat43; the box spans its two starts",
)
def rat43(x: Array) -> float:
    """Fit of a skewed logistic curve; 8786.405."""
    total = 0.0
    for i in range(15):
        model = x[0] / (1.0 + math.exp(x[1] - x[2] * (i + 1.0))) ** (1.0 / x[3])
        total += (RAT43_Y[i] - model) ** 2
    return total


@published(
    "eckerle4",
    [(1.0, 2.0), (3.0, 10.0), (440.0, 500.0)],
    "smooth",
    f"{NIST}, Eckerle4; the box spans its two starts",
)
def eckerle4(x: Array) -> float:
    """Fit of a bell curve with a flat residual off the peak; 0.001463589."""
    total = 0.0
    for i in range(35):
        model = x[0] / x[1] * math.exp(-0.5 * ((ECKERLE_X[i] - x[2]) / x[1]) ** 2)
        total += (ECKERLE_Y[i] - model) ** 2
    return total
