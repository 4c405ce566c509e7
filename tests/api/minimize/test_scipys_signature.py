"""`minimize` takes what `scipy.optimize.minimize` takes, in the same order."""

import inspect

import numpy as np
import pytest
import scipy.optimize
from scipy.optimize import Bounds, LinearConstraint, rosen, rosen_der, rosen_hess

import fastadam
from fastadam.typing import MinimizeOptions
from tests.api.minimize.failing import X0, fun, jac
from tests.api.minimize.helpers import INF
from tests.names import shown
from tests.rules import slow_if

INF_IS_NO_LIMIT = ("maxiter", "maxfev", "patience", "max_seconds", "clip_norm")


def minimize(**arguments):
    return fastadam.minimize(**{"fun": fun, "x0": X0, "jac": jac, **arguments})


def refused(words, **arguments):
    def untouched(x):
        raise AssertionError("called")

    with pytest.raises(ValueError, match=words[0]) as caught:
        minimize(**{"fun": untouched, "jac": untouched, **arguments})
    for word in words:
        assert word in str(caught.value), caught.value


@pytest.mark.fault(number=15)
def test_the_parameters_are_scipys_in_scipys_order():
    ours, scipys = (
        inspect.signature(function).parameters
        for function in (fastadam.minimize, scipy.optimize.minimize)
    )
    ours = {name: each for name, each in ours.items() if name != "fixed"}  # by keyword only
    assert list(ours) == list(scipys)
    assert [each.kind for each in ours.values()] == [each.kind for each in scipys.values()]
    differing = [name for name in ours if ours[name].default != scipys[name].default]
    assert differing == ["method"]


@pytest.mark.fault(number=15)
def test_all_by_position():
    """As SciPy's own method, which gets the same list."""
    points = []
    bounds = [(-2.0, 0.5), (-2.0, 2.0)]
    rest = (jac, None, None, bounds, (), 1e-8, points.append, {"maxiter": 500})
    result = fastadam.minimize(fun, X0, (), "adam", *rest)
    expected = scipy.optimize.minimize(fun, X0, (), "L-BFGS-B", *rest[:-1], {"maxiter": 50})
    np.testing.assert_allclose(result.x, expected.x, atol=1e-6)
    assert points


@pytest.mark.fault(number=15)
@pytest.mark.parametrize("nothing", [(), [], {}, None, np.empty(0)], ids=repr)
def test_no_constraints_are_none(nothing):
    assert minimize(constraints=nothing, hess=None, hessp=None, method=None).success


@pytest.mark.fault(number=15)
@pytest.mark.parametrize("minimise", [fastadam.minimize, fastadam.minimize_batch])
def test_no_method_is_the_default(minimise):
    x0 = X0 if minimise is fastadam.minimize else X0[None]
    result, expected = (minimise(fun, x0, jac=jac, method=name) for name in (None, "adam"))
    np.testing.assert_array_equal(result.x, expected.x)


@pytest.mark.fault(number=15)
@pytest.mark.parametrize(
    "constraints",
    [
        LinearConstraint(np.ones((1, 2)), 0, 1),
        {"type": "eq", "fun": lambda x: x[0]},
        [{"type": "ineq", "fun": lambda x: x[0]}],
        (LinearConstraint(np.eye(2), 0, 1), {"type": "eq", "fun": fun}),
        np.ones(2),
        3,
    ],
    ids=lambda each: type(each).__name__,
)
def test_constraints_are_refused(constraints):
    refused(["constraints", "bounds"], constraints=constraints)


@pytest.mark.fault(number=15)
@pytest.mark.parametrize("name", ["hess", "hessp"])
@pytest.mark.parametrize("value", [rosen_hess, "2-point", np.eye(2), False, Bounds()], ids=shown)
def test_hessians_are_refused(name, value):
    refused([name, "None"], **{name: value})


SCIPYS = [
    *("Nelder-Mead", "Powell", "CG", "BFGS", "Newton-CG", "L-BFGS-B", "TNC", "COBYLA", "COBYQA"),
    *("SLSQP", "trust-constr", "dogleg", "trust-ncg", "trust-exact", "trust-krylov"),
]


@pytest.mark.fault(number=15)
@pytest.mark.parametrize("name", SCIPYS)
def test_scipys_methods_say_where_they_are(name):
    """All that SciPy documents, in any case."""
    assert name in scipy.optimize.minimize.__doc__ or name == "COBYQA"  # which 1.13 has not
    for each in (name, name.upper(), name.lower()):
        words = [repr(each), "scipy.optimize.minimize"]
        polishes = not (name.startswith("trust-") and name != "trust-constr") and name != "dogleg"
        refused([*words, f'options={{"polish": {each!r}}}'] if polishes else words, method=each)
    with pytest.raises(ValueError, match=r"rule.*scipy\.optimize\.minimize"):
        fastadam.scipy_method(rosen, X0, jac=rosen_der, rule=name)


def zero_d(value):
    return np.array(value)


def numpys(value):
    return np.array(value)[()]


# For each option a value, as a plain number.
NUMBERS = {
    "lr": 0.1,
    "epsilon": 1e-7,
    "weight_decay": 0.25,
    "amsgrad": True,
    "alpha": 0.5,
    "centered": True,
    "momentum": 0.5,
    "dampening": 0.5,
    "nesterov": True,
    "momentum_decay": 0.5,
    "clip_norm": 2.0,
    "maxiter": 7,
    "maxfev": 9,
    "max_seconds": 600.0,
    "gtol": 0.25,
    "ftol": 0.25,
    "patience": 3,
    "return_all": True,
    "disp": False,
    "finite_diff_rel_step": 0.5,
    "x_scale": 0.5,
}
METHODS = {
    "alpha": "rmsprop",
    "centered": "rmsprop",
    "momentum": "sgd",
    "dampening": "momentum",
    "nesterov": "momentum",
    "momentum_decay": "nadam",
}


@pytest.mark.fault(number=15)
@pytest.mark.parametrize(
    "name",  # the slow one has the search of another rule compiled
    [pytest.param(name, marks=slow_if(name == "centered")) for name in NUMBERS],
)
@pytest.mark.parametrize("kind", [zero_d, numpys])
def test_arrays_of_no_dimensions_are_numbers(name, kind):
    method, value = METHODS.get(name, "adam"), NUMBERS[name]
    options = {"maxiter": 5, "lr": 0.1}
    expected = minimize(method=method, options={**options, name: value})
    result = minimize(method=method, options={**options, name: kind(value)})
    assert result.keys() == expected.keys()
    for key, each in expected.items():
        np.testing.assert_array_equal(result[key], each)


def test_all_options_that_are_numbers_are_tried():
    others = {"betas", "polish", "checkpoint", "checkpoint_seconds"}  # its number needs a path
    assert set(MinimizeOptions.__annotations__) - set(NUMBERS) == others


@pytest.mark.fault(number=15)
def test_arrays_of_no_dimensions_elsewhere():
    expected = minimize(tol=0.25, options={"betas": (0.5, 0.75), "lr": 0.1})
    betas = (np.array(0.5), np.float32(0.75))
    result = minimize(tol=np.array(0.25), options={"betas": betas, "lr": 0.1})
    np.testing.assert_array_equal(result.x, expected.x)
    x0, rows = np.ones((2, 2)), {"lr": np.array(0.1), "threads": np.array(1), "maxiter": 3.0}
    batch = fastadam.minimize_batch(fun, x0, jac=jac, options=rows)
    assert (batch.nit == 3).all()
    few = fastadam.multistart(
        fun, [(-1, 1)], np.array(2), rng=np.array(0), within_bounds=np.array(True)
    )
    assert few.counts.sum() == 2
    optimizer = fastadam.Adam(
        np.ones(2), lr=np.array(0.1), threads=np.array(1), amsgrad=np.array(True)
    )
    optimizer.lr = np.array(0.5)
    assert (optimizer.lr, type(optimizer.lr)) == (0.5, float)
    assert fastadam.schedules.Linear(np.array(1.0), 0.0, np.array(2))(2) == 0.0


@pytest.mark.fault(number=15)
@pytest.mark.parametrize("name", INF_IS_NO_LIMIT)
@pytest.mark.parametrize("kind", [float, np.float32, np.array])
def test_infinity_is_no_limit(name, kind):
    result, expected = (minimize(options=given) for given in ({name: kind(INF)}, {}))
    if name == "patience":  # ends the legs, too
        assert result.fun <= expected.fun + 1e-6
    else:
        np.testing.assert_array_equal(result.x, expected.x)
    batch = fastadam.minimize_batch(fun, X0[None], jac=jac, options={name: kind(INF)})
    np.testing.assert_array_equal(batch.x[0], result.x)
