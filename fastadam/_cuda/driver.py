"""One GPU through the driver's own interface: memory, streams, launches.

numba-cuda compiles the kernels. It does not launch them: looking up a signature and turning each
array into arguments takes it longer than all the rest of a step of a small array. Of its parts that
are not public, some are used here; see `_numba.gpu`.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from .._numba.gpu import find_array_kind, load_cuda
from .._numba.gpu_cache import load_gpu_kernel
from .._uninterrupted import Call, call_each

#: A kernel as `Gpu.make_launch_call` takes it: the driver's handle, and what has to be kept.
Kernel: TypeAlias = tuple[Any, Any]

#: Blocks for each multiprocessor, in a kernel that strides (2,048 threads fill one).
BLOCKS_PER_MULTIPROCESSOR = 32
#: numba-cuda warns of launches of fewer blocks; those that have nothing to do end at once.
LEAST_BLOCKS = 128


class Arguments:
    """The arguments of a kernel as the driver takes them: pointers to values that can be changed.

    First the ``words``, of 64 bits, then the ``scalars``, a ctypes array; the driver takes
    ``address``.
    """

    def __init__(self, words: Sequence[int], scalars: Any = ()) -> None:
        self.words = (ctypes.c_uint64 * len(words))(*words)
        self.scalars = scalars
        addresses = [*_addresses(self.words), *(_addresses(scalars) if len(scalars) else ())]
        self._addresses = (ctypes.c_void_p * len(addresses))(*addresses)
        self.address = ctypes.addressof(self._addresses)


def describe_vector(pointer: int, size: int, itemsize: int) -> list[int]:
    """Give the words of Numba's array structure, which a kernel takes a vector as."""
    # Two for its reference counts, which a GPU has not; its stride is last.
    return [0, 0, size, itemsize, pointer, size, itemsize]


def _addresses(array: Any) -> list[int]:
    start, step = ctypes.addressof(array), ctypes.sizeof(array) // len(array)
    return [start + step * i for i in range(len(array))]


def _ask_ordinal(api: Any, pointer: int) -> Any:
    attribute = api.CUpointer_attribute.CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL
    return api.cuPointerGetAttribute(attribute, pointer)


def load_api() -> tuple[Any, Any]:
    """Load `numba.cuda` and the driver's interface that it is made on, both ready for use."""
    numba = load_cuda()
    from cuda.bindings import driver as api

    return numba, api


class Gpu:
    """A GPU, by its number.

    What copies waits until the GPU has done what it was told before; the rest waits for nothing.
    """

    #: Threads of a block.
    threads = 256

    def __init__(self, ordinal: int) -> None:
        self.ordinal = ordinal
        self._numba, self._api = load_api()
        self.require_current()
        api = self._api
        attribute = api.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT
        count = self._result(api.cuDeviceGetAttribute(attribute, ordinal))
        self.most_blocks = BLOCKS_PER_MULTIPROCESSOR * count

    @property
    def array_kind(self) -> type:
        """The type of Numba's arrays, each of which stays where it is."""
        return find_array_kind()

    @staticmethod
    def _result(outcome: tuple[Any, ...]) -> Any:
        """Take what a function of the driver gives beside its error code, or raise that."""
        code, *values = outcome
        if code:
            raise RuntimeError(f"the CUDA driver reports {code.name}")
        return values[0] if values else None

    def require_current(self) -> None:
        """Require that this GPU is the thread's current one; a thread that has none gets it."""
        code, current = self._api.cuCtxGetDevice()
        if code:  # a new thread
            self._numba.current_context(self.ordinal)
        elif int(current) != self.ordinal:
            raise RuntimeError(
                f"the parameters are on GPU {self.ordinal}, and the current one is {int(current)}: "
                "make theirs the current one, as the library of the arrays does it"
            )

    def holds(self, pointer: int) -> bool:
        """Tell whether memory is on this GPU."""
        code, ordinal = _ask_ordinal(self._api, pointer)
        return not code and int(ordinal) == self.ordinal

    def empty(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Any:
        """Allocate a Numba device array."""
        return self._numba.device_array(shape, dtype)

    def view(self, owner: Any, start: int, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
        """Make a Numba device array in another one's memory, from byte ``start`` on."""
        pointer = self.pointer(owner)
        data = (pointer + start if pointer else 0, False)
        description = {"shape": shape, "typestr": dtype.str, "data": data, "version": 3}
        return self._numba.from_cuda_array_interface(description, owner=owner)

    @staticmethod
    def pointer(array: Any) -> int:
        """Find the address of a Numba device array."""
        return int(array.__cuda_array_interface__["data"][0])

    def fill(self, pointer: int, byte: int, size: int, stream: int) -> None:
        """Set bytes, in the order of a stream."""
        self._result(self._api.cuMemsetD8Async(pointer, byte, size, stream))

    def make_fill_call(self, pointer: int, byte: int, size: int, stream: int) -> Call:
        """Make the call that does it."""
        return self._api.cuMemsetD8Async, pointer, byte, size, stream

    def read(
        self, pointer: int, shape: tuple[int, ...], dtype: npt.DTypeLike, stream: int | None = None
    ) -> np.ndarray:
        """Copy to the host, as soon as a stream, or else everything, is done."""
        array = np.empty(shape, dtype)
        if not array.size:
            return array
        target, size = array.ctypes.data, array.nbytes
        if stream is None:
            self.synchronize()
            self._result(self._api.cuMemcpyDtoH(target, pointer, size))
        else:
            self._result(self._api.cuMemcpyDtoHAsync(target, pointer, size, stream))
            self._result(self._api.cuStreamSynchronize(stream))
        return array

    def make_write_calls(self, pointer: int, array: np.ndarray) -> list[Call]:
        """Make the calls that copy a C-ordered array from the host. Keep it until then."""
        if not array.size:
            return []
        synchronize = (self._api.cuCtxSynchronize,)
        write = (self._api.cuMemcpyHtoD, pointer, array.ctypes.data, array.nbytes)
        return [synchronize, write, synchronize]

    def copy(self, target: int, source: int, size: int) -> None:
        """Copy bytes from one place to another."""
        if size:
            self.synchronize()
            self._result(self._api.cuMemcpyDtoD(target, source, size))
            self.synchronize()

    def make_copy_calls(self, pairs: Sequence[tuple[int, int]], size: int) -> list[Call]:
        """Make the calls that copy bytes to the first place of each pair from the second."""
        synchronize = (self._api.cuCtxSynchronize,)
        copies = [(self._api.cuMemcpyDtoD, *pair, size) for pair in pairs]
        return [synchronize, *copies, synchronize] if size else []

    def make_send_call(self, target: int, source: int, size: int, stream: int) -> Call:
        """Make the call that copies bytes from the host, in the order of a stream.

        When it returns they have been taken. For up to 64 KB it waits for nothing.
        """
        return self._api.cuMemcpyHtoDAsync, target, source, size, stream

    def send_apart(self, target: int, array: np.ndarray) -> None:
        """Copy a C-ordered array from the host in no stream's order, and wait for that."""
        api = self._api
        flag = api.CUstream_flags.CU_STREAM_NON_BLOCKING
        stream = self._result(api.cuStreamCreate(flag))
        try:
            source = array.ctypes.data
            self._result(api.cuMemcpyHtoDAsync(target, source, array.nbytes, stream))
            self._result(api.cuStreamSynchronize(stream))
        finally:
            self._result(api.cuStreamDestroy(stream))

    def is_capturing(self, stream: int) -> bool:
        """Tell whether what a stream is told becomes part of a CUDA graph, and is not done yet."""
        return bool(self._result(self._api.cuStreamIsCapturing(stream)))

    @contextmanager
    def beside_capture(self) -> Iterator[None]:
        """Allow what no capture has to do with while one goes on: memory, kernels, `send_apart`."""
        api = self._api
        mode = api.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_RELAXED
        before = self._result(api.cuThreadExchangeStreamCaptureMode(mode))
        try:
            with self._numba.defer_cleanup():  # which would wait for the GPU
                yield
        finally:
            self._result(api.cuThreadExchangeStreamCaptureMode(before))

    def make_order_calls(self, first: int, then: int) -> list[Call]:
        """Make the calls that have one stream, not the host, wait for what another was told."""
        flag = self._api.CUevent_flags.CU_EVENT_DISABLE_TIMING
        event = self._result(self._api.cuEventCreate(flag))  # another thread may be here as well
        return [
            (self._api.cuEventRecord, event, first),
            (self._api.cuStreamWaitEvent, then, event, 0),
            (self._api.cuEventDestroy, event),  # as soon as it has happened
        ]

    def synchronize(self) -> None:
        """Wait for everything that the GPU was told."""
        self._result(self._api.cuCtxSynchronize())

    def compile(self, function: Callable[..., Any], signature: Any) -> Kernel:
        """Compile a kernel, unless it is on disk, and load it."""
        loaded = _find_overload(load_gpu_kernel(function, signature)).library.get_cufunc()
        # The function goes with what it was loaded from.
        return self._api.CUfunction(int(loaded.handle)), loaded

    def make_launch_call(
        self, kernel: Kernel, blocks: int, stream: int, arguments: Arguments, threads: int = 0
    ) -> Call:
        """Make the call that starts so many blocks > 0 of a kernel, of `threads` by default."""
        grid, block = (blocks, 1, 1), (threads or self.threads, 1, 1)
        return self._api.cuLaunchKernel, kernel[0], *grid, *block, 0, stream, arguments.address, 0

    def run_all(self, calls: Iterable[Call]) -> None:
        """Make calls, the driver's and others, one right after the other."""
        found: list[Any] = []
        found.extend(call_each(calls))
        for outcome in found:
            if outcome.__class__ is tuple and outcome[0]:  # as the driver's functions return it
                self._result(outcome)


_get_gpu = cache(Gpu)  # always the same one for a number


def find_gpu(pointer: int) -> Gpu:
    """Find the GPU that memory is on; the current one for no memory (0)."""
    numba, api = load_api()
    current = numba.current_context()  # the thread may have none
    if not pointer:
        return _get_gpu(current.device.id)
    code, ordinal = _ask_ordinal(api, pointer)
    if code:
        raise ValueError(f"{pointer:#x} is no address on a GPU ({code.name})")
    return _get_gpu(int(ordinal))


def _find_overload(kernel: Any) -> Any:
    """Find what was compiled for the one signature of a kernel of `compile_gpu_kernel`."""
    (overload,) = kernel.overloads.values()
    return overload


def count_resident_blocks(kernel: Any, threads: int) -> int:
    """Count the blocks of a kernel of `compile_gpu_kernel` that the current GPU runs at once."""
    return int(_find_overload(kernel).max_cooperative_grid_blocks(threads))


def find_free_memory() -> int:
    """Find how many bytes are free on the current GPU."""
    return int(load_cuda().current_context().get_memory_info().free)
