"""`minimize_batch` on a GPU: each row has the bits that the CPU gives it."""

import numba
import numpy as np
import pytest

from fastadam._batch import cuda as gpu_batch
from fastadam._search.outcomes import CONVERGED, MAXFEV, MAXITER, STAGNATED
from tests.gpu.batches import (
    FORMS,
    NIT,
    OUTCOME,
    T,
    assert_as_on_cpu,
    assert_same,
    decay,
    decays,
    misfit,
    misfit_in_place,
    on_cpu,
    on_gpu,
    problems,
)

METHODS = "adam", "adamw", "amsgrad", "nadam", "radam", "adamax", "rmsprop", "sgd", "momentum"


@pytest.mark.parametrize("lr", ["auto", 0.05])
@pytest.mark.parametrize("form", FORMS)
def test_each_form_of_the_gradient(form, lr):
    """More rows than threads; some end before others."""
    x0, rows = problems(6)
    fun, jac = FORMS[form]
    batch = assert_as_on_cpu(
        fun, x0, rows, (T,), jac, lr=lr, maxiter=90, gtol=3e-2 if lr != "auto" else 1e-9
    )
    assert len(set(batch.counts[:, NIT])) > 1


@pytest.mark.parametrize("method", METHODS)
def test_each_method(method):
    x0, rows = problems(3)
    options = {"weight_decay": 0.01, "clip_norm": 0.5, "lr": 0.03, "maxiter": 20}
    assert_as_on_cpu(misfit_in_place, x0, rows, (T,), "in-place", method, **options)


def test_x_scale():
    x0, rows = problems(3)
    given = misfit_in_place, x0, rows, (T,), "in-place"
    batch = assert_as_on_cpu(*given, x_scale=[1e-2, 3.0], maxiter=20)
    assert (batch.x != on_cpu(*given, maxiter=20).x).all()


@pytest.mark.filterwarnings("ignore:.*(overflow|invalid):RuntimeWarning")
def test_an_x_scale_beyond_float32():
    x0, rows = problems(3)
    given = misfit_in_place, x0, rows, (T,), "in-place"
    batch = on_gpu(*given, x_scale=[1e300, 1e-300], maxiter=20, dtype=np.float32)
    assert np.isfinite(batch.x).all()
    assert (batch.fun <= on_cpu(*given, maxiter=0).fun + 1e-6).all()


def test_functions_in_python_are_the_same_functions():
    x0, rows = problems(3)
    plain = on_gpu(misfit.py_func, x0, rows, (T,), "2-point", maxiter=20)
    assert_same(plain, on_cpu(misfit, x0, rows, (T,), "2-point", maxiter=20))


def test_how_searches_end():
    x0, rows = problems(5)
    given = misfit_in_place, x0, rows, (T,), "in-place"
    for end, options in {
        CONVERGED: {"lr": 0.1, "gtol": 0.5, "maxiter": 400},
        STAGNATED: {"lr": 0.1, "gtol": 0.0, "ftol": 1e-2, "patience": 5},
        MAXITER: {"lr": 0.1, "maxiter": 7},
        MAXFEV: {"lr": 0.1, "maxfev": 9},
    }.items():
        batch = assert_as_on_cpu(*given, **options)
        assert (batch.counts[:, OUTCOME] == end).all()


@pytest.mark.parametrize("rates", [np.full(1, 0.05), np.array([0.01, 0.3, 0.0, 0.05, 0.1])])
def test_step_sizes(rates):
    x0, rows = problems(5)
    given = misfit_in_place, x0, rows, (T,), "in-place"
    assert_as_on_cpu(*given, rates=rates, maxiter=30)


def test_a_schedule():
    x0, rows = problems(5)
    given = misfit_in_place, x0, rows, (T,), "in-place"
    batch = assert_as_on_cpu(*given, lr=lambda step: 0.3 / step, maxiter=25)
    assert (batch.counts[:, NIT] == 25).all()


@pytest.mark.parametrize("jac", ["in-place", "2-point", "3-point"])
def test_bounds(jac):
    """For all, then for each; some of them fix a variable."""
    x0, rows = problems(5)
    fun = misfit_in_place if jac == "in-place" else misfit
    given = fun, x0, rows, (T,), jac
    common = assert_as_on_cpu(*given, lower=[-0.2, -np.inf], upper=[0.2, 0.1], maxiter=40)
    assert common.x.min(axis=0)[0] >= -0.2
    assert common.x.max(axis=0)[1] == 0.1
    middle = np.random.default_rng(0).normal(size=(5, 2))
    lower, upper = middle - 0.1, middle + np.array([0.1, 0.0])
    own = assert_as_on_cpu(*given, lower=lower, upper=upper, lr=0.05, maxiter=40)
    assert ((own.x >= lower) & (own.x <= upper)).all()


@numba.njit
def of_many(x, grad, shift, pair, flag, matrix, a, vector, square):
    grad[0] = 2.0 * (x[0] - shift - a) if flag else 0.0
    grad[1] = 2.0 * (x[1] - square[1, 0]) + vector[2] + pair[0][1] * matrix[1, 1] + pair[1]
    return (x[0] - a) ** 2 + (x[1] - square[0, 1]) ** 2


def test_arguments_of_every_kind():
    rng = np.random.default_rng(5)
    args = 0.25, (np.arange(3.0), 2), True, np.asfortranarray(rng.normal(size=(2, 2)))
    rows = np.arange(5), rng.normal(size=(5, 3)), rng.normal(size=(5, 2, 2)).astype(np.float32)
    x0 = rng.normal(size=(5, 2))
    batch = assert_as_on_cpu(of_many, x0, rows, args, "in-place", lr=0.1, maxiter=30)
    assert len(set(batch.x[:, 0])) == 5


@pytest.mark.parametrize("size", [1, 2, 3, 4, 9])
def test_any_number_of_rows(size):
    start, t, y, _ = decays(size)
    assert_as_on_cpu(decay, start, (y,), (t,), "in-place", lr=0.05, maxiter=15)


def test_launches_do_not_change_the_results(monkeypatch):
    """One point in each: all that a search is survives them."""
    monkeypatch.setattr(gpu_batch, "INTERVAL", 0.0)
    x0, rows = problems(6)
    for form in ("in-place", "2-point"):
        fun, jac = FORMS[form]
        assert_as_on_cpu(fun, x0, rows, (T,), jac, maxiter=60, gtol=3e-2)


def test_float32_is_near():
    start, t, y, _ = decays(3, np.float32)
    options = {"lr": 0.05, "maxiter": 60, "lower": [0.0, 0.1, 0.0], "upper": [3.0, 4.0, 0.3]}
    batch = on_gpu(decay, start, (y,), (t,), "in-place", dtype=np.float32, **options)
    exact = on_cpu(decay, start, (y,), (t,), "in-place", **options)
    np.testing.assert_allclose(batch.x, exact.x, rtol=1e-4, atol=1e-4)
    assert (batch.x == batch.x.astype(np.float32)).all()
    assert (batch.x != exact.x).any()
