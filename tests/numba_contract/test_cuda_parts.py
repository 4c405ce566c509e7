"""Each private part of numba-cuda that is used, by name, and what is expected of it.

It needs the package, and for what is compiled CUDA's toolkit; no GPU.
"""

import inspect
import re
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest
from numba import types

from fastadam._numba import gpu
from tests.processes import ROOT

#: Where its private parts may be used, and what they are called.
FENCE = {"fastadam/_numba/gpu.py", "fastadam/_numba/gpu_cache.py", "fastadam/_cuda/driver.py"}
PRIVATE = re.compile(
    r"cudadrv|cuda\.bindings|numba\.cuda\.\w|cuda\.api\b|get_cufunc|compile_device"
    r"|max_cooperative_grid_blocks|get_memory_info"
)


def test_they_are_used_in_three_modules_alone():
    used_in = {
        path.relative_to(ROOT).as_posix()
        for path in Path(ROOT, "fastadam").rglob("*.py")
        if PRIVATE.search(path.read_text(encoding="utf-8"))
    }
    assert used_in == FENCE


@pytest.mark.parametrize("room", ["fastadam", "tests", "benchmarks", "examples"])
def test_the_import_hook(room):
    """It takes each name that holds "numba.cuda" for the package's own, and recurses."""
    for path in Path(ROOT, room).rglob("*.py"):
        assert "numba.cuda" not in ".".join(path.relative_to(ROOT).with_suffix("").parts)


# ---------------------------------------------------------------------------------------------
# The package and its compiler
# ---------------------------------------------------------------------------------------------


@pytest.fixture
def cuda():
    """Return `numba.cuda`, which is not the simulator."""
    pytest.importorskip("numba_cuda", reason="needs the numba-cuda package")
    if gpu.is_simulated():
        pytest.skip("these are not the simulator's")
    return gpu.load_compiler()


@pytest.fixture
def toolkit(cuda, monkeypatch):
    """Return `numba.cuda`, which can compile for a GPU that is not there."""
    from tests.gpu.ptx import require_toolkit

    require_toolkit()
    hopper = SimpleNamespace(compute_capability=(9, 0))
    dispatcher = import_module("numba.cuda.dispatcher")
    monkeypatch.setattr(dispatcher, "get_current_device", lambda: hopper)
    return cuda


def parameters(function):
    return list(inspect.signature(function).parameters)


def test_what_tells_it_from_numbas_own_target(cuda):
    """``implementation``, and ``config.ENABLE_CUDASIM``."""
    assert cuda.implementation == "NVIDIA"
    assert cuda.config.ENABLE_CUDASIM in (0, False)


def test_what_tells_whether_there_is_a_gpu(cuda):
    """``is_available``, ``cuda_error`` and ``gpus``."""
    assert isinstance(cuda.is_available(), bool)
    assert cuda.cuda_error() is None or isinstance(cuda.cuda_error(), str)
    assert hasattr(cuda.gpus, "__len__")


def test_the_toolkits_compiler(cuda):
    """``cudadrv.nvvm``: ``NVVM``, and ``compile_ir``, which the code generator looks up there."""
    from numba.cuda import codegen
    from numba.cuda.cudadrv import nvvm

    assert callable(nvvm.NVVM)
    assert codegen.nvvm is nvvm
    assert parameters(nvvm.compile_ir) == ["llvmir", "options"]


def test_the_compilers_lock(cuda):
    """``core.compiler_lock.global_compiler_lock``: one thread may have it twice."""
    from numba.cuda.core.compiler_lock import global_compiler_lock

    with global_compiler_lock, global_compiler_lock:
        pass


def test_the_switch_against_contraction(toolkit):
    """``fma=False`` of ``compile_ir``; and without it there is something to switch off."""

    def kernel(x):
        x[0] = x[0] * x[1] + x[2]

    signature = types.void(types.Array(types.float32, 1, "C"))

    def compiled():
        text, _ = toolkit.compile(
            kernel, signature, device=False, abi="numba", cc=(9, 0), output="ptx"
        )
        return text

    assert "fma.rn.f32" in compiled()
    with gpu.uncontracted():
        assert "fma.rn.f32" not in compiled()


def test_a_compiler_that_is_called_elsewhere_is_noticed(cuda):
    with pytest.raises(RuntimeError, match="release of numba-cuda"), gpu.uncontracted():
        pass


def test_the_type_of_a_functions_result(toolkit):
    """``compile_device(...).signature.return_type`` of ``jit(device=True)``."""
    _, returned = gpu.compile_function(lambda x: x + 1j, (types.float64,))
    assert returned == types.complex128


def test_an_intrinsic(toolkit):
    """``extending.intrinsic``, and assembly in it: the clock is read twice."""
    now = gpu.clock()

    def kernel(x):
        x[0] = now()
        x[1] = now()

    signature = types.void(types.Array(types.int64, 1, "C"))
    text, _ = toolkit.compile(kernel, signature, device=False, abi="numba", cc=(9, 0), output="ptx")
    assert text.count("%globaltimer") == 2


def test_memory_by_its_address(toolkit):
    """What intrinsics get: a context with ``make_tuple``, a builder of llvmlite's, and values."""
    import numpy as np

    from fastadam._numba.gpu_memory import make_load, make_store

    parts = ((np.dtype(np.float32), 2),)
    load, store = make_load(parts, 4), make_store(parts, 4)

    def kernel(pointer, i):
        store((pointer,), (64,), i + 4, load((pointer,), (64,), i))

    signature = types.void(types.int64, types.int64)
    text, _ = toolkit.compile(kernel, signature, device=False, abi="numba", cc=(9, 0), output="ptx")
    assert text.count("ld.global.v4.f32") == text.count("st.global.v4.f32") == 2
    assert ".local" not in text


def test_an_array_whose_strides_the_compiler_knows(toolkit):
    """``np.arrayobj``'s ``make_array`` and ``populate_array``, ``get_abi_sizeof``."""
    view = gpu.make_thread_view((3, 5), 32)

    def kernel(memory):
        own = view(memory, toolkit.grid(1))
        own[0, 0] = own[2, 4]

    signature = types.void(types.Array(types.float32, 4, "C"))
    text, _ = toolkit.compile(kernel, signature, device=False, abi="numba", cc=(9, 0), output="ptx")
    assert re.search(r"ld\S*\.f32\s+%f\d+, \[%rd\d+\+1792\]", text)  # 14 times 32 numbers


# ---------------------------------------------------------------------------------------------
# What `_numba.gpu_cache` uses
# ---------------------------------------------------------------------------------------------


def test_what_a_kernel_is_made_of_again(cuda):
    """``_Kernel._rebuild``, ``bind``; ``CUDACodeLibrary``, ``get_cubin``; ``ObjectCode.code``."""
    from numba.cuda import codegen, dispatcher
    from numba.cuda.cudadrv import driver

    given = "cooperative, name, signature, codelibrary, debug, lineinfo, call_helper, extensions"
    assert ", ".join(parameters(dispatcher._Kernel._rebuild)).startswith(given)
    assert parameters(dispatcher._Kernel.bind) == ["self"]
    library = codegen.CUDACodeLibrary(None, "name", entry_name="name")
    code = driver.ObjectCode.from_cubin(b"\x7fELF")
    library._cubin_cache[9, 0, "a"] = code
    library._finalized = True
    assert library.get_cubin((9, 0, "a")) is code
    assert code.code == b"\x7fELF"
    assert parameters(library._ensure_cc) == ["cc"]
    assert not library._linking_files
    assert not library.referenced_objects


def test_a_dispatcher_is_given_a_kernel(cuda):
    """``add_overload(kernel, types)``, ``disable_compile()``; ``targetoptions``, ``py_func``."""
    compiled = cuda.jit(lto=False, max_registers=64)(lambda x: None)
    kernel = SimpleNamespace(entry_point=None)  # as the finalizer wants it
    compiled.add_overload(kernel, (types.int64,))
    compiled.disable_compile()
    assert list(compiled.overloads.values()) == [kernel]
    assert compiled.targetoptions["max_registers"] == 64
    assert callable(compiled.py_func)


def test_the_compilers_files(toolkit):
    """``pathfinder.load_nvidia_dynamic_lib(name).abs_path``, and ``libs.get_libdevice()``."""
    from cuda import pathfinder
    from numba.cuda.cudadrv import libs

    paths = [pathfinder.load_nvidia_dynamic_lib(name).abs_path for name in ("nvvm", "nvJitLink")]
    assert all(Path(path).is_file() for path in (*paths, libs.get_libdevice()))


@pytest.mark.parametrize("name", ["numba_cuda", "llvmlite", "cuda.core", "cuda.bindings"])
def test_what_has_a_version(name, cuda):
    assert isinstance(import_module(name).__version__, str)


# ---------------------------------------------------------------------------------------------
# What `_cuda.driver` uses
# ---------------------------------------------------------------------------------------------


def test_a_compiled_kernel(cuda):
    """A dispatcher's ``overloads``; ``library``, ``max_cooperative_grid_blocks`` of each."""
    from numba.cuda import codegen, dispatcher
    from numba.cuda.cudadrv.driver import CudaPythonFunction

    assert cuda.jit(lambda x: None).overloads == {}
    assert isinstance(dispatcher._Kernel.library, property)
    assert parameters(dispatcher._Kernel.max_cooperative_grid_blocks)[:2] == ["self", "blockdim"]
    assert parameters(codegen.CUDACodeLibrary.get_cufunc) == ["self"]
    assert "handle" in CudaPythonFunction.__slots__


def test_contexts(cuda):
    """``current_context(ordinal)``: its ``device.id``, and ``get_memory_info().free``."""
    from numba.cuda.cudadrv import driver

    assert parameters(cuda.current_context) == ["devnum"]
    assert parameters(driver.Context)[0] == "device"
    assert "self.id = " in inspect.getsource(driver.Device.__init__)
    assert callable(driver.Context.get_memory_info)
    assert "free" in driver.MemoryInfo._fields


def test_arrays_from_descriptions(cuda):
    """``from_cuda_array_interface(description, owner)``."""
    assert parameters(cuda.from_cuda_array_interface)[:2] == ["desc", "owner"]


def test_the_type_of_arrays(cuda):
    """``cudadrv.devicearray.DeviceNDArray``, of which `bind` and views make others."""
    from numba.cuda.cudadrv.devicearray import DeviceNDArray

    assert "copy.copy(self)" in inspect.getsource(DeviceNDArray.bind)


def test_the_fields_of_an_array(cuda):
    """What `describe_vector` lays out, word for word."""
    from numba.cuda.target import CUDATargetContext

    manager = CUDATargetContext(None).data_model_manager
    model = manager.lookup(types.Array(types.float32, 2, "C"))
    names = "meminfo, parent, nitems, itemsize, data, shape, strides"
    assert ", ".join(model._fields) == names


CALLS = (
    "CtxGetDevice CtxSynchronize DeviceGetAttribute DriverGetVersion EventCreate EventDestroy "
    "EventRecord LaunchKernel MemcpyDtoD MemcpyDtoH MemcpyDtoHAsync MemcpyHtoD MemcpyHtoDAsync "
    "MemsetD8Async PointerGetAttribute StreamCreate StreamDestroy StreamIsCapturing "
    "StreamSynchronize StreamWaitEvent ThreadExchangeStreamCaptureMode"
)


@pytest.mark.parametrize("name", CALLS.split())
def test_the_drivers_functions(name, cuda):
    """``cuda.bindings.driver``: functions in C, which no signal comes between."""
    function = getattr(import_module("cuda.bindings.driver"), f"cu{name}")
    assert not inspect.isfunction(function)


def test_the_drivers_constants(cuda):
    api = import_module("cuda.bindings.driver")
    assert int(api.CUfunction(7)) == 7
    assert api.CUevent_flags.CU_EVENT_DISABLE_TIMING is not None
    assert api.CUpointer_attribute.CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL is not None
    assert api.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT is not None
    assert api.CUstream_flags.CU_STREAM_NON_BLOCKING is not None
    assert api.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_RELAXED is not None
    assert not api.CUstreamCaptureStatus(0)  # none is false
    assert not api.CUresult(0)  # success is false


def test_memory_that_is_not_freed_meanwhile(cuda):
    """``defer_cleanup()``, a context."""
    assert hasattr(cuda.defer_cleanup(), "__enter__")
