"""`options={"vectorized": True}`: one call of the function for all rows that go on."""

import time

import numpy as np
import pytest
from scipy.optimize import Bounds

from fastadam import minimize_batch
from tests.api.batch.batches import (
    FORMS,
    T,
    bits,
    each_form,
    identical,
    misfit,
    misfit_der,
    problems,
    run,
)
from tests.api.minimize.helpers import FOREVER, INF, NAN, MineError

pytestmark = pytest.mark.smoke


def each_row(function, x, t, a, y):
    return [function(x[k], t, a[k], y[k]) for k in range(len(x))]


def values(x, t, a, y):
    return np.array(each_row(misfit.py_func, x, t, a, y))


def gradients(x, t, a, y):
    return np.array(each_row(misfit_der.py_func, x, t, a, y))


def pairs(x, t, a, y):
    return values(x, t, a, y), gradients(x, t, a, y)


def in_place(x, grad, t, a, y):
    grad[:] = gradients(x, t, a, y)
    return values(x, t, a, y)


VECTORIZED = {
    **{form: (values, jac) for form, (_, (_, jac)) in FORMS.items()},
    "callable": (values, gradients),
    "true": (pairs, True),
    "in-place": (in_place, "in-place"),
}


def in_step(x0, rows, form="in-place", **options):
    fun, jac = VECTORIZED[form]
    bounds = options.pop("bounds", None)
    return minimize_batch(
        fun, x0, (T,), rows, jac=jac, bounds=bounds, options={"vectorized": True, **options}
    )


@each_form
@pytest.mark.parametrize(
    "options",
    [
        {"maxiter": 300},
        {"lr": 0.1, "maxiter": 60},
        {"lr": lambda t: 0.3 / t, "maxiter": 40},
        {"maxfev": 23},
        {"lr": 0.1, "maxiter": 0},
        {"bounds": [(-0.2, 0.4), (0.1, 0.1)], "maxiter": 200},
        {"x_scale": [1e-2, 3.0], "maxiter": 20},
    ],
    ids=["auto", "lr", "schedule", "maxfev", "maxiter 0", "bounds", "x_scale"],
)
def test_rows_are_those_of_python(form, options):
    """The same bits as one by one, also for differences and for rows that end at once."""
    x0, rows = problems(5)
    one_by_one = run(x0, rows, form, compiled=False, **options)
    identical(in_step(x0, rows, form, **options), one_by_one)
    assert len(set(one_by_one.fun)) == 5


def test_a_row_each_has_its_own_bounds_and_step_size():
    x0, rows = problems(4)
    lower = np.arange(8.0).reshape(4, 2) / 8 - 0.5
    options = {"bounds": Bounds(lower, lower + 0.5), "lr": [0.1, 0.0, 0.02, 0.3], "maxiter": 50}
    identical(in_step(x0, rows, **options), run(x0, rows, compiled=False, **options))


def test_bounds_with_hardly_any_room():
    """A number or two between them: where both points of a difference are one, it is asked once."""
    x0, rows = problems(3)
    ulp = np.finfo(float).eps
    lower = np.array([[1.0, 0.0], [1.0 + ulp, 0.0], [1.0, 0.0]])
    upper = np.array([[1.0 + ulp, 1.0], [1.0 + 2 * ulp, 1.0], [1.0 + 2 * ulp, 1.0]])
    options = {"bounds": Bounds(lower, upper), "lr": 0.1, "maxiter": 20}
    x0[:, 0] = lower[:, 0]
    one_by_one = run(x0, rows, "3-point", compiled=False, **options)
    identical(in_step(x0, rows, "3-point", **options), one_by_one)


def test_a_schedule_is_asked_for_no_more_than_the_iterations():
    x0, rows = problems(3)
    asked = []

    def lr(step):
        asked.append(step)
        return 0.1 / step

    in_step(x0, rows, lr=lr, maxiter=7)
    assert asked == list(range(1, 8))


def test_only_rows_that_go_on_are_evaluated():
    """Each with its own data; the last call is for the last rows."""
    centres, sizes = np.arange(6.0), []

    def fun(x, grad, centre):
        sizes.append(len(x))
        assert len(centre) == len(x) == len(grad)
        grad[:] = 2.0 * (x - centre[:, None])
        return ((x - centre[:, None]) ** 2).sum(axis=1)

    options = {"vectorized": True, "lr": 0.05}
    result = minimize_batch(fun, np.zeros((6, 1)), (), centres, jac="in-place", options=options)
    assert result.success.all()
    np.testing.assert_allclose(result.x[:, 0], centres, atol=1e-4)
    assert sum(sizes) == result.nfev.sum()
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == 6
    assert 0 < sizes[-1] < 6


def test_what_the_function_overwrites_is_a_copy():
    x0, rows = problems(3)
    clean = in_step(x0, rows, "callable", lr=0.1, maxiter=30)

    def spoil(function):
        def spoiled(x, *args):
            result = function(x, *args)
            x[:] = NAN
            return result

        return spoiled

    options = {"vectorized": True, "lr": 0.1, "maxiter": 30}
    result = minimize_batch(spoil(values), x0, (T,), rows, jac=spoil(gradients), options=options)
    identical(result, clean)
    # And by differences.
    clean = in_step(x0, rows, "3-point", lr=0.1, maxiter=30)
    result = minimize_batch(spoil(values), x0, (T,), rows, jac="3-point", options=options)
    identical(result, clean)


@np.errstate(invalid="ignore")
@pytest.mark.parametrize("form", ["in-place", "2-point", "cs"])
def test_bad_rows_report_alone(form):
    x0, (a, y) = problems(6)
    good = in_step(x0, (a, y), form, maxiter=100)
    bad_x0, bad_y = x0.copy(), y.copy()
    bad_x0[1, 0], bad_y[3] = INF, NAN
    lower, upper = np.full((6, 2), -INF), np.full((6, 2), INF)
    lower[4, 1], upper[4, 1] = 1.0, -1.0
    result = in_step(
        bad_x0, (a, bad_y), form, bounds=Bounds(lower, upper, keep_feasible=True), maxiter=100
    )
    assert result.status.tolist()[1::2][:2] == [3, 3]
    assert result.status[4] == 2
    assert np.isnan(result.fun[4])
    rest = [0, 2, 5]
    for name in ("x", "fun", "jac", "nit", "nfev", "njev", "status"):
        assert bits(result[name][rest]) == bits(good[name][rest]), name


def test_max_seconds():
    x0 = np.array([[0.0], [2.0], [3.0]])
    options = {"vectorized": True, "lr": 0.1, "maxiter": FOREVER, "max_seconds": 0.2}

    def fun(x, grad, slow):
        time.sleep(0.01)
        grad[:] = np.where(slow, -1.0, 2.0 * x[:, 0])[:, None]
        return np.where(slow, -x[:, 0], x[:, 0] ** 2)

    slow = np.array([False, True, True])
    result = minimize_batch(fun, x0, (), slow, jac="in-place", options=options)
    assert result.status.tolist() == [0, 1, 1]
    assert "2 of 3: Maximum time has been exceeded." in result.message
    assert (result.nit[1:] > 0).all()
    assert (result.nfev[1:] == result.nit[1:] + 1).all()
    np.testing.assert_array_equal(result.fun[1:], -result.x[1:, 0])
    np.testing.assert_allclose(result.x[1:, 0], x0[1:, 0] + 0.1 * result.nit[1:])


def test_an_exception_passes_through():
    def fails(x):
        raise MineError("in the middle", 7)

    with pytest.raises(MineError, match="in the middle"):
        minimize_batch(fails, np.ones((2, 2)), options={"vectorized": True})


@pytest.mark.parametrize(
    ("fun", "jac", "words"),
    [
        (lambda x: 1.0, None, ["fun", "3 numbers", "1.0"]),
        (lambda x: x, None, ["fun", "3 numbers", "(3, 2)"]),
        (lambda x: np.ones(2), None, ["fun", "3 numbers", "(2,)"]),
        (lambda x: np.ones(3, complex), None, ["fun", "complex128"]),
        (lambda x: ["a"] * 3, None, ["fun", "'a'"]),
        (lambda x: np.ones(3), True, ["jac=True", "the value and the gradient"]),
        (lambda x: (np.ones(3), np.ones(3)), True, ["jac", "(3, 2)", "(3,)"]),
        (lambda x: np.ones(3), lambda x: np.ones((2, 3)), ["jac", "(3, 2)", "(2, 3)"]),
        (lambda x: np.ones(3), lambda x: None, ["jac", "(3, 2)", "None"]),
        (lambda x: None, "cs", ["fun", "None"]),
    ],
)
def test_bad_values(fun, jac, words):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the words are compared
        minimize_batch(fun, np.ones((3, 2)), jac=jac, options={"vectorized": True})
    for word in words:
        assert word in str(caught.value), caught.value


@pytest.mark.parametrize("value", [1, "yes", []])
def test_the_option_is_true_or_false(value):
    with pytest.raises(TypeError, match="vectorized must be True or False"):
        minimize_batch(values, np.ones((3, 2)), options={"vectorized": value})


def test_none_and_false_are_the_default():
    x0, rows = problems(3)
    plain = run(x0, rows, compiled=False, maxiter=20)
    for value in (None, False):
        identical(run(x0, rows, compiled=False, maxiter=20, vectorized=value), plain)
