"""The hand-over to a method of SciPy."""

from itertools import product

import numpy as np
import pytest
import scipy.optimize
from scipy.optimize import OptimizeResult, rosen, rosen_der

from tests.api.minimize.helpers import (
    CENTRE,
    SCIPY,
    Recorder,
    forms,
    quadratic,
    quadratic_der,
    run,
    stop_after,
)

pytestmark = pytest.mark.smoke

GRADIENT_FREE = ("Nelder-Mead", "Powell", "COBYLA", "COBYQA")
NO_BOUNDS = ("CG", "BFGS", "Newton-CG")
POLISHERS = [*GRADIENT_FREE, *NO_BOUNDS, "L-BFGS-B", "TNC", "SLSQP", "trust-constr"]
if SCIPY < (1, 14):
    POLISHERS.remove("COBYQA")


# What ends the first part early, at a point that can be improved.
BRIEFLY = {"lr": 0.01, "maxiter": 100}

each_method = pytest.mark.parametrize(
    ("name", "form"),
    [
        (name, form)
        for name in POLISHERS
        for form in ("callable", "true", "in-place", "default")
        if (name, form) != ("Newton-CG", "default")
    ],
)
each_polisher = pytest.mark.parametrize("name", POLISHERS)


class Counted:
    """Rosenbrock's function in some form, which counts."""

    def __init__(self, form):
        self.values, self.gradients = Recorder(rosen), Recorder(rosen_der)
        self.fun, self.jac = forms(self.values, self.gradients)[form]

    def check(self, result):
        """Require that the counts are right."""
        assert result.nfev == len(self.values)
        if self.gradients.points:
            assert result.njev == len(self.gradients)


@each_method
def test_polish_goes_on_from_the_best_point(name, form):
    counted = Counted(form)
    plain = run(rosen, [-1.2, 1.0], counted.jac if form == "default" else rosen_der, **BRIEFLY)
    result = run(counted.fun, [-1.2, 1.0], counted.jac, polish=name, **BRIEFLY)
    assert result.first.x.tobytes() == plain.x.tobytes()
    assert result.polish.fun < plain.fun
    assert result.fun == rosen(result.x) == min(result.first.fun, result.polish.fun)
    for count in ("nit", "nfev", "njev"):
        assert result[count] == result.first[count] + result.polish[count]
    counted.check(result)
    assert result.jac.shape == (2,)
    np.testing.assert_allclose(result.jac, rosen_der(result.x), rtol=1e-3, atol=1e-3)
    assert (result.status, result.success) == (result.polish.status, result.polish.success)
    assert name in result.message
    assert result.first.message in result.message


@pytest.mark.fault(number=1)
@each_method
def test_the_gradient_is_that_at_the_point(name, form):
    """And not of the point before, as SciPy's Newton-CG and SLSQP leave it."""
    counted = Counted(form)
    box = None if name in NO_BOUNDS else [(-2, 0.5), (-1, 2)]
    for bounds, options in product((None, box), (BRIEFLY, {"lr": 0.01, "maxfev": 150}, {})):
        counted.values.points.clear()
        counted.gradients.points.clear()
        result = run(
            counted.fun, [-1.2, 1.0], counted.jac, bounds=bounds, polish=name, tol=1e-3, **options
        )
        counted.check(result)
        assert result.fun == rosen(result.x) <= result.first.fun
        if form == "default":
            np.testing.assert_allclose(result.jac, rosen_der(result.x), rtol=1e-5, atol=1e-5)
        else:
            np.testing.assert_array_equal(result.jac, rosen_der(result.x))
        np.testing.assert_array_equal(result.polish.jac, result.jac)


@pytest.mark.fault(number=26)
@pytest.mark.parametrize("name", ["Newton-CG", "SLSQP"])
def test_the_gradient_of_many_problems(name):
    rng = np.random.default_rng(0)
    for start in rng.uniform(-2, 2, size=(10, 3)):
        result = run(rosen, start, rosen_der, polish=name, **BRIEFLY)
        np.testing.assert_array_equal(result.jac, rosen_der(result.x))


@pytest.mark.parametrize("name", [name for name in POLISHERS if name not in NO_BOUNDS])
def test_polish_keeps_the_bounds(name):
    fun = Recorder(quadratic)
    bounds = [(0.5, 2), (-1, None), (1, 1)]
    result = run(fun, bounds=bounds, lr=0.05, maxiter=5, polish=name)
    np.testing.assert_allclose(result.x, [0.5, -1, 1], atol=1e-3)
    lower, upper = [0.5, -1, 1], [2, np.inf, 1]
    assert np.all((lower <= result.x) & (result.x <= upper))
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


@each_polisher
def test_a_callback_may_stop_the_polish(name):
    """In SciPy's own, TNC and COBYLA know no StopIteration."""
    first = run(rosen, [-1.2, 1.0], rosen_der, **BRIEFLY)
    results = []

    def callback(intermediate_result):
        results.append(intermediate_result)
        if len(results) == first.nit + 2:
            raise StopIteration

    result = run(rosen, [-1.2, 1.0], rosen_der, polish=name, callback=callback, **BRIEFLY)
    assert (result.status, result.nit, result.success) == (99, first.nit + 2, False)
    assert "`callback` raised `StopIteration`." in result.message
    assert result.fun == rosen(result.x) <= first.fun
    np.testing.assert_array_equal(result.jac, rosen_der(result.x))
    assert all(each.fun == rosen(each.x) for each in results)


def test_polish_prints_one_summary(capfd):
    result = run(polish="BFGS", lr=0.01, maxiter=3, disp=True)
    printed = capfd.readouterr().out
    assert printed.count("Function evaluations") == 1
    assert f"Function evaluations: {result.nfev}" in printed
