"""A search that is taken up from a checkpoint finds what one that was not left finds."""

import itertools
import os

import numpy as np
import pytest
from scipy.optimize import rosen, rosen_der

import fastadam
from fastadam import CheckpointError

START = np.linspace(-1.2, 1.3, 4)


class LeftError(Exception):
    pass


def leaving(fun, evaluations):
    """Return a function that raises an exception after some evaluations."""
    counter = itertools.count()

    def evaluate(x):
        if next(counter) == evaluations:
            raise LeftError
        return fun(x)

    return evaluate


def kinked(x):
    return np.abs(x).sum() + abs(x[0] - x[3])


def bits(result):
    return [np.asarray(result[key]).tobytes() for key in ("x", "fun", "jac", "nit", "nfev", "njev")]


#: Functions, starts, and the options of searches in all gears.
SEARCHES = {
    "descents": (rosen, START, None, {}),
    "gradient": (rosen, START, rosen_der, {}),
    "legs": (kinked, np.linspace(-1.0, 1.5, 12), None, {"maxiter": 300}),
    "schedule": (rosen, START, None, {"lr": lambda k: 0.1 / k, "maxiter": 90}),
    "complex": (lambda x: (x**4).sum(), START, "cs", {"lr": 0.02, "maxiter": 90}),
}


@pytest.mark.parametrize(
    "name", ["descents", *(pytest.param(each, marks=pytest.mark.slow) for each in [*SEARCHES][1:])]
)
def test_what_is_left_by_exceptions_goes_on_bit_for_bit(name, tmp_path):
    fun, x0, jac, options = SEARCHES[name]
    seen, seen_again = [], []

    def solve(fun, options, callback):
        method = "adam" if name == "descents" else "nadam"
        return fastadam.minimize(
            fun, x0, jac=jac, method=method, options=options, callback=callback
        )

    whole = solve(fun, options, seen.append)
    options = {**options, "checkpoint": tmp_path / "run", "checkpoint_seconds": 0}
    rng, left = np.random.default_rng(0), 0
    while True:
        cut = leaving(fun, rng.integers(3 * x0.size, whole.nfev // 3))
        try:  # with a callback, each iteration is a turn, and is saved
            result = solve(cut, options, seen_again.append)
            break
        except LeftError:
            left += 1
    assert left > 1
    assert bits(result) == bits(whole)
    assert result.message == whole.message
    np.testing.assert_array_equal(seen_again, seen)
    assert os.listdir(tmp_path) == []  # it has ended


def leave(path, **others):
    """Leave a search from the start after some iterations, with a file."""

    def stop(x):
        if next(counter) == 5:
            raise StopIteration

    counter = itertools.count()
    options = {"checkpoint": path, **others}
    result = fastadam.minimize(rosen, START, callback=stop, options=options)
    assert result.status == 99


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"x0": START + 1e-9}, "x0"),
        ({"bounds": [(-5, 5)] * 4}, "bounds"),
        ({"method": "adamw"}, "method"),
        ({"jac": rosen_der}, "jac"),
        ({"args": (2.0,)}, "args"),
        ({"tol": 1e-3}, r"options\['gtol'\]"),
        ({"options": {"betas": (0.9, 0.99)}}, r"options\['betas'\]"),
        ({"options": {"lr": 0.5, "maxiter": 7}}, r"jac, options\['lr'\], options\['maxiter'\]"),
    ],
)
def test_a_checkpoint_of_another_search_is_refused(change, what, tmp_path):
    path = tmp_path / "run"
    leave(path)
    before = path.read_bytes()
    options = {"checkpoint": path, "max_seconds": 5.0, **change.pop("options", {})}
    with pytest.raises(ValueError, match=f"'checkpoint'.* which differs in {what}$"):
        fastadam.minimize(rosen, **{"x0": START, **change}, options=options)
    assert path.read_bytes() == before


def test_files_that_are_no_checkpoints_of_searches_are_refused(tmp_path):
    path = tmp_path / "run"
    optimizer = fastadam.Adam(np.ones(4))
    optimizer.save(path)
    options = {"checkpoint": path}
    with pytest.raises(ValueError, match=r"'checkpoint'.* is of optimizer, and not of"):
        fastadam.minimize(rosen, START, options=options)
    with pytest.raises(ValueError, match=r"'checkpoint'.* not of minimize_batch"):
        fastadam.minimize_batch(rosen, [START], options=options)
    leave(tmp_path / "search")
    with pytest.raises(CheckpointError, match="of minimize, and not of an optimizer"):
        fastadam.load(tmp_path / "search", optimizer)
    path.write_bytes((tmp_path / "search").read_bytes()[:-1])
    with pytest.raises(CheckpointError, match="run is damaged"):
        fastadam.minimize(rosen, START, options=options)
    with pytest.raises(ValueError, match="is not a file"):
        fastadam.minimize(rosen, START, options={"checkpoint": tmp_path})
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        fastadam.minimize(rosen, START, options={"checkpoint": tmp_path / "no" / "run"})


def test_options_that_do_not_go_together(tmp_path):
    for name, value in (("return_all", True), ("polish", "BFGS")):
        with pytest.raises(ValueError, match=f"'checkpoint'.*'{name}'.* do not go together"):
            fastadam.minimize(rosen, START, options={"checkpoint": tmp_path / "run", name: value})
    with pytest.raises(TypeError, match="checkpoint must be a path, got 3"):
        fastadam.minimize(rosen, START, options={"checkpoint": 3})
    with pytest.raises(ValueError, match="checkpoint_seconds must be finite and >= 0"):
        fastadam.minimize(rosen, START, options={"checkpoint_seconds": -1})
