"""Dask's workers, on this machine as on many."""

import threading

import numba
import numpy as np
import pytest

from fastadam import minimize_batch
from tests.api.batch.batches import fails, identical, problems
from tests.api.batch.workers import solve
from tests.api.minimize.helpers import MineError

distributed = pytest.importorskip("distributed", reason="needs Dask: pip install distributed")


@pytest.fixture(scope="module")
def client():
    """Return a client of a cluster of two processes."""
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster) as connected,
    ):
        yield connected


def maps(client):
    """Return what users pass, by how they do."""
    return {
        "map": client.map,
        "gather": lambda function, chunks: client.gather(client.map(function, chunks)),
        "scatter": lambda function, chunks: client.map(function, client.scatter(chunks)),
        "executor": client.get_executor().map,
    }


@pytest.mark.parametrize("name", ["map", "gather", "scatter", "executor"])
def test_the_results_are_those_of_one_process(name, client):
    x0, rows = problems(30)
    expected = solve(x0, rows)
    assert expected.nit.max() > 1
    identical(solve(x0, rows, maps(client)[name]), expected)


def test_the_same_problems_again(client):
    """The futures of the last call are cancelled when all is done: not those of the next."""
    x0, rows = problems(10)
    keys = []

    def mapped(function, chunks):
        futures = client.map(function, chunks)
        keys.extend(future.key for future in futures)
        return futures

    expected = solve(x0, rows)
    for _ in range(3):
        identical(solve(x0, rows, mapped), expected)
    assert len(set(keys)) == len(keys) == 30


def test_functions_that_no_module_has(client):
    x0, k = np.ones((9, 1)), 3.0
    for fun in (lambda x: (x[0] - k) ** 2, numba.njit(lambda x: (x[0] - k) ** 2)):
        expected = minimize_batch(fun, x0)
        assert abs(expected.x - 3.0).max() < 1e-3
        identical(minimize_batch(fun, x0, workers=client.map), expected)


def test_exceptions_arrive(client):
    with pytest.raises(MineError) as caught:
        minimize_batch(fails.py_func, np.ones((9, 1)), (), np.arange(9) == 5, workers=client.map)
    assert caught.value.args == ("in the middle", 7)
    assert "in a worker" in str(caught.value.__cause__)


def test_what_cannot_be_sent(client):
    lock = threading.Lock()

    def fun(x):
        with lock:
            return x[0] ** 2

    with pytest.raises(TypeError, match=r"^fun cannot be sent to another process: cannot pickle"):
        minimize_batch(fun, np.ones((9, 1)), workers=client.map)
