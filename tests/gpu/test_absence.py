"""Where CUDA is not asked for it is not imported; where it is and is missing, an error says so."""

from importlib.util import find_spec

import numpy as np
import pytest

import fastadam
from fastadam._numba import gpu as target
from tests.processes import run_python


class OnGpu:
    """An array that is on a GPU as far as can be told without one."""

    __cuda_array_interface__ = {  # noqa: RUF012
        "shape": (3,),
        "typestr": "<f4",
        "data": (0x7F0000000000, False),
        "version": 3,
    }


@pytest.fixture
def forgotten():
    """Have what was found on this machine looked for again, now and afterwards."""
    found = (target.load_cuda, target.load_compiler)
    for function in found:
        function.cache_clear()
    yield
    for function in found:
        function.cache_clear()


def test_steps_on_the_cpu_import_nothing_of_cuda():
    code = """
import sys
import numpy as np, fastadam
fastadam.Adam([np.ones(3)], nonfinite="raise").step([np.ones(3)])
fastadam.pack([np.ones(3)])
print([name for name in sys.modules if name.startswith(("numba.cuda", "fastadam.cuda"))])
"""
    assert run_python(code) == "[]"


def test_asking_whether_it_is_available_is_no_error():
    assert isinstance(fastadam.cuda.is_available(), bool)


CALLS = {
    "Adam": lambda: fastadam.Adam(OnGpu()),
    "SGD": lambda: fastadam.SGD({"w": OnGpu()}),
    "pack": lambda: fastadam.pack([OnGpu()]),
}


@pytest.mark.parametrize("call", CALLS)
def test_without_numba_cuda(call):
    """In a process that never met it: an import that failed is tried again."""
    code = f"""
import importlib.util, sys
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: (
    None if name == "numba_cuda" else find_spec(name, *rest))
import fastadam
from fastadam.cuda import is_available
from tests.gpu.test_absence import CALLS
for _ in range(2):
    try:
        CALLS[{call!r}]()
    except ImportError as error:
        print(error)
print(is_available(), "numba.cuda" in sys.modules)
"""
    *messages, last = run_python(code).splitlines()
    assert len(messages) == 2
    for message in messages:
        assert "numba-cuda package" in message
        assert 'pip install "fastadam[cuda12]"' in message
    assert last == "False False"


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.usefixtures("forgotten")
def test_a_numpy_that_numba_cuda_does_not_know(call, monkeypatch):
    """Said once, before a user's function is compiled: there the error names `row_stack`."""
    monkeypatch.setattr(target, "find_spec", lambda name: object())
    monkeypatch.setattr(np, "__version__", "2.5.5")
    with pytest.raises(ImportError, match=r'numba-cuda does not know 2\.5\.5.*"numpy<2\.5"'):
        CALLS[call]()
    assert not target.is_available()


@pytest.mark.usefixtures("forgotten")
def test_the_bridge_for_torch_without_numba_cuda(monkeypatch):
    torch = pytest.importorskip("torch", reason="needs torch")
    import fastadam.torch

    class OnGpu(torch.Tensor):
        device = torch.device("cuda:0")

    monkeypatch.setattr(target, "find_spec", lambda name: None)
    p = torch.nn.Parameter(torch.ones(3).as_subclass(OnGpu))
    with pytest.raises(ImportError, match=r"numba-cuda package.*fastadam\[cuda12\]"):
        fastadam.torch.Adam([p])


@pytest.mark.usefixtures("forgotten")
def test_the_built_in_target_is_refused(monkeypatch):
    pytest.importorskip("numba_cuda", reason="needs numba-cuda")
    from numba import cuda

    monkeypatch.delattr(cuda, "implementation")
    with pytest.raises(ImportError, match="built-in target"):
        target.load_cuda()


@pytest.mark.skipif(find_spec("numba_cuda") is None, reason="needs numba-cuda")
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.usefixtures("forgotten")
def test_without_a_gpu(call, monkeypatch):
    from numba import cuda

    monkeypatch.setattr(cuda, "is_available", lambda: False)
    monkeypatch.setattr(cuda, "cuda_error", lambda: "\nCUDA driver library cannot be found.\n")
    with pytest.raises(RuntimeError, match=r"NVIDIA GPU and its driver.*library cannot be found"):
        CALLS[call]()
    assert not target.is_available()


@pytest.mark.skipif(find_spec("numba_cuda") is None, reason="needs numba-cuda")
@pytest.mark.usefixtures("forgotten")
def test_without_the_toolkit(monkeypatch):
    from numba import cuda
    from numba.cuda.cudadrv import nvvm

    def missing(*arguments):
        raise OSError("libnvvm.so: not found")

    monkeypatch.setattr(cuda, "is_available", lambda: False)
    monkeypatch.setattr(cuda, "cuda_error", lambda: None)
    monkeypatch.setattr(cuda, "gpus", [0])
    monkeypatch.setattr(nvvm, "NVVM", missing)
    with pytest.raises(RuntimeError, match=r"libNVVM \(libnvvm.so: not found\).*cuda12"):
        target.load_cuda()


def test_describing_it_copies_nothing():
    with pytest.raises(TypeError, match="an array on a GPU"):
        fastadam.Adam(np.ones(3, np.float32)).step(OnGpu())
