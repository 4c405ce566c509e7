"""A rule that the package does not have: its kernels for a GPU are made, and do what it says."""

import numba
import numpy as np
import pytest

from fastadam._rules import table
from tests.gpu import ptx
from tests.gpu.batches import assert_as_on_cpu
from tests.gpu.host import HostArray, HostDevice, install
from tests.rooms.rules.warm_lion import Reference, WarmLion


class PtxDevice(HostDevice):
    """Runs what the compiler made of a kernel, on arguments as the driver takes them."""

    def __init__(self, ordinal, monkeypatch):
        super().__init__(ordinal)
        self._monkeypatch = monkeypatch

    def compile(self, function, signature):
        return ptx.Program(ptx.compile_ptx(function, signature, self._monkeypatch))

    def run(self, kernel, blocks, threads, arguments):
        kernel.run(arguments.address, blocks, threads)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("hyper", [{"weight_decay": 0.5, "warmth": 0.5}, {"cautious": True}])
def test_its_steps(dtype, hyper, monkeypatch):
    ptx.require_toolkit()
    install(monkeypatch, lambda ordinal: PtxDevice(ordinal, monkeypatch))
    p, q = np.ones(4, dtype), HostArray(np.ones(4, dtype))
    cpu, gpu = WarmLion(p, lr=0.1, **hyper), WarmLion(q, lr=0.1, **hyper)
    reference = Reference(p, 0.1, **hyper)
    rng = np.random.default_rng(0)
    for _ in range(4):
        g = rng.standard_normal(4).astype(dtype)
        cpu.step(g)
        gpu.step(HostArray(g))
        reference.step(g)
    assert q.array.tobytes() == p.tobytes()
    assert gpu.state_dict()["group0/0/m"].tobytes() == cpu.state_dict()["group0/0/m"].tobytes()
    np.testing.assert_allclose(p, reference.p, rtol=1e-6)


@numba.njit
def distance(x, grad, centre):
    total = 0.0
    for i in range(x.size):
        grad[i] = 2.0 * (x[i] - centre[i])
        total += (x[i] - centre[i]) ** 2
    return total


def test_its_searches(monkeypatch):
    """The kernel with the types that it has on a GPU, compiled for the CPU."""
    pytest.importorskip("numba_cuda", reason="needs numba-cuda")
    from tests.gpu.host_searches import installed

    monkeypatch.setitem(table.METHODS, "lion", WarmLion._rule)
    centres = np.array([[1.0, -2.0], [3.0, 0.5], [-1.0, 4.0]])
    options = {"lr": 0.05, "maxiter": 12, "warmth": 0.5}
    with installed():
        batch = assert_as_on_cpu(
            distance, np.zeros((3, 2)), (centres,), (), "in-place", "lion", **options
        )
    for x, centre in zip(batch.x, centres, strict=True):
        reference = Reference(np.zeros(2), 0.05, warmth=0.5)
        for _ in range(12):
            reference.step(2.0 * (reference.p - centre))
        np.testing.assert_allclose(x, reference.p, rtol=1e-13)
