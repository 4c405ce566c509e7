"""Workers for batches: who solves the chunks."""

import multiprocessing
import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor

import numba
import pytest

from fastadam import minimize_batch
from tests.api.batch.batches import FORMS, T


@numba.njit
def quick(x, grad, t, a, y):
    """As `batches.misfit_in_place`; without array expressions, each process compiles it sooner."""
    total = 0.01 * x[0] * x[0] * x[0] * x[0]
    grad[0], grad[1] = 0.04 * x[0] * x[0] * x[0], 0.0
    for i in range(t.size):
        r = x[0] + x[1] * t[i] - y[i]
        total += a * r * r
        grad[0] += 2.0 * a * r
        grad[1] += 2.0 * a * r * t[i]
    return total


def sent(function, chunks):
    """Map as if in another process: everything goes through pickle, both ways."""
    for chunk in chunks:
        there, its = pickle.loads(pickle.dumps((function, chunk)))
        yield pickle.loads(pickle.dumps(there(its)))


class Pools:
    """Map-like callables by name; pools start when they are first asked for, and stay."""

    def __init__(self):
        self._open = {}

    def __getitem__(self, name):
        """Return a map-like callable, or the number of processes."""
        if name.isdigit():
            return int(name)
        if name in ("map", "sent"):
            return {"map": map, "sent": sent}[name]
        kind, _, method = name.partition(".")
        return getattr(self._pool(kind), method)

    def _pool(self, kind):
        if kind not in self._open:
            if kind == "threads":
                self._open[kind] = ThreadPoolExecutor(2)
            elif kind not in multiprocessing.get_all_start_methods():
                pytest.skip(f"processes cannot be started by {kind} here")
            else:
                with warnings.catch_warnings():
                    # Of forking with other threads about; this process's own do nothing then.
                    warnings.simplefilter("ignore", DeprecationWarning)
                    self._open[kind] = multiprocessing.get_context(kind).Pool(2)
        return self._open[kind]

    def close(self):
        """End all pools."""
        for pool in self._open.values():
            if isinstance(pool, ThreadPoolExecutor):
                pool.shutdown()
            else:
                pool.terminate()
                pool.join()


@pytest.fixture(scope="module")
def pools():
    """Return map-like callables by name."""
    made = Pools()
    yield made
    made.close()


def solve(x0, rows, workers=None, form=None, compiled=True, args=(T,), **options):
    """Call `minimize_batch` with options as keywords."""
    forms = FORMS[form] if form else ((quick, "in-place"), (quick.py_func, "in-place"))
    fun, jac = forms[0 if compiled else 1]
    bounds = options.pop("bounds", None)
    return minimize_batch(
        fun, x0, args, rows, "adam", jac, bounds, options=options, workers=workers
    )
