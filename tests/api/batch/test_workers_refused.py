"""Workers that cannot be, what cannot be sent to them, and what they return."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from fastadam import minimize_batch
from tests.api.batch.batches import problems
from tests.api.batch.workers import sent, solve


def untouched(x, *args):
    raise AssertionError("called")


@pytest.mark.parametrize(
    ("workers", "kind", "words"),
    [
        (0, ValueError, [">= 1", "-1", "got 0"]),
        (-2, ValueError, [">= 1", "-1", "got -2"]),
        (np.int64(0), ValueError, [">= 1", "got 0"]),
        (2.0, TypeError, ["int", "map-like", "2.0"]),
        (np.nan, TypeError, ["int", "map-like", "nan"]),
        (True, TypeError, ["int", "True"]),
        (False, TypeError, ["int", "False"]),
        (np.bool_(True), TypeError, ["int", "True"]),
        ("2", TypeError, ["int", "'2'"]),
        ([map], TypeError, ["int", "map-like"]),
    ],
)
def test_bad_workers(workers, kind, words):
    with pytest.raises(kind) as caught:
        minimize_batch(untouched, np.ones((3, 2)), workers=workers)
    for word in ["workers must be", *words]:
        assert word in str(caught.value), caught.value


def test_the_pool_instead_of_its_map():
    with (
        ThreadPoolExecutor(1) as pool,
        pytest.raises(TypeError, match=r"workers.*map-like.*the map of what you passed.*Thread"),
    ):
        minimize_batch(untouched, np.ones((3, 2)), workers=pool)


def test_it_is_keyword_only():
    with pytest.raises(TypeError, match="positional"):
        minimize_batch(untouched, np.ones((3, 2)), (), (), "adam", None, None, None, None, 2)


class Handle:
    """Holds what belongs to this process."""

    def __init__(self):
        self.lock = threading.Lock()

    def __call__(self, x, *args):
        raise AssertionError("called")

    def __repr__(self):
        return "<a handle>"


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("fun", {"fun": Handle()}),
        ("jac", {"jac": Handle()}),
        ("args[1]", {"args": (1.0, Handle())}),
        ("lr", {"options": {"lr": Handle()}}),
        ("batch_args[1]", {"batch_args": (np.ones(3), np.array([Handle(), None, None]))}),
    ],
)
def test_what_cannot_be_sent(name, given):
    given = {"fun": untouched, "x0": np.ones((3, 2)), **given}
    by_row = name.startswith("batch")
    # What is in a row is known when the processes are there, which takes a second.
    for workers in (sent,) if by_row else (sent, 2):
        with pytest.raises(TypeError) as caught:
            minimize_batch(**given, workers=workers)
        start = f"{name} cannot be sent to another process: cannot pickle"
        assert str(caught.value).startswith(start)
        assert str(caught.value).endswith("of dtype object and shape (1,)" if by_row else "handle>")


def test_it_is_said_in_spite_of_the_pools_own_words():
    def wrapped(function, chunks):
        try:
            return list(sent(function, chunks))
        except TypeError as error:
            raise RuntimeError("something with serialization") from error

    with pytest.raises(TypeError, match="fun cannot be sent"):
        minimize_batch(Handle(), np.ones((3, 2)), workers=wrapped)
    # Other errors are the pool's business.
    with pytest.raises(ZeroDivisionError):
        minimize_batch(untouched, np.ones((3, 2)), workers=lambda function, chunks: 1 / 0)


def test_threads_need_nothing_sent():
    lock = threading.Lock()

    def locked(x):
        with lock:
            return x[0] ** 2

    with ThreadPoolExecutor(2) as pool:
        result = minimize_batch(locked, np.ones((5, 1)), workers=pool.map)
    assert result.success.all()


@pytest.mark.parametrize(
    ("workers", "kind", "words"),
    [
        (lambda f, chunks: list(map(f, chunks))[:-2], ValueError, ["each of 9 chunks", "got 7"]),
        (lambda f, chunks: [], ValueError, ["each of 9 chunks", "got 0"]),
        (lambda f, chunks: [*map(f, chunks), f(chunks[3])], ValueError, ["each of 9", "more"]),
        (lambda f, chunks: [f(chunks[0])] * 9, ValueError, ["each of 9 chunks", "more"]),
        (lambda f, chunks: None, TypeError, ["iterable", "None"]),
        (lambda f, chunks: [None] * 9, TypeError, ["results", "None"]),
        (lambda f, chunks: "results", TypeError, ["results", "'r'"]),
    ],
)
def test_bad_results(workers, kind, words):
    x0, rows = problems(9)
    with pytest.raises(kind) as caught:
        solve(x0, rows, workers, maxiter=2)
    for word in ["workers must return", *words]:
        assert word in str(caught.value), caught.value
