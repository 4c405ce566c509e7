"""The hand-over to a method of SciPy."""

import numpy as np
import pytest
import scipy.optimize
from scipy.optimize import OptimizeResult, rosen, rosen_der

from tests.minimizer.helpers import (
    CENTRE,
    Recorder,
    forms,
    quadratic,
    quadratic_der,
    run,
    stop_after,
)

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
