"""A rule is its two functions and a spec: with these it is everywhere."""

import warnings

import numba
import numpy as np
import pytest
from scipy.optimize import OptimizeWarning

import fastadam
from fastadam._rules import table
from fastadam._rules.spec import Rule
from tests.rooms.rules.warm_lion import (
    HYPER_PARAMETERS,
    LION,
    Reference,
    WarmLion,
    coefficients,
    update,
)

HYPER = [{}, {"betas": (0.5, 0.8), "weight_decay": 0.3, "warmth": 0.5}, {"cautious": True}]
each_hyper = pytest.mark.parametrize("hyper", HYPER, ids=str)
SCALES = np.array([1.0, -4.0, 10.0])


def fun(x):
    return np.sum(x**4 - SCALES * x)


def jac(x):
    return 4.0 * x**3 - SCALES


def with_arguments(x, grad, a):
    value = 0.0
    for i in range(x.size):
        value += x[i] ** 4 - a[i] * x[i]
        grad[i] = 4.0 * x[i] ** 3 - a[i]
    return value


compiled = numba.njit(with_arguments)


def in_step(x, grad, a):
    grad[:] = 4.0 * x**3 - a
    return np.sum(x**4 - a * x, axis=1)


@pytest.fixture
def lion(monkeypatch):
    """Have `minimize` know the rule."""
    monkeypatch.setitem(table.METHODS, "lion", LION)
    return "lion"


def iterates(hyper, count, scales=SCALES):
    """Follow the equations from 0 for so many steps."""
    reference = Reference(np.zeros(3), 0.05, **hyper)
    points = [reference.p]
    for _ in range(count):
        reference.step(4.0 * reference.p**3 - scales)
        points.append(reference.p)
    return np.array(points)


@each_hyper
@pytest.mark.parametrize(("dtype", "threads"), [(np.float32, 1), (np.float64, None)])
def test_as_an_optimiser(hyper, dtype, threads):
    p = np.zeros(3, dtype)
    optimizer = WarmLion([p], lr=0.05, threads=threads, **hyper)
    reference = Reference(p, 0.05, **hyper)
    rng = np.random.default_rng(0)
    for _ in range(30):
        g = rng.standard_normal(3).astype(dtype)
        optimizer.step([g])
        reference.step(g)
    np.testing.assert_allclose(p, reference.p, rtol=1e-5 if dtype == np.float32 else 1e-13)


def test_its_hyper_parameters_are_checked_and_can_be_set():
    p = np.zeros(3)
    with pytest.raises(ValueError, match=r"warmth must be in \[0, 1\), got 1\.5"):
        WarmLion(p, warmth=1.5)
    with pytest.raises(ValueError, match=r"cautious=True needs betas\[0\] > 0"):
        WarmLion(p, cautious=True, betas=(0.0, 0.9))
    optimizer = WarmLion([{"params": p, "warmth": 0.25}], lr=lambda step: 0.5, maximize=True)
    assert "warmth=0.25" in repr(optimizer)
    (group,) = optimizer.param_groups
    group["warmth"] = 0.5
    optimizer.step([np.ones(3)])
    np.testing.assert_array_equal(p, 0.25)
    with pytest.raises(KeyError, match="warmt"):
        group["warmt"] = 0.5


@each_hyper
def test_its_state_is_saved(hyper):
    p, q = np.zeros(3), np.zeros(3)
    optimizer, other = WarmLion({"w": p}, lr=0.1, **hyper), WarmLion({"w": q}, lr=0.5, **hyper)
    optimizer.step({"w": -SCALES})
    q[:] = p
    saved = optimizer.state_dict()
    assert saved["rule"] == "WarmLion"
    assert saved["group0/w/m"].shape == (3,)
    other.load_state_dict(saved)
    for each, array in ((optimizer, p), (other, q)):
        each.step({"w": jac(array)})
    assert p.tobytes() == q.tobytes()


@each_hyper
@pytest.mark.parametrize("form", ["python", "compiled"])
def test_in_minimize(lion, hyper, form):
    given = {
        "python": {"fun": fun, "jac": jac},
        "compiled": {"fun": compiled, "jac": "in-place", "args": (SCALES,)},
    }[form]
    options = {"lr": 0.05, "maxiter": 12, "return_all": form == "python", **hyper}
    result = fastadam.minimize(x0=np.zeros(3), method=lion, options=options, **given)
    expected = iterates(hyper, count=12)
    values = [fun(x) for x in expected]
    np.testing.assert_allclose(result.x, expected[np.argmin(values)], rtol=1e-13, atol=1e-15)
    if form == "python":
        np.testing.assert_allclose(result.allvecs, expected, rtol=1e-13, atol=1e-15)


def test_options_of_minimize(lion):
    with pytest.raises(ValueError, match=r"warmth must be in \[0, 1\), got 2"):
        fastadam.minimize(fun, np.zeros(3), jac=jac, method=lion, options={"warmth": 2})
    options = {"cautious": True, "betas": (0.0, 0.5)}
    with pytest.raises(ValueError, match="cautious=True needs"):
        fastadam.minimize(fun, np.zeros(3), jac=jac, method=lion, options=options)
    with pytest.warns(OptimizeWarning, match=r"warmt \(did you mean 'warmth'\?\)"):
        fastadam.minimize(
            fun, np.zeros(3), jac=jac, method=lion, options={"warmt": 0.5, "maxiter": 1}
        )
    with pytest.raises(ValueError, match=r"sgd, momentum, lion, got 'lyon'; did you mean 'lion'"):
        fastadam.minimize(fun, np.zeros(3), jac=jac, method="lyon")


def test_it_finds_the_minimum_with_automatic_steps_and_spends_its_velocity_at_bounds(lion):
    options = {"maxiter": 3000}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = fastadam.minimize(
            fun, np.zeros(3), jac=jac, method=lion, bounds=[(-2, 0.5)] * 3, options=options
        )
    np.testing.assert_allclose(result.x, [0.5, -1.0, 0.5], atol=1e-4)


@pytest.mark.parametrize("form", ["python", "compiled", "vectorized"])
def test_in_minimize_batch(lion, form):
    hyper = {"weight_decay": 0.3, "warmth": 0.5}
    scales = np.array([SCALES, 2 * SCALES, -SCALES])
    function = {"python": with_arguments, "compiled": compiled, "vectorized": in_step}[form]
    options = {"lr": 0.05, "maxiter": 8, **hyper}
    if form == "vectorized":
        options["vectorized"] = True
    result = fastadam.minimize_batch(
        function, np.zeros((3, 3)), (), (scales,), method=lion, jac="in-place", options=options
    )
    for x, own in zip(result.x, scales, strict=True):
        expected = iterates(hyper, count=8, scales=own)
        values = np.sum(expected**4 - own * expected, axis=1)
        np.testing.assert_allclose(x, expected[np.argmin(values)], rtol=1e-13, atol=1e-15)


# ---------------------------------------------------------------------------------------------
# What a spec must be
# ---------------------------------------------------------------------------------------------


def test_a_spec_that_loops_cannot_use():
    rest = {key: each for key, each in HYPER_PARAMETERS.items() if key != "lr"}
    with pytest.raises(ValueError, match="first hyper-parameter of wrong must be lr"):
        Rule("wrong", coefficients, update, {**rest, "lr": HYPER_PARAMETERS["lr"]})
    (m,) = LION.state_arrays
    with pytest.raises(ValueError, match="no more than 3 state arrays"):
        Rule("wrong", coefficients, update, HYPER_PARAMETERS, (m._replace(is_velocity=False),) * 4)
    with pytest.raises(ValueError, match="one velocity or none"):
        Rule("wrong", coefficients, update, HYPER_PARAMETERS, (m, m))
    given = {"lr": HYPER_PARAMETERS["lr"], "cautious": LION.hyper_parameters["cautious"]}
    with pytest.raises(ValueError, match=r"wrong lacks .*'warmth'"):
        Rule("wrong", coefficients, update, given, (m,), variants=LION.variants)
