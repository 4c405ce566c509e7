"""The units of values, parameters and data do not decide what is found."""

import numpy as np
import pytest
import scipy.optimize
from scipy.optimize import rosen, rosen_der

import fastadam
from tests.api.minimize.helpers import INF, NAN
from tests.api.minimize.scaled import (
    GRADIENTS,
    PROBLEMS,
    STARTS,
    decay,
    decay_in_place,
    make_decays,
    make_peaks,
    peak,
    peak_in_place,
    search,
)
from tests.api.minimize.test_bad_arguments import refused

each_problem = pytest.mark.parametrize("name", PROBLEMS)
each_gradient = pytest.mark.parametrize("gradient", GRADIENTS)


def same(name, start, gradient, rtol=1e-4, **changes):
    """Require that a changed problem ends where the problem itself does, and well."""
    plain, x = search(name, start, gradient)
    assert plain.success, plain.message
    changed, y = search(name, start, gradient, **changes)
    assert changed.success, changed.message
    span = np.maximum(abs(x), abs(start))
    assert (abs(y - x) <= rtol * np.maximum(span, 1e-2 * span.max())).all(), (y, x)


@each_problem
@each_gradient
@pytest.mark.parametrize("factor", [1e-12, 1e-5, 1e4, 1e12])
def test_values_in_any_unit(name, gradient, factor):
    same(name, PROBLEMS[name].x0, gradient, factor=factor)


@each_problem
@each_gradient
@pytest.mark.parametrize("unit", [1e-12, 1e-5, 1e4, 1e12])
def test_parameters_in_any_unit(name, gradient, unit):
    units = np.full(STARTS[name].size, unit)
    same(name, PROBLEMS[name].x0, gradient, units=units)


@each_problem
@each_gradient
@pytest.mark.parametrize("seed", range(4))
def test_each_parameter_in_a_unit_of_its_own(name, gradient, seed):
    start = STARTS[name]
    units = 10.0 ** np.random.default_rng(seed).uniform(-12.0, 12.0, start.size)
    same(name, start, gradient, units=units)


@each_gradient
@pytest.mark.parametrize("seed", range(4))
def test_a_parameter_that_starts_at_0(gradient, seed):
    """Its unit cannot be seen from the start, but from the function."""
    units = 10.0 ** np.random.default_rng(seed).uniform(-4.0, 4.0, 2)
    same("rosenbrock", np.array([-1.2, 0.0]), gradient, units=units)


@each_problem
@each_gradient
@pytest.mark.parametrize("constant", [-1e3, 1e6])
def test_a_constant_costs_no_more_than_its_rounding(name, gradient, constant):
    rounding = np.finfo(float).eps * abs(constant)
    rtol = 1e-4 + (0.0 if gradient == "gradient" else 30.0 * np.sqrt(rounding))
    same(name, PROBLEMS[name].x0, gradient, rtol=rtol, constant=constant)


def right(result, x, widths):
    """Tell which rows are at a point, in its widths, and are said to be."""
    return result.success & (abs(result.x - x) <= 1e-3 * widths).all(axis=1)


def fit(functions, t, y, start, gradient):
    jac = GRADIENTS[gradient]
    return fastadam.minimize_batch(functions[jac is not None], start, (t,), (y,), jac=jac)


# Where an axis begins, and a twentieth of its length: seconds and days of a calendar, a spectrum
# in metres, chemical shifts.
AXES = [
    *[(at, 1.0) for at in (0.0, 50.0, 855.0, 58_000.0)],
    (1.7e9, 3600.0),
    (19_700.0, 0.04),
    (5e-7, 1e-10),
    (7.2, 0.005),
]


@each_gradient
@pytest.mark.parametrize(("at", "unit"), AXES)
@pytest.mark.parametrize("amplitude", [1e-6, 1.0, 1e4])
def test_a_good_start_stays_good_far_from_0(gradient, at, unit, amplitude):
    near = make_peaks(0.0)
    expected = fit((peak, peak_in_place), near[0], near[1], near[2], "gradient")
    t, y, truth, start = make_peaks(at, unit, amplitude)
    result = fit((peak, peak_in_place), t, y, start, gradient)
    shift = np.array([0.0, at, 0.0, 0.0])
    scale = np.array([amplitude, unit, unit, amplitude])
    widths = truth[:, [0, 2, 2, 0]]
    assert right(result, expected.x * scale + shift, widths).all()


@each_gradient
@pytest.mark.parametrize("unit", [1e-6, 1e-3, 1.0, 1e6])
@pytest.mark.parametrize("time", [1e-9, 1e-3, 1.0, 1e3])
def test_decays_in_any_unit(gradient, unit, time):
    t, y, truth, start = make_decays(unit, time)
    result = fit((decay, decay_in_place), t, y, start, gradient)
    assert right(result, truth, truth[:, [0, 1, 0]]).all()


def test_one_batch_may_have_rows_in_different_units():
    units = np.array([1e-6, 1e-3, 1.0, 1e3, 1e6, 1e9])[:, None]
    t, y, truth, start = make_decays(1.0, 1.0)
    scale = np.hstack([units, np.ones_like(units), units])
    result = fit((decay, decay_in_place), t, y * units, start * scale, "gradient")
    assert right(result, truth * scale, (truth * scale)[:, [0, 1, 0]]).all()


def test_functions_in_python_in_any_unit():
    result = fastadam.minimize(
        lambda x: 1e-12 * np.sum((x / [1e-9, 1e7] - 1.0) ** 2), np.array([3e-9, -2e7])
    )
    assert result.success
    np.testing.assert_allclose(result.x, [1e-9, 1e7], rtol=1e-4)


# ---------------------------------------------------------------------------------------------
# What the program cannot know
# ---------------------------------------------------------------------------------------------


@each_gradient
@pytest.mark.parametrize("whole", [True, False], ids=["a number", "an array"])
def test_x_scale_says_how_large_parameters_are(gradient, whole):
    units = np.full(2, 1e9)  # so z is about 1e-9, and starts at 0
    x_scale = 1e-9 if whole else np.full(2, 1e-9)
    result, x = search("rosenbrock", np.zeros(2), gradient, units=units, x_scale=x_scale)
    assert result.success
    np.testing.assert_allclose(x, 1.0, atol=1e-4)


def test_x_scale_of_a_batch():
    t, y, truth, start = make_decays(1.0, 1e-9)
    result = fastadam.minimize_batch(
        decay_in_place, start, (t,), (y,), jac="in-place", options={"x_scale": [1.0, 1e9, 1.0]}
    )
    assert right(result, truth, truth[:, [0, 1, 0]]).all()


def solve(start=(0.5, -2.0), bounds=None, **options):
    return fastadam.minimize(rosen, start, jac=rosen_der, bounds=bounds, options=options)


def assert_same(one, other):
    for name in ("x", "fun", "jac", "nit", "nfev", "status"):
        np.testing.assert_array_equal(one[name], other[name])


def test_x_scale_is_no_more_than_the_box():
    box = [(-2.0, 2.0), (-2.0, 6.0)]
    told = solve(bounds=box, x_scale=1e9)
    assert told.success
    assert_same(told, solve(bounds=box, x_scale=[4.0, 8.0]))


@pytest.mark.parametrize("jac", [None, rosen_der])
@pytest.mark.parametrize("x_scale", [1e-30, 1e-8, 1e6])
def test_a_bad_x_scale_costs_evaluations_but_no_minimum(x_scale, jac):
    result = fastadam.minimize(rosen, (-1.2, 1.0), jac=jac, options={"x_scale": x_scale})
    assert result.success
    np.testing.assert_allclose(result.x, 1.0, rtol=1e-3)


def test_a_step_size_of_the_users_own_has_no_use_for_x_scale():
    assert_same(solve(lr=0.1, maxiter=20, x_scale=1e-3), solve(lr=0.1, maxiter=20))


def test_x_scale_by_way_of_scipy():
    expected = solve(x_scale=[0.1, 1.0])
    options = {"x_scale": [0.1, 1.0]}
    result = scipy.optimize.minimize(
        rosen, (0.5, -2.0), jac=rosen_der, method=fastadam.scipy_method, options=options
    )
    assert_same(result, expected)
    assert result.nfev != solve().nfev


def test_x_scale_of_several_starts():
    given = {"jac": rosen_der, "options": {"x_scale": [0.1, 1.0]}}
    solutions = fastadam.multistart(
        rosen, [(-2.0, 2.0)] * 2, 3, rng=0, within_bounds=False, **given
    ).solutions
    starts = fastadam.multistart(rosen, [(-2.0, 2.0)] * 2, 3, rng=0, options={"maxiter": 0})
    assert_same(solutions, fastadam.minimize_batch(rosen, starts.solutions.x, **given))


BAD_SCALES = [
    *[(bad, repr(bad)) for bad in (0.0, -1.0, NAN, INF, "jac", True)],
    ([1.0, 0.0], "0.0"),
    ([1.0, -2.0], "-2.0"),
    ([NAN, 1.0], "nan"),
    ([1.0, INF], "inf"),
    ([1.0], "1"),
    ([1.0, 1.0, 1.0], "3"),
    (np.ones((2, 2)), "(2, 2)"),
    ([1.0, 1j], "1j"),
    ([], "0"),
]


@pytest.mark.parametrize(("bad", "word"), BAD_SCALES, ids=repr)
def test_bad_x_scales(bad, word):
    refused(["x_scale", word], options={"x_scale": bad})


@pytest.mark.parametrize(("bad", "word"), BAD_SCALES, ids=repr)
def test_bad_x_scales_of_a_batch(bad, word):
    with pytest.raises((TypeError, ValueError)) as caught:
        fastadam.minimize_batch(np.sum, np.ones((3, 2)), options={"x_scale": bad})
    assert "x_scale" in str(caught.value)
    assert word in str(caught.value)


# ---------------------------------------------------------------------------------------------
# Tolerances that are given
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [{"options": {"gtol": 1e-5}}, {"tol": 1e-5}], ids=["gtol", "tol"])
def test_a_gtol_that_is_given_is_absolute_as_scipys(given):
    def fun(x):
        return 1e-9 * np.sum((x - 1.0) ** 2)

    def jac(x):
        return 2e-9 * (x - 1.0)

    x0 = np.array([3.0, -1.0])
    told = fastadam.minimize(fun, x0, jac=jac, **given)
    assert told.success
    np.testing.assert_array_equal(told.x, x0)
    free = fastadam.minimize(fun, x0, jac=jac)
    assert free.success
    np.testing.assert_allclose(free.x, 1.0, rtol=1e-4)
