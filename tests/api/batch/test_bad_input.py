"""Bad input to `fastadam.minimize_batch`: an error that names it."""

import threading

import numba
import numpy as np
import pytest
from scipy.optimize import Bounds, OptimizeWarning

from fastadam import minimize_batch
from tests.api.batch.batches import (
    FORMS,
    T,
    bowl,
    each_kind,
    identical,
    misfit,
    misfit_der,
    of_scalar,
    problems,
    run,
)
from tests.api.minimize.helpers import INF, NAN


def refused(words, kinds=(ValueError, TypeError), **arguments):
    """Require an error that says all the words, before any function is called."""

    def untouched(x, *args):
        raise AssertionError("called")

    given = {"fun": untouched, "x0": np.ones((3, 2)), "jac": untouched, **arguments}
    before = threading.active_count()
    with pytest.raises(kinds) as caught:
        minimize_batch(**given)
    for word in words:
        assert word in str(caught.value), caught.value
    assert threading.active_count() == before


@pytest.mark.parametrize(
    ("x0", "words"),
    [
        (np.ones(3), ["x0", "(problems, variables)", "(3,)"]),
        (np.ones((2, 2, 2)), ["x0", "(2, 2, 2)"]),
        (1.0, ["x0", "shape ()"]),
        (np.ones((0, 2)), ["x0", "(0, 2)"]),
        (np.ones((3, 0)), ["x0", "(3, 0)"]),
        ([], ["x0", "(0,)"]),
        (np.ones((3, 2), complex), ["x0", "real", "complex128"]),
        ([["a", "b"]], ["x0", "real", "<U1"]),
        ([[None, 1.0]], ["x0", "real", "object"]),
        (np.zeros((3, 2), "M8[D]"), ["x0", "real", "datetime64"]),
    ],
)
def test_bad_starts(x0, words):
    refused(words, x0=x0)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ((np.ones(2),), ["batch_args[0]", "3 problems", "(2,)"]),
        ((np.ones(3), np.ones((4, 3))), ["batch_args[1]", "3 problems", "(4, 3)"]),
        ((np.ones(3), 1.0), ["batch_args[1]", "3 problems", "shape ()"]),
        (5.0, ["batch_args[0]", "3 problems"]),
        (None, ["batch_args[0]", "3 problems"]),
        ((np.ones((1, 3)),), ["batch_args[0]", "(1, 3)"]),
        ("abc", ["batch_args[0]", "3 problems"]),
    ],
)
@each_kind
def test_bad_batch_args(rows, words, compiled):
    refused(words, ValueError, batch_args=rows)
    if compiled:
        refused(words, ValueError, batch_args=rows, fun=bowl, jac=None)


def test_batch_args_that_cannot_be_compiled():
    words = ["batch_args[1]", "compiled", ">f8"]
    rows = np.ones(3), np.ones(3, ">f8")
    refused(words, ValueError, fun=bowl, jac=None, batch_args=rows)
    rows = np.array([None, 1, {}])
    refused(["cannot be", "compiled"], ValueError, fun=of_scalar, jac=None, batch_args=rows)


def test_args_that_cannot_be_compiled():
    class Unknown:
        pass

    refused(["args[1] cannot be passed", "compiled"], fun=bowl, jac=None, args=(1.0, Unknown()))


def test_functions_that_cannot_be_compiled():
    refused(["fun cannot be compiled"], fun=bowl, jac=None, batch_args=(np.ones(3),))
    refused(["fun cannot be compiled"], fun=misfit, jac=None)
    words = ["jac cannot be compiled"]
    refused(words, fun=of_scalar, jac=misfit_der, batch_args=(np.ones(3),))
    bad = numba.njit(lambda x: "text")
    refused(["fun must return", "a real number"], ValueError, fun=bad, jac=None)


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        (np.zeros((2, 2, 2)), ["bounds", "(3, 2, 2)", "(2, 2, 2)"]),
        (np.zeros((3, 3, 2)), ["bounds", "(3, 2, 2)", "(3, 3, 2)"]),
        (np.zeros((3, 2, 3)), ["bounds", "(3, 2, 2)", "(3, 2, 3)"]),
        (np.zeros((1, 2, 2)), ["bounds", "(3, 2, 2)", "(1, 2, 2)"]),
        (Bounds(np.zeros((2, 2)), np.ones((2, 2))), ["bounds.lb", "(3, 2)", "(2, 2)"]),
        (Bounds(0.0, np.ones((3, 3))), ["bounds.", "(3, 2)", "(3, 3)"]),
        (Bounds([1.0, 1.0], [0.0, 2.0]), ["bounds[0]", "1.0", "0.0"]),
        ([(0, 1)], ["bounds", "2 variables", "1"]),
        ([(0, 1), 5], ["bounds", "(min, max)"]),
        (7, ["bounds", "(min, max)", "7"]),
        ([[("a", 1), (0, 1)]] * 3, ["bounds", "real"]),
        (np.zeros((3, 2, 2), complex), ["bounds", "real"]),
        (Bounds(np.zeros((3, 2), complex), 1.0), ["bounds.lb", "real"]),
    ],
)
def test_bad_bounds(bounds, words):
    refused(words, ValueError, bounds=bounds)


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({"return_all": True}, ValueError, ["return_all", "True"]),
        ({"polish": "L-BFGS-B"}, ValueError, ["polish", "L-BFGS-B"]),
        ({"threads": 0}, ValueError, ["threads", ">= 1", "0"]),
        ({"threads": -2}, ValueError, ["threads", "-2"]),
        ({"threads": 1.5}, TypeError, ["threads", "1.5"]),
        ({"threads": True}, TypeError, ["threads", "True"]),
        ({"threads": "2"}, TypeError, ["threads", "'2'"]),
        ({"lr": np.ones(2)}, ValueError, ["lr", "3 numbers", "(2,)"]),
        ({"lr": [0.1]}, ValueError, ["lr", "3 numbers", "(1,)"]),
        ({"lr": np.ones((3, 1))}, ValueError, ["lr", "3 numbers", "(3, 1)"]),
        ({"lr": np.ones((3, 2))}, ValueError, ["lr", "3 numbers", "(3, 2)"]),
        ({"lr": []}, ValueError, ["lr", "3 numbers", "(0,)"]),
        ({"lr": [0.1, -0.5, 0.1]}, ValueError, ["lr[1]", "-0.5"]),
        ({"lr": [0.1, 0.1, NAN]}, ValueError, ["lr[2]", "nan"]),
        ({"lr": [INF, 0.1, 0.1]}, ValueError, ["lr[0]", "inf"]),
        ({"lr": np.ones(3, complex)}, ValueError, ["lr", "complex128"]),
        ({"lr": np.ones(3, bool)}, ValueError, ["lr", "bool"]),
        ({"lr": ["a", "b", "c"]}, ValueError, ["lr", "3 numbers"]),
        ({"lr": -0.1}, ValueError, ["lr", "-0.1"]),
        ({"lr": "fast"}, ValueError, ["lr", "auto", "fast"]),
        ({"maxiter": -1}, ValueError, ["maxiter", "-1"]),
        ({"max_seconds": 0}, ValueError, ["max_seconds", "0"]),
        ({"betas": (0.9, 1.0)}, ValueError, ["betas[1]", "1.0"]),
        ({"disp": 2.5, "gtol": -1}, ValueError, ["gtol", "-1"]),
        ([("lr", 0.1)], TypeError, ["options", "dict"]),
        ("fast", TypeError, ["options", "dict", "fast"]),
    ],
)
def test_bad_options(options, kind, words):
    refused(words, kind, options=options)


def test_other_bad_arguments():
    refused(["method", "newton"], ValueError, method="newton")
    refused(["fun", "callable", "5"], TypeError, fun=5)
    refused(["jac", "4-point"], ValueError, jac="4-point")
    refused(["tol", "-1"], ValueError, tol=-1.0)
    steps = {"finite_diff_rel_step": [1e-3] * 3}
    refused(["finite_diff_rel_step", "2"], ValueError, jac=None, options=steps)
    refused(["finite_diff_rel_step", "2"], ValueError, jac=None, fun=bowl, options=steps)


def test_options_that_are_off_or_default():
    x0, rows = problems(3)
    expected = run(x0, rows, maxiter=20)
    off = {"return_all": False, "polish": None, "threads": None, "lr": None, "maxfev": None}
    identical(run(x0, rows, maxiter=20, **off), expected)


@each_kind
def test_unknown_options_warn_the_caller(compiled):
    x0, rows = problems(3)
    fun, jac = FORMS["in-place"][0 if compiled else 1]
    with pytest.warns(OptimizeWarning, match="Unknown solver options: eta") as caught:
        minimize_batch(fun, x0, (T,), rows, jac=jac, options={"eta": 1, "maxiter": 1})
    assert [each.filename for each in caught] == [__file__]


@pytest.mark.fault(number=35)
@pytest.mark.parametrize("vectorized", [False, True])
def test_masks_are_refused(vectorized):
    """They would be ignored."""
    masked = np.ma.masked_array(np.ones((3, 2)), mask=[[0, 1], [0, 0], [0, 0]])
    options = {"vectorized": vectorized}
    refused(["x0 must not be a masked array"], TypeError, x0=masked, options=options)
    words = ["batch_args[1] must not be a masked array"]
    refused(words, TypeError, batch_args=(np.ones(3), masked), options=options)
    refused(["batch_args[0]", "masked"], TypeError, batch_args=masked[:, 0], options=options)
