"""Batches that live on a real GPU; skipped where there is none."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.optimize import Bounds

import fastadam
from fastadam._search.outcomes import OUTCOMES, RAISED

from .batches import T, decay, decays, misfit_in_place, problems

pytestmark = [pytest.mark.gpu, pytest.mark.usefixtures("cuda")]

ARRAYS = "x", "fun", "jac", "nit", "nfev", "njev", "status", "success"
#: A prime: nothing else has an axis of this length.
SIZE = 5003


class Library:
    """How arrays of a library come to the GPU and back."""

    def __init__(self, name, cuda):
        if name == "numba":
            self.there, self.here = cuda.to_device, lambda array: array.copy_to_host()
        elif name == "cupy":
            cupy = pytest.importorskip("cupy")
            self.there, self.here = cupy.asarray, cupy.asnumpy
        else:
            torch = pytest.importorskip("torch")
            if not torch.cuda.is_available():
                pytest.skip("torch finds no GPU")
            self.there = lambda array: torch.from_numpy(array).to("cuda")
            self.here = lambda array: array.cpu().numpy()


@pytest.fixture(params=["numba", "cupy", "torch"])
def library(request, cuda):
    return Library(request.param, cuda)


def solve(x0, rows, **given):
    given = {"args": (T,), "jac": "in-place", "device": "cuda", **given}
    return fastadam.minimize_batch(misfit_in_place, x0, batch_args=rows, **given)


def batch(dtype=np.float64):
    """Return starts, rows, a box for each, and step sizes."""
    x0, rows = problems(SIZE)
    lower, upper = x0 - 0.3, x0 + 0.2
    lower[1], upper[1] = -np.inf, np.inf
    lower[2, 0], upper[2, 0] = 1.0, 0.0
    arrays = (x0, *rows, lower, upper, np.linspace(0.02, 0.4, SIZE))
    return [array.astype(dtype) for array in arrays]


@pytest.fixture
def watched(cuda, monkeypatch):
    """Return what has every copy of an array with an axis of `SIZE` fail from then on."""

    def refuse(copy):
        def call(array, *rest, **options):
            assert SIZE not in array.shape, "a copy of the batch"
            return copy(array, *rest, **options)

        return call

    def watch():
        kind = type(cuda.to_device(np.ones(1)))
        for name in ("copy_to_host", "copy_to_device", "__array__"):
            monkeypatch.setattr(kind, name, refuse(getattr(kind, name)))
        monkeypatch.setattr(cuda, "to_device", refuse(cuda.to_device))

    return watch


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nothing_of_the_batch_comes_to_the_host(library, dtype, watched, monkeypatch):
    x0, a, y, lower, upper, lr = batch(dtype)
    options = {"maxiter": 12, "gtol": 0.3}
    args = (T.astype(dtype),)
    sides = Bounds(lower.astype(float), upper.astype(float))
    given = {"args": args, "bounds": sides, "options": {**options, "lr": lr.astype(float)}}
    expected = solve(x0, (a, y), **given)
    there = [library.there(array) for array in (x0, a, y, lower, upper, lr)]
    given["bounds"] = SimpleNamespace(lb=there[3], ub=there[4])
    given["options"] = {**options, "lr": there[5]}
    watched()
    found = solve(there[0], tuple(there[1:3]), **given)
    monkeypatch.undo()
    assert all(type(found[name]) is type(there[0]) for name in ARRAYS)
    for name in ARRAYS:
        ours, theirs = library.here(found[name]), expected[name]
        assert ours.shape == theirs.shape
        assert ours.dtype == (dtype if name in ("x", "jac") else theirs.dtype)
        np.testing.assert_array_equal(ours, theirs)
    assert found.message == expected.message
    assert len(set(expected.status)) == 3
    np.testing.assert_array_equal(library.here(there[0]), x0)


def test_gears_and_pairs(library, capsys):
    """With ``lr="auto"``, bounds as pairs, NaN for none; the summary is that of the host."""
    start, t, y, _ = decays(SIZE, np.float32)
    start = start.astype(np.float32)
    pairs = np.empty((SIZE, 3, 2), np.float32)
    pairs[..., 0], pairs[..., 1] = [0.0, 0.05, 0.0], [4.0, 6.0, 1.0]
    pairs[7] = np.nan
    solve_decays = partial(
        fastadam.minimize_batch, decay, args=(t,), jac="in-place", device="cuda",
        options={"gtol": 2e-4, "disp": True},
    )  # fmt: skip
    expected = solve_decays(start, batch_args=(y,), bounds=pairs)
    found = solve_decays(
        library.there(start), batch_args=(library.there(y),), bounds=library.there(pairs)
    )
    for name in ARRAYS:
        np.testing.assert_array_equal(library.here(found[name]), expected[name])
    assert expected.success.mean() > 0.95
    said = [line for line in capsys.readouterr().out.splitlines() if "Lowest" in line]
    assert len(said) == 2
    assert said[0] == said[1]


def test_rows_from_the_host_go_in_chunks(library):
    """As many that the first are solved while others arrive; and without a device in between."""
    size = 400_000
    start, t, y, _ = decays(size, np.float32)
    start = start.astype(np.float32)
    given = {"args": (t,), "jac": "in-place", "device": "cuda", "options": {"lr": 0.05}}
    given["options"].update(maxiter=60, gtol=1e-3)
    host = fastadam.minimize_batch(decay, start, batch_args=(y,), **given)
    there = fastadam.minimize_batch(
        decay, library.there(start), batch_args=(library.there(y),), **given
    )
    for name in ARRAYS:
        np.testing.assert_array_equal(library.here(there[name]), host[name])
    part = slice(size // 2, size // 2 + 1000)
    some = fastadam.minimize_batch(decay, start[part], batch_args=(y[part],), **given)
    np.testing.assert_array_equal(some.x, host.x[part])
    np.testing.assert_array_equal(some.nfev, host.nfev[part])


def test_what_was_enqueued_before_on_another_stream_is_waited_for(cuda):
    torch = pytest.importorskip("torch")
    Library("torch", cuda)
    x0, rows = problems(SIZE)
    expected = solve(x0, rows, options={"maxiter": 20, "lr": 0.1})
    there = tuple(torch.from_numpy(array).to("cuda") for array in (x0, *rows))
    torch.cuda.synchronize()
    with torch.cuda.stream(torch.cuda.Stream()):
        late = [torch.zeros_like(array) for array in there]
        torch.cuda._sleep(200_000_000)  # cycles: a tenth of a second
        for array, values in zip(late, there, strict=True):
            array.copy_(values)
        found = solve(late[0], tuple(late[1:]), options={"maxiter": 20, "lr": 0.1})
        for array in late:
            array.zero_()
    np.testing.assert_array_equal(found.x.cpu().numpy(), expected.x)


def test_libraries_go_together(library, cuda):
    x0, (a, y) = problems(SIZE)
    options = {"maxiter": 20, "lr": 0.1}
    expected = solve(x0, (a, y), options=options)
    found = solve(library.there(x0), (cuda.to_device(a), y), options=options)
    assert type(found.x) is type(library.there(x0))
    np.testing.assert_array_equal(library.here(found.x), expected.x)
    host = solve(x0, (library.there(a), cuda.to_device(y)), options=options)
    assert type(host.x) is np.ndarray
    np.testing.assert_array_equal(host.x, expected.x)


def raises(x, fatal):
    if fatal and x[0] < 0.9:
        raise RuntimeError("in the middle")
    return x[0] ** 2


def test_an_exception_carries_what_was_found(library):
    x0, fatal = np.ones((500, 1)), np.arange(500) == 321
    there = library.there(x0), library.there(fatal)
    given = {"jac": "2-point", "device": "cuda", "options": {"lr": 0.05, "maxiter": 50}}
    with pytest.raises(RuntimeError, match="exception for problem 321") as caught:
        fastadam.minimize_batch(raises, there[0], (), there[1:], **given)
    result = caught.value.result
    assert type(result.x) is type(there[0])
    assert library.here(result.status)[321] == OUTCOMES[RAISED][0]
    assert "Ended by RuntimeError." in result.message
    given["options"]["on_error"] = "nan"
    kept = fastadam.minimize_batch(raises, there[0], (), there[1:], **given)
    np.testing.assert_array_equal(np.isnan(library.here(kept.fun)), fatal)


def test_what_is_refused(library):
    x0, rows = problems(50)
    there = library.there(x0)
    with pytest.raises(ValueError, match=r"x0 is on a GPU, .*device='cpu'.*50, 2"):
        solve(there, rows, device="cpu")
    with pytest.raises(ValueError, match=r"x0 is on a GPU, and workers"):
        solve(there, rows, workers=2)
    with pytest.raises(TypeError, match="x0 must be float32 or float64"):
        solve(library.there(x0.astype(int)), rows)
    rates = library.there(np.where(np.arange(50) == 9, -0.5, 0.1))
    with pytest.raises(ValueError, match=r"lr\[9\] must be finite and >= 0, got -0.5"):
        solve(there, rows, options={"lr": rates})


def himmelblau(x, grad):
    first, second = x[0] ** 2 + x[1] - 11.0, x[0] + x[1] ** 2 - 7.0
    grad[0] = 4.0 * x[0] * first + 2.0 * second
    grad[1] = 2.0 * first + 4.0 * x[1] * second
    return first**2 + second**2


def test_multistart():
    given = {"n_starts": 200, "jac": "in-place", "rng": 0}
    cpu = fastadam.multistart(himmelblau, [(-5, 5)] * 2, **given)
    found = fastadam.multistart(himmelblau, [(-5, 5)] * 2, **given, device="cuda")
    order = [np.lexsort(np.round(each.minima, 2).T) for each in (found, cpu)]
    assert len(found.minima) == len(cpu.minima) == 4
    np.testing.assert_allclose(found.minima[order[0]], cpu.minima[order[1]], atol=1e-4)
    assert abs(found.counts[order[0]] - cpu.counts[order[1]]).max() <= 5
    assert "found before" in found.message
