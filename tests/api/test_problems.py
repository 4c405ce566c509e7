"""The test functions against the published formulas, differences, and what is known of them."""

import inspect
import math
import re

import numpy as np
import pytest
from scipy import optimize

from fastadam import problems
from tests.api.minimize.helpers import seeded

CATALOGUE = {problem.name: problem for problem in problems.catalogue()}
MAKERS = {name: getattr(problems, name) for name in CATALOGUE}
OF_ANY_SIZE = [name for name, make in MAKERS.items() if "n" in inspect.signature(make).parameters]

every_problem = pytest.mark.parametrize("problem", CATALOGUE.values(), ids=CATALOGUE)
every_size = pytest.mark.parametrize(
    "problem",
    [*CATALOGUE.values(), *(MAKERS[name](n) for name in OF_ANY_SIZE for n in (2, 3, 7))],
    ids=lambda problem: f"{problem.name}-{problem.x0.size}",
)


def points(problem):
    """Draw points all over the box, and close to the start and to the minima."""
    rng = np.random.default_rng(1)
    width = np.ptp(problem.bounds, axis=1)
    near = [
        centre + rng.uniform(-0.01, 0.01, (5, width.size)) * width
        for centre in (problem.x0, *problem.minimizers)
    ]
    return np.concatenate([[problem.random_start(rng) for _ in range(10)], *near])


# ---------------------------------------------------------------------------------------------
# The formulas, as published, for whole arrays
# ---------------------------------------------------------------------------------------------


def sum_sq(*residuals):
    return sum(np.sum(np.square(residual)) for residual in residuals)


def i_(x):
    return np.arange(1, x.size + 1)


def weights(x):
    return 1e6 ** np.linspace(0.0, 1.0, x.size)


def reflected(x):
    v = i_(x)
    return (np.eye(x.size) - 2.0 * np.outer(v, v) / (v @ v)) @ x


def levy(x):
    w = 1 + (x - 1) / 4
    inner = (w[:-1] - 1) ** 2 * (1 + 10 * np.sin(np.pi * w[:-1] + 1) ** 2)
    last = (w[-1] - 1) ** 2 * (1 + np.sin(2 * np.pi * w[-1]) ** 2)
    return np.sin(np.pi * w[0]) ** 2 + inner.sum() + last


def helical_valley(x):
    turns = np.arctan(x[1] / x[0]) / (2 * np.pi) + (0.5 if x[0] < 0 else 0.0)
    return sum_sq(10 * (x[2] - 10 * turns), 10 * (np.sqrt(x[0] ** 2 + x[1] ** 2) - 1), x[2])


def goldstein_price(x, y):
    a = 19 - 14 * x + 3 * x**2 - 14 * y + 6 * x * y + 3 * y**2
    b = 18 - 32 * x + 12 * x**2 + 48 * y - 36 * x * y + 27 * y**2
    return (1 + (x + y + 1) ** 2 * a) * (30 + (2 * x - 3 * y) ** 2 * b)


def misra1a(b1, b2):
    table = """10.07 77.6  14.73 114.9  17.94 141.1  23.93 190.8  29.61 239.9  35.18 289.0
        40.02 332.8  44.82 378.4  50.76 434.8  55.05 477.3  61.01 536.8  66.40 593.1
        75.47 689.1  81.78 760.0"""
    y, x = np.array(table.split(), dtype=float).reshape(-1, 2).T
    return sum_sq(y - b1 * (1 - np.exp(-b2 * x)))


PUBLISHED = {
    "sphere": lambda x: x @ x,
    "sum_of_squares": lambda x: i_(x) @ x**2,
    "trid": lambda x: sum_sq(x - 1) - x[1:] @ x[:-1],
    "zakharov": lambda x: x @ x + (0.5 * i_(x) @ x) ** 2 + (0.5 * i_(x) @ x) ** 4,
    "booth": lambda x: (x[0] + 2 * x[1] - 7) ** 2 + (2 * x[0] + x[1] - 5) ** 2,
    "matyas": lambda x: 0.26 * (x @ x) - 0.48 * np.prod(x),
    "ill_conditioned_quadratic": lambda x: weights(x) @ x**2,
    "rotated_quadratic": lambda x: weights(x) @ reflected(x) ** 2,
    "powell_badly_scaled": lambda x: sum_sq(1e4 * np.prod(x) - 1, np.exp(-x).sum() - 1.0001),
    "brown_badly_scaled": lambda x: sum_sq(x[0] - 1e6, x[1] - 2e-6, x[0] * x[1] - 2),
    "rosenbrock": optimize.rosen,
    "dixon_price": lambda x: (x[0] - 1) ** 2 + i_(x)[1:] @ (2 * x[1:] ** 2 - x[:-1]) ** 2,
    "wood": lambda x: sum_sq(
        10 * (x[1] - x[0] ** 2),
        1 - x[0],
        90**0.5 * (x[3] - x[2] ** 2),
        1 - x[2],
        10**0.5 * (x[1] + x[3] - 2),
        10**-0.5 * (x[1] - x[3]),
    ),
    "helical_valley": helical_valley,
    "freudenstein_roth": lambda x: sum_sq(
        -13 + x[0] + ((5 - x[1]) * x[1] - 2) * x[1], -29 + x[0] + ((x[1] + 1) * x[1] - 14) * x[1]
    ),
    "powell_singular": lambda x: sum_sq(
        x[0] + 10 * x[1],
        5**0.5 * (x[2] - x[3]),
        (x[1] - 2 * x[2]) ** 2,
        10**0.5 * (x[0] - x[3]) ** 2,
    ),
    "trigonometric": lambda x: sum_sq(
        x.size - np.cos(x).sum() + i_(x) * (1 - np.cos(x)) - np.sin(x)
    ),
    "broyden_tridiagonal": lambda x: sum_sq(
        (3 - 2 * x) * x - np.append(0, x[:-1]) - 2 * np.append(x[1:], 0) + 1
    ),
    "beale": lambda x: sum_sq(np.array([1.5, 2.25, 2.625]) - x[0] * (1 - x[1] ** np.arange(1, 4))),
    "misra1a": lambda x: misra1a(*x),
    "himmelblau": lambda x: sum_sq(x[0] ** 2 + x[1] - 11, x[0] + x[1] ** 2 - 7),
    "easom": lambda x: -np.prod(np.cos(x)) * np.exp(-sum_sq(x - np.pi)),
    "three_hump_camel": lambda x: np.polyval([1 / 6, 0, -1.05, 0, 2, x[1], x[1] ** 2], x[0]),
    "six_hump_camel": lambda x: (
        np.polyval([1 / 3, 0, -2.1, 0, 4, x[1], 0], x[0]) + np.polyval([4, 0, -4, 0, 0], x[1])
    ),
    "goldstein_price": lambda x: goldstein_price(*x),
    "branin": lambda x: (
        (x[1] - 5.1 / (4 * np.pi**2) * x[0] ** 2 + 5 / np.pi * x[0] - 6) ** 2
        + 10 * (1 - 1 / (8 * np.pi)) * np.cos(x[0])
        + 10
    ),
    "ackley": lambda x: (
        -20 * np.exp(-0.2 * np.sqrt(np.mean(x**2)))
        - np.exp(np.mean(np.cos(2 * np.pi * x)))
        + 20
        + np.e
    ),
    "rastrigin": lambda x: 10 * x.size + np.sum(x**2 - 10 * np.cos(2 * np.pi * x)),
    "griewank": lambda x: x @ x / 4000 - np.prod(np.cos(x / np.sqrt(i_(x)))) + 1,
    "levy": levy,
    "styblinski_tang": lambda x: np.sum(x**4 - 16 * x**2 + 5 * x) / 2,
}


@every_size
def test_values_are_those_of_the_published_formula(problem):
    for x in points(problem):
        expected = PUBLISHED[problem.name](x)
        # Near a minimum the terms of a formula cancel: hence the absolute tolerance.
        assert problem.fun.py_func(x) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@every_size
def test_gradients_are_those_of_the_values(problem):
    fun, width = problem.fun.py_func, np.ptp(problem.bounds, axis=1)
    steps = np.diag(1e-5 * width)
    for x in points(problem):
        slopes = np.array(
            [
                (8 * (fun(x + h) - fun(x - h)) - (fun(x + 2 * h) - fun(x - 2 * h))) / 12e-5
                for h in steps
            ]
        )
        gradient = problem.jac.py_func(x) * width  # change across the box, in units of the value
        scale = max(abs(fun(x)), np.abs(gradient).max())
        np.testing.assert_allclose(gradient, slopes, rtol=0, atol=1e-7 * scale)


def test_rosenbrock_is_scipys():
    problem = problems.rosenbrock(7)
    for x in points(problem):
        np.testing.assert_allclose(problem.jac.py_func(x), optimize.rosen_der(x), rtol=1e-12)


# ---------------------------------------------------------------------------------------------
# The minima
# ---------------------------------------------------------------------------------------------


@every_size
def test_minimisers_have_the_minimum(problem):
    for x in problem.minimizers:
        assert problem.fun.py_func(x) == pytest.approx(problem.fmin, rel=1e-12, abs=1e-24)


@every_size
def test_the_gradient_vanishes_at_minimisers(problem):
    width = np.ptp(problem.bounds, axis=1)
    typical = np.abs(problem.jac.py_func(problem.x0) * width).max()
    for x in problem.minimizers:
        gradient = problem.jac.py_func(x) * width
        np.testing.assert_allclose(gradient, 0.0, rtol=0, atol=1e-12 * max(typical, 1.0))


@every_size
def test_no_point_lies_below_the_minimum(problem):
    lowest = min(problem.fun.py_func(x) for x in points(problem))
    assert lowest >= problem.fmin


@every_size
def test_start_and_minimisers_lie_in_the_box(problem):
    low, high = problem.bounds.T
    for x in (problem.x0, *problem.minimizers, problem.random_start(np.random.default_rng(2))):
        assert np.all((low <= x) & (x <= high))


def test_misra1a_has_the_certified_values():
    problem = problems.misra1a()
    certified = [2.3894212918e02, 5.5015643181e-04]
    np.testing.assert_allclose(problem.minimizers, [certified], rtol=1e-10)
    assert problem.fmin == pytest.approx(1.2455138894e-01, rel=1e-10)


@pytest.mark.parametrize(
    ("problem", "x"),
    [(problems.ackley(3), np.zeros(3)), (problems.helical_valley(), np.zeros(3))],
    ids=["ackley", "helical_valley"],
)
def test_a_missing_derivative_counts_as_zero(problem, x):
    np.testing.assert_array_equal(problem.jac.py_func(x)[:2], 0.0)


# ---------------------------------------------------------------------------------------------
# The compiled forms
# ---------------------------------------------------------------------------------------------


@every_problem
def test_compiled_and_plain_forms_agree(problem):
    for x in points(problem):
        value, grad = problem.fun.py_func(x), problem.jac.py_func(x)
        agree = {"rtol": 1e-10, "atol": 1e-10 * np.abs(grad).max()}
        assert problem.fun(x) == pytest.approx(value, rel=1e-10, abs=1e-20)
        for in_place in (problem.in_place, problem.in_place.py_func):
            filled = np.full_like(x, np.nan)
            assert in_place(x, filled) == pytest.approx(value, rel=1e-10, abs=1e-20)
            np.testing.assert_allclose(filled, grad, **agree)
        plain_value, plain_grad = problem.fun_and_jac.py_func(x)
        assert plain_value == value
        np.testing.assert_array_equal(plain_grad, grad)


@pytest.mark.parametrize("name", ["beale", "misra1a", "griewank", "rotated_quadratic"])
def test_all_compiled_forms_agree(name):
    problem = CATALOGUE[name]
    for x in points(problem):
        value, grad = problem.fun_and_jac(x)
        filled = np.full_like(x, np.nan)
        assert value == problem.fun(x) == problem.in_place(x, filled)
        assert isinstance(value, float)
        np.testing.assert_array_equal(problem.jac(x), grad)
        np.testing.assert_array_equal(filled, grad)
        assert problem.jac(x) is not problem.jac(x)


@every_problem
def test_in_place_allocates_nothing(problem):
    problem.in_place(problem.x0.copy(), np.empty_like(problem.x0))
    (llvm,) = problem.in_place.inspect_llvm().values()
    assert "NRT_MemInfo_alloc" not in llvm


def test_the_sign_of_an_allocation_is_seen():
    problem = CATALOGUE["beale"]
    problem.jac(problem.x0.copy())
    (llvm,) = problem.jac.inspect_llvm().values()
    assert "NRT_MemInfo_alloc" in llvm


@every_problem
def test_nan_comes_through(problem):
    x = np.full_like(problem.x0, np.nan)
    assert math.isnan(problem.in_place(x, np.empty_like(x)))


@pytest.mark.parametrize("name", MAKERS)
def test_a_problem_made_again_has_the_same_compiled_functions(name):
    for again in (MAKERS[name](), *(MAKERS[name](n) for n in (2, 5) if name in OF_ANY_SIZE)):
        for form in ("fun", "jac", "fun_and_jac", "in_place"):
            assert getattr(again, form) is getattr(CATALOGUE[name], form)


def test_making_a_problem_compiles_nothing():
    problem = problems.rotated_quadratic(condition=321.0)
    forms = (problem.fun, problem.jac, problem.fun_and_jac, problem.in_place)
    assert not any(form.signatures for form in forms)


# ---------------------------------------------------------------------------------------------
# What a problem is
# ---------------------------------------------------------------------------------------------


def test_the_catalogue_has_every_problem_once():
    names = [problem.name for problem in problems.catalogue()]
    assert sorted(names) == sorted(set(problems.__all__) - {"Problem", "catalogue"})
    assert names == re.findall(r"^`(\w+)`  ", problems.__doc__, re.MULTILINE)


@every_size
def test_arrays_are_read_only_and_have_their_shapes(problem):
    n = problem.x0.size
    assert problem.bounds.shape == (n, 2)
    assert problem.minimizers.ndim == 2
    assert problem.minimizers.shape[1] == n
    for array in (problem.x0, problem.bounds, problem.minimizers):
        assert array.dtype == np.float64
        assert array.flags.c_contiguous
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0.0


@pytest.mark.parametrize("name", OF_ANY_SIZE)
def test_a_dimension_that_makes_no_sense_is_refused(name):
    with pytest.raises(ValueError, match="n must be"):
        MAKERS[name](0)
    with pytest.raises(TypeError, match="n must be"):
        MAKERS[name](2.0)


@pytest.mark.parametrize("condition", [0.5, math.inf, math.nan])
def test_a_condition_that_makes_no_sense_is_refused(condition):
    with pytest.raises(ValueError, match="condition must be"):
        problems.ill_conditioned_quadratic(condition=condition)


def test_bounds_suit_scipy():
    problem = problems.branin()
    result = optimize.minimize(problem.fun, problem.x0, jac=problem.jac, bounds=problem.bounds)
    assert result.fun == pytest.approx(problem.fmin, rel=1e-8)
    found = optimize.differential_evolution(problem.fun, problem.bounds, maxiter=30, **seeded(1))
    assert found.fun == pytest.approx(problem.fmin, rel=1e-8)
