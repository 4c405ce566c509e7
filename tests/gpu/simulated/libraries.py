"""Libraries of arrays on a GPU, by stand-ins over host memory, for the simulator."""

import ctypes
import sys
from types import SimpleNamespace

import numpy as np

from tests.gpu.host import PLACES, HostArray


class CupyArray(HostArray):
    """What an array of CuPy shows of itself: the stream that is current."""

    def __init__(self, array):
        super().__init__(array, stream=1)


class Tensor(HostArray):
    """What a tensor of torch shows of itself: no stream."""

    device = "cuda:0"


def torch_empty(shape, dtype, device):
    """Allocate as torch does."""
    assert device == "cuda:0"
    return Tensor(np.full(shape, 77, dtype))


def from_interface(description, owner):
    """Make an array of the simulator in the memory of another, as numba-cuda does on a GPU."""
    from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray

    shape, dtype = description["shape"], np.dtype(description["typestr"])
    size = max(int(np.prod(shape)) * dtype.itemsize, 1)
    memory = (ctypes.c_byte * size).from_address(description["data"][0])
    memory.owner = owner  # which is kept as long as its memory is used
    return FakeCUDAArray(np.ndarray(shape, dtype, memory, strides=description.get("strides")))


def install(monkeypatch, make_device):
    """Have the simulator take arrays of the stand-ins, and all libraries be there."""
    from numba import cuda
    from numba.cuda.simulator.cudadrv.devices import FakeCUDADevice

    from tests.gpu import host

    monkeypatch.setattr(cuda, "from_cuda_array_interface", from_interface, raising=False)
    monkeypatch.setattr(FakeCUDADevice, "id", 0, raising=False)
    torch = SimpleNamespace(Tensor=Tensor, empty=torch_empty)
    for name in ("float32", "float64", "int64", "bool"):
        setattr(torch, name, np.dtype(name))
    current = SimpleNamespace(cuda_stream=0)
    torch.cuda = SimpleNamespace(current_stream=lambda device: current)
    cupy = SimpleNamespace(
        ndarray=CupyArray, empty=lambda shape, dtype: CupyArray(np.full(shape, 77, dtype))
    )
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    host.install(monkeypatch, make_device)
    PLACES.clear()


def forbid_copies(monkeypatch, size):
    """Have whatever copies an array with an axis of a size to the host, or from it, fail."""
    from numba import cuda
    from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray

    def watched(copy):
        def call(array, *rest, **options):
            assert size not in np.shape(getattr(array, "_ary", array)), "a copy of the batch"
            return copy(array, *rest, **options)

        return call

    for name in ("copy_to_host", "copy_to_device", "__array__"):
        copy = getattr(FakeCUDAArray, name, None) or (lambda array, *rest: np.array(array._ary))
        monkeypatch.setattr(FakeCUDAArray, name, watched(copy), raising=False)
    monkeypatch.setattr(cuda, "to_device", watched(cuda.to_device))
