"""The kernels of a step on a GPU: the rules' arithmetic, in a loop of the GPU's own.

Products and sums are not contracted, and the coefficients come from the host, in float64 and cast
there: what a step gives has the same bits as on the CPU.

A grid is as large as the array. A kernel of a fixed size that strides over it reached 0.86 of the
speed at which the driver copies (an H200, 1e8 float32 parameters), one that ends 0.97.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import from_dtype, types
from numba.extending import register_jitable

from .._backend import PLAIN, Form
from .._numba.gpu import with_cuda
from .._numba.gpu_memory import WIDEST
from .._rules.spec import Rule
from .driver import Arguments, Gpu, Kernel
from .loops import make_loop, make_update

cuda: Any = None  # see `with_cuda`

#: The words of a step kernel's arguments: the addresses of the parameters, the gradient, the state
#: and the average, how many bytes lie between two rows of state, and the number of elements.
PARAMS, GRADIENT, STATE, AVERAGE, PITCH, SIZE = range(6)


def count_lanes(dtype: np.dtype[Any]) -> int:
    """Count the elements that a thread of a step kernel takes at once: 16 bytes of them."""
    return WIDEST // dtype.itemsize


def find_pitch(size: Any, dtype: np.dtype[Any]) -> Any:
    """Find the length of a row of state, in elements, so that each row is aligned."""
    lanes = count_lanes(dtype)
    return -(-size // lanes) * lanes


def count_blocks(size: int, dtype: np.dtype[Any], threads: int) -> int:
    """Count the blocks of so many threads that an array takes."""
    return -(-size // (count_lanes(dtype) * threads))


def make_step_function(
    rule: Rule, dtype: np.dtype[Any], form: Form = PLAIN
) -> tuple[Callable[..., None], Any]:
    """Make ``kernel(pointers, pitch, size, scalars)`` of a rule, not compiled, and its signature.

    ``pointers``, ``pitch`` and ``size`` are `PARAMS` to `SIZE`; ``scalars`` are the rule's
    coefficients, the limit of elements and the weight of the average.
    """
    move, one = make_move(rule, dtype, form), dtype.type(1.0)

    @with_cuda
    def kernel(pointers, pitch, size, scalars):
        at = np.int64(cuda.blockIdx.x), np.int64(cuda.threadIdx.x), np.int64(cuda.blockDim.x)
        move(pointers, pitch, size, at, (scalars, one))

    kernel.__name__ = kernel.__qualname__ = "_".join((rule.name, dtype.name, *form.words))
    real, whole = from_dtype(dtype), types.int64
    scalars = types.UniTuple(real, rule.coefficient_count + 2)
    return kernel, types.void(types.UniTuple(whole, 4), whole, whole, scalars)


def make_move(rule: Rule, dtype: np.dtype[Any], form: Form) -> Any:
    """Make ``move(pointers, pitch, size, at, context)``, what a block does: see `make_loop`.

    The context are the scalars, and the factor of all gradients.
    """
    update = make_update(rule, dtype, form)

    @register_jitable
    def advance(element, i, context):
        (p,), (g,), state, average = element
        scalars, factor = context
        p, state, average = update(p, g, state, average, scalars, factor)
        return (p,), state, average

    parts = (dtype, 1), (dtype, 1), (dtype, len(rule.state)), (dtype, int(form.is_averaged))
    return make_loop(parts, count_lanes(dtype), advance)


@cache
def load_step_kernel(gpu: Gpu, rule: Rule, dtype: np.dtype[Any], form: Form) -> Kernel:
    """Compile the kernel of a rule, once for each GPU."""
    return gpu.compile(*make_step_function(rule, dtype, form))


def make_step_arguments(
    rule: Rule,
    dtype: np.dtype[Any],
    size: int,
    stored: np.dtype[Any] | None = None,
    more: int = 0,
) -> Arguments:
    """Make a step kernel's arguments for an array, without the addresses and the scalars.

    The state may be ``stored`` in another dtype, and so many words may follow the size.
    """
    real = ctypes.c_float if dtype == np.float32 else ctypes.c_double
    stored = dtype if stored is None else stored
    words = [0] * (SIZE + 1 + more)
    words[PITCH], words[SIZE] = find_pitch(size, stored) * stored.itemsize, size
    return Arguments(words, (real * (rule.coefficient_count + 2))())
