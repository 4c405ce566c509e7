"""Batches that live on a GPU: they are solved there, and what is found stays there."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.optimize import Bounds

import fastadam
from fastadam._cuda import transfers
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


def test_what_is_on_the_host_and_on_the_gpu_goes_together():
    """Arrays of two libraries, and of the host: the results are where the starts are."""
    x0, (a, y), lower, upper, lr = batch(7)
    options = {**OPTIONS, "lr": lr}
    expected = solve(x0, (a, y), bounds=Bounds(lower, upper), options=options)
    sides = SimpleNamespace(lb=libraries.Tensor(lower), ub=upper)
    host = solve(x0, (numba_array(a), y), bounds=sides, options=options, device="cuda")
    there = solve(
        libraries.CupyArray(x0), (a, libraries.Tensor(y)), bounds=sides, options=options,
        device="cuda",
    )  # fmt: skip
    assert type(host.x) is np.ndarray
    assert type(there.x) is libraries.CupyArray
    for name in ARRAYS:
        np.testing.assert_array_equal(host[name], expected[name])
        np.testing.assert_array_equal(on_host(there[name]), expected[name])


def test_bounds_of_all_problems_may_be_there_too():
    x0, rows, *_ = batch(5)
    box, options = np.array([[-0.2, 0.1], [-np.inf, 0.3]]), {**OPTIONS, "lr": 0.1}
    expected = solve(x0, rows, bounds=box, options=options)
    lower, upper = (libraries.Tensor(side.copy()) for side in box.T)
    for bounds in (numba_array(box), SimpleNamespace(lb=lower, ub=upper)):
        found = solve(numba_array(x0), rows, bounds=bounds, options=options, device="cuda")
        np.testing.assert_array_equal(on_host(found.x), expected.x)


def test_rows_from_the_host_arrive_while_others_are_solved(monkeypatch):
    """In chunks of a few rows, some of which do not fill a buffer, and one row that needs two."""
    x0, rows, lower, upper, lr = batch(23)
    given = {"bounds": Bounds(lower, upper), "options": {**OPTIONS, "lr": lr}}
    expected = solve(x0, rows, **given)
    monkeypatch.setattr(transfers, "SMALL", 0)
    for chunk in (24, 200, 2**20):
        monkeypatch.setattr(transfers, "CHUNK", chunk)
        found = solve(x0, rows, **given, device="cuda")
        for name in ARRAYS:
            np.testing.assert_array_equal(found[name], expected[name])
        narrow = solve(x0.astype(np.float32), rows, **given, device="cuda")
        assert narrow.x.dtype == np.float64
        np.testing.assert_allclose(narrow.x, expected.x, rtol=1e-3, atol=1e-3)


def test_searches_begin_with_the_rows_that_are_there(monkeypatch):
    x0, rows, lower, upper, lr = batch(23)
    given = {"bounds": Bounds(lower, upper), "options": {**OPTIONS, "lr": lr}}
    expected = solve(x0, rows, **given)
    counts = iter([1, 1, 6, 7, 15])
    seen = []

    def count(self):
        self.wait()
        seen.append(next(counts, 23))
        return seen[-1]

    monkeypatch.setattr(transfers.Arrivals, "count", count)
    found = solve(x0, rows, **given, device="cuda")
    assert seen[:6] == [1, 1, 6, 7, 15, 23]
    for name in ARRAYS:
        np.testing.assert_array_equal(found[name], expected[name])


def test_a_transfer_that_fails_is_told(monkeypatch):
    def fail(*arguments, **options):
        raise OSError("no more buffers")

    x0, rows, *_ = batch(5)
    monkeypatch.setattr(transfers, "SMALL", 0)
    monkeypatch.setattr(np, "copyto", fail)
    with pytest.raises(OSError, match="no more buffers"):
        solve(x0, rows, device="cuda")


def raises(x, grad, at):
    if x[0] < at:
        raise RuntimeError("in the middle")
    grad[0] = 2.0 * x[0]
    return x[0] ** 2


@pytest.mark.parametrize("make", [np.array, numba_array], ids=["host", "GPU"])
def test_an_exception_carries_what_was_found(make):
    x0, at = np.ones((5, 1)), np.array([-1.0, -1.0, 0.9, -1.0, -1.0])
    given = {"jac": "in-place", "options": {"lr": 0.05, "maxiter": 4}, "device": "cuda"}
    with pytest.raises(RuntimeError, match="in the middle") as caught:
        fastadam.minimize_batch(raises, make(x0), (), make(at), **given)
    result = caught.value.result
    assert type(result.x) is type(make(x0))
    assert "Ended by RuntimeError." in result.message
    read = (lambda array: array) if make is np.array else on_host
    status, fun = read(result.status), read(result.fun)
    assert status[2] == 98
    assert not read(result.success)[2]
    assert np.isnan(fun[2])
    np.testing.assert_array_equal(np.isnan(fun), status == 98)
    np.testing.assert_array_equal(read(result.x)[status == 98], 1.0)
    given["options"] = {**given["options"], "on_error": "nan"}
    kept = fastadam.minimize_batch(raises, make(x0), (), make(at), **given)
    assert read(kept.status).tolist() == [1, 1, 98, 1, 1]


def himmelblau(x, grad):
    first, second = x[0] ** 2 + x[1] - 11.0, x[0] + x[1] ** 2 - 7.0
    grad[0] = 4.0 * x[0] * first + 2.0 * second
    grad[1] = 2.0 * first + 4.0 * x[1] * second
    return first**2 + second**2


def test_multistart_knows_the_minima_of_the_rounds_before():
    given = {"n_starts": 10, "jac": "in-place", "rng": 0, "options": {"maxiter": 40}}
    cpu = fastadam.multistart(himmelblau, [(-5, 5)] * 2, **given)
    found = fastadam.multistart(himmelblau, [(-5, 5)] * 2, **given, device="cuda")
    np.testing.assert_array_equal(found.minima, cpu.minima)
    np.testing.assert_array_equal(found.counts, cpu.counts)
    np.testing.assert_array_equal(found.solutions.nfev, cpu.solutions.nfev)
    assert found.message == cpu.message
    assert "found before" in cpu.message
