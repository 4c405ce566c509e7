"""Which kernels `minimize` asks for."""

import numba
import numpy as np
import pytest

from fastadam._search import loops, runs
from tests.api.minimize.compiled import run
from tests.api.minimize.test_compiled_compilations import FRESH, fresh
from tests.api.minimize.test_scipy_method import minimize


@pytest.mark.parametrize("form", FRESH)
def test_a_new_function_loads_nothing_of_the_solver(form, monkeypatch):
    run(*fresh(form, 0.0), x0=[1.0], maxiter=3)
    monkeypatch.setattr(loops, "compile_kernel", None)
    assert run(*fresh(form, 1.0), x0=[0.0], maxiter=3).fun == 1.0


@numba.njit
def compiled(x, w):
    return w * ((x[0] - 1.0) ** 2 + (x[1] - 2.0) ** 2)


@numba.njit
def compiled_der(x, w):
    return 2.0 * w * (x - np.array([1.0, 2.0]))


def test_compiled_functions_stay_compiled(monkeypatch):
    """So the engine is not called from Python."""
    monkeypatch.setattr(runs, "iterate_kernel", None)
    result = minimize(compiled, [0.0, 0.0], compiled_der, args=(2.0,))
    np.testing.assert_allclose(result.x, [1, 2], atol=1e-4)
