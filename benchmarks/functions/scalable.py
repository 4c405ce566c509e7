"""Published functions that are defined for any number of variables, each at one of them."""

from __future__ import annotations

import math

from fastadam import problems

from .registry import Array, Published, published, take

SURVEY = "Jamil & Yang 2013"


ackley = take("ackley_5d", problems.ackley(5), "nonsmooth", "Ackley 1987")


@published("alpine_1_4d", [(-10.0, 10.0)] * 4, "nonsmooth", f"{SURVEY}, no. 6")
def alpine_1(x: Array) -> float:
    """Kinked valleys, many of them at 0; 0 at 0."""
    total = 0.0
    for v in x:
        total += abs(v * math.sin(v) + 0.1 * v)
    return total


@published("bent_cigar_6d", [(-100.0, 100.0)] * 6, "smooth", "Hansen et al. 2009, f12, unrotated")
def bent_cigar(x: Array) -> float:
    """Quadratic with one direction a million times flatter than the others; 0 at 0."""
    total = x[0] * x[0]
    for i in range(1, len(x)):
        total += 1e6 * x[i] * x[i]
    return total


@published("brown_4d", [(-1.0, 4.0)] * 4, "smooth", f"{SURVEY}, no. 25")
def brown(x: Array) -> float:
    """Squares to the power of neighbouring squares: from flat to 1e20; 0 at 0."""
    total = 0.0
    for i in range(len(x) - 1):
        a = x[i] * x[i]
        b = x[i + 1] * x[i + 1]
        total += a ** (b + 1.0) + b ** (a + 1.0)
    return total


@published("cosine_mixture_4d", [(-1.0, 1.0)] * 4, "smooth", "Breiman & Cutler 1993")
def cosine_mixture(x: Array) -> float:
    """Bowl with shallow cosine ripples; -0.4 at 0."""
    total = 0.0
    for v in x:
        total += v * v - 0.1 * math.cos(5.0 * math.pi * v)
    return total


@published("csendes_4d", [(-1.0, 1.0)] * 4, "smooth", "Csendes & Ratz 1997")
def csendes(x: Array) -> float:
    """Sixth powers that oscillate ever faster towards the minimum; 0 at 0."""
    total = 0.0
    for v in x:
        if v != 0.0:
            total += v**6 * (2.0 + math.sin(1.0 / v))
    return total


@published(
    "deflected_corrugated_spring_5d",
    [(0.0, 10.0)] * 5,
    "smooth",
    "Gavana AMPGO, DeflectedCorrugatedSpring",
)
def deflected_corrugated_spring(x: Array) -> float:
    """Rings around a bowl's centre; -1 at 5."""
    squares = 0.0
    for v in x:
        squares += (v - 5.0) ** 2
    return 0.1 * squares - math.cos(5.0 * math.sqrt(squares))


dixon_price = take("dixon_price_10d", problems.dixon_price(10), "smooth", "Dixon & Price 1989")
ellipsoid = take(
    "ellipsoid_20d",
    problems.ill_conditioned_quadratic(20, 1e6),
    "smooth",
    "Hansen et al. 2009, f2, unshifted",
)


griewank = take("griewank_10d", problems.griewank(10), "smooth", "Griewank 1981")


@published("happy_cat_6d", [(-2.0, 2.0)] * 6, "nonsmooth", "Beyer & Finck 2012")
def happy_cat(x: Array) -> float:
    """Sharp groove along a sphere that falls slowly; 0 at -1."""
    squares = 0.0
    total = 0.0
    for v in x:
        squares += v * v
        total += v
    n = len(x)
    return abs(squares - n) ** 0.25 + (0.5 * squares + total) / n + 0.5


@published("katsuura_4d", [(-5.0, 5.0)] * 4, "nonsmooth", "Hansen et al. 2009, f23, unrotated")
def katsuura(x: Array) -> float:
    """Kinks on every scale down to 2^-32; 0 at 0."""
    n = len(x)
    product = 1.0
    for i in range(n):
        zigzag = 0.0
        for k in range(1, 33):
            power = 2.0**k
            zigzag += abs(power * x[i] - math.floor(power * x[i] + 0.5)) / power
        product *= (1.0 + (i + 1.0) * zigzag) ** (10.0 / n**1.2)
    return 10.0 / n**2 * (product - 1.0)


levy = take("levy_7d", problems.levy(7), "smooth", "Levy & Montalvo 1985")


@published("michalewicz_5d", [(0.0, math.pi)] * 5, "smooth", "Michalewicz 1992")
def michalewicz(x: Array) -> float:
    """Narrow ravines in a plain; -4.687658."""
    total = 0.0
    for i in range(len(x)):
        total -= math.sin(x[i]) * math.sin((i + 1.0) * x[i] * x[i] / math.pi) ** 20
    return total


@published("pathological_4d", [(-100.0, 100.0)] * 4, "smooth", f"{SURVEY}, no. 87")
def pathological(x: Array) -> float:
    """Fine ripples everywhere, damped across the diagonal; 0 at 0."""
    total = 0.0
    for i in range(len(x) - 1):
        a = x[i]
        b = x[i + 1]
        wave = math.sin(math.sqrt(100.0 * a * a + b * b)) ** 2
        total += 0.5 + (wave - 0.5) / (1.0 + 0.001 * (a - b) ** 4)
    return total


@published("perm_4d", [(-4.0, 4.0)] * 4, "smooth", "Neumaier 2003, Perm with beta 0.5")
def perm(x: Array) -> float:
    """Ill conditioned polynomial of degree 8; 0 at (1, 2, 3, 4)."""
    total = 0.0
    for k in range(1, len(x) + 1):
        inner = 0.0
        for j in range(1, len(x) + 1):
            inner += (float(j) ** k + 0.5) * ((x[j - 1] / j) ** k - 1.0)
        total += inner * inner
    return total


@published("pinter_5d", [(-10.0, 10.0)] * 5, "smooth", "Pintér 1996")
def pinter(x: Array) -> float:
    """Weighted bowl with coupled sines and logarithms; 0 at 0."""
    n = len(x)
    total = 0.0
    for i in range(n):
        before = x[i - 1]
        here = x[i]
        after = x[(i + 1) % n]
        wave = before * math.sin(here) + math.sin(after)
        inner = before * before - 2.0 * here + 3.0 * after - math.cos(here) + 1.0
        weight = i + 1.0
        total += weight * (here * here + 20.0 * math.sin(wave) ** 2)
        total += weight * math.log10(1.0 + weight * inner * inner)
    return total


@published("qing_5d", [(-500.0, 500.0)] * 5, "smooth", "Qing 2006")
def qing(x: Array) -> float:
    """Two narrow wells in each variable, steep far out; 0 at the roots of 1 to 5."""
    total = 0.0
    for i in range(len(x)):
        total += (x[i] * x[i] - (i + 1.0)) ** 2
    return total


@published("quintic_4d", [(-10.0, 10.0)] * 4, "nonsmooth", f"{SURVEY}, no. 101")
def quintic(x: Array) -> float:
    """Kinked roots of a polynomial of degree 5; 0 where every variable is -1 or 2."""
    total = 0.0
    for v in x:
        total += abs(v**5 - 3.0 * v**4 + 4.0 * v**3 + 2.0 * v**2 - 10.0 * v - 4.0)
    return total


rastrigin = take(
    "rastrigin_10d", problems.rastrigin(10), "smooth", "Rastrigin 1974, Mühlenbein et al. 1991"
)


rosenbrock = take("rosenbrock_10d", problems.rosenbrock(10), "smooth", "Rosenbrock 1960, chained")


@published("salomon_5d", [(-100.0, 100.0)] * 5, "nonsmooth", "Salomon 1996")
def salomon(x: Array) -> float:
    """Rings around a cone; 0 at 0."""
    squares = 0.0
    for v in x:
        squares += v * v
    norm = math.sqrt(squares)
    return 1.0 - math.cos(2.0 * math.pi * norm) + 0.1 * norm


@published("schwefel_1_2_8d", [(-100.0, 100.0)] * 8, "smooth", "Schwefel 1981, no. 1.2")
def schwefel_1_2(x: Array) -> float:
    """Quadratic of partial sums, not separable; 0 at 0."""
    total = 0.0
    partial = 0.0
    for v in x:
        partial += v
        total += partial * partial
    return total


@published("schwefel_2_21_10d", [(-100.0, 100.0)] * 10, "nonsmooth", "Schwefel 1981, no. 2.21")
def schwefel_2_21(x: Array) -> float:
    """Largest absolute value; 0 at 0."""
    largest = 0.0
    for v in x:
        largest = max(largest, abs(v))
    return largest


@published("schwefel_2_26_5d", [(-500.0, 500.0)] * 5, "nonsmooth", "Schwefel 1981, no. 2.26")
def schwefel_2_26(x: Array) -> float:
    """Wells that deepen outwards, without bound beyond the box; 0 in it, at 420.9687."""
    total = 418.9828872724338 * len(x)
    for v in x:
        total -= v * math.sin(math.sqrt(abs(v)))
    return total


sphere = take("sphere_20d", problems.sphere(20), "smooth", "De Jong 1975, F1")


@published("stretched_v_5d", [(-10.0, 10.0)] * 5, "nonsmooth", "Schaffer et al. 1989, F7, chained")
def stretched_v(x: Array) -> float:
    """Rings that crowd towards a cusp; 0 at 0."""
    total = 0.0
    for i in range(len(x) - 1):
        squares = x[i] * x[i] + x[i + 1] * x[i + 1]
        total += squares**0.25 * (math.sin(50.0 * squares**0.1) ** 2 + 1.0)
    return total


styblinski_tang = take(
    "styblinski_tang_5d", problems.styblinski_tang(5), "smooth", "Styblinski & Tang 1990"
)


trid = take("trid_10d", problems.trid(10), "smooth", "Neumaier 2003, Trid")


@published("weierstrass_4d", [(-0.5, 0.5)] * 4, "smooth", "Suganthan et al. 2005, F11, unrotated")
def weierstrass(x: Array) -> float:
    """First 21 terms of a nowhere differentiable sum: smooth only below 3^-20; 0 at 0."""
    total = 0.0
    for k in range(21):
        amplitude = 0.5**k
        frequency = 2.0 * math.pi * 3.0**k
        total -= len(x) * amplitude * math.cos(0.5 * frequency)
        for v in x:
            total += amplitude * math.cos(frequency * (v + 0.5))
    return total


@published("whitley_4d", [(-10.24, 10.24)] * 4, "smooth", "Whitley et al. 1996")
def whitley(x: Array) -> float:
    """Griewank's ripples on Rosenbrock's valley, for every pair; 0 at 1."""
    total = 0.0
    for a in x:
        for b in x:
            y = 100.0 * (a * a - b) ** 2 + (1.0 - b) ** 2
            total += y * y / 4000.0 - math.cos(y) + 1.0
    return total


@published("xin_she_yang_4_4d", [(-10.0, 10.0)] * 4, "nonsmooth", "Yang 2010")
def xin_she_yang_4(x: Array) -> float:
    """Needle in a field of small kinked waves; -1 at 0."""
    waves = 0.0
    squares = 0.0
    damping = 0.0
    for v in x:
        waves += math.sin(v) ** 2
        squares += v * v
        damping += math.sin(math.sqrt(abs(v))) ** 2
    return (waves - math.exp(-squares)) * math.exp(-damping)


FUNCTIONS: tuple[Published, ...] = (
    ackley,
    alpine_1,
    bent_cigar,
    brown,
    cosine_mixture,
    csendes,
    deflected_corrugated_spring,
    dixon_price,
    ellipsoid,
    griewank,
    happy_cat,
    katsuura,
    levy,
    michalewicz,
    pathological,
    perm,
    pinter,
    qing,
    quintic,
    rastrigin,
    rosenbrock,
    salomon,
    schwefel_1_2,
    schwefel_2_21,
    schwefel_2_26,
    sphere,
    stretched_v,
    styblinski_tang,
    trid,
    weierstrass,
    whitley,
    xin_she_yang_4,
)
