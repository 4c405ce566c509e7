"""Whatever is passed for whatever parameter: it is taken, or an error names the parameter."""

import contextlib
import inspect
import warnings

import numba
import numpy as np
import pytest
from scipy.optimize import OptimizeWarning

import fastadam
from fastadam import problems, schedules
from fastadam.typing import MinimizeOptions
from tests.rules import slow_if


class NoArray:
    def __array__(self, *args, **keywords):
        raise RuntimeError("no array")

    def __repr__(self):
        raise RuntimeError("no text")


class NoTruth:
    def __bool__(self):
        raise RuntimeError("neither")


def junk():
    """Return values of every kind."""
    structured = np.zeros(2, [("a", float), ("b", int)])
    masked = np.ma.array([1.0, 2.0], mask=[False, True])
    return [
        *(None, True, np.True_, -1, 0, 2.5, 1j, float("nan"), float("inf"), np.longdouble(2)),
        *(10**30, 10**400, -(10**400), 10**5000, np.timedelta64(3, "D"), np.datetime64("2020")),
        *("text", "", b"bytes", np.str_("adam"), ..., slice(3), range(3), object(), NoTruth()),
        *([], {}, set(), (), {1.0}, {1: 2}, {"a": 1.0}, {"params": 1.0}, iter([1.0]), NoArray()),
        *([[1.0], [2.0, 3.0]], [(1, 2, 3), (1, 2)], ([0], [1, 2]), [None, None], [NoArray()]),
        *([10**400, 1], ["a", "b"], [np.ones(2), np.ones(3)], [[1.0, [2.0]], [3.0]]),
        *(np.array(0.5), np.array(2), np.array(True), np.array("x"), np.array(None)),
        *(np.ones(3), np.empty(0), np.ones((2, 2, 2)), np.ones((2, 2), ">f8"), np.array([1j, 2])),
        *(np.array([1, None]), np.array(["2020"], "M8[Y]"), structured, structured[0]),
        *(masked, np.ma.masked, np.ma.array(1.0), memoryview(b"ab")),
        *(int, np.float64, np, print),
    ]


class Called(Exception):  # noqa: N818
    """The arguments were taken."""


def called(*args):
    raise Called


def names(parameter, call):
    """Require of each value that it is taken, or refused with the parameter's name."""
    unnamed = []
    for value in junk():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", OptimizeWarning)  # of unknown options
                call(value)
        except Called:
            pass
        except (TypeError, ValueError) as error:
            if parameter not in str(error):
                unnamed.append((type(value), error))
    assert unnamed == []


MINIMIZE = {
    "fun": called,
    "x0": np.ones(2),
    **dict.fromkeys(["args", "constraints", "fixed"], ()),
    **dict.fromkeys(["jac", "hess", "hessp", "bounds", "tol", "callback", "options"]),
    "method": "adam",
}
BATCH = {
    "fun": called,
    "x0": np.ones((3, 2)),
    **dict.fromkeys(["args", "batch_args", "fixed"], ()),
    **dict.fromkeys(["jac", "bounds", "tol", "options"]),
    "method": "adam",
    "device": "cpu",
}
MULTISTART = {
    "fun": called,
    "bounds": [(0, 1), (0, 1)],
    "n_starts": 2,
    "args": (),
    **dict.fromkeys(["jac", "tol", "options", "rng"]),
    "method": "adam",
    "sampling": "sobol",
    "within_bounds": True,
    "device": "cpu",
}
CALLS = [
    *[(fastadam.minimize, MINIMIZE, name) for name in MINIMIZE],
    *[(fastadam.minimize_batch, BATCH, name) for name in BATCH],
    *[(fastadam.multistart, MULTISTART, name) for name in MULTISTART],
]


@pytest.mark.fault(number=34)
@pytest.mark.parametrize(("function", "good", "name"), CALLS)
def test_minimisers(function, good, name):
    def call(value):
        if name == "fun" and callable(value):
            return
        function(**{**good, name: value})

    names(name, call)


def test_no_parameter_is_left_out():
    for function, good in (
        (fastadam.minimize, MINIMIZE),
        (fastadam.minimize_batch, BATCH),
        (fastadam.multistart, MULTISTART),
    ):
        assert set(inspect.signature(function).parameters) - set(good) <= {"workers"}


METHODS = {
    "alpha": "rmsprop",
    "centered": "rmsprop",
    "momentum": "sgd",
    "dampening": "sgd",
    "nesterov": "momentum",
    "momentum_decay": "nadam",
}


# The slow one has the search of another rule compiled.
OPTIONS = [
    pytest.param(name, marks=slow_if(name == "centered"))
    for name in (*MinimizeOptions.__annotations__, "threads", "vectorized")
]


@pytest.mark.fault(number=34)
@pytest.mark.parametrize("name", OPTIONS)
def test_options(name):
    method = METHODS.get(name, "adam")

    def of_one(value):
        with contextlib.suppress(TypeError if callable(value) and name == "lr" else Called):
            fastadam.minimize(called, np.ones(2), method=method, options={name: value})

    def of_many(value):
        if callable(value) and name == "lr":
            return
        fastadam.minimize_batch(called, np.ones((3, 2)), method=method, options={name: value})

    names(name, of_one)
    names(name, of_many)


@pytest.mark.fault(number=34)
@pytest.mark.parametrize("kind", ["Adam", "NAdam", "RMSprop", "SGD"])
def test_optimisers(kind):
    make = getattr(fastadam, kind)
    for name in inspect.signature(make).parameters:
        more = {"momentum": 0.5} if name == "nesterov" else {}
        names(
            name, lambda value, n=name, more=more: make(**{"params": np.ones(2), **more, n: value})
        )


@pytest.mark.fault(number=34)
@pytest.mark.parametrize("params", [np.ones(2), [np.ones(2), np.ones(3)], {"w": np.ones(2)}])
def test_gradients(params):
    names("grads", fastadam.Adam(params).step)


@pytest.mark.fault(number=34)
def test_groups_and_rates():
    optimizer = fastadam.Adam(np.ones(2))
    names("params", lambda value: fastadam.Adam([{"params": value}]))
    names("lr", lambda value: fastadam.Adam([{"params": np.ones(2), "lr": value}]))
    names("lr", lambda value: setattr(optimizer, "lr", value))
    with pytest.raises(ValueError, match=r"params\[0\].*unknown key 3"):
        fastadam.Adam([{"params": np.ones(2), 3: 1}])


@pytest.mark.fault(number=34)
def test_pack():
    names("arrays", fastadam.pack)
    names("dtype", lambda value: fastadam.pack(np.ones(2), value))


SCHEDULES = {
    "Linear": {"first": 0.1, "last": 0.2, "steps": 3},
    "Cosine": {"first": 0.1, "steps": 3, "last": 0.2},
    "Exponential": {"first": 0.1, "factor": 0.5},
    "Piecewise": {"first": 0.1, "changes": {2: 0.1}},
    "Polynomial": {"first": 0.1, "steps": 3, "power": 2.0},
    "Step": {"first": 0.1, "every": 3, "factor": 0.5},
    "MultiStep": {"first": 0.1, "after": [2], "factor": 0.5},
    "InverseSquareRoot": {"first": 0.1, "steps": 3},
    "CosineRestarts": {"first": 0.1, "steps": 3, "growth": 2, "last": 0.2},
    "OneCycle": {
        "highest": 0.1,
        "steps": 3,
        "rise": 0.3,
        "shape": "cos",
        "start_divisor": 25.0,
        "end_divisor": 10.0,
        "three_phases": False,
    },
    "ReduceOnPlateau": {
        "first": 0.1,
        "mode": "min",
        "factor": 0.5,
        "patience": 3,
        "threshold": 0.1,
        "threshold_mode": "abs",
        "cooldown": 3,
        "last": 0.0,
        "eps": 0.0,
    },
    "Warmup": {"steps": 3, "then": 0.1},
}


@pytest.mark.fault(number=34)
@pytest.mark.parametrize("kind", SCHEDULES)
def test_schedules(kind):
    good = SCHEDULES[kind]
    for name in good:
        names(name, lambda value, n=name: getattr(schedules, kind)(**{**good, n: value}))


@pytest.mark.fault(number=34)
@pytest.mark.parametrize("name", ["sphere", "trid", "ackley", "rosenbrock", "rotated_quadratic"])
def test_problems(name):
    make = getattr(problems, name)
    for parameter in inspect.signature(make).parameters:
        names(parameter, lambda value, p=parameter: make(**{p: value}))


# ---------------------------------------------------------------------------------------------
# Compiled functions that are called from Python
# ---------------------------------------------------------------------------------------------


@numba.njit
def of_two(x, a):
    return a * x[0] ** 2


@numba.njit
def uncompilable(x):
    return x.mistake


@pytest.mark.fault(number=34)
@pytest.mark.parametrize(
    ("fun", "jac", "args", "words"),
    [
        (of_two, np.ones_like, (object(),), ["args[0]", "object"]),
        (of_two, np.ones_like, ([],), ["args[0]", "[]"]),
        (of_two, np.ones_like, (10**30,), ["args[0]", "1000000"]),
        (of_two, np.ones_like, (), ["fun", "missing", "'a'"]),
        (uncompilable, np.ones_like, (), ["fun cannot be compiled", "mistake"]),
        (lambda x: 1.0, uncompilable, (), ["jac cannot be compiled", "mistake"]),
    ],
)
def test_a_compiled_function_beside_one_in_python(fun, jac, args, words):
    with pytest.raises((TypeError, ValueError)) as caught:
        fastadam.minimize(fun, np.ones(2), args, jac=jac)
    assert type(caught.value) in (TypeError, ValueError)
    for word in words:
        assert word in str(caught.value), caught.value


@pytest.mark.fault(number=34)
def test_a_compiled_function_that_is_vectorised():
    for fun, args, word in ((uncompilable, (), "fun"), (of_two, (object(),), r"args\[0\]")):
        with pytest.raises(ValueError, match=rf"{word} cannot be"):
            fastadam.minimize_batch(fun, np.ones((3, 2)), args, options={"vectorized": True})


def test_what_a_compiled_function_raises_is_passed_on():
    @numba.njit
    def fails(x):
        raise ValueError("mine")

    with pytest.raises(ValueError, match=r"^mine$"):
        fastadam.minimize(fails, np.ones(2), jac=np.ones_like)
