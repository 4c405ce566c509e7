"""`fastadam.minimize_batch`: each row is what `fastadam.minimize` gives for that problem alone."""

import numpy as np
import pytest
from scipy.optimize import Bounds

from benchmarks.harness.reference import Reference
from fastadam import minimize_batch
from tests.api.batch.batches import (
    ARRAYS,
    CHUNK,
    FORMS,
    T,
    each_form,
    each_kind,
    identical,
    misfit,
    misfit_der,
    problems,
    run,
    same_alone,
)
from tests.api.minimize.helpers import INF, NAN
from tests.rules import slow_if

# Each is compiled for some 4 s, and is as the others.
LATER_FORMS = {"callable", "2-point", "3-point"}


@pytest.mark.parametrize(
    "form", [pytest.param(form, marks=slow_if(form in LATER_FORMS)) for form in FORMS]
)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"maxiter": 30},
        {"maxfev": 123},
        {"lr": 0.05, "maxiter": 100},
        {"lr": 0.05, "gtol": 1e-2},
        {"lr": 0.05, "ftol": 1e-3, "patience": 5, "clip_norm": 0.5},
        {"lr": 0.05, "maxiter": 0},
        {"lr": 0.05, "maxfev": 40},
    ],
    ids=repr,
)
def test_each_form_of_the_gradient(form, options):
    x0, rows = problems(CHUNK + 3)
    result = run(x0, rows, form, **options)
    same_alone(result, x0, rows, (0, 7, CHUNK - 1, CHUNK, CHUNK + 2), form, **options)
    assert len(set(result.fun)) == CHUNK + 3
    assert (result.nfev > 0).all()


METHODS = {
    "adam": {"betas": (0.8, 0.99), "epsilon": 1e-3},
    "adam-amsgrad": {"amsgrad": True},
    "nadam": {"momentum_decay": 1e-2, "weight_decay": 0.1},
    "momentum": {"nesterov": True},
}


# With "auto" each takes four seconds to compile, for legs alone.
LEGS = [("auto", name) for name in METHODS]


@pytest.mark.parametrize(
    ("lr", "method"),
    [*((0.01, name) for name in METHODS), LEGS[0]]
    + [pytest.param(*case, marks=pytest.mark.slow) for case in LEGS[1:]],
)
def test_each_method(lr, method):
    x0, rows = problems(4)
    options = {"lr": lr, "maxiter": 200, **METHODS[method]}
    name = method.partition("-")[0]
    result = run(x0, rows, method=name, **options)
    same_alone(result, x0, rows, method=name, **options)
    assert (result.nit > 1).all()


@each_kind
def test_plain_adam_follows_the_equations(compiled):
    """And so neither it nor `minimize` is wrong in the same way."""
    x0, (a, y) = problems(3)
    result = run(x0, (a, y), compiled=compiled, lr=0.01, gtol=0, maxiter=25)
    for k in range(3):
        reference = Reference("Adam", x0[k], lr=0.01, betas=(0.9, 0.999), eps=1e-8)
        for _ in range(25):
            reference.step(misfit_der.py_func(reference.p, T, a[k], y[k]))
        np.testing.assert_allclose(result.x[k], reference.p, rtol=1e-9)
        assert result.fun[k] == misfit(result.x[k], T, a[k], y[k])


@each_form
@pytest.mark.parametrize("lr", ["auto", 0.02])
def test_python_functions(form, lr):
    """Exactly `minimize` alone, and to rounding the compiled functions."""
    x0, rows = problems(3)
    options = {"lr": lr, "maxiter": 40}
    python = run(x0, rows, form, compiled=False, **options)
    same_alone(python, x0, rows, form=form, compiled=False, **options)
    compiled = run(x0, rows, form, **options)
    assert set(python) == set(compiled) == {*ARRAYS, "message"}
    for name in ARRAYS:
        assert python[name].dtype == compiled[name].dtype
        tolerance = {"rtol": 1e-6, "atol": 1e-6} if name in ("x", "fun", "jac") else {"rtol": 0}
        np.testing.assert_allclose(python[name], compiled[name], **tolerance)
    assert python.message == compiled.message


def test_a_mixed_pair_runs_in_python():
    x0, rows = problems(3)
    expected = run(x0, rows, "callable", compiled=False, lr=0.02, maxiter=40)
    for fun, jac in ((misfit, misfit_der.py_func), (misfit.py_func, misfit_der)):
        options = {"lr": 0.02, "maxiter": 40}
        result = minimize_batch(fun, x0, (T,), rows, jac=jac, options=options)
        np.testing.assert_allclose(result.x, expected.x, rtol=1e-9)


@each_kind
def test_schedules(compiled):
    """Also across the pauses of a long search."""

    def lr(t):
        return 0.1 / (1 + t % 7)

    x0, rows = problems(3)
    for maxiter in (0, 1, 37, 1500):
        options = {"lr": lr, "gtol": 0, "maxiter": maxiter}
        result = run(x0, rows, compiled=compiled, **options)
        same_alone(result, x0, rows, compiled=compiled, **options)
        assert (result.nit == maxiter).all()


@each_kind
@pytest.mark.parametrize("size", [1, 2, CHUNK + 1])
@pytest.mark.parametrize("kind", [np.array, list, tuple, np.float32])
def test_a_step_size_for_each_row(compiled, size, kind):
    x0, rows = problems(size)
    rates = kind(np.linspace(0.01, 0.1, size))
    result = run(x0, rows, compiled=compiled, lr=rates, maxiter=20)
    ks = sorted({0, size - 1})
    options = {"maxiter": 20, "lr_of": lambda k: float(rates[k])}
    same_alone(result, x0, rows, ks, compiled=compiled, **options)
    if size > 1:
        assert len(set(np.abs(result.x - x0).max(axis=1))) == size


@each_kind
@pytest.mark.parametrize("lr", ["auto", 0.05])
def test_common_bounds(compiled, lr):
    x0, rows = problems(5)
    low, high = [-0.3, 0.1], [0.2, 0.1]  # the second is fixed
    options = {"lr": lr, "maxiter": 200, "compiled": compiled}
    expected = run(x0, rows, bounds=Bounds(low, high), **options)
    same_alone(expected, x0, rows, bounds=Bounds(low, high), **options)
    assert ((expected.x >= low) & (expected.x <= high)).all()
    assert (np.abs(expected.x[:, 0]) > 0.19).any()
    for bounds in (list(zip(low, high, strict=True)), np.transpose([low, high])):
        identical(run(x0, rows, bounds=bounds, **options), expected)
    half = run(x0, rows, bounds=[(None, 0.2), (0.1, None)], **options)
    same_alone(half, x0, rows, bounds=[(None, 0.2), (0.1, None)], **options)


@each_kind
@pytest.mark.parametrize("form", ["in-place", "3-point", "cs"])
@pytest.mark.parametrize("lr", ["auto", 0.05])
def test_bounds_for_each_row(compiled, form, lr):
    """Rows have different numbers of fixed coordinates, which is a matter of nfev."""
    x0, rows = problems(6)
    low = np.array([[-1, -1], [0.1, -INF], [0.2, 0.2], [-INF, -INF], [0, 0.3], [-2, 5.0]])
    high = np.array([[1, 1], [0.1, INF], [0.2, 0.2], [INF, INF], [INF, 0.4], [3, INF]])
    before = low.copy(), high.copy()
    options = {"lr": lr, "maxiter": 60, "compiled": compiled, "form": form}
    expected = run(x0, rows, bounds=Bounds(low, high), **options)
    same_alone(expected, x0, rows, bounds=lambda k: Bounds(low[k], high[k]), **options)
    assert ((expected.x >= low) & (expected.x <= high)).all()
    identical(run(x0, rows, bounds=np.stack([low, high], axis=2), **options), expected)
    identical(run(x0, rows, bounds=np.stack([low, high], axis=2).tolist(), **options), expected)
    np.testing.assert_array_equal([low, high], before)
    # One side for each, the other for all.
    mixed = run(x0, rows, bounds=Bounds(low, 9.0), **options)
    same_alone(mixed, x0, rows, bounds=lambda k: Bounds(low[k], 9.0), **options)


@each_kind
def test_no_bound_in_pairs_for_each_row(compiled):
    """None and NaN are no bound in pairs, as for `minimize`."""
    x0, rows = problems(2)
    for nothing in (None, NAN):
        pairs = [[(0.5, nothing), (nothing, nothing)], [(nothing, -0.5), (0.0, 1.0)]]
        options = {"lr": 0.05, "maxiter": 40, "compiled": compiled}
        result = run(x0, rows, bounds=pairs, **options)
        same_alone(result, x0, rows, bounds=lambda k, pairs=pairs: pairs[k], **options)


def test_the_one_row_of_a_batch_of_one():
    x0, rows = problems(1)
    for bounds in (None, Bounds([[0.1, -1]], [[0.2, 1]]), np.array([[[0.1, 0.2], [-1, 1]]])):
        result = run(x0, rows, bounds=bounds, threads=2)
        own = None if bounds is None else [(0.1, 0.2), (-1, 1)]
        same_alone(result, x0, rows, bounds=own)
        assert result.x.shape == result.jac.shape == (1, 2)
        assert all(result[name].shape == (1,) for name in ("fun", *ARRAYS[3:]))
        assert result.message == "1 of 1: Optimization terminated successfully."


@each_kind
def test_x_scale(compiled):
    x0, rows = problems(3)
    options = {"x_scale": [1e-2, 3.0], "maxiter": 20, "compiled": compiled}
    result = run(x0, rows, **options)
    same_alone(result, x0, rows, **options)
    options["x_scale"] = None
    assert (result.x != run(x0, rows, **options).x).all()


def test_tol_and_steps_of_differences():
    x0, rows = problems(3)
    identical(run(x0, rows, tol=0.1, lr=0.05), run(x0, rows, gtol=0.1, lr=0.05))
    for steps in (1e-3, [1e-3, 1e-2]):
        options = {"form": "2-point", "lr": 0.05, "maxiter": 20, "finite_diff_rel_step": steps}
        same_alone(run(x0, rows, **options), x0, rows, **options)
