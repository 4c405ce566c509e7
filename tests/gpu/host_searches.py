"""The kernels of `fastadam._cuda.searches`, compiled for the CPU and run there by one thread.

Unlike the simulator this has the types, and so the rounding, that they have on a GPU.
"""

import ctypes
from contextlib import contextmanager, suppress
from types import ModuleType, SimpleNamespace

import numba
import numpy as np
import pytest
from numba.extending import overload, register_jitable


def _module(name, **members):
    module = ModuleType(name)
    vars(module).update(members)
    return module


@register_jitable
def grid(dimensions):
    return 0


@register_jitable
def gridsize(dimensions):
    return 1


def local_array(shape, dtype):
    return np.zeros(shape, dtype)


@overload(local_array)
def _local_array(shape, dtype):
    return lambda shape, dtype: np.zeros(shape, dtype)


@register_jitable
def atomic_add(array, index, value):
    old = array[index]
    array[index] += value
    return old


@register_jitable
def atomic_min(array, index, value):
    old = array[index]
    array[index] = min(old, value)
    return old


_clock = ctypes.CDLL(None).clock
_clock.restype, _clock.argtypes = ctypes.c_long, []


@register_jitable
def now():
    """Return the processor's time in nanoseconds, as C has it in microseconds."""
    return 1000 * _clock()


#: What a kernel sees as `cuda`.
IN_KERNEL = _module(
    "cuda",
    grid=grid,
    gridsize=gridsize,
    local=_module("local", array=local_array),
    atomic=_module("atomic", add=atomic_add, min=atomic_min),
)


class HostArray(np.ndarray):
    """An array with the methods of a device array."""

    def copy_to_host(self, target=None, stream=None):
        if target is None:
            return np.array(self)
        target[...] = self
        return target

    def copy_to_device(self, source, stream=None):
        self[...] = source

    def is_c_contiguous(self):
        return self.flags.c_contiguous


class Kernel:
    """A kernel for one thread. A RuntimeError ends the thread, and nobody hears of it."""

    def __init__(self, function, signature):
        self._dispatcher = numba.njit(function, error_model="numpy")
        self._dispatcher.compile(signature)
        self._dispatcher.disable_compile()  # for other types than a launch will have

    @property
    def overloads(self):
        return {None: SimpleNamespace(max_cooperative_grid_blocks=lambda block: 1)}

    def __getitem__(self, grid):
        return self

    def __call__(self, *arguments):
        with suppress(RuntimeError):
            self._dispatcher(*map(_plain, arguments))


def _plain(value):
    if isinstance(value, tuple):
        plain = map(_plain, value)
        return value._make(plain) if hasattr(value, "_make") else tuple(plain)
    return np.asarray(value) if isinstance(value, HostArray) else value


class Cuda:
    """The functions of `numba.cuda` that the host side uses."""

    @staticmethod
    def to_device(array):
        return np.array(array).view(HostArray)

    @staticmethod
    def device_array(shape, dtype):
        array = np.empty(shape, dtype).view(HostArray)
        array.view(np.uint8)[...] = 0x5A  # shows where it is read before it is written
        return array

    pinned_array = staticmethod(np.empty)

    @staticmethod
    def stream():
        return SimpleNamespace(synchronize=lambda: None)

    @staticmethod
    def synchronize():
        """Do nothing."""

    @staticmethod
    def get_current_device():
        return SimpleNamespace(id=0)

    #: Bytes of memory that nobody has.
    free = 2**34

    @classmethod
    def current_context(cls, ordinal=0):
        return SimpleNamespace(get_memory_info=lambda: SimpleNamespace(free=cls.free))


def make_thread_view(shape, threads):
    """Check what the host has made, and have the compiler know less of it than a GPU's does."""
    rows, n = shape

    @register_jitable
    def view(memory, t):
        assert memory.shape == (1, rows, n, threads)
        return memory[t // threads, :, :, t % threads]

    return view


def compile_function(function, given):
    dispatcher = numba.njit(function, error_model="numpy")
    dispatcher.compile(given)
    return dispatcher, dispatcher.overloads[given].signature.return_type


@contextmanager
def installed():
    """Have the CPU take the GPU's place for a while."""
    from fastadam._batch import cuda as batch
    from fastadam._batch import device_rows
    from fastadam._cuda import arguments, batches, driver, libraries, searches, transfers
    from fastadam._objective import cuda as functions

    def compile_gpu_kernel(function, signature, **options):
        return Kernel(function, signature)

    def forget():
        searches._load_kernel.cache_clear()
        batches._load_kernel.cache_clear()
        transfers._make_ring.cache_clear()

    forget()
    with pytest.MonkeyPatch.context() as monkeypatch:
        for module in (searches, batches):
            monkeypatch.setattr(module, "cuda", IN_KERNEL)
            monkeypatch.setattr(module, "with_cuda", lambda function: function)
            monkeypatch.setattr(module, "find_target", lambda: ())
        monkeypatch.setattr(searches, "compile_gpu_kernel", compile_gpu_kernel)
        monkeypatch.setattr(batches, "load_gpu_kernel", compile_gpu_kernel)
        monkeypatch.setattr(searches, "clock", lambda: now)
        monkeypatch.setattr(searches, "make_thread_view", make_thread_view)
        monkeypatch.setattr(searches, "identify", lambda functions: None)  # keeps nothing on disk
        monkeypatch.setattr(functions, "compile_function", compile_function)
        for module in (arguments, batch, device_rows, driver, libraries, transfers):
            monkeypatch.setattr(module, "load_cuda", lambda: Cuda)
        monkeypatch.setattr(batch, "_BLOCK", 1)
        yield
    forget()
