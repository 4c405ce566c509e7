"""The limits of a polish, by a clock and a number of its own."""

import types

import numpy as np
import pytest
from scipy.optimize import rosen, rosen_der

from fastadam._minimize import counted
from fastadam._search import deadline, runs
from tests.api.minimize.helpers import run
from tests.api.minimize.test_polish import BRIEFLY, each_polisher
from tests.api.minimize.test_polish_limits import START


@pytest.mark.parametrize("name", ["BFGS", "TNC", "SLSQP", "trust-constr"])
def test_no_polish_goes_on_for_ever(name, monkeypatch):
    monkeypatch.setattr(counted, "MOST_ITERATIONS", 4)
    result = run(rosen, START, rosen_der, polish=name, **BRIEFLY)
    assert (result.status, result.polish.nit) == (1, 4)
    assert "Maximum number of iterations has been exceeded." in result.polish.message


@pytest.mark.fault(number=3)
@each_polisher
def test_max_seconds_is_for_both_parts(name, monkeypatch):
    """By a clock that each evaluation puts forward by a second."""
    clock = types.SimpleNamespace(monotonic=lambda: seconds[0])
    for module in (counted, deadline, runs):
        monkeypatch.setattr(module, "time", clock)

    def slow(x):
        seconds[0] += 1.0
        return rosen(x)

    for jac in (rosen_der, "2-point")[: 1 if name == "Newton-CG" else 2]:
        seconds = [0.0]
        first = run(slow, START, jac, **BRIEFLY)
        limit, seconds[0] = seconds[0] + 9.5, 0.0
        result = run(slow, START, jac, polish=name, max_seconds=limit, gtol=0.0, **BRIEFLY)
        assert (result.status, result.success) == (1, False)
        assert "Maximum time has been exceeded." in result.message
        assert first.nfev < seconds[0] <= limit + 1.0
        np.testing.assert_allclose(result.jac, rosen_der(result.x), rtol=1e-5, atol=1e-5)
