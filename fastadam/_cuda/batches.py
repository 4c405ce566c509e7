"""What the rows of a batch on a GPU go through before the searches and after them.

Each is one pass over arrays that stay there: a handful of numbers comes back.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numba import from_dtype, types

from .._numba.gpu import find_target, is_simulated, with_cuda
from .._numba.gpu_cache import load_gpu_kernel
from .._numba.options import register_jitable
from .._search import rows
from .._search.outcomes import CODES, TIMEOUT
from .driver import LEAST_BLOCKS, Gpu, count_resident_blocks

cuda: Any = None  # see `with_cuda`

#: Of the simulator, whose threads are Python's.
_SIMULATED = 2, 2

_LEAST, _COUNT = CODES.start, len(CODES)
#: The sums behind the numbers of outcomes.
SUMS = "nit", "nfev", "njev"


class Columns(NamedTuple):
    """What is reported of each row beside x, the value and the gradient."""

    nit: Any
    nfev: Any
    njev: Any
    status: Any
    success: Any


#: Their dtypes.
COLUMN_DTYPES = Columns(*(np.dtype(np.int64),) * 4, np.dtype(np.bool_))


def launch_rows(kernel: Any, size: int, stream: Any, *arguments: Any) -> None:
    """Launch a kernel that strides over ``size`` rows, as many blocks as the GPU runs at once.

    More would not be faster, and each has a sum of its own to add.
    """
    blocks, threads = _SIMULATED
    if not is_simulated():
        threads = Gpu.threads
        blocks = min(-(-size // threads), count_resident_blocks(kernel, threads))
        blocks = max(blocks, LEAST_BLOCKS)
    kernel[blocks, threads, stream](*arguments)


def load_kernel(make: Callable[..., tuple[Callable[..., None], Any]], *given: Any) -> Any:
    """Load the kernel of one of the functions below for the current GPU, or compile it."""
    return _load_kernel(find_target(), make, *given)


@lru_cache(maxsize=64)
def _load_kernel(target: tuple[int, ...], make: Any, *given: Any) -> Any:
    return load_gpu_kernel(*make(*given))


def prepare_function(dtype: str, lowers: Any, uppers: Any) -> tuple[Callable[..., None], Any]:
    """Make the kernel, and its signature; the types are those of bounds as they are given.

    All rows are as nobody has begun them. The points may be copied to x; the bounds are rounded to
    the dtype. Each has ``width`` numbers for a variable: with 2, where lowers and uppers are one
    array of pairs, NaN is no bound.
    """
    inward = make_inward(dtype)

    @with_cuda
    def prepare(points, copies, lowers, uppers, width, starts, solutions):
        k, stride = cuda.grid(1), cuda.gridsize(1)
        while k < solutions.fun.size:
            solutions.fun[k] = math.nan
            rows.write_counts(k, solutions, 0, 0, 0, TIMEOUT)
            for i in range(solutions.jac.shape[1]):
                solutions.jac[k, i] = math.nan
                if copies != 0:
                    solutions.x[k, i] = points[k, i]
                if k < starts.lowers.shape[0]:
                    low = lowers[k if lowers.shape[0] > 1 else 0, width * i]
                    high = uppers[k if uppers.shape[0] > 1 else 0, width * i + width - 1]
                    if width == 2:
                        low = low if low == low else -math.inf
                        high = high if high == high else math.inf
                    low, high = inward(low, high)
                    starts.lowers[k, i], starts.uppers[k, i] = low, high
            k += stride

    prepare.__name__ = prepare.__qualname__ = f"prepare_{dtype}"
    matrix = types.Array(from_dtype(np.dtype(dtype)), 2, "C")
    own = rows.starts_type(matrix), rows.solutions_type(matrix)
    return prepare, types.void(matrix, types.int64, lowers, uppers, types.int64, *own)


def make_inward(dtype: str) -> Callable[..., Any]:
    """Make what puts a pair of bounds in a dtype, so that what is within is within those given.

    Where no number of the dtype is between the two, they are the nearest ones. No room remains
    none.
    """
    if dtype == "float64":
        return register_jitable(lambda lower, upper: (float(lower), float(upper)))
    real, limits = np.dtype(dtype).type, np.finfo(dtype)
    largest, half = float(limits.max), float(limits.epsneg) * (1.0 + 1e-6)
    least = 0.75 * float(limits.smallest_subnormal)
    infinity = real(math.inf)

    @register_jitable
    def shift(number, way):
        """Take the next number up or down: half a unit and a bit away, and rounded."""
        wide = float(number)
        if abs(wide) == math.inf:
            return real(-way * largest)
        return real(wide + way * max(half * abs(wide), least))

    @register_jitable
    def inward(lower, upper):
        near_lower, near_upper = real(lower), real(upper)
        if lower > upper:
            return infinity, near_upper
        low = shift(near_lower, 1.0) if near_lower < lower else near_lower
        high = shift(near_upper, -1.0) if near_upper > upper else near_upper
        if low <= high:
            return low, high
        return near_lower, near_upper

    return inward


def rates_function(given: Any) -> tuple[Callable[..., None], Any]:
    """Make the kernel that lowers ``bad[0]`` to the first step size that is none."""

    @with_cuda
    def take(given, rates, bad):
        k, stride = cuda.grid(1), cuda.gridsize(1)
        while k < given.size:
            rate = given[k]
            rates[k] = rate
            if not 0.0 <= rate < math.inf:
                cuda.atomic.min(bad, 0, k)
            k += stride

    take.__name__ = take.__qualname__ = f"take_rates_{given.dtype}"
    vector, whole = (types.Array(kind, 1, "C") for kind in (types.float64, types.int64))
    return take, types.void(given, vector, whole)


def conclude_function(dtype: str) -> tuple[Callable[..., None], Any]:
    """Make the kernel, and its signature.

    It writes the columns of all rows, with the ``statuses`` of outcomes in the order of `CODES`; it
    adds the numbers of rows with each, and `SUMS`, to ``tally``, and lowers ``lowest[0]`` to the
    least value.
    """
    length = _COUNT + len(SUMS)

    @with_cuda
    def conclude(solutions, statuses, columns, tally, lowest):
        k, stride = cuda.grid(1), cuda.gridsize(1)
        own, low = cuda.local.array(length, np.int64), math.inf
        for j in range(length):
            own[j] = 0
        while k < solutions.fun.size:
            counts = solutions.counts
            nit, nfev, njev = counts[k, rows.NIT], counts[k, rows.NFEV], counts[k, rows.NJEV]
            outcome = counts[k, rows.OUTCOME] - _LEAST
            status = statuses[outcome]
            columns.nit[k], columns.nfev[k], columns.njev[k] = nit, nfev, njev
            columns.status[k], columns.success[k] = status, status == 0
            own[outcome] += 1
            own[_COUNT] += nit
            own[_COUNT + 1] += nfev
            own[_COUNT + 2] += njev
            if solutions.fun[k] < low:
                low = solutions.fun[k]
            k += stride
        for j in range(length):
            if own[j] != 0:
                cuda.atomic.add(tally, j, own[j])
        if low < math.inf:
            cuda.atomic.min(lowest, 0, low)

    conclude.__name__ = conclude.__qualname__ = f"conclude_{dtype}"
    matrix = types.Array(from_dtype(np.dtype(dtype)), 2, "C")
    whole, real = (types.Array(kind, 1, "C") for kind in (types.int64, types.float64))
    columns = (types.Array(from_dtype(each), 1, "C") for each in COLUMN_DTYPES)
    named = types.NamedTuple(tuple(columns), Columns)
    return conclude, types.void(rows.solutions_type(matrix), whole, named, whole, real)
