"""A rule that the package does not have: its kernels' Python code gives what the CPU gives."""

import numba
import numpy as np
import pytest

from fastadam._rules import table
from tests.gpu.batches import assert_as_on_cpu
from tests.gpu.host import HostArray
from tests.rooms.rules.warm_lion import WarmLion

pytestmark = pytest.mark.usefixtures("gpu")


def test_its_steps():
    p, q = np.ones(5), HostArray(np.ones(5))
    cpu, gpu = WarmLion(p, lr=0.1, warmth=0.5), WarmLion(q, lr=0.1, warmth=0.5)
    for k in range(4):
        g = np.cos(np.arange(5.0) + k)
        cpu.step(g)
        gpu.step(HostArray(g))
    assert q.array.tobytes() == p.tobytes()


@numba.njit
def distance(x, grad, centre):
    grad[0], grad[1] = 2.0 * (x[0] - centre[0]), 2.0 * (x[1] - centre[1])
    return (x[0] - centre[0]) ** 2 + (x[1] - centre[1]) ** 2


def test_its_searches(monkeypatch):
    monkeypatch.setitem(table.METHODS, "lion", WarmLion._rule)
    centres = np.array([[1.0, -2.0], [3.0, 0.5], [-1.0, 4.0]])
    options = {"lr": 0.05, "maxiter": 12, "cautious": True}
    assert_as_on_cpu(distance, np.zeros((3, 2)), (centres,), (), "in-place", "lion", **options)
