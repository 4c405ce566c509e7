"""When `fastadam.minimize` stops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, OptimizeResult, rosen, rosen_der

import fastadam
from tests.api.minimize import compiled
from tests.api.minimize.helpers import CENTRE, Recorder, forms, quadratic_der, run, stop_after


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
    assert loose.nit <= tight.nit
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
    assert result.nfev == len(fun) <= maxfev
    if not result.success:  # a gradient that is given may lead to the end before
        assert result.status == 1
        assert "evaluations" in result.message
        assert maxfev - 10 < result.nfev
    assert result.fun == rosen(result.x)


@settings(deadline=None, max_examples=40)
@given(
    maxfev=st.integers(1, 400),
    scheme=st.sampled_from(["2-point", "3-point", rosen_der]),
    hole=st.floats(0.0, 2.0),
)
def test_maxfev_is_kept_where_the_function_has_holes(maxfev, scheme, hole):
    def fun(x):
        return np.nan if x[0] > -1.2 + hole and x[0] < -1.2 + 2 * hole else rosen(x)

    recorder = Recorder(fun)
    result = run(recorder, [-1.2, 1.0], scheme, maxfev=maxfev)
    assert result.nfev == len(recorder) <= maxfev


@pytest.mark.fault(number=10)
@settings(deadline=None, max_examples=60)
@given(
    maxfev=st.integers(1, 20),
    form=st.sampled_from(["in-place", "2-point", "3-point", "cs"]),
    kind=st.sampled_from(["compiled", "python", "batch", "python-batch", "vectorized"]),
    lr=st.sampled_from(["auto", 0.01]),
    bounds=st.sampled_from([None, [(-2, 2), (1, 1), (0, 2)], [(-1.2, 2), (-3, 3), (0.5, 0.5)]]),
)
def test_maxfev_is_kept_by_every_kind_of_search(maxfev, form, kind, lr, bounds):
    """Also where it is too little for the first gradient: then the value is evaluated, alone."""
    fun, jac = compiled.FORMS[form][0 if kind in ("compiled", "batch") else 1]
    options = {"maxfev": maxfev, "lr": lr, "gtol": 0.0}
    if kind in ("compiled", "python"):
        result = fastadam.minimize(fun, compiled.X0, jac=jac, bounds=bounds, options=options)
    else:
        x0 = np.array([compiled.X0, compiled.X0])
        box = None if bounds is None else Bounds(*np.transpose(bounds))
        if kind == "vectorized":
            options["vectorized"], fun = True, of_many_in_place if jac == "in-place" else of_many
        batch = fastadam.minimize_batch(fun, x0, jac=jac, bounds=box, options=options)
        result = OptimizeResult({name: values[1] for name, values in batch.items()})
    free = 3 if bounds is None else 2
    own = {"in-place": 0, "3-point": 2 * free}.get(form, free) + 1
    assert 1 <= result.nfev <= maxfev
    if not result.success:  # a gradient that is given may lead to the end before
        assert result.nfev > maxfev - 2 * own or result.nfev == 1
        assert result.status == 1
    assert result.fun == pytest.approx(rosen(result.x), rel=1e-12)
    assert result.fun <= rosen(compiled.X0) * (1 + 1e-12)
    if maxfev < own:
        np.testing.assert_array_equal(result.x, compiled.X0)
        assert (result.nfev, result.njev) == (1, 0)
        assert result.nit == 0
    if form == "in-place":
        assert np.isnan(result.jac).all() == (maxfev < own)


def of_many(x):
    return np.array([compiled.rosen.py_func(each) for each in x])


def of_many_in_place(x, grad):
    grad[:] = [compiled.rosen_der.py_func(each) for each in x]
    return of_many(x)


@pytest.mark.fault(number=10)
@pytest.mark.parametrize("maxfev", [1, 2, 6, 7, 20])
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # of differences of infinities
@pytest.mark.parametrize("f", [np.nan, np.inf, -np.inf])
def test_maxfev_where_there_is_no_number(maxfev, f):
    result = run(lambda x: f, [-1.2, 1.0], "3-point", maxfev=maxfev)
    assert (result.status, result.success) == (3, False)
    assert result.nfev <= maxfev


@pytest.mark.parametrize("form", forms(rosen, rosen_der))
def test_max_seconds(form):
    """One tick of the clock is enough to know; no need to wait."""
    fun, jac = forms(rosen, rosen_der)[form]
    result = run(fun, [-1.2, 1.0], jac, max_seconds=1e-9)
    assert (result.status, result.success) == (1, False)
    assert (result.nit, result.nfev) == (0, 1)
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
