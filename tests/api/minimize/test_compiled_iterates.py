"""`fastadam.minimize` of compiled functions: the same as in Python."""

import numba
import numpy as np
import pytest
from scipy.optimize import Bounds

import fastadam
from benchmarks.harness.reference import Reference
from fastadam import problems
from tests.api.minimize.compiled import FORMS, X0, agree, both, each_form, rosen, rosen_der, run

METHODS = {
    "adam": {},
    "adam-amsgrad": {"amsgrad": True},
    "adamw": {"weight_decay": 0.1},
    "nadam": {},
    "radam": {"betas": (0.8, 0.9)},
    "adamax": {},
    "rmsprop": {"alpha": 0.9},
    "sgd": {"weight_decay": 0.1},
    "momentum": {"nesterov": True},
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("bounds", [None, Bounds([-2, 0.9, -np.inf], [-1.1, 1.1, 0.6])])
def test_every_method(method, bounds):
    lr = 1e-4 if method in ("sgd", "momentum") else 0.01
    name = method.partition("-")[0]
    options = {"lr": lr, "maxiter": 100, "return_all": True, **METHODS[method]}
    agree(*both("in-place", method=name, bounds=bounds, **options))


@pytest.mark.parametrize("name", ["Adam", "NAdam", "Adamax", "RMSprop"])
def test_the_iterates_follow_the_equations(name):
    result = run(method=name, lr=1e-3, maxiter=30, return_all=True)
    hyper = {"betas": (0.9, 0.999), "eps": 1e-8, "alpha": 0.99, "momentum_decay": 4e-3}
    reference = Reference(name, X0, lr=1e-3, **hyper)
    for x in result.allvecs:
        np.testing.assert_allclose(x, reference.p, rtol=1e-12)
        reference.step(rosen_der.py_func(reference.p))


def test_the_iterates_are_bit_for_bit_those_of_the_optimiser():
    result = run(lr=0.01, maxiter=50, return_all=True)
    p = X0.copy()
    optimizer = fastadam.Adam(p, lr=0.01)
    for x in result.allvecs:
        assert x.tobytes() == p.tobytes()
        optimizer.step(rosen_der(p))


@each_form
@pytest.mark.parametrize(
    "arguments",
    [
        {"maxiter": 300},
        {"maxiter": 100, "return_all": True, "bounds": [(-1.1, 2), (None, None), (0.5, 0.5)]},
        {"maxfev": 123},
        {"gtol": 5.0},
        {"ftol": 1e-2, "patience": 5},
        {"clip_norm": 1.0, "maxiter": 100, "weight_decay": 0.01},
        {"maxiter": 0},
    ],
    ids=repr,
)
def test_every_form_of_the_gradient(form, arguments):
    agree(*both(form, lr=0.01, **arguments))


@each_form
@pytest.mark.parametrize("bounds", [None, [(-3, 0.8), (None, None), (0.2, 3)]])
def test_the_default_step_size(form, bounds):
    compiled, python = both(form, x0=X0, bounds=bounds)
    assert compiled.success
    assert python.success
    # A last digit may prolong a leg, but both end at the minimum.
    np.testing.assert_allclose(compiled.x, python.x, atol=1e-2)
    np.testing.assert_allclose(compiled.fun, python.fun, atol=1e-5)
    assert compiled.fun == rosen(compiled.x)


@each_form
def test_a_short_default_search(form):
    agree(*both(form, maxiter=60, return_all=True), rtol=1e-6)


def test_a_long_search_and_one_in_pieces():
    """A callback brings it back to Python after each iteration, and changes nothing."""
    whole = run(lr=0.01, maxiter=2000)
    pieces = run(lr=0.01, maxiter=2000, callback=lambda x: None)
    assert whole.x.tobytes() == pieces.x.tobytes()
    agree(whole, pieces, rtol=0)


def test_the_default_in_pieces():
    whole, pieces = run(), run(callback=lambda x: None)
    assert whole.x.tobytes() == pieces.x.tobytes()
    assert (whole.nit, whole.nfev) == (pieces.nit, pieces.nfev)


def test_schedules():
    def lr(t):
        return 0.1 / (1 + t % 7)

    agree(*both("in-place", lr=lr, maxiter=3000), rtol=1e-6)
    agree(*both("callable", lr=lr, maxiter=50, return_all=True))
    seen = []
    run(lr=lambda t: seen.append(t) or 0.01, maxiter=500)
    assert seen == list(range(1, len(seen) + 1))
    assert len(seen) >= 500


def test_a_mixed_pair_runs_in_python():
    expected = run(rosen, rosen_der, lr=0.01, maxiter=50)
    agree(run(rosen, rosen_der.py_func, lr=0.01, maxiter=50), expected)
    agree(run(rosen.py_func, rosen_der, lr=0.01, maxiter=50), expected)


def test_callbacks():
    points, results = [], []

    def modern(intermediate_result):
        results.append(intermediate_result)

    result = run(lr=0.01, maxiter=30, callback=points.append, return_all=True)
    run(lr=0.01, maxiter=30, callback=modern)
    np.testing.assert_array_equal(points, result.allvecs[1:])
    np.testing.assert_array_equal([each.x for each in results], points)
    assert [each.fun for each in results] == [rosen(x) for x in points]


def test_callbacks_that_stop_or_fail():
    def stop(x):
        raise StopIteration

    for form in FORMS:
        (fun, jac), _ = FORMS[form]
        result = run(fun, jac, callback=stop, lr=0.01)
        assert (result.status, result.nit) == (99, 1)
        assert result.fun == rosen(result.x)

    def fail(x):
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        run(callback=fail)


def test_x0_of_other_kinds_is_untouched():
    expected = run(x0=np.array([2.0, 1.0, 3.0]), lr=0.01, maxiter=20).x
    for x0 in ([2, 1, 3], np.array([2, 1, 3], np.float32), np.array([2.0, 0, 1, 0, 3])[::2]):
        before = np.array(x0)
        assert run(x0=x0, lr=0.01, maxiter=20).x.tobytes() == expected.tobytes()
        np.testing.assert_array_equal(x0, before)
    frozen = problems.rosenbrock(3)
    assert not frozen.x0.flags.writeable
    run(frozen.in_place, x0=frozen.x0, lr=0.01, maxiter=5)


@numba.njit
def vandal(x):
    value = rosen(x)
    x[:] = np.nan
    return value


@numba.njit
def vandal_der(x):
    grad = rosen_der(x)
    x[:] = np.nan
    return grad


@numba.njit
def vandal_in_place(x, grad):
    grad[:] = rosen_der(x)
    return vandal(x)


@pytest.mark.parametrize(
    ("form", "fun", "jac"),
    [
        ("callable", vandal, vandal_der),
        ("in-place", vandal_in_place, "in-place"),
        ("2-point", vandal, "2-point"),
        ("3-point", vandal, "3-point"),
        ("cs", vandal, "cs"),
    ],
)
def test_functions_may_overwrite_what_they_get(form, fun, jac):
    for options in ({"lr": 0.01, "maxiter": 30}, {"maxiter": 100}):
        agree(run(fun, jac, **options), run(*FORMS[form][0], **options), rtol=0)


@numba.njit
def as_tuple(x):
    return 2.0 * x[0], 2.0 * x[1], 2.0 * x[2]


@numba.njit
def as_single(x):
    return (2.0 * x).astype(np.float32)


@numba.njit
def as_slice(x):
    return np.repeat(2.0 * x, 2)[::2]


@numba.njit
def square(x):
    return x[0] ** 2 + x[1] ** 2 + x[2] ** 2


@numba.njit
def square_as_int(x):
    return int(square(x))


@pytest.mark.parametrize("jac", [as_tuple, as_single, as_slice])
def test_gradients_of_other_kinds(jac):
    agree(
        run(square, jac, lr=0.1, maxiter=30),
        run(square.py_func, jac.py_func, lr=0.1, maxiter=30),
    )


def test_values_of_other_kinds():
    result = run(square_as_int, as_tuple, x0=[9.0, 9, 9], lr=0.1, maxiter=3)
    assert type(result.fun) is float
    assert result.fun == square_as_int(result.x)
