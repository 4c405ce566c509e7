"""`fastadam.minimize`: SciPy's contract, on functions in Python."""

import functools
import inspect
import sys
import types
import warnings

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, OptimizeResult, OptimizeWarning, rosen, rosen_der

import fastadam
from tests.reference import Reference

# Each rule with the class that does the same in place, with options and without.
RULES = [
    ("adam", "Adam", {}),
    ("adam", "Adam", {"betas": (0.5, 0.9), "epsilon": 1e-3, "weight_decay": 0.1}),
    ("adam", "Adam", {"amsgrad": True}),
    ("adamw", "AdamW", {}),
    ("adamw", "AdamW", {"weight_decay": 0.3, "amsgrad": True}),
    ("nadam", "NAdam", {"momentum_decay": 0.1}),
    ("radam", "RAdam", {"betas": (0.8, 0.99)}),
    ("adamax", "Adamax", {}),
    ("rmsprop", "RMSprop", {"alpha": 0.9}),
    ("sgd", "SGD", {}),
    ("sgd", "SGD", {"momentum": 0.7, "dampening": 0.2}),
    ("momentum", "SGD", {"momentum": 0.9}),
    ("momentum", "SGD", {"momentum": 0.8, "nesterov": True, "weight_decay": 0.1}),
]
METHODS = list(dict.fromkeys(method for method, _, _ in RULES))
each_rule = pytest.mark.parametrize(("method", "name", "hyper"), RULES)
each_method = pytest.mark.parametrize("method", METHODS)

SCALES = np.array([1.0, 4.0, 10.0])
CENTRE = np.array([0.3, -1.2, 2.0])
X0 = np.array([1.0, 1.0, -0.5])


def quadratic(x):
    return float(np.sum(SCALES * (x - CENTRE) ** 2))


def quadratic_der(x):
    return 2.0 * SCALES * (x - CENTRE)


def forms(fun, jac):
    """Return every way to say the same function, as (fun, jac)."""

    def in_place(x, grad):
        grad[:] = jac(x)
        return fun(x)

    return {
        "callable": (fun, jac),
        "true": (lambda x: (fun(x), jac(x)), True),
        "in-place": (in_place, "in-place"),
        "default": (fun, None),
        "false": (fun, False),
        "2-point": (fun, "2-point"),
        "3-point": (fun, "3-point"),
    }


class Recorder:
    """A function that remembers where it was called."""

    def __init__(self, function):
        self.function, self.points = function, []

    def __call__(self, x, *args):
        self.points.append(x.copy())
        return self.function(x, *args)

    def __len__(self):
        return len(self.points)

    @property
    def distinct(self):
        """How many different points there were."""
        return len({point.tobytes() for point in self.points})


def keywords(name, hyper):
    """Return the arguments of an optimiser that an option of `minimize` stands for."""
    return {"eps" if key == "epsilon" else key: value for key, value in hyper.items()}


def run(fun=quadratic, x0=X0, jac=quadratic_der, **arguments):
    """Call `minimize` with options as keywords; those of its own arguments stay what they are."""
    own = set(inspect.signature(fastadam.minimize).parameters)
    options = {name: arguments.pop(name) for name in list(arguments) if name not in own}
    return fastadam.minimize(fun, x0, jac=jac, options=options, **arguments)


# ---------------------------------------------------------------------------------------------
# The iterates
# ---------------------------------------------------------------------------------------------


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


# ---------------------------------------------------------------------------------------------
# lr="auto": converges untuned. Exact counts are nobody's promise.
# ---------------------------------------------------------------------------------------------


@each_method
def test_every_method_converges_untuned(method):
    result = run(method=method, weight_decay=0.0)
    assert result.success, result.message
    assert result.status == 0
    np.testing.assert_allclose(result.x, CENTRE, atol=1e-4)


@pytest.mark.parametrize("form", forms(rosen, rosen_der))
def test_every_form_of_the_gradient_converges_untuned(form):
    fun, jac = forms(rosen, rosen_der)[form]
    result = run(fun, [-1.2, 1.0], jac)
    assert result.success
    assert result.fun < 1e-4
    np.testing.assert_allclose(result.x, 1.0, atol=2e-2)


def test_the_complex_step_converges_untuned():
    result = run(lambda x: (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2, [3, 3], "cs")
    assert result.success
    np.testing.assert_allclose(result.x, [3, 2], atol=1e-5)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("height", [1e-4, 1.0, 1e8])
def test_units_of_x_and_f_do_not_decide_whether_it_converges(scale, height):
    centre = scale * CENTRE
    result = run(
        lambda x: height * np.sum(((x - centre) / scale) ** 2),
        scale * X0,
        lambda x: 2 * height * (x - centre) / scale**2,
        gtol=1e-5 * height / scale,
    )
    start = height * np.sum((X0 - CENTRE) ** 2)
    assert result.success
    # It cannot know that 1e-6 is a long way: the default takes x for of order 1.
    assert result.fun <= (1e-3 if scale >= 1 else 1.0) * start


def test_an_option_of_none_is_its_default():
    nones = dict.fromkeys(["lr", "betas", "maxiter", "maxfev", "gtol", "ftol", "patience"])
    np.testing.assert_array_equal(run(**nones, disp=None, polish=None).x, run().x)
    assert "allvecs" not in run(return_all=None)


# ---------------------------------------------------------------------------------------------
# The result
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lr", ["auto", 0.05])
@pytest.mark.parametrize("form", forms(quadratic, quadratic_der))
def test_the_fields_of_a_result(form, lr):
    fun, jac = forms(quadratic, quadratic_der)[form]
    result = run(fun, jac=jac, lr=lr)
    assert isinstance(result, OptimizeResult)
    names = {"x", "fun", "jac", "nit", "nfev", "njev", "status", "success", "message"}
    assert set(result) == names
    assert result.x.dtype == result.jac.dtype == np.float64
    assert result.x.shape == result.jac.shape == (3,)
    assert {type(result[name]) for name in ("nit", "nfev", "njev", "status")} == {int}
    assert type(result.fun) is float
    assert type(result.message) is str
    assert result.success is (result.status == 0)
    assert result.fun == quadratic(result.x)
    np.testing.assert_allclose(result.jac, quadratic_der(result.x), rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ({}, 0, "Optimization terminated successfully."),
        ({"lr": 0.1, "maxiter": 3}, 1, "Maximum number of iterations has been exceeded."),
        ({"lr": 0.1, "maxfev": 3}, 1, "Maximum number of function evaluations has been exceeded."),
        ({"lr": 0.1, "max_seconds": 1e-9}, 1, "Maximum time has been exceeded."),
        ({"x0": [np.nan, 0, 0]}, 3, "NaN or infinite result encountered."),
    ],
)
def test_statuses_and_messages_are_those_of_the_bfgs_family(arguments, status, message):
    result = run(**arguments)
    assert (result.status, result.message) == (status, message)
    assert result.success is (status == 0)


def test_messages_are_scipys():
    for options, ours in [({"maxiter": 3}, {"lr": 0.1, "maxiter": 3}), ({}, {})]:
        scipys = scipy.optimize.minimize(
            quadratic, X0, jac=quadratic_der, method="BFGS", options=options
        )
        result = run(**ours)
        assert (scipys.message, scipys.status) == (result.message, result.status)


@settings(deadline=None, max_examples=30)
@given(
    lr=st.floats(1e-3, 5.0),
    method=st.sampled_from(METHODS),
    x0=st.lists(st.floats(-2, 2), min_size=2, max_size=4),
)
def test_the_best_point_is_returned(lr, method, x0):
    """Of those visited, however wild the steps."""
    fun = Recorder(rosen)
    with np.errstate(all="ignore"):
        result = run(fun, x0, rosen_der, lr=lr, method=method, maxiter=40)
        values = [rosen(x) for x in fun.points]
    assert result.fun == np.nanmin(values) <= rosen(np.array(x0))
    assert result.fun == rosen(result.x)
    assert any(np.array_equal(result.x, x) for x in fun.points)
    np.testing.assert_array_equal(result.jac, rosen_der(result.x))


@pytest.mark.parametrize("form", ["default", "2-point", "3-point"])
def test_the_best_point_is_returned_without_a_gradient(form):
    fun = Recorder(rosen)
    result = run(fun, [-1.2, 1.0], forms(rosen, rosen_der)[form][1], lr=2.0, maxiter=40)
    assert result.fun == rosen(result.x) < rosen([-1.2, 1.0])
    assert (
        result.fun <= min(rosen(x) for x in fun.points) + 1e-4
    )  # of an iterate, not its neighbours


def test_a_start_at_the_minimum_is_the_result():
    fun, jac = Recorder(quadratic), Recorder(quadratic_der)
    result = run(fun, CENTRE, jac)
    assert (result.nit, result.nfev, result.njev, result.status) == (0, 1, 1, 0)
    assert len(fun) == len(jac) == 1
    np.testing.assert_array_equal(result.x, CENTRE)


def test_going_up_only_ends_at_the_start():
    """The gradient has the wrong sign."""
    for lr in ("auto", 0.1):
        result = run(jac=lambda x: -quadratic_der(x), lr=lr, maxiter=300)
        np.testing.assert_array_equal(result.x, X0)
        assert result.fun == quadratic(X0)


@pytest.mark.parametrize("lr", ["auto", 0.1])
def test_the_result_shares_no_memory(lr):
    result = run(lr=lr, return_all=True, maxiter=20)
    arrays = [X0, result.x, result.jac, *result.allvecs]
    assert not any(np.shares_memory(a, b) for i, a in enumerate(arrays) for b in arrays[:i])
    first = result.allvecs[3].copy()
    result.x[:] = result.allvecs[4][:] = np.nan
    np.testing.assert_array_equal(result.allvecs[3], first)


def test_allvecs_are_all_the_iterates_and_only_on_demand():
    fun = Recorder(quadratic)
    result = run(fun, lr=0.1, maxiter=25, return_all=True)
    assert len(result.allvecs) == result.nit + 1 == 26
    np.testing.assert_array_equal(result.allvecs, fun.points)
    assert "allvecs" not in run(lr=0.1, maxiter=2)
    result = run(x0=[9.0, 9, 9], bounds=[(0, 1)] * 3, lr=0.1, return_all=True, maxiter=1)
    np.testing.assert_array_equal(result.allvecs[0], np.ones(3))


def test_allvecs_of_the_default_lead_from_the_start_to_the_best():
    result = run(return_all=True)
    np.testing.assert_array_equal(result.allvecs[0], X0)
    assert len(result.allvecs) == result.nit + 1
    assert any(np.array_equal(result.x, x) for x in result.allvecs)


# ---------------------------------------------------------------------------------------------
# Counts
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lr", ["auto", 0.1])
def test_counts_with_a_gradient(lr):
    fun, jac = Recorder(quadratic), Recorder(quadratic_der)
    result = run(fun, jac=jac, lr=lr, maxiter=200)
    assert result.nfev == len(fun) == fun.distinct
    assert result.njev == len(jac) == jac.distinct
    both = Recorder(lambda x: (quadratic(x), quadratic_der(x)))
    result = run(both, jac=True, lr=lr, maxiter=200)
    assert result.nfev == result.njev == len(both) == both.distinct


@pytest.mark.parametrize("maxiter", [0, 1, 7])
def test_counts_of_plain_iterations(maxiter):
    result = run(lr=0.1, maxiter=maxiter)
    assert (result.nit, result.nfev, result.njev) == (maxiter, maxiter + 1, maxiter + 1)


@pytest.mark.parametrize(("scheme", "each"), [("2-point", 1), ("3-point", 2), (None, 1)])
@pytest.mark.parametrize("fixed", [0, 1, 3])
def test_counts_with_differences(scheme, each, fixed):
    bounds = [(1, 1)] * fixed + [(None, None)] * (3 - fixed)
    fun = Recorder(quadratic)
    result = run(fun, np.ones(3), scheme, lr=0.01, maxiter=6, bounds=bounds)
    expected = 0 if fixed == 3 else 6
    assert result.nit == expected
    assert result.njev == expected + 1
    assert result.nfev == len(fun) == fun.distinct == (expected + 1) * (1 + each * (3 - fixed))


def test_counts_with_the_complex_step():
    fun = Recorder(lambda x: np.sum(SCALES * (x - CENTRE) ** 2))
    result = run(fun, np.ones(3), "cs", lr=0.01, maxiter=6, bounds=[(1, 1), (None, None), (0, 4)])
    assert (result.nit, result.njev) == (6, 7)
    assert result.nfev == len(fun) == 7 * 3
    assert sum(np.iscomplexobj(x) for x in fun.points) == 7 * 2


@pytest.mark.parametrize("scheme", ["2-point", "3-point"])
@pytest.mark.parametrize("bounds", [None, [(-2, 2), (0.5, 0.5), (-2, 0)]])
def test_counts_of_the_default_with_differences(scheme, bounds):
    fun = Recorder(rosen)
    result = run(fun, [-1.2, 0.5, -1.0], scheme, bounds=bounds, maxiter=3000)
    assert result.nfev == len(fun)
    assert result.nit < result.njev + 1


def test_the_default_evaluates_no_point_twice_without_need():
    """Only where the differences of a good point are taken again, at another width."""
    fun = Recorder(rosen)
    run(fun, [-1.2, 1.0], "2-point")
    assert len(fun) - fun.distinct <= 0.01 * len(fun)


# ---------------------------------------------------------------------------------------------
# When it stops
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lr", ["auto", 0.02])
@pytest.mark.parametrize("gtol", [1e-1, 1e-3, 1e-6])
def test_gtol_is_for_the_largest_component_of_the_gradient(gtol, lr):
    result = run(gtol=gtol, lr=lr, return_all=True)
    assert result.status == 0
    assert np.abs(result.jac).max() <= gtol
    norms = [np.abs(quadratic_der(x)).max() for x in result.allvecs]
    assert all(norm > gtol for norm in norms[:-1])


def test_gtol_of_0_is_only_met_exactly():
    assert run(gtol=0, lr=0.1, maxiter=300).nit == 300
    assert run(x0=CENTRE, gtol=0).status == 0


def test_tol_is_gtol_unless_that_is_given_too():
    for gtol in (1e-2, 1e-4):
        expected = run(gtol=gtol, lr=0.02)
        assert run(tol=gtol, lr=0.02).nit == expected.nit
        assert run(tol=0.5, gtol=gtol, lr=0.02).nit == expected.nit
    assert run(tol=1e-2, lr=0.02).nit < run(tol=1e-4, lr=0.02).nit


def linear(x):
    return -x[0]


def down(x):
    return np.array([-1.0])


@pytest.mark.parametrize("patience", [1, 5, 12])
def test_patience_counts_iterations_without_a_fall(patience):
    result = run(lambda x: 1.0, [0.0], down, lr=0.1, patience=patience)
    assert (result.nit, result.status, result.success) == (patience, 0, True)
    assert "ftol" in result.message


def test_falls_by_less_than_ftol_do_not_count():
    # From 0 in steps of 0.1, with a target of 0 - ftol*(1 + 0): reached in 5 steps, not in 4.
    arguments = {"lr": 0.1, "ftol": 0.45, "method": "sgd", "maxiter": 100}
    assert run(linear, [0.0], down, patience=4, **arguments).nit == 4
    assert run(linear, [0.0], down, patience=6, **arguments).nit > 6


def test_ftol_alone_is_patient_for_100_iterations():
    assert run(lambda x: 1.0, [0.0], down, lr=0.1, ftol=1e-8).nit == 100


def test_without_ftol_a_numeric_step_size_goes_on():
    result = run(lambda x: 1.0, [0.0], down, lr=0.1, maxiter=250)
    assert (result.nit, result.status) == (250, 1)


def test_a_looser_ftol_ends_the_default_sooner():
    arguments = {"gtol": 0.0, "patience": 3, "maxiter": 100_000}
    tight, loose = (
        run(rosen, [-1.2, 1.0, 0.5], rosen_der, ftol=ftol, **arguments) for ftol in (1e-12, 1.0)
    )
    assert (tight.status, loose.status) == (0, 0)
    assert "ftol" in tight.message
    assert loose.nit < tight.nit
    assert tight.fun <= loose.fun


@pytest.mark.parametrize("lr", ["auto", 0.01])
@pytest.mark.parametrize("maxiter", [0, 1, 33, np.int64(5), 1e1])
def test_maxiter_is_exact(maxiter, lr):
    result = run(rosen, [-1.2, 1.0], rosen_der, maxiter=maxiter, lr=lr)
    assert (result.nit, result.status, result.success) == (int(maxiter), 1, False)


@pytest.mark.parametrize("lr", ["auto", 0.01])
@pytest.mark.parametrize("form", forms(rosen, rosen_der))
@pytest.mark.parametrize("maxfev", [5, 6, 7, 50, 101])
def test_maxfev_is_never_exceeded(maxfev, form, lr):
    """And what is left is not enough for another gradient."""
    fun, jac = forms(rosen, rosen_der)[form]
    fun = Recorder(fun)
    result = run(fun, [-1.2, 1.0], jac, maxfev=maxfev, lr=lr)
    assert (result.status, result.success) == (1, False)
    assert "evaluations" in result.message
    assert result.nfev == len(fun)
    assert maxfev - 10 < result.nfev <= maxfev
    assert result.fun == rosen(result.x)


@settings(deadline=None, max_examples=40)
@given(
    maxfev=st.integers(1, 400),
    scheme=st.sampled_from(["2-point", "3-point", rosen_der]),
    hole=st.floats(0.0, 2.0),
)
def test_maxfev_is_kept_where_the_function_has_holes(maxfev, scheme, hole):
    """Only the first gradient is taken whatever it costs."""

    def fun(x):
        return np.nan if x[0] > -1.2 + hole and x[0] < -1.2 + 2 * hole else rosen(x)

    recorder = Recorder(fun)
    result = run(recorder, [-1.2, 1.0], scheme, maxfev=maxfev)
    first = {"2-point": 5, "3-point": 5}.get(scheme if isinstance(scheme, str) else "", 1)
    assert result.nfev == len(recorder) <= max(maxfev, first)


@pytest.mark.parametrize("form", forms(rosen, rosen_der))
def test_max_seconds(form):
    """One tick of the clock is enough to know; no need to wait."""
    fun, jac = forms(rosen, rosen_der)[form]
    result = run(fun, [-1.2, 1.0], jac, max_seconds=1e-9)
    assert (result.status, result.success) == (1, False)
    assert 1 <= result.nit < 10
    assert result.fun == rosen(result.x)


def test_the_last_point_before_a_limit_counts():
    """It has been evaluated: it may well be the best."""
    fun = Recorder(linear)
    for arguments in ({"maxiter": 5}, {"maxfev": 6}, {"callback": stop_after(5)}):
        fun.points.clear()
        result = run(fun, [0.0], down, lr=0.1, **arguments)
        assert (result.nit, result.nfev) == (5, 6)
        np.testing.assert_array_equal(result.x, fun.points[-1])
    result = run(fun, [0.0], down, lr=0.1, max_seconds=1e-9)
    np.testing.assert_array_equal(result.x, fun.points[-1])


# ---------------------------------------------------------------------------------------------
# Callbacks
# ---------------------------------------------------------------------------------------------


def stop_after(k):
    """Return a callback that stops at its k-th call."""
    calls = []

    def callback(x):
        calls.append(x)
        if len(calls) == k:
            raise StopIteration

    return callback


@pytest.mark.parametrize("lr", ["auto", 0.1])
def test_a_callback_sees_every_iterate(lr):
    points, results, built_in = [], [], []

    class Method:
        def __call__(self, xk):
            points.append(xk)

    def modern(*, intermediate_result):
        results.append(intermediate_result)

    expected = run(lr=lr, maxiter=50, return_all=True)
    for callback in (Method(), functools.partial(modern), built_in.append):
        result = run(lr=lr, maxiter=50, callback=callback)
        assert result.x.tobytes() == expected.x.tobytes()
    np.testing.assert_array_equal(points, expected.allvecs[1:])
    np.testing.assert_array_equal(built_in, points)
    assert all(isinstance(each, OptimizeResult) for each in results)
    np.testing.assert_array_equal([each.x for each in results], points)
    assert [each.fun for each in results] == [quadratic(x) for x in points]


def test_what_a_callback_returns_does_not_matter():
    assert run(callback=lambda x: True, lr=0.1, maxiter=9).nit == 9


def test_callbacks_may_overwrite_what_they_get():
    def plain(x):
        x[:] = np.nan

    def modern(intermediate_result):
        intermediate_result.x[:] = np.nan
        intermediate_result.fun = -np.inf

    for lr in ("auto", 0.1):
        expected = run(lr=lr, maxiter=100, return_all=True)
        for callback in (plain, modern):
            result = run(lr=lr, maxiter=100, callback=callback, return_all=True)
            np.testing.assert_array_equal(result.allvecs, expected.allvecs)
            assert result.fun == expected.fun


@pytest.mark.parametrize("lr", ["auto", 0.1])
@pytest.mark.parametrize("jac", [quadratic_der, "2-point"])
def test_stop_iteration_ends_with_status_99(lr, jac):
    fun = Recorder(quadratic)
    result = run(fun, jac=jac, callback=stop_after(4), lr=lr)
    assert (result.status, result.success, result.nit) == (99, False, 4)
    assert result.message == "`callback` raised `StopIteration`."
    assert result.nfev == len(fun)
    assert result.fun == quadratic(result.x) <= quadratic(X0)


def test_other_exceptions_of_a_callback_propagate():
    def callback(x):
        raise KeyError("mine")

    x0 = X0.copy()
    with pytest.raises(KeyError, match="mine"):
        run(x0=x0, callback=callback)
    np.testing.assert_array_equal(x0, X0)


# ---------------------------------------------------------------------------------------------
# x0, args, what the functions do with what they get
# ---------------------------------------------------------------------------------------------


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


# ---------------------------------------------------------------------------------------------
# Bounds
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", forms(quadratic, quadratic_der))
@pytest.mark.parametrize("lr", ["auto", 0.05])
def test_a_minimum_outside_the_box(form, lr):
    """The gradient that is left pushes against the walls, and does not count."""
    fun, jac = forms(quadratic, quadratic_der)[form]
    result = run(fun, jac=jac, lr=lr, bounds=[(0.5, 2), (-1, None), (None, 1)])
    assert result.status == 0
    np.testing.assert_array_equal(result.x, [0.5, -1, 1])
    np.testing.assert_allclose(result.jac, quadratic_der(result.x), rtol=1e-4)


def test_the_same_bounds_in_every_form():
    lower, upper = [0.5, -np.inf, -1.0], [np.inf, 4.0, 1.0]
    every = [
        Bounds(lower, upper),
        Bounds(np.array(lower), np.array(upper), keep_feasible=True),
        [(0.5, None), (None, 4), (-1, 1)],
        ((0.5, np.inf), (-np.inf, 4), (-1, 1)),
        [(0.5, np.nan), (np.nan, 4), (-1, 1)],
        np.transpose([lower, upper]),
        zip(lower, upper, strict=True),
    ]
    results = [run(bounds=bounds, lr=0.05).x.tobytes() for bounds in every]
    assert len(set(results)) == 1
    assert len({run(bounds=b, lr=0.05).x.tobytes() for b in (Bounds(0, 2), [(0, 2)] * 3)}) == 1


def test_infinite_bounds_are_none():
    expected = run(lr=0.05).x.tobytes()
    for bounds in (Bounds(), [(None, None)] * 3, [(-np.inf, np.inf)] * 3, Bounds(-np.inf, np.inf)):
        assert run(bounds=bounds, lr=0.05).x.tobytes() == expected


def test_a_start_outside_the_box_is_moved_to_its_edge():
    fun = Recorder(quadratic)
    x0 = np.array([9.0, 0.0, -9.0])
    run(fun, x0, bounds=[(0, 1), (-1, 1), (-2, 2)], lr=0.1)
    np.testing.assert_array_equal(fun.points[0], [1, 0, -2])
    np.testing.assert_array_equal(x0, [9, 0, -9])


@pytest.mark.parametrize("form", forms(quadratic, quadratic_der))
@pytest.mark.parametrize("lr", ["auto", 0.05])
def test_fixed_variables_stay(form, lr):
    fun, jac = forms(quadratic, quadratic_der)[form]
    result = run(fun, jac=jac, bounds=[(None, None), (0.7, 0.7), (-5, 5)], lr=lr)
    assert result.x[1] == 0.7
    np.testing.assert_allclose(result.x[[0, 2]], CENTRE[[0, 2]], atol=1e-4)
    assert result.status == 0
    if jac not in (None, False, "2-point", "3-point"):
        np.testing.assert_array_equal(result.jac, quadratic_der(result.x))


@pytest.mark.parametrize("form", forms(quadratic, quadratic_der))
def test_nothing_to_do_where_everything_is_fixed(form):
    fun, jac = forms(quadratic, quadratic_der)[form]
    result = run(fun, jac=jac, bounds=[(v, v) for v in (1.0, 2.0, 3.0)])
    assert (result.nit, result.nfev, result.status) == (0, 1, 0)
    np.testing.assert_array_equal(result.x, [1, 2, 3])


coordinates = st.floats(-3, 3)
widths = st.sampled_from([0.0, 1e-300, 1e-12, 1e-9, 1e-4, 0.3, 2.0, np.inf])


@settings(deadline=None, max_examples=80)
@given(
    data=st.data(),
    form=st.sampled_from(list(forms(quadratic, quadratic_der))),
    lr=st.sampled_from(["auto", 0.01, 1.0]),
    method=st.sampled_from(METHODS),
)
def test_no_point_outside_the_box_is_ever_evaluated(data, form, lr, method):
    lower = np.array(data.draw(st.lists(coordinates, min_size=3, max_size=3)))
    upper = lower + data.draw(st.lists(widths, min_size=3, max_size=3))
    x0 = data.draw(st.lists(coordinates, min_size=3, max_size=3))
    outside = []

    def watched(x):
        if not np.all((lower <= x) & (x <= upper)):
            outside.append((x.copy(), lower, upper))
        return quadratic(x)

    fun, jac = forms(watched, quadratic_der)[form]
    result = run(fun, x0, jac, method=method, lr=lr, bounds=Bounds(lower, upper), maxiter=60)
    assert outside == []
    assert np.all((lower <= result.x) & (result.x <= upper))
    assert result.fun == quadratic(result.x) <= quadratic(np.clip(x0, lower, upper))


# ---------------------------------------------------------------------------------------------
# Options that are no numbers
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "options", "names"),
    [
        ("adam", {"learning_rate": 0.1}, ["learning_rate"]),
        ("adam", {"xtol": 1, "eps": 1}, ["eps", "xtol"]),
        ("sgd", {"betas": (0.9, 0.99)}, ["betas"]),
        ("radam", {"amsgrad": True}, ["amsgrad"]),
        ("adam", {"momentum": 0.9, "nesterov": True}, ["momentum", "nesterov"]),
        ("rmsprop", {"momentum_decay": None}, ["momentum_decay"]),
        ("adam", {1: 2}, ["1"]),
    ],
)
def test_unknown_options_give_a_warning_and_nothing_else(method, options, names):
    options = {"lr": 0.1, "maxiter": 3, **options}
    with pytest.warns(OptimizeWarning) as caught:
        result = fastadam.minimize(quadratic, X0, jac=quadratic_der, method=method, options=options)
    assert len(caught) == 1
    assert str(caught[0].message) == f"Unknown solver options: {', '.join(names)}"
    assert caught[0].filename == __file__
    np.testing.assert_array_equal(result.x, run(method=method, lr=0.1, maxiter=3).x)


def test_the_options_stay_as_they_were():
    options = {"lr": 0.1, "maxiter": 3}
    fastadam.minimize(quadratic, X0, jac=quadratic_der, tol=0.1, options=options)
    assert options == {"lr": 0.1, "maxiter": 3}


def test_disp_prints_a_summary(capfd):
    result = run(lr=0.1, disp=True, maxiter=30)
    printed = capfd.readouterr()
    lines = [line.strip() for line in printed.out.splitlines()]
    assert lines == [
        result.message,
        f"Current function value: {result.fun:f}",
        f"Iterations: {result.nit}",
        f"Function evaluations: {result.nfev}",
        f"Gradient evaluations: {result.njev}",
    ]
    assert "it/s" in printed.err or "30" in printed.err  # the progress bar


def test_without_disp_it_says_nothing(capfd):
    run(lr=0.1, maxiter=30)
    run(disp=False)
    assert capfd.readouterr() == ("", "")


def test_disp_does_without_tqdm(capfd, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    run(lr=0.1, disp=True, maxiter=30)
    printed = capfd.readouterr()
    assert "Iterations: 30" in printed.out
    assert printed.err == ""


def test_disp_closes_its_bar_when_the_function_fails(monkeypatch):
    closed = []

    class Bar:
        def __init__(self, **_):
            pass

        def close(self):
            closed.append(self)

    monkeypatch.setitem(sys.modules, "tqdm.auto", types.SimpleNamespace(tqdm=Bar))

    def fun(x):
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        run(fun, disp=True)
    assert len(closed) == 1


# ---------------------------------------------------------------------------------------------
# The hand-over
# ---------------------------------------------------------------------------------------------

POLISHERS = "Nelder-Mead Powell CG BFGS Newton-CG L-BFGS-B TNC COBYLA COBYQA SLSQP trust-constr"

GRADIENT_FREE = ("Nelder-Mead", "Powell", "COBYLA", "COBYQA")


@pytest.mark.parametrize(
    ("name", "form"),
    [
        (name, form)
        for name in POLISHERS.split()
        for form in ("callable", "true", "in-place", "default")
        if (name, form) != ("Newton-CG", "default")
    ],
)
def test_polish_goes_on_from_the_best_point(name, form):
    fun, jac = forms(rosen, rosen_der)[form]
    counted = Recorder(fun)
    plain = run(fun, [-1.2, 1.0], jac, lr=0.01, maxiter=100)
    result = run(
        fun if form == "in-place" else counted,
        [-1.2, 1.0],
        jac,
        lr=0.01,
        maxiter=100,
        polish=name,
    )
    assert result.first.x.tobytes() == plain.x.tobytes()
    assert result.polish.fun < plain.fun
    assert result.fun == rosen(result.x) == min(result.first.fun, result.polish.fun)
    # Methods that use no gradient leave that at the end to be evaluated.
    last = {"nfev": 3 if form == "default" else 1, "njev": 1} if name in GRADIENT_FREE else {}
    for count in ("nit", "nfev", "njev"):
        parts = result.first[count], result.polish.get(count, 0), last.get(count, 0)
        assert result[count] == sum(parts)
    if form == "callable":
        # SciPy may count an evaluation that it took from its memory.
        assert abs(result.nfev - len(counted)) <= 3
    assert result.jac.shape == (2,)
    np.testing.assert_allclose(result.jac, rosen_der(result.x), rtol=1e-3, atol=1e-3)
    assert (result.status, result.success) == (result.polish.status, result.polish.success)
    assert name in result.message
    assert result.first.message in result.message


@pytest.mark.parametrize("name", ["L-BFGS-B", "TNC", "SLSQP", "Nelder-Mead", "trust-constr"])
def test_polish_keeps_the_bounds(name):
    fun = Recorder(quadratic)
    bounds = [(0.5, 2), (-1, None), (1, 1)]
    result = run(fun, bounds=bounds, lr=0.05, maxiter=5, polish=name)
    np.testing.assert_allclose(result.x, [0.5, -1, 1], atol=1e-3)
    lower, upper = [0.5, -1, 1], [2, np.inf, 1]
    assert np.all((lower <= result.x) & (result.x <= upper))
    if name != "trust-constr":  # SciPy's evaluates outside too
        assert all(np.all((lower <= x) & (x <= upper)) for x in fun.points)
    assert result.fun == quadratic(result.x)


def test_a_polish_that_needs_a_gradient_is_refused_at_once():
    fun = Recorder(quadratic)
    with pytest.raises(ValueError, match=r"polish.*Newton-CG"):
        run(fun, jac=None, polish="Newton-CG", lr=0.1, maxiter=3)
    assert len(fun) == 0


def test_polish_is_off_by_default():
    assert not {"first", "polish"} & set(run(lr=0.1, maxiter=3))


def test_polish_never_loses(monkeypatch):
    """Where SciPy ends higher, the first part is the result."""

    def worse(fun, x0, args, **keywords):
        return OptimizeResult(
            x=x0 + 1,
            fun=fun(x0 + 1),
            jac=np.ones(3),
            nit=1,
            nfev=1,
            status=0,
            success=True,
            message="worse",
        )

    monkeypatch.setattr(scipy.optimize, "minimize", worse)
    result = run(polish="L-BFGS-B")
    np.testing.assert_array_equal(result.x, result.first.x)
    assert result.fun == result.first.fun == quadratic(result.x)
    np.testing.assert_array_equal(result.jac, quadratic_der(result.x))


def test_polish_shares_args_and_callback():
    points = []
    result = run(
        lambda x, c: quadratic(x - c),
        jac=lambda x, c: quadratic_der(x - c),
        args=(1.0,),
        polish="BFGS",
        lr=0.01,
        maxiter=7,
        callback=lambda x: points.append(x),
        return_all=True,
    )
    np.testing.assert_allclose(result.x, CENTRE + 1, atol=1e-5)
    assert len(points) == result.nit > 7
    assert len(result.allvecs) == 8


def test_a_callback_that_stops_the_first_part_stops_it_all():
    result = run(polish="BFGS", lr=0.01, callback=stop_after(3))
    assert (result.status, result.nit) == (99, 3)


def test_a_callback_may_stop_the_polish():
    result = run(polish="BFGS", lr=0.01, maxiter=3, callback=stop_after(4))
    assert (result.status, result.nit, result.success) == (99, 4, False)


def test_polish_prints_one_summary(capfd):
    result = run(polish="BFGS", lr=0.01, maxiter=3, disp=True)
    printed = capfd.readouterr().out
    assert printed.count("Function evaluations") == 1
    assert f"Function evaluations: {result.nfev}" in printed
