"""`minimize_batch(workers=...)`: the results do not depend on who solves the chunks."""

import pickle
from functools import partial

import numpy as np
import pytest
from scipy.optimize import Bounds

from fastadam import minimize_batch, multistart
from tests.api.batch.batches import T, bowl, each_form, each_kind, identical, misfit, problems
from tests.api.batch.workers import pools, quick, sent, solve  # noqa: F401

pytestmark = pytest.mark.smoke

SIZE = 301  # more than there are chunks, and not a multiple


def uneven():
    """Return problems with bounds and a step size of their own, a stretch of which is slow."""
    x0, rows = problems(SIZE)
    rates = np.full(SIZE, 0.3)
    rates[20:40] = 3e-3
    low = np.random.default_rng(0).normal(size=(SIZE, 2)) - 1.0
    low[7, 0] = np.inf  # holds no number
    return x0, rows, {"lr": rates, "bounds": Bounds(low, low + 2.0), "maxiter": 5000}


ALL = ("2", "map", "sent", "threads.map", "spawn.map", "spawn.imap_unordered", "fork.map")


@pytest.mark.parametrize("name", ALL)
def test_the_results_are_those_of_one_process(name, pools):  # noqa: F811
    x0, rows, options = uneven()
    expected = solve(x0, rows, **options)
    assert len(np.unique(expected.nit)) > 20
    assert expected.status[7] == 2
    result = solve(x0, rows, pools[name], **options)
    identical(result, expected)
    assert result.message == expected.message
    assert set(result) == set(expected)


@pytest.mark.parametrize("name", ["2", "spawn.map", "fork.map"])
def test_python_functions(name, pools):  # noqa: F811
    x0, rows = problems(20)
    expected = solve(x0, rows, compiled=False, maxiter=50)
    identical(solve(x0, rows, pools[name], compiled=False, maxiter=50), expected)


@each_form
def test_each_form_of_the_gradient(form):
    x0, rows = problems(5)
    given = {"form": form, "compiled": form == "default", "maxiter": 40}
    identical(solve(x0, rows, sent, **given), solve(x0, rows, **given))


@each_kind
@pytest.mark.parametrize("size", [1, 2, 257])
def test_each_size(size, compiled):
    x0, rows = problems(size)
    given = {"lr": 0.1, "maxiter": 3, "compiled": compiled}
    expected = solve(x0, rows, **given)
    for workers in (map, sent):
        identical(solve(x0, rows, workers, **given), expected)


def test_what_is_common_and_what_is_not():
    """A schedule, common bounds, one step size, rows that are no vectors, steps and scales."""
    x0, (a, y) = problems(9)
    k = 0.1
    for options in (
        {"lr": lambda t: k / t**0.5},
        {"bounds": [(0.1, None), (None, 0.2)]},
        {"finite_diff_rel_step": [1e-3, 1e-2], "form": "2-point"},
        {"x_scale": [1e-2, 3.0]},
    ):
        given = {"maxiter": 20, **options}
        identical(solve(x0, (a, y), sent, **given), solve(x0, (a, y), **given))
    plain = partial(
        minimize_batch, lambda x, s: (x[0] - len(s)) ** 2, x0, (), (["a", "bc", ""] * 3,)
    )
    identical(plain(workers=sent), plain())


def test_vectorized_functions():
    x0, (_, y) = problems(40)

    def fun(x, y):
        return ((x - y[:, :2]) ** 2).sum(axis=1)

    call = partial(minimize_batch, fun, x0, (), (y,), options={"vectorized": True, "maxiter": 50})
    identical(call(workers=sent), call())


def test_several_starts():
    call = partial(multistart, bowl, [(-5, 5), (-5, 5)], 20, rng=0)
    alone = call()
    shared = call(workers=sent)
    identical(shared.solutions, alone.solutions)
    np.testing.assert_array_equal(shared.minima, alone.minima)
    seen = []
    call(workers=lambda f, chunks: [seen.append(len(chunks)), *map(f, chunks)][1:])
    assert seen == [8, 12]  # in rounds, see `multistart`


def test_futures(pools):  # noqa: F811
    x0, rows = problems(9)
    pool = pools["threads.submit"]
    result = solve(x0, rows, lambda f, chunks: [pool(f, each) for each in chunks], maxiter=9)
    identical(result, solve(x0, rows, maxiter=9))


def test_a_stretch_of_slow_rows_is_shared():
    x0, rows = problems(SIZE)
    rates, given = np.full(SIZE, 0.3), []
    rates[20:40] = 1e-4
    options = {"lr": rates, "maxiter": 5000, "gtol": 1e-3}

    def recording(function, chunks):
        for solved in map(function, chunks):
            given.append(solved.found.counts[:, 0].sum())
            yield solved

    result = solve(x0, rows, recording, **options)
    slow = result.nit[20:40].min()
    assert slow > 10 * np.median(result.nit)
    assert len(given) == 256
    assert (np.array(given) >= slow).sum() == 20
    assert sum(given) == result.nit.sum()


def test_only_the_rows_of_a_chunk_are_sent():
    """And the common arguments beside it, once."""
    x0, y = np.ones((2560, 2)), np.ones((2560, 100))
    t, sizes = np.ones(100_000), []

    def weighing(function, chunks):
        sizes.extend(len(pickle.dumps(each)) for each in (function, *chunks))
        return map(function, chunks)

    bounds = np.stack([np.zeros_like(x0), np.ones_like(x0)], axis=2)
    fun = misfit.py_func
    minimize_batch(
        lambda x, t, a, y: fun(x, t[:3], a, y),
        x0,
        (t,),
        (y[:, 0], y),
        bounds=bounds,
        options={"maxiter": 0},
        workers=weighing,
    )
    assert t.nbytes < sizes[0] < t.nbytes + 20_000
    own = 10 * (100 + 1 + 3 * 2) * 8
    assert own < min(sizes[1:]) <= max(sizes[1:]) < own + 2000


@pytest.mark.parametrize("name", ["map", "2"])
def test_progress(name, monkeypatch, pools):  # noqa: F811
    tqdm = pytest.importorskip("tqdm.auto")
    bars = []

    class Bar:
        def __init__(self, total, **options):
            self.total, self.seen, self.closed = total, [], False
            bars.append(self)

        def update(self, n):
            self.seen.append(n)

        def close(self):
            self.closed = True

    monkeypatch.setattr(tqdm, "tqdm", Bar)
    x0, rows = problems(SIZE)
    solve(x0, rows, pools[name], compiled=False, disp=True, maxiter=2)
    (bar,) = bars  # and none for each chunk
    assert bar.total == SIZE == sum(bar.seen)
    assert len(bar.seen) == {"map": 256, "2": 32}[name]
    assert bar.closed


def test_arrays_that_were_read_only():
    """As memory that came with a message may be."""
    x0, rows = problems(5)
    for array in (x0, *rows):
        array.flags.writeable = False
    expected = solve(x0, rows, maxiter=20)
    for workers in (map, sent):
        identical(solve(x0, rows, workers, maxiter=20), expected)


def test_nothing_of_the_callers_changes():
    x0, rows = problems(40)
    before = [each.copy() for each in (x0, *rows)]
    options = {"maxiter": 9, "disp": False, "max_seconds": 60.0}
    kept = dict(options)
    minimize_batch(quick, x0, (T,), rows, jac="in-place", options=options, workers=map)
    for array, copy in zip((x0, *rows), before, strict=True):
        np.testing.assert_array_equal(array, copy)
    assert options == kept
