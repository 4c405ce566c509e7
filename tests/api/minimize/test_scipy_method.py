"""`fastadam.scipy_method` inside SciPy: `minimize`, and the global optimisers that call it."""

import functools

import numpy as np
import pytest
import scipy.optimize
from scipy.optimize import (
    Bounds,
    LinearConstraint,
    NonlinearConstraint,
    OptimizeResult,
    OptimizeWarning,
    rosen,
    rosen_der,
    rosen_hess,
)

import fastadam
from tests.api.minimize.helpers import SCIPY, seeded

pytestmark = pytest.mark.smoke

X0 = np.array([-1.2, 1.0, 0.5])
BOUNDS = [(-2.0, 0.8), (None, None), (0.5, 0.5)]


def minimize(fun=rosen, x0=X0, jac=rosen_der, method=fastadam.scipy_method, **arguments):
    return scipy.optimize.minimize(fun, x0, jac=jac, method=method, **arguments)


def same(result, expected):
    assert isinstance(result, OptimizeResult)
    assert set(result) == set(expected)
    for name, value in expected.items():
        np.testing.assert_array_equal(result[name], value)


class Counted:
    def __init__(self, function):
        self.function, self.calls = function, 0

    def __call__(self, x, *args):
        self.calls += 1
        return self.function(x, *args)


# ---------------------------------------------------------------------------------------------
# scipy.optimize.minimize
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"lr": 0.01, "maxiter": 30, "return_all": True}])
@pytest.mark.parametrize("bounds", [None, BOUNDS, Bounds([-2, -np.inf, 0.5], [0.8, np.inf, 0.5])])
def test_it_is_fastadams_minimize(options, bounds):
    same(
        minimize(options=options, bounds=bounds),
        fastadam.minimize(rosen, X0, jac=rosen_der, options=options, bounds=bounds),
    )


@pytest.mark.parametrize("rule", ["adam", "nadam", "rmsprop", "momentum"])
def test_rule_names_the_method(rule):
    options = {"lr": 1e-4, "maxiter": 30}
    same(
        minimize(options={"rule": rule, **options}),
        fastadam.minimize(rosen, X0, method=rule, jac=rosen_der, options=options),
    )


def test_options_of_a_rule_go_with_it():
    with pytest.warns(OptimizeWarning, match="betas"):
        minimize(options={"rule": "sgd", "betas": (0.9, 0.9), "lr": 1e-4, "maxiter": 3})
    with pytest.warns(OptimizeWarning, match="xtol"):
        minimize(options={"xtol": 1.0, "lr": 1e-4, "maxiter": 3})
    with pytest.raises(ValueError, match="bfgs"):
        minimize(options={"rule": "bfgs"})


def test_jac_true_through_scipys_memory():
    both = Counted(lambda x: (rosen(x), rosen_der(x)))
    result = minimize(both, jac=True, options={"lr": 0.01, "maxiter": 30})
    expected = fastadam.minimize(rosen, X0, jac=rosen_der, options={"lr": 0.01, "maxiter": 30})
    same(result, expected)
    assert both.calls == result.nfev == result.njev == 31


@pytest.mark.parametrize("jac", [None, False, "2-point"])
def test_without_a_gradient(jac):
    fun = Counted(rosen)
    result = minimize(fun, jac=jac, options={"lr": 0.01, "maxiter": 30})
    assert result.nfev == fun.calls == 31 * 4
    same(result, fastadam.minimize(rosen, X0, options={"lr": 0.01, "maxiter": 30}))


def test_args():
    result = minimize(
        lambda x, a, b: a * np.sum((x - b) ** 2),
        jac=lambda x, a, b: 2 * a * (x - b),
        args=(2.0, 3.0),
    )
    np.testing.assert_allclose(result.x, 3.0, atol=1e-4)


@pytest.mark.parametrize("tol", [1e-1, 1e-3])
def test_tol_is_gtol(tol):
    options = {"lr": 1e-2, "maxiter": 5000}
    result = minimize(tol=tol, options=options)
    same(result, fastadam.minimize(rosen, X0, jac=rosen_der, tol=tol, options=options))
    assert np.abs(result.jac).max() <= tol
    assert minimize(tol=tol, options={**options, "gtol": 10.0}).nit < result.nit


def test_callbacks():
    points, results = [], []

    def modern(*, intermediate_result):
        results.append(intermediate_result)

    def stop(x):
        raise StopIteration

    options = {"lr": 0.01, "maxiter": 20, "return_all": True}
    result = minimize(callback=points.append, options=options)
    minimize(callback=modern, options=options)
    np.testing.assert_array_equal(points, result.allvecs[1:])
    np.testing.assert_array_equal([each.x for each in results], points)
    stopped = minimize(callback=stop, options=options)
    assert (stopped.status, stopped.nit, stopped.success) == (99, 1, False)


CONSTRAINTS = [
    LinearConstraint(np.ones((1, 3)), 0, 1),
    NonlinearConstraint(lambda x: x[0], 0, 1),
    {"type": "eq", "fun": lambda x: x[0]},
    [{"type": "ineq", "fun": lambda x: x[0]}],
    (LinearConstraint(np.eye(3), 0, 1),),
]


@pytest.mark.parametrize("constraints", CONSTRAINTS, ids=lambda each: type(each).__name__)
def test_constraints_are_refused(constraints):
    fun = Counted(rosen)
    with pytest.raises(ValueError, match="constraints"):
        minimize(fun, constraints=constraints)
    assert fun.calls == 0


@pytest.mark.parametrize("constraints", [(), [], None])
def test_no_constraints_are_none(constraints):
    assert minimize(constraints=constraints, options={"lr": 0.01, "maxiter": 3}).nit == 3


@pytest.mark.parametrize(
    "arguments",
    [
        {"hess": rosen_hess},
        {"hessp": lambda x, p: rosen_hess(x) @ p},
        {"hess": "2-point"},
    ],
)
def test_a_hessian_is_not_used_and_it_says_so(arguments):
    (name,) = arguments
    with pytest.warns(RuntimeWarning, match=rf"\b{name}\b") as caught:
        result = minimize(options={"lr": 0.01, "maxiter": 3}, **arguments)
    assert len(caught) == 1
    assert result.nit == 3


def test_x0_is_untouched():
    x0 = X0.copy()
    minimize(x0=x0)
    np.testing.assert_array_equal(x0, X0)
    assert minimize(lambda x: (x[0] - 1) ** 2, 3, None).x.shape == (1,)


def test_errors_of_fastadam_come_through():
    with pytest.raises(ValueError, match="lr"):
        minimize(options={"lr": -1.0})
    with pytest.raises(ValueError, match="x0"):
        minimize(x0=[])


def test_polish_from_within_scipy():
    result = minimize(options={"lr": 0.01, "maxiter": 30, "polish": "L-BFGS-B"})
    assert result.fun < 1e-6 < result.first.fun


# ---------------------------------------------------------------------------------------------
# Global optimisers
# ---------------------------------------------------------------------------------------------


def waves(x):
    """Return Rastrigin's function: minima near all whole numbers, the best one at 0."""
    return float(np.sum(x**2 - 10 * np.cos(2 * np.pi * x) + 10))


def waves_der(x):
    return 2 * x + 20 * np.pi * np.sin(2 * np.pi * x)


BOX = [(-3.0, 3.0)] * 2


class Local:
    """The method, counted."""

    def __init__(self):
        self.results = []

    def __call__(self, *args, **keywords):
        self.results.append(fastadam.scipy_method(*args, **keywords))
        return self.results[-1]


def test_basinhopping():
    local = Local()
    options = {"lr": 0.02, "maxiter": 2000, "gtol": 1e-3}
    result = scipy.optimize.basinhopping(
        waves,
        [1.2, -0.9],
        niter=20,
        stepsize=1.0,
        minimizer_kwargs={"method": local, "jac": waves_der, "options": options},
        **seeded(np.random.default_rng(1)),
    )
    assert len(local.results) == 21
    assert result.fun < 1e-4
    assert result.fun == min(each.fun for each in local.results)
    assert result.nfev == sum(each.nfev for each in local.results)
    assert result.lowest_optimization_result.success


def test_basinhopping_with_bounds_and_jac_true():
    minimizer = {"method": fastadam.scipy_method, "jac": True, "bounds": BOX}
    minimizer["options"] = {"lr": 0.02, "maxiter": 100}
    result = scipy.optimize.basinhopping(
        lambda x: (waves(x), waves_der(x)),
        [1.2, -0.9],
        niter=3,
        minimizer_kwargs=minimizer,
        **seeded(np.random.default_rng(1)),
    )
    assert result.fun < waves(np.array([1.2, -0.9]))


def test_dual_annealing():
    local = Local()
    outside = []

    def watched(x):
        if np.any(np.abs(x) > 3.0):
            outside.append(x.copy())
        return waves(x)

    result = scipy.optimize.dual_annealing(
        watched,
        BOX,
        maxiter=30,
        minimizer_kwargs={
            "method": local,
            "bounds": BOX,
            "options": {"lr": 0.02, "maxiter": 100},
        },
        **seeded(np.random.default_rng(1)),
    )
    assert local.results
    assert result.fun < 1e-3
    assert outside == []


takes_callables = pytest.mark.skipif(
    SCIPY < (1, 17), reason="differential_evolution calls no polish before SciPy 1.17"
)


@takes_callables
@pytest.mark.parametrize("options", [{}, {"lr": 1e-3, "gtol": 0.1, "rule": "nadam"}])
def test_differential_evolution(options):
    polish = functools.partial(fastadam.scipy_method, **options)
    arguments = {"maxiter": 5, "popsize": 5, **seeded(1)}
    rough = scipy.optimize.differential_evolution(waves, BOX, polish=False, **arguments)
    result = scipy.optimize.differential_evolution(waves, BOX, polish=polish, **arguments)
    assert result.fun < rough.fun
    assert result.nfev > rough.nfev
    np.testing.assert_allclose(waves_der(result.x), 0, atol=0.2)


@takes_callables
def test_differential_evolution_as_it_stands():
    result = scipy.optimize.differential_evolution(
        rosen, [(0, 2)] * 2, polish=fastadam.scipy_method, maxiter=3, popsize=5, **seeded(1)
    )
    assert result.fun < 1e-3
    assert np.all((result.x >= 0) & (result.x <= 2))


@pytest.mark.fault(number=31)
def test_differential_evolution_polishes_with_a_callable_as_the_docstring_says():
    """SciPy's matter: the day it is otherwise, the docstring has to say so."""
    local = Local()
    scipy.optimize.differential_evolution(
        rosen, [(0, 2)] * 2, polish=local, maxiter=2, popsize=5, **seeded(1)
    )
    assert "from SciPy 1.17 on" in " ".join(fastadam.scipy_method.__doc__.split())
    assert len(local.results) == (1 if SCIPY >= (1, 17) else 0)


def test_shgo_knows_methods_by_name_only():
    """SciPy's limit: the day it falls, the documentation has to say so."""
    with pytest.raises((TypeError, AttributeError, ValueError)):
        scipy.optimize.shgo(waves, BOX, minimizer_kwargs={"method": fastadam.scipy_method})
