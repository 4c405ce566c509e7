"""Errors of what a GPU has found, computed from values there."""

import numpy as np
import pytest

import fastadam
from fastadam import uncertainty
from tests.gpu.batches import FORMS, T, problems
from tests.gpu.simulated import libraries
from tests.gpu.simulated.device import SimulatedDevice


@pytest.fixture(autouse=True)
def _libraries(monkeypatch):
    libraries.install(monkeypatch, SimulatedDevice)


@pytest.mark.parametrize("form", ["in-place", "2-point"])
def test_the_errors_are_those_of_the_cpu(form):
    from numba import cuda

    x0, rows = problems(5)
    fun, jac = FORMS[form]
    result = fastadam.minimize_batch(fun, x0, (T,), rows, jac=jac)
    given = {"args": (T,), "jac": jac, "kind": "least_squares", "points": T.size}
    expected = uncertainty(fun, result, batch_args=rows, **given)
    assert np.isfinite(expected.stderr).all()
    found = uncertainty(fun, result, batch_args=rows, device="cuda", **given)
    np.testing.assert_allclose(found.covariance, expected.covariance, rtol=1e-5)
    there = {"x": cuda.to_device(result.x)}
    on_gpu = tuple(map(cuda.to_device, rows))
    again = uncertainty(fun, there, batch_args=on_gpu, device="cuda", **given)
    np.testing.assert_array_equal(again.covariance, found.covariance)
    from_cupy = uncertainty(
        fun, {"x": libraries.CupyArray(result.x)}, batch_args=rows, device="cuda", **given
    )
    np.testing.assert_array_equal(from_cupy.covariance, found.covariance)
