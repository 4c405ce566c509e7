"""A batch that is taken up from a checkpoint finds what one that was not left finds."""

import os

import numpy as np
import pytest
from numba import njit
from scipy.optimize import rosen

import fastadam
from fastadam import CheckpointError

RNG = np.random.default_rng(0)
STARTS, SHIFTS = RNG.normal(size=(64, 3)), RNG.normal(size=64)
KEYS = "x", "fun", "jac", "nit", "nfev", "njev", "status"


class LeftError(Exception):
    pass


def shifted(x, shift):
    return rosen(x) + shift * x[0]


@njit
def compiled(x, shift):
    total = 0.0
    for _ in range(300):
        for i in range(x.size - 1):
            total += 100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2
    return total / 300 + shift * x[0]


def bits(result):
    return [np.asarray(result[key]).tobytes() for key in KEYS]


def test_rows_that_are_done_are_kept_and_the_others_begin_anew(tmp_path):
    path, solved = tmp_path / "run", []

    def fun(x, shift):
        if shift == SHIFTS[7] and len(solved) < 1000 and lasting:
            raise LeftError
        solved.append(shift)
        return shifted(x, shift)

    def solve(**options):
        arguments = STARTS[:12], (), (SHIFTS[:12],)
        return fastadam.minimize_batch(fun, *arguments, options={"maxiter": 40, **options})

    lasting = False
    whole = solve()
    lasting = True
    solved.clear()
    with pytest.raises(LeftError):
        solve(checkpoint=path, checkpoint_seconds=0)
    assert set(solved) == set(SHIFTS[:7])
    lasting = False
    solved.clear()
    assert bits(solve(checkpoint=path, disp=True)) == bits(whole)
    assert set(solved) == set(SHIFTS[7:12])
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("threads", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_threads_go_on_bit_for_bit_when_their_time_was_over(threads, tmp_path):
    options = {"lr": 0.01, "maxiter": 500, "threads": threads}
    whole = fastadam.minimize_batch(compiled, STARTS, batch_args=(SHIFTS,), options=options)
    options.update(checkpoint=tmp_path / "run", max_seconds=0.02, checkpoint_seconds=0)
    calls, missing = 0, True
    while missing:
        result = fastadam.minimize_batch(compiled, STARTS, batch_args=(SHIFTS,), options=options)
        missing = "time" in result.message
        assert os.listdir(tmp_path) == ["run"] * missing
        calls += 1
    assert calls > 1
    assert bits(result) == bits(whole)


@pytest.mark.slow
def test_rounds_go_on_bit_for_bit(tmp_path):
    def solve(**options):
        return fastadam.multistart(rosen, [(-2, 2)] * 2, 64, rng=0, options=options)

    whole = solve()
    options = {"checkpoint": tmp_path / "run", "max_seconds": whole.nfev * 2e-6}
    calls, result = 1, solve(**options)
    while "time" in result.message:
        calls, result = calls + 1, solve(**options)
    assert calls > 1
    assert bits(result.solutions) == bits(whole.solutions)


def test_what_does_not_go_together_or_is_of_another_batch_is_refused(tmp_path):
    path = tmp_path / "run"

    def solve(x0=STARTS, batch_args=(SHIFTS,), options=None, **keywords):
        options = {"checkpoint": path, **(options or {})}
        return fastadam.minimize_batch(compiled, x0, (), batch_args, options=options, **keywords)

    for keywords, words in (
        ({"workers": 2}, "workers"),
        ({"workers": map}, "workers"),
        ({"device": "cuda"}, "device='cuda'"),
        ({"options": {"vectorized": True}}, r"options\['vectorized'\]"),
    ):
        with pytest.raises(ValueError, match=rf"'checkpoint'.* and {words} do not go together"):
            solve(**keywords)
    left = solve(options={"max_seconds": 1e-9})
    assert "time" in left.message
    before = path.read_bytes()
    for keywords, words in (
        ({"x0": STARTS + 1.0}, "x0"),
        ({"x0": STARTS[1:], "batch_args": (SHIFTS[1:],)}, "batch_args, x0"),
        ({"bounds": [(-9, 9)] * 3}, "bounds"),
        ({"options": {"lr": np.ones(64)}}, r"jac, options\['lr'\]"),
        ({"options": {"on_error": "nan"}}, r"options\['on_error'\]"),
    ):
        with pytest.raises(ValueError, match=f"'checkpoint'.* which differs in ({words})$"):
            solve(**keywords)
        assert path.read_bytes() == before
    path.write_bytes(before[:-1])
    with pytest.raises(CheckpointError, match="run is damaged"):
        solve()
