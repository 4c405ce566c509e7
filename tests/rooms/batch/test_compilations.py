"""What a batch compiles."""

import numba
import numpy as np
import pytest
from numba.core import event

from fastadam import minimize_batch
from fastadam._search import loops as kernels
from fastadam._search import row_loop as many
from tests.api.batch.batches import CHUNK
from tests.api.minimize.helpers import Compilations


def fresh(k):
    """Return a compiled function that nobody has seen before."""
    space = {"__name__": "fresh"}
    exec(f"def fun(x, grad, y):\n    grad[:] = 2 * x\n    return x[0] ** 2 + y[0] + {k}", space)
    return numba.njit(space["fun"])


def test_a_second_function_compiles_nothing_of_the_solver(monkeypatch):
    x0, y = np.ones((CHUNK + 2, 1)), np.ones((CHUNK + 2, 3))
    options = {"maxiter": 3, "lr": 0.1, "threads": 2}
    minimize_batch(fresh(0.0), x0, batch_args=(y,), jac="in-place", options=options)
    monkeypatch.setattr(many, "compile_kernel", None)  # nor loads it from disk
    monkeypatch.setattr(kernels, "compile_kernel", None)
    fun = fresh(1.0)
    with event.install_listener("numba:compile", Compilations()) as listener:
        result = minimize_batch(
            fun, 0 * x0, batch_args=(y,), jac="in-place", options={**options, "threads": 3}
        )
    assert (result.fun == 2.0).all()
    assert listener.of_the_solver == []  # one wrapper serves all functions of the same types
    assert ("fresh", "fun") in listener.seen
    with event.install_listener("numba:compile", Compilations()) as listener:
        minimize_batch(fun, np.ones((3, 9)), (), np.ones((3, 7)), jac="in-place", options=options)
    assert listener.seen == []  # neither sizes nor values matter


def test_a_function_that_is_declared_for_other_types():
    fun = numba.njit("float64(float64[::1], int64)")(lambda x, k: x[0] ** 2 + k)
    with pytest.raises(ValueError, match=r"fun cannot be compiled.*its signatures are"):
        minimize_batch(fun, np.ones((2, 1)), batch_args=(np.ones((2, 3)),))
    assert (minimize_batch(fun, np.ones((2, 1)), batch_args=(np.arange(2),)).status == 0).all()
