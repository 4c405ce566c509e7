"""Gradients that are known again, and those that only look like it."""

import numpy as np
import pytest

import fastadam
from tests.gpu.host import HostArray


class Steady(HostArray):
    """As Numba's arrays: one that stays where it is."""

    looks = 0

    @property
    def __cuda_array_interface__(self):
        Steady.looks += 1
        return super().__cuda_array_interface__


def steady(size=3, stream=None):
    return Steady(np.ones(size), stream)


@pytest.fixture
def made(gpu, monkeypatch):
    """Return an optimiser of three arrays, and gradients that it knows."""
    monkeypatch.setattr(gpu, "array_kind", Steady)
    optimizer = fastadam.SGD([steady() for _ in range(3)], lr=1.0)
    grads = [steady() for _ in range(3)]
    for _ in range(3):
        optimizer.step(grads)
    return optimizer, grads


def values(optimizer):
    return [p.array[0] for p in optimizer.param_groups[0]["params"]]


def test_the_same_are_not_looked_at_again(made):
    optimizer, grads = made
    Steady.looks = 0
    grads[1].array[:] = 2.0
    optimizer.step(grads)
    assert values(optimizer) == [-3.0, -4.0, -3.0]
    assert Steady.looks == 1  # at the first parameters, whose stream may be another


def test_others_are(made):
    optimizer, grads = made
    optimizer.step([grads[0], grads[2], steady()])
    with pytest.raises(ValueError, match=r"grads\[1\] must have the shape \(3,\)"):
        optimizer.step([grads[0], steady(4), grads[2]])
    optimizer.step([grads[0], None, grads[2]])
    assert values(optimizer) == [-4.0, -3.0, -4.0]


def test_one_that_is_gone_is_not_one_that_is_none(made):
    optimizer, grads = made
    grads[1] = None
    optimizer.step(grads)
    assert values(optimizer) == [-3.0, -2.0, -3.0]


def test_on_another_stream_they_are_looked_at(gpu, made):
    optimizer, grads = made
    for array in (*optimizer.param_groups[0]["params"], *grads):
        array.stream = 9
    gpu.events.clear()
    optimizer.step(grads)
    assert {stream for _, stream in gpu.events} == {9}


def test_tensors_are_looked_at_all_at_once():
    torch = pytest.importorskip("torch", reason="needs torch")
    from fastadam._cuda.gradients import TensorLayouts

    params = [torch.nn.Parameter(torch.ones(shape)) for shape in ((2, 3), (4,), ())]
    grads = [torch.zeros_like(p) for p in params]
    layouts = TensorLayouts(params)
    addresses = [g.data_ptr() for g in grads]
    assert layouts.find_addresses(grads) == addresses
    assert layouts.find_addresses([grads[0], None, grads[2]]) == [addresses[0], None, addresses[2]]
    for other in (
        torch.ones(3, 2),
        torch.ones(3, 2).t(),
        torch.ones(2, 3, dtype=torch.float64),
        torch.ones(2, 3, device="meta"),
        torch.ones(2, 3).to_sparse(),
        HostArray(np.ones((2, 3), np.float32)),
    ):
        assert layouts.find_addresses([other, *grads[1:]]) is None
