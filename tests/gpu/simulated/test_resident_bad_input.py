"""What is refused of arrays on a GPU: an error that names the argument and the value."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest

import fastadam
from tests.gpu.host import HostArray
from tests.gpu.simulated import libraries
from tests.gpu.simulated.device import SimulatedDevice

SIZE = 4


@pytest.fixture(autouse=True)
def _libraries(monkeypatch):
    libraries.install(monkeypatch, SimulatedDevice)


def bowl(x, grad, a):
    raise AssertionError("called")


def there(shape=(SIZE, 2), dtype=float, **changes):
    return HostArray(np.ones(shape, dtype), **changes)


def turned():
    return HostArray(np.ones((2, SIZE)).T)


def read_only():
    array = np.ones((SIZE, 2))
    array.flags.writeable = False
    return HostArray(array)


def sides(lower, upper):
    return SimpleNamespace(lb=lower, ub=upper)


def rates(*values):
    return HostArray(np.array(values))


NAN = float("nan")
BOX = np.zeros((SIZE, 2))
CASES = {
    "x0 in float16": ({"x0": there(dtype=np.float16)}, ["x0", "float32 or float64", "float16"]),
    "x0 of integers": ({"x0": there(dtype=int)}, ["x0", "float32 or float64", "int64"]),
    "x0 in other bytes": ({"x0": there(dtype=">f8")}, ["x0", "float32 or float64", ">f8"]),
    "x0 turned": ({"x0": turned()}, ["x0", "contiguous", "(8, 32)"]),
    "x0 in one axis": ({"x0": there(SIZE)}, ["x0", "(problems, variables)", "(4,)"]),
    "x0 of nothing": ({"x0": there((0, 2))}, ["x0", "(problems, variables)", "(0, 2)"]),
    "x0 masked": ({"x0": there(mask=there())}, ["x0", "masked"]),
    "x0 of stream 0": ({"x0": there(stream=0)}, ["x0", "the stream 0"]),
    "bounds of others": ({"bounds": there((3, 2, 2))}, ["bounds", "(4, 2, 2)", "(3, 2, 2)"]),
    "bounds in one axis": ({"bounds": there(4)}, ["bounds", "(4, 2, 2)", "(4,)"]),
    "a side of others": ({"bounds": sides(there((3, 2)), BOX)}, ["bounds.lb", "(4, 2)", "(3, 2)"]),
    "a side too long": ({"bounds": sides(there(), np.zeros(3))}, ["bounds.ub", "(2,)", "(3,)"]),
    "a side of integers": ({"bounds": sides(BOX, there(dtype=int))}, ["bounds.ub", "int64"]),
    "no other side": ({"bounds": SimpleNamespace(lb=there())}, ["bounds.ub", "None"]),
    "bounds the wrong way": (
        {"bounds": HostArray(np.array([[1.0, 0.0], [0.0, 1.0]]))},
        ["bounds[0] = (1.0, 0.0)"],
    ),
    "lr of others": ({"options": {"lr": rates(0.1)}}, ["lr", "4 numbers", "(1,)"]),
    "lr of integers": ({"options": {"lr": there(4, int)}}, ["lr", "int64"]),
    "lr below 0": ({"options": {"lr": rates(0.1, 0.1, -0.25, -9.0)}}, ["lr[2]", ">= 0", "-0.25"]),
    "lr NaN": ({"options": {"lr": rates(0.1, NAN, 0.1, 0.1)}}, ["lr[1]", "finite", "nan"]),
    "lr infinite": ({"options": {"lr": rates(0.1, 0.1, 0.1, np.inf)}}, ["lr[3]", "inf"]),
    "rows of others": ({"batch_args": (there(3),)}, ["batch_args[0]", "4 problems", "(3,)"]),
    "rows turned": ({"batch_args": (turned(),)}, ["batch_args[0]", "contiguous"]),
    "rows of another kind": ({"batch_args": (there(4, "M8[s]"),)}, ["batch_args[0]", "numbers"]),
    "workers and x0": ({"x0": there(), "workers": 2}, ["x0 is on a GPU", "workers"]),
    "workers and rows": ({"batch_args": (there(4),), "workers": map}, ["batch_args[0] is on a"]),
}


def refused(words, **given):
    given = {"x0": np.ones((SIZE, 2)), "batch_args": (np.ones(SIZE),), "device": "cuda", **given}
    with pytest.raises((TypeError, ValueError)) as caught:
        fastadam.minimize_batch(bowl, jac="in-place", **given)
    for word in words:
        assert word in str(caught.value), caught.value


@pytest.mark.parametrize("case", CASES)
def test_what_is_refused(case):
    given, words = CASES[case]
    refused(words, **given)


def test_arrays_on_another_gpu():
    elsewhere = there(place=1)
    for name in ("x0", "batch_args"):
        refused([f"{name}", "is on GPU 1, and the current one is 0"], **{name: elsewhere})
    refused(["bounds.ub is on GPU 1"], bounds=sides(BOX, elsewhere))


@pytest.mark.parametrize("case", ["x0", "bounds", "bounds.ub", "batch_args[0]", "lr", "args[0]"])
def test_arrays_on_a_gpu_are_for_the_gpu(case):
    """The CPU takes none of them, not even by a copy that nobody has asked for."""
    given = {
        "x0": {"x0": there()},
        "bounds": {"bounds": there((SIZE, 2, 2))},
        "bounds.ub": {"bounds": sides(BOX, there())},
        "batch_args[0]": {"batch_args": (there(SIZE),)},
        "lr": {"options": {"lr": rates(0.1, 0.1, 0.1, 0.1)}},
        "args[0]": {"args": (there(3),)},
    }
    refused(
        [f"{case} is on a GPU", "device='cuda'", "an array on a GPU"], **given[case], device="cpu"
    )


def test_what_is_read_only_is_only_read():
    x0, row = read_only(), HostArray(np.ones(SIZE))
    result = fastadam.minimize_batch(square, x0, (), (row,), jac="in-place", device="cuda")
    np.testing.assert_allclose(result.x.copy_to_host(), 0.0, atol=1e-12)
    assert (x0.array == 1.0).all()


def square(x, grad, a):
    grad[0], grad[1] = 2.0 * a * x[0], 2.0 * x[1]
    return a * x[0] ** 2 + x[1] ** 2


def test_junk():
    """Anything but a crash: an error of ours, or a result."""
    junk = [there(()), there((2, 2, 2)), there(dtype=bool), there(dtype=complex), there((SIZE, 0))]
    for name, value in itertools.product(("x0", "bounds", "lr"), junk):
        given = {"options": {"lr": value}} if name == "lr" else {name: value}
        refused([name], **given)
