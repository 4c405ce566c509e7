"""The iterates of `fastadam.minimize`: those of the optimisers, and of the equations."""

import numpy as np
import pytest
from scipy.optimize import Bounds, rosen, rosen_der

import fastadam
from benchmarks.harness.reference import Reference
from tests.api.minimize.helpers import RULES, X0, quadratic, quadratic_der, run

CENTERED = ("rmsprop", "RMSprop", {"centered": True, "momentum": 0.5})
each_rule = pytest.mark.parametrize(
    ("method", "name", "hyper"), [*RULES, pytest.param(*CENTERED, marks=pytest.mark.slow)]
)


def keywords(name, hyper):
    """Return the arguments of an optimiser that an option of `minimize` stands for."""
    return {"eps" if key == "epsilon" else key: value for key, value in hyper.items()}


@each_rule
def test_the_iterates_are_bit_for_bit_those_of_the_optimiser(method, name, hyper):
    result = run(rosen, jac=rosen_der, method=method, lr=1e-3, maxiter=60, return_all=True, **hyper)
    p = X0.copy()
    optimizer = getattr(fastadam, name)(p, lr=1e-3, **keywords(name, hyper))
    assert result.nit == 60
    for x in result.allvecs:
        assert x.tobytes() == p.tobytes()
        optimizer.step(rosen_der(p))


@each_rule
def test_the_iterates_follow_the_equations(method, name, hyper):
    result = run(method=method, lr=0.02, maxiter=40, return_all=True, **hyper)
    reference = Reference(name, X0, lr=0.02, **with_defaults(name, hyper))
    for x in result.allvecs:
        np.testing.assert_allclose(x, reference.p, rtol=1e-13, atol=1e-14)
        reference.step(quadratic_der(reference.p))


def with_defaults(name, hyper):
    return {
        "betas": (0.9, 0.999),
        "eps": 1e-8,
        "alpha": 0.99,
        "momentum_decay": 4e-3,
        "weight_decay": 1e-2 if name == "AdamW" else 0.0,
        **keywords(name, hyper),
    }


@each_rule
@pytest.mark.parametrize("lr", [0.02, 0.3])
def test_bounds_project_and_stop_the_velocity(method, name, hyper, lr):
    """The gradients swing to and fro, and walls are hit; the last coordinate is free to go on."""
    lower, upper = np.array([0.9, 0.99, -np.inf]), np.array([1.05, np.inf, np.inf])
    gradients = 3.0 * np.sin(np.arange(60)[:, None] / [3.0, 7.0, 11.0] + [0.0, 2.0, 4.0])
    remaining = iter(gradients)
    result = run(
        lambda x: 0.0,
        jac=lambda x: next(remaining),
        method=method,
        bounds=Bounds(lower, upper),
        lr=lr,
        maxiter=50,
        return_all=True,
        gtol=0,
        **hyper,
    )
    assert result.nit == 50
    reference = Reference(name, X0, lr=lr, **with_defaults(name, hyper))
    hits = 0
    for x, gradient in zip(result.allvecs, gradients, strict=False):
        np.testing.assert_allclose(x, reference.p, rtol=1e-12, atol=1e-13)
        reference.step(gradient)
        clipped = np.clip(reference.p, lower, upper)
        hit = clipped != reference.p
        reference.p, reference.m[hit], reference.b[hit] = clipped, 0.0, 0.0
        hits += np.count_nonzero(hit)
    assert hits > 5


def test_a_schedule_gives_the_step_sizes_from_1_on():
    steps = []

    def lr(t):
        steps.append(t)
        return 0.1 / t

    result = run(lr=lr, maxiter=30, return_all=True)
    p = X0.copy()
    optimizer = fastadam.Adam(p, lr=lambda t: 0.1 / t)
    for x in result.allvecs:
        assert x.tobytes() == p.tobytes()
        optimizer.step(quadratic_der(p))
    assert steps[:30] == list(range(1, 31))


def test_a_schedule_of_the_package_is_a_step_size():
    schedule = fastadam.schedules.Cosine(0.1, 50)
    assert run(lr=schedule, maxiter=50).fun < quadratic(X0)


@pytest.mark.parametrize("limit", [0.1, 3.0, 1e9])
def test_clip_norm_limits_the_gradient_that_the_rule_sees(limit):
    result = run(method="sgd", lr=0.01, clip_norm=limit, maxiter=30, return_all=True)
    p = X0.copy()
    for x in result.allvecs:
        np.testing.assert_allclose(x, p, rtol=1e-13)
        g = quadratic_der(p)
        p -= 0.01 * g * min(1.0, limit / np.linalg.norm(g))
    # but what is reported, and judged, is the function's own
    np.testing.assert_array_equal(result.jac, quadratic_der(result.x))


def test_a_step_size_of_0_stays_where_it_is():
    result = run(lr=0.0, maxiter=5)
    assert (result.nit, result.status) == (5, 1)
    np.testing.assert_array_equal(result.x, X0)


@pytest.mark.parametrize("lr", ["auto", 0.01])
def test_the_same_call_gives_the_same_bits(lr):
    first, second = (run(rosen, jac=rosen_der, lr=lr, maxiter=500) for _ in range(2))
    assert first.x.tobytes() == second.x.tobytes()
    assert first.nit == second.nit


def test_method_names_are_not_case_sensitive():
    assert run(method="NAdam", lr=0.1, maxiter=9).x.tolist() == (
        run(method="nadam", lr=0.1, maxiter=9).x.tolist()
    )


def test_the_default_method_is_adam():
    with_default = fastadam.minimize(quadratic, X0, jac=quadratic_der, options={"lr": 0.1})
    np.testing.assert_array_equal(with_default.x, run(method="adam", lr=0.1).x)
