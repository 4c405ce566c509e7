"""The simulator's kernels over host memory."""

import ctypes

import numpy as np
from numba import types
from numba.np.numpy_support import as_dtype

from fastadam._numba import gpu as target
from tests.gpu.host import HostDevice


class SimulatedDevice(HostDevice):
    """Runs the kernels' Python code, a thread for each thread of the GPU."""

    def compile(self, function, signature):
        """Return the kernel and what it takes."""
        return target.compile_gpu_kernel(function, signature), signature

    def run(self, kernel, blocks, threads, arguments):
        """Run the blocks, one after the other."""
        function, signature = kernel
        function[blocks, threads, 0](*unpack(signature, arguments))


def unpack(signature, arguments):
    """Return the arrays and scalars in a kernel's arguments."""
    from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray

    at, scalars = 0, iter(arguments.scalars)
    for kind in signature.args:
        if isinstance(kind, types.Integer):
            yield arguments.words[at]
            at += 1
        elif isinstance(kind, types.UniTuple) and isinstance(kind.dtype, types.Integer):
            yield tuple(arguments.words[at : at + kind.count])
            at += kind.count
        elif isinstance(kind, types.Array):
            dtype, dimensions = as_dtype(kind.dtype), kind.ndim
            fields = arguments.words[at : at + 5 + 2 * dimensions]
            at += len(fields)
            _, _, size, itemsize, pointer, *rest = fields
            shape, strides = tuple(rest[:dimensions]), tuple(rest[dimensions:])
            assert (size, itemsize) == (np.prod(shape, dtype=int), dtype.itemsize)
            memory = (ctypes.c_byte * (size * itemsize)).from_address(pointer)
            # The simulator would work on copies of NumPy arrays.
            yield FakeCUDAArray(np.ndarray(shape, dtype, memory, strides=strides))
        else:
            scalar = as_dtype(kind.dtype).type
            yield tuple(scalar(next(scalars)) for _ in range(kind.count))
