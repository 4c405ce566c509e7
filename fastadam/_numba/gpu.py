"""The numba-cuda package: found, or one error that says what is missing; and its compiler.

`numba.cuda` is imported where it is needed; Numba's built-in target of that name is never used.

What is used of the package beyond its public functions is used here, in `gpu_cache` and in
`_cuda.driver` alone; see `tests/numba_contract/test_cuda_parts.py`. No module may be called `cuda`
in this room: the package's import hook takes every name with "numba.cuda" in it for its own.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, cast

import numpy as np
from numba import types
from numba.core.cgutils import ir  # llvmlite's, as Numba has it

from .version import CUDA_OLDEST, CUDA_UNTESTED, require_tested

#: numba-cuda 0.30 asks for `numpy.row_stack`, which NumPy dropped here: it would fail in the middle
#: of compiling a user's function.
_UNKNOWN_NUMPY = "2.5.0"

_INSTALL = 'pip install "fastadam[cuda12]", or "fastadam[cuda13]" for a driver of CUDA 13'


@cache  # not of the errors: what was missing may come
def load_cuda() -> Any:
    """Load the module `numba.cuda` of the numba-cuda package, ready for use.

    RuntimeError if a driver with a GPU, or the toolkit's compiler, is missing.
    """
    cuda = load_compiler()
    if is_simulated():
        return cuda
    cuda.is_available()  # starts the driver, and `cuda_error` tells how that went
    problem = cuda.cuda_error()
    if problem is None and not len(cuda.gpus):
        problem = "the driver lists no GPU"
    if problem is not None:
        reason = " ".join(problem.split())
        raise RuntimeError(f"CUDA needs an NVIDIA GPU and its driver; numba-cuda says: {reason}")
    try:
        from numba.cuda.cudadrv.nvvm import NVVM

        NVVM()
    except (ImportError, OSError, RuntimeError) as error:
        problem = f"CUDA needs the toolkit's compiler, libNVVM ({error}): {_INSTALL}"
        raise RuntimeError(problem) from error
    return cuda


def is_available() -> bool:
    """Tell whether arrays on a GPU can be worked on here.

    Returns
    -------
    bool
        Whether the numba-cuda package, a GPU with its driver and the toolkit's compiler are all
        there. What needs them raises an error that says which one is missing.
    """
    try:
        load_cuda()
    except (ImportError, RuntimeError):
        return False
    return True


@cache
def load_compiler() -> Any:
    """Load the module `numba.cuda` of the numba-cuda package; a GPU is not needed.

    ImportError if the package is not installed, is of a release that fastadam was not tested with,
    or does not know the NumPy that is installed.
    """
    if find_spec("numba_cuda") is None:
        raise ImportError(f"CUDA needs the numba-cuda package: {_INSTALL}", name="numba_cuda")
    if np.lib.NumpyVersion(np.__version__) >= _UNKNOWN_NUMPY:
        raise ImportError(
            f"CUDA needs NumPy below {_UNKNOWN_NUMPY}: numba-cuda does not know {np.__version__}; "
            'pip install "numpy<2.5"'
        )
    version = import_module("numba_cuda").__version__
    require_tested(version, "numba-cuda", CUDA_OLDEST, CUDA_UNTESTED)
    try:
        cuda = import_module("numba.cuda")
    except ImportError as error:
        raise ImportError(f"CUDA needs all of numba-cuda ({error}): {_INSTALL}") from error
    if getattr(cuda, "implementation", None) != "NVIDIA":
        raise ImportError(f"numba.cuda is Numba's built-in target, not numba-cuda's: {_INSTALL}")
    return cuda


def with_cuda(function: Callable[..., None]) -> Callable[..., None]:
    """Import what a kernel calls ``cuda``: its module is imported without numba-cuda as well.

    It is a global of the module, where the simulator looks for it.
    """
    function.__globals__["cuda"] = load_compiler()
    return function


def is_simulated() -> bool:
    """Tell whether kernels run in Python (``NUMBA_ENABLE_CUDASIM=1``)."""
    return bool(load_compiler().config.ENABLE_CUDASIM)


@cache
def clock() -> Callable[[], int]:
    """Make what tells kernels the time, in nanoseconds: the same for all threads of a GPU."""
    if is_simulated():
        return time.perf_counter_ns
    from numba.cuda.extending import intrinsic

    @intrinsic
    def now(typing_context):  # type: ignore[no-untyped-def]
        def lower(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            kind = ir.FunctionType(ir.IntType(64), [])
            # With a side effect it is read anew each time.
            read = ir.InlineAsm(kind, "mov.u64 $0, %globaltimer;", "=l", side_effect=True)
            return builder.call(read, [])

        return types.int64(), lower

    return cast(Callable[[], int], now)


def make_thread_view(shape: tuple[int, ...], threads: int) -> Callable[..., Any]:
    """Make ``view(memory, t)``: thread ``t``'s array of a shape, in memory for so many at a time.

    The axes of ``memory``, which is contiguous, are these groups of threads, those of the shape,
    and the threads of a group. So the compiler knows all strides, and every place is a number.
    """
    if is_simulated():
        return lambda memory, t: memory[(t // threads, ..., t % threads)]
    from numba.cuda.extending import intrinsic
    from numba.cuda.np.arrayobj import make_array, populate_array

    @intrinsic
    def view(typing_context, memory, t):  # type: ignore[no-untyped-def]
        view_type = memory.copy(ndim=len(shape), layout="A")

        def lower(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            whole = ir.IntType(64)
            size = context.get_abi_sizeof(context.get_data_type(memory.dtype))
            strides = [threads * math.prod(shape[k + 1 :]) * size for k in range(len(shape))]
            group = builder.udiv(args[1], whole(threads))
            first = builder.mul(group, whole(threads * math.prod(shape)))
            first = builder.add(first, builder.urem(args[1], whole(threads)))
            data = make_array(memory)(context, builder, args[0]).data
            # That it is not the thread's own memory, the compiler finds out only if it is told.
            there = builder.addrspacecast(data, data.type.pointee.as_pointer(1))
            data = builder.addrspacecast(builder.gep(there, [first]), data.type)
            result = make_array(view_type)(context, builder)
            populate_array(
                result, data, [whole(n) for n in shape], [whole(n) for n in strides], size, None
            )
            return result._getvalue()

        return view_type(memory, types.int64), lower

    return cast(Callable[..., Any], view)


def compile_gpu_kernel(function: Callable[..., Any], signature: Any, **options: Any) -> Any:
    """Compile a kernel for the current GPU and one signature, without contraction and ``fastmath``.

    ``options`` are those of `numba.cuda.jit`, of which the simulator takes none.
    """
    cuda = load_cuda()
    if is_simulated():
        return cuda.jit([signature])(function)
    with uncontracted():
        # With link-time optimisation contraction would be the linker's business.
        return cuda.jit([signature], lto=False, **options)(function)


def find_target() -> tuple[int, ...]:
    """Find what kernels are compiled for: the current GPU's compute capability, and the driver."""
    cuda = load_cuda()
    if is_simulated():
        return ()
    from cuda.bindings import driver

    return (*cuda.get_current_device().compute_capability, int(driver.cuDriverGetVersion()[1]))


def select_gpu(number: int) -> None:
    """Make a GPU this thread's current one; numbers beyond the last begin again with the first."""
    cuda = load_cuda()
    cuda.select_device(number % len(cuda.gpus))


def compile_function(function: Callable[..., Any], given: tuple[Any, ...]) -> tuple[Any, Any]:
    """Compile a function that kernels call; return it and the type of its result for some types.

    The simulator compiles nothing, and knows no type: None.
    """
    compiled = load_compiler().jit(device=True)(function)
    if is_simulated():
        return compiled, None
    return compiled, compiled.compile_device(given).signature.return_type


@contextmanager
def uncontracted() -> Iterator[None]:
    """Have numba-cuda compile ``a*b + c`` as it is written: a product, rounded, and a sum.

    In one instruction it is rounded once, and the results differ from the CPU's. The compiler
    underneath (libNVVM) has a switch for it; numba-cuda hands on none. RuntimeError if that
    compiler was not called where numba-cuda 0.30 calls it.
    """
    from numba.cuda.core.compiler_lock import global_compiler_lock
    from numba.cuda.cudadrv import nvvm

    compile_ir = nvvm.compile_ir
    was_called = False

    def without_fma(irs: Any, **options: Any) -> Any:
        nonlocal was_called
        was_called = True
        return compile_ir(irs, **{**options, "fma": False})

    with global_compiler_lock:  # no other thread's kernel is compiled meanwhile
        nvvm.compile_ir = without_fma
        try:
            yield
        finally:
            nvvm.compile_ir = compile_ir
    if not was_called:
        raise RuntimeError(
            "this release of numba-cuda compiles in a way that fastadam does not know: its results "
            "would differ from the CPU's in the last bits"
        )
