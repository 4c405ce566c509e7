"""Torch's tensors, by a stand-in: no stream in their interface, and none where gradients are."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

import fastadam
from tests.gpu.host import HostArray


class Tensor:
    """What a torch CUDA tensor shows of itself."""

    def __init__(self, array, requires_grad=False):
        self.shown, self.requires_grad, self.device = HostArray(array), requires_grad, "cuda:0"
        self.array, self.shape, self.dtype, self.layout = array, array.shape, array.dtype, "strided"

    def data_ptr(self):
        """Return the address."""
        return self.array.ctypes.data

    def is_contiguous(self):
        """Tell whether it is in C order."""
        return self.array.flags.c_contiguous

    def detach(self):
        """Return the same memory, without a gradient."""
        return Tensor(self.array)

    @property
    def __cuda_array_interface__(self):
        if self.requires_grad:
            raise RuntimeError("use detach()")
        shown = dict(self.shown.__cuda_array_interface__, version=2)
        del shown["stream"]
        return shown

    def __iter__(self):
        raise AssertionError("a tensor is one array")


@pytest.fixture
def torch(monkeypatch):
    """Put a module in torch's place; its current stream can be set."""
    module = SimpleNamespace(Tensor=Tensor, current=0, strided="strided")
    module.nn = SimpleNamespace(Parameter=Tensor)
    module.cuda = SimpleNamespace(
        current_stream=lambda device: SimpleNamespace(cuda_stream=module.current)
    )
    monkeypatch.setitem(sys.modules, "torch", module)
    return module


@pytest.mark.parametrize("requires_grad", [False, True])
@pytest.mark.parametrize("shape", [(3,), (2, 2)])
def test_steps_follow_the_current_stream(gpu, torch, requires_grad, shape):
    p = Tensor(np.ones(shape, np.float32), requires_grad)
    g = Tensor(np.ones(shape, np.float32))
    expected = np.ones(shape, np.float32)
    optimizer, cpu = fastadam.Adam(p), fastadam.Adam(expected)
    gpu.events.clear()
    for stream in (0, 0x7F10, 0):
        torch.current = stream
        optimizer.step(g)
        cpu.step(g.array)
    assert gpu.events == [("launch", 0), ("launch", 0x7F10), ("launch", 0)]
    assert p.array.tobytes() == expected.tobytes()


def test_a_gradient_of_torch_for_other_arrays_is_in_torchs_order(gpu, torch):
    p = HostArray(np.ones(3), 5)
    optimizer = fastadam.Adam([p])
    torch.current = 9
    gpu.events.clear()
    optimizer.step([Tensor(np.ones(3))])
    assert gpu.events == [("order", 9, 5), ("launch", 5), ("order", 5, 9)]


@pytest.mark.usefixtures("gpu", "torch")
def test_bad_tensors_are_named():
    p = Tensor(np.ones(3, np.float32), requires_grad=True)
    optimizer = fastadam.Adam({"w": p})
    with pytest.raises(TypeError, match=r"grads\['w'\] must be float32"):
        optimizer.step({"w": Tensor(np.ones(3))})
    with pytest.raises(TypeError, match="an array on a GPU"):
        fastadam.Adam(np.ones(3, np.float32)).step(p)
    assert (p.array == 1.0).all()
