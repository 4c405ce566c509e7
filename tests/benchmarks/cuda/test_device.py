"""The GPU of the `cuda` suite: what it asks numba-cuda and the driver's tool."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.cuda import device as cuda_device
from benchmarks.cuda.arrays import outside
from benchmarks.cuda.device import Gpu, headline, state_line
from fastadam._numba import gpu as target
from tests.benchmarks.cuda.stand_in import HostArrays
from tests.processes import run_python


class Cuda:
    """What the suite uses of `numba.cuda`, with the names that it has there."""

    def __init__(self):
        self.done = []
        memory = SimpleNamespace(free=3 * 2**30, total=2**34)
        deallocations = SimpleNamespace(clear=lambda: self.done.append("clear"))
        context = SimpleNamespace(get_memory_info=lambda: memory, deallocations=deallocations)
        self.current_context = lambda: context
        device = SimpleNamespace(
            name="Card", uuid="GPU-1", compute_capability=(9, 0), MULTIPROCESSOR_COUNT=3
        )
        self.get_current_device = lambda: device
        self.cudadrv = SimpleNamespace(driver=SimpleNamespace(get_version=lambda: (12, 9)))
        self.runtime = SimpleNamespace(get_version=lambda: (12, 8))
        self.event = object

    def synchronize(self):
        self.done.append("synchronize")

    def to_device(self, array):
        return SimpleNamespace(array=array, copy_to_host=lambda: array)

    def as_cuda_array(self, array):
        return SimpleNamespace(array=array)


@pytest.fixture
def cuda(monkeypatch):
    fake = Cuda()
    monkeypatch.setattr(target, "load_cuda", lambda: fake)
    monkeypatch.setattr(target, "is_simulated", lambda: False)
    return fake


def put_tool(folder, monkeypatch, answer, status=0):
    """Let there be an ``nvidia-smi`` that answers so."""
    tool = folder / "nvidia-smi"
    tool.write_text(f"#!{sys.executable}\nprint({answer!r})\nraise SystemExit({status})\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def test_description(cuda, tmp_path, monkeypatch):
    answer = "570.1, P0, 1980 MHz, 1980 MHz, 2619 MHz, 500.00 W, 700.00 W"
    put_tool(tmp_path, monkeypatch, answer)
    described = Gpu().describe()
    assert headline(described).startswith(
        "Card, compute capability 9.0, 16.0 GiB, 3.0 free, driver 570.1 (CUDA 12.9), toolkit 12.8"
    )
    assert state_line(described).startswith("P0, SM clock 1980 MHz of 1980 MHz, memory clock 2619")
    assert state_line(described).endswith("500.00 W of 700.00 W")


@pytest.mark.parametrize(("answer", "status"), [("No devices were found", 0), ("", 9), (None, 0)])
def test_without_the_drivers_tool(answer, status, cuda, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    if answer is not None:
        put_tool(tmp_path, monkeypatch, answer, status)
    gpu = Gpu()
    assert gpu.state() == {}
    assert state_line(gpu.state()) == ""
    assert "driver of unknown release (CUDA 12.9)" in headline(gpu.describe())


def test_memory_is_given_back_by_all_libraries(cuda, monkeypatch):
    gpu = Gpu()
    assert gpu.free_memory() == 3 * 2**30
    pool = SimpleNamespace(free_all_blocks=lambda: cuda.done.append("CuPy"))
    cupy = SimpleNamespace(get_default_memory_pool=lambda: pool)
    torch = SimpleNamespace(
        cuda=SimpleNamespace(
            is_initialized=lambda: True, empty_cache=lambda: cuda.done.append("torch")
        )
    )
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    monkeypatch.setitem(sys.modules, "torch", torch)
    gpu.release()
    assert cuda.done == ["synchronize", "clear", "torch", "CuPy"]


@pytest.mark.parametrize("place", [None, 4])
def test_what_is_outside_is_looked_for_by_a_kernel(place, cuda, monkeypatch):
    class Kernel:
        def __getitem__(self, grid):
            assert grid == (3 * 32, 256)
            return self.run

        def run(self, x, lowest, highest, first):
            assert first.array.dtype == np.int64
            found = outside(HostArrays(), x.array, lowest.array, highest.array)
            if found is not None:
                first.array[0] = found[0]

    monkeypatch.setattr(cuda_device, "load_search", lambda dtype: Kernel())
    pattern = np.arange(3.0)
    array = np.resize(pattern, 7)
    if place is not None:
        array[place] = 9.0
    gpu = Gpu()
    gpu.synchronize()
    found = gpu.outside(HostArrays(), array, pattern, pattern)
    assert found == (None if place is None else (place, 9.0))


def test_the_names_are_those_of_numba_cuda():
    """Those that can be looked up without a GPU."""
    pytest.importorskip("numba_cuda", reason="needs numba-cuda")
    code = """
from numba import cuda
from numba.cuda.cudadrv.devicearray import DeviceNDArray
from numba.cuda.cudadrv import driver
names = {
    cuda: "event synchronize current_context get_current_device to_device device_array "
    "as_cuda_array",
    cuda.runtime: "get_version",
    cuda.cudadrv.driver: "get_version",
    driver.Context: "get_memory_info",
    driver.Event: "record synchronize elapsed_time",
    DeviceNDArray: "__len__ __getitem__ copy_to_device copy_to_host",
}
print([name for owner in names for name in names[owner].split() if not hasattr(owner, name)])
import inspect
print("deallocations" in inspect.getsource(driver.Context.__init__))
"""
    assert run_python(code, NUMBA_ENABLE_CUDASIM="0").splitlines() == ["[]", "True"]


def test_the_simulator_is_no_gpu(cuda, monkeypatch):
    monkeypatch.setattr(cuda_device.target, "is_simulated", lambda: True)
    with pytest.raises(RuntimeError, match="no times"):
        Gpu()
