"""Batches that live on a GPU: they are solved there, and what is found stays there."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.optimize import Bounds

import fastadam
from tests.gpu.batches import T, misfit_in_place, problems
from tests.gpu.host import HostArray
from tests.gpu.simulated import libraries
from tests.gpu.simulated.device import SimulatedDevice

ARRAYS = "x", "fun", "jac", "nit", "nfev", "njev", "status", "success"
SIZE = 23
OPTIONS = {"maxiter": 12, "gtol": 0.3}


@pytest.fixture(autouse=True)
def _libraries(monkeypatch):
    libraries.install(monkeypatch, SimulatedDevice)


def numba_array(array):
    from numba import cuda

    return cuda.to_device(array)


#: What makes an array of a library, and what its results are.
LIBRARIES = {
    "numba": numba_array,
    "cupy": libraries.CupyArray,
    "torch": libraries.Tensor,
    "another": HostArray,  # which gets Numba's
}


def on_host(array):
    return array.array if isinstance(array, HostArray) else array.copy_to_host()


def solve(x0, rows, jac="in-place", **given):
    given = {"args": (T,), "batch_args": rows, "jac": jac, **given}
    return fastadam.minimize_batch(misfit_in_place, x0, **given)


def batch(size=SIZE):
    """Return starts, rows, a box for each, and step sizes."""
    x0, rows = problems(size)
    lower, upper = x0 - 0.3, x0 + 0.2
    lower[1], upper[1] = -np.inf, np.inf
    lower[2, 0], upper[2, 0] = 1.0, 0.0
    return x0, rows, lower, upper, np.linspace(0.02, 0.4, size)


@pytest.mark.parametrize("library", LIBRARIES)
def test_nothing_of_the_batch_comes_to_the_host(library, monkeypatch):
    make = LIBRARIES[library]
    x0, rows, lower, upper, lr = batch()
    expected = solve(x0, rows, bounds=Bounds(lower, upper), options={**OPTIONS, "lr": lr})
    there = [make(array) for array in (x0, *rows, lower, upper, lr)]
    before = [on_host(array).copy() for array in there]
    kind = type(make(np.ones(3))) if library != "another" else type(numba_array(np.ones(3)))
    with monkeypatch.context() as patched:
        libraries.forbid_copies(patched, SIZE)
        found = solve(
            there[0],
            tuple(there[1:3]),
            bounds=SimpleNamespace(lb=there[3], ub=there[4]),
            options={**OPTIONS, "lr": there[5]},
            device="cuda",
        )
    assert all(type(found[name]) is kind for name in ARRAYS)
    for name in ARRAYS:
        ours, theirs = on_host(found[name]), expected[name]
        assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
        np.testing.assert_array_equal(ours, theirs)
    assert found.message == expected.message
    assert len(set(expected.status)) == 3
    for array, old in zip(there, before, strict=True):
        np.testing.assert_array_equal(on_host(array), old)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_pairs_and_gears(dtype, capsys):
    """With ``lr="auto"``, and NaN for no bound; the summary is that of the host."""
    x0, rows, lower, upper, _ = batch(6)
    lower[3] = np.nan
    pairs = np.stack([lower, upper], axis=-1).astype(dtype)
    x0, rows = x0.astype(dtype), [array.astype(dtype) for array in rows]
    options = {"maxiter": 25, "disp": True}
    host = solve(x0, tuple(rows), bounds=pairs, device="cuda", options=options)
    there = solve(
        numba_array(x0),
        tuple(map(numba_array, rows)),
        bounds=numba_array(pairs),
        device="cuda",
        options=options,
    )
    assert there.x.dtype == dtype
    for name in ARRAYS:
        np.testing.assert_array_equal(on_host(there[name]), host[name])
    said = [line for line in capsys.readouterr().out.splitlines() if line]
    assert said[: len(said) // 2] == said[len(said) // 2 :]
    if dtype is np.float64:
        cpu = solve(x0, tuple(rows), bounds=pairs, options=options)
        np.testing.assert_array_equal(host.x, cpu.x)
        assert (host.message, list(host.status)) == (cpu.message, list(cpu.status))
