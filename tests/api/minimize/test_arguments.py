"""x0, args, finite differences, and what functions do with what they get."""

import warnings

import numpy as np
import pytest
import scipy.optimize

from tests.api.minimize.helpers import (
    CENTRE,
    SCALES,
    X0,
    Recorder,
    forms,
    quadratic,
    quadratic_der,
    run,
)


@pytest.mark.parametrize(
    "x0",
    [
        [1, 1, 0],
        (1, 1, 0),
        np.array([1, 1, 0]),
        np.array([1, 1, 0], np.int8),
        np.array([True, True, False]),
        np.array([1, 1, 0], np.float32),
        np.array([1, 1, 0], np.longdouble),
        np.array([1, 1, 0], ">f8"),
        np.array([1.0, 9.0, 1.0, 9.0, 0.0])[::2],
    ],
    ids=lambda x0: f"{type(x0).__name__}-{getattr(x0, 'dtype', '')}",
)
def test_x0_of_any_kind(x0):
    before = np.array(x0)
    seen = set()

    def fun(x):
        seen.add((x.dtype, x.shape, type(x)))
        return quadratic(x)

    result = run(fun, x0, lr=0.1, maxiter=50)
    np.testing.assert_array_equal(x0, before)
    assert seen == {(np.dtype(np.float64), (3,), np.ndarray)}
    np.testing.assert_array_equal(result.x, run(x0=np.array([1.0, 1, 0]), lr=0.1, maxiter=50).x)


@pytest.mark.parametrize("x0", [2, 2.0, np.float32(2), np.array(2.0), [2]], ids=repr)
@pytest.mark.parametrize("lr", ["auto", 0.1])
def test_a_scalar_x0_is_a_vector_of_one(x0, lr):
    for jac in (None, lambda x: 2 * (x - 1)):
        result = run(lambda x: (x[0] - 1) ** 2, x0, jac, lr=lr)
        assert result.x.shape == (1,)
        np.testing.assert_allclose(result.x, 1, atol=1e-4)


def test_a_scalar_gradient_is_enough_for_one_variable():
    """As for `scipy.optimize.minimize`."""
    scipys = scipy.optimize.minimize(lambda x: (x[0] - 1) ** 2, 2.0, jac=lambda x: 2 * (x[0] - 1))
    np.testing.assert_allclose(scipys.x, 1.0, atol=1e-5)
    result = run(lambda x: (x[0] - 1) ** 2, 2.0, lambda x: 2 * (x[0] - 1))
    np.testing.assert_allclose(result.x, 1.0, atol=1e-5)


@pytest.mark.parametrize(
    "kind", [float, np.float64, np.float32, int, bool, np.array, np.atleast_2d]
)
def test_an_objective_may_return_anything_that_is_one_real_number(kind):
    result = run(lambda x: kind(np.float32(quadratic(x))), lr=0.1, maxiter=9)
    assert type(result.fun) is float
    assert result.fun == kind(np.float32(quadratic(result.x)))


@pytest.mark.parametrize("kind", [list, tuple, np.float32, lambda g: g.astype(">f8")])
def test_a_gradient_may_be_anything_that_is_a_real_vector(kind):
    single = kind is np.float32
    result = run(jac=lambda x: kind(quadratic_der(x)), lr=0.1, maxiter=9, return_all=True)
    expected = run(lr=0.1, maxiter=9, return_all=True)
    np.testing.assert_allclose(result.allvecs, expected.allvecs, rtol=1e-6 if single else 0)
    assert result.jac.dtype == np.float64


@pytest.mark.parametrize("form", ["callable", "true", "in-place", "2-point", "3-point"])
def test_functions_may_overwrite_what_they_get(form):
    def vandal_fun(x):
        value = quadratic(x)
        x[:] = np.nan
        return value

    def vandal_jac(x):
        grad = quadratic_der(x)
        x[:] = np.nan
        return grad

    def vandal_both(x):
        grad = quadratic_der(x)
        return vandal_fun(x), grad

    def vandal_in_place(x, grad):
        grad[:] = quadratic_der(x)
        return vandal_fun(x)

    fun, jac = forms(quadratic, quadratic_der)[form]
    vandals = {
        "callable": (vandal_fun, vandal_jac),
        "true": (vandal_both, True),
        "in-place": (vandal_in_place, "in-place"),
    }
    for lr in ("auto", 0.1):
        expected = run(fun, jac=jac, lr=lr, return_all=True, maxiter=60)
        fun_, jac_ = vandals.get(form, (vandal_fun, form))
        result = run(fun_, jac=jac_, lr=lr, return_all=True, maxiter=60)
        np.testing.assert_array_equal(result.allvecs, expected.allvecs)
        assert (result.fun, result.nfev) == (expected.fun, expected.nfev)


def test_a_complex_objective_may_overwrite_what_it_gets():
    def vandal(x):
        value = np.sum(SCALES * (x - CENTRE) ** 2)
        x[:] = np.nan
        return value

    expected = run(lambda x: np.sum(SCALES * (x - CENTRE) ** 2), jac="cs", lr=0.1, maxiter=9)
    assert run(vandal, jac="cs", lr=0.1, maxiter=9).x.tolist() == expected.x.tolist()


@pytest.mark.parametrize("jac", [quadratic_der, "2-point", "3-point", "cs"])
def test_functions_may_keep_what_they_get(jac):
    """Each call has an array of its own."""
    kept, copies = [], []

    def fun(x):
        kept.append(x)
        copies.append(x.copy())
        return np.sum(SCALES * (x - CENTRE) ** 2)

    run(fun, jac=jac, lr=0.1, maxiter=9)
    np.testing.assert_array_equal(kept, copies)


@pytest.mark.parametrize("pair", [False, True])
def test_a_gradient_may_be_the_same_buffer_every_time(pair):
    buffer = np.empty(3)

    def jac(x):
        buffer[:] = quadratic_der(x)
        return buffer

    for lr in ("auto", 0.1):
        fun = (lambda x: (quadratic(x), jac(x))) if pair else quadratic
        result = run(fun, jac=True if pair else jac, lr=lr, maxiter=80)
        expected = run(lr=lr, maxiter=80)
        assert result.x.tobytes() == expected.x.tobytes()
        np.testing.assert_array_equal(result.jac, quadratic_der(result.x))


@pytest.mark.parametrize("form", ["callable", "true", "in-place", "2-point", "3-point", "cs"])
def test_args_go_to_every_function(form):
    def value(x, centre, scales):
        return np.sum(scales * (x - centre) ** 2)

    def gradient(x, centre, scales):
        return 2 * scales * (x - centre)

    def in_place(x, grad, *args):
        grad[:] = gradient(x, *args)
        return value(x, *args)

    fun, jac = {
        "callable": (value, gradient),
        "true": (lambda x, *args: (value(x, *args), gradient(x, *args)), True),
        "in-place": (in_place, "in-place"),
    }.get(form, (value, form))
    result = run(fun, jac=jac, args=(CENTRE, SCALES))
    np.testing.assert_allclose(result.x, CENTRE, atol=1e-4)


def test_args_that_are_no_tuple_are_one_argument():
    for centre in (2.0, [2.0], np.array([2.0])):
        result = run(lambda x, c: (x[0] - np.ravel(c)[0]) ** 2, [0.0], None, args=centre)
        np.testing.assert_allclose(result.x, 2, atol=1e-4)


def test_a_function_may_minimise_too():
    def outer(x):
        inner = run(lambda y: (y[0] - x[0]) ** 2, [0.0], lambda y: 2 * (y - x[0]), lr=0.1)
        return (inner.x[0] - 3) ** 2

    result = run(outer, [0.0], "3-point", lr=0.1, maxiter=100, finite_diff_rel_step=1e-2)
    np.testing.assert_allclose(result.x, 3, atol=0.05)


def test_finite_diff_rel_step():
    """A number, or one for each variable; relative to x, at least to 1."""
    for step in (1e-3, [1e-3, 1e-2, 1e-1]):
        fun = Recorder(quadratic)
        run(fun, [1.0, -5.0, 0.1], "2-point", lr=0.1, maxiter=0, finite_diff_rel_step=step)
        moves = np.diag(np.array(fun.points[1:]) - fun.points[0])
        expected = np.broadcast_to(step, 3) * [1, -5, 1]
        np.testing.assert_allclose(moves, expected, rtol=1e-9)


@pytest.mark.parametrize("lr", ["auto", 0.1])
@pytest.mark.parametrize("scheme", ["2-point", "3-point"])
def test_a_relative_step_lost_in_rounding_is_no_flat_function(scheme, lr):
    """SciPy then takes its default step."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scipys = scipy.optimize.minimize(
            quadratic, X0, jac=scheme, options={"finite_diff_rel_step": 1e-20}
        )
    assert scipys.fun < 1e-6
    result = run(jac=scheme, finite_diff_rel_step=1e-20, lr=lr)
    assert not (result.success and result.fun > 1e-3)
