"""The rows of a batch in a GPU's memory: what searches there read and write, and what is reported.

They come from arrays that are there, or from the host; the results are of the same library as the
starts. Of arrays that are there, nothing of the size of the batch comes to the host.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numba
import numpy as np
from scipy.optimize import OptimizeResult

from .._cuda import batches
from .._cuda.arguments import device_argument, on_device, take_array
from .._cuda.interface import is_on_gpu
from .._cuda.libraries import find_allocator, find_numba_allocator
from .._cuda.transfers import Pair, Transfers
from .._numba.gpu import load_cuda
from .._search.outcomes import CODES, OUTCOMES, TIMEOUT
from .._search.rows import Solutions, Starts
from .problems import Problems
from .results import Ending, describe_outcomes, make_statuses, summarize_values

_FLOAT64 = np.dtype(np.float64)


class DeviceRows:
    """The rows of a batch: their ``starts``, what is ``found``, and the ``bases`` of arguments.

    ``like`` is the array that the starts came in, if that is on the GPU. Rows from the host may
    still be on their way, see ``arrivals``. All is done in the order of ``stream``.
    """

    def __init__(self, problems: Problems, transfers: Transfers, like: Any = None) -> None:
        cuda, size = load_cuda(), len(problems)
        # What is on the GPU may still be written, in an order that only its library knows; and what
        # a library allocates may still be read by what had that memory before.
        cuda.synchronize()
        self.stream = cuda.stream()
        self._cuda, self._transfers, self._sent = cuda, transfers, list[Pair]()
        self._allocate = find_numba_allocator() if like is None else find_allocator(like)
        matrix, dtype = problems.starts.points.shape, problems.dtype
        shapes = {"x": matrix, "fun": (size,), "jac": matrix}
        self._own = {
            name: self._allocate(shape, _FLOAT64 if name == "fun" else dtype)
            for name, shape in shapes.items()
        }
        x, fun, jac = (take_array(name, array) for name, array in self._own.items())
        self.found = Solutions(x, fun, jac, cuda.device_array((size, 4), np.int64))
        self.bases = tuple(
            device_argument(f"batch_args[{i}]", each, self._send)
            for i, each in enumerate(problems.row_args)
        )
        self.starts = self._prepare(problems.starts, dtype.name)
        self.arrivals = transfers.send(self._sent, size)
        self._here: dict[str, Any] | None = None
        if like is None:
            columns = batches.COLUMN_DTYPES._asdict()
            self._here = {name: np.empty(shape) for name, shape in shapes.items()}
            self._here.update((name, np.empty(size, each)) for name, each in columns.items())
            transfers.touch(self._here.values())

    def _send(self, array: np.ndarray) -> Any:
        """Allocate memory for an array, which is sent with the others."""
        there = self._cuda.device_array(array.shape, array.dtype)
        self._sent.append((there, array))
        return there

    def _prepare(self, given: Starts, dtype: str) -> Starts:
        """Set up all rows, but for what is sent."""
        x, lowers, uppers = self.found.x, self._put(given.lowers), self._put(given.uppers)
        width = 2 if lowers.ndim == 3 else 1  # pairs, which are both sides
        lowers, uppers = (side.reshape(len(side), width * x.shape[1]) for side in (lowers, uppers))
        shape = max(lowers.shape[0], uppers.shape[0]), x.shape[1]
        own_lowers, own_uppers = (self._cuda.device_array(shape, x.dtype) for _ in range(2))
        starts = Starts(x, own_lowers, own_uppers, self._take_rates(given.rates))
        copies = is_on_gpu(given.points)
        if not copies:
            self._sent.append((x, given.points))
        sides = numba.typeof(lowers), numba.typeof(uppers)
        kernel = batches.load_kernel(batches.prepare_function, dtype, *sides)
        points = given.points if copies else x
        rows = points, int(copies), lowers, uppers, width, starts, self.found
        batches.launch_rows(kernel, len(x), self.stream, *rows)
        return starts

    def _put(self, array: Any) -> Any:
        """Copy an array of the host to the GPU before anything else is done."""
        if is_on_gpu(array):
            return array
        there = self._cuda.device_array(array.shape, array.dtype)
        self._transfers.send([(there, array)], len(array)).wait()
        return there

    def _take_rates(self, given: Any) -> Any:
        """Take step sizes; ValueError for the first that is none, if they are on the GPU."""
        if not is_on_gpu(given):
            return self._put(given)
        size = given.shape[0]
        rates, bad = (
            self._cuda.device_array((size,), np.float64),
            on_device(np.full(1, size, dtype=np.int64)),
        )
        kernel = batches.load_kernel(batches.rates_function, numba.typeof(given))
        batches.launch_rows(kernel, size, self.stream, given, rates, bad)
        self.stream.synchronize()
        k = int(bad.copy_to_host()[0])
        if k < size:
            value = given[k : k + 1].copy_to_host()[0]
            raise ValueError(f"lr[{k}] must be finite and >= 0, got {value}")
        return rates

    def find_starts(self) -> tuple[Starts, int]:
        """Find the starts that are there, one at least, and how many they are."""
        count, starts = self.arrivals.count(), self.starts
        if count < len(starts.points):
            with self._transfers.lock:
                starts = starts._replace(points=starts.points[:count])
        return starts, count

    def fetch(self, solutions: Solutions) -> None:
        """Copy what is found to the host."""
        self._wait()
        self._transfers.fetch(list(zip(self.found, solutions, strict=True)))

    def make_result(
        self, unfinished: Ending = OUTCOMES[TIMEOUT]
    ) -> tuple[OptimizeResult, Callable[[], str]]:
        """Make what `minimize_batch` returns, and what makes its summary."""
        size = len(self.found.fun)
        own = {
            name: self._allocate((size,), dtype)
            for name, dtype in batches.COLUMN_DTYPES._asdict().items()
        }
        columns = batches.Columns(*(take_array(name, array) for name, array in own.items()))
        statuses = on_device(make_statuses(unfinished))
        tally = on_device(np.zeros(len(CODES) + len(batches.SUMS), dtype=np.int64))
        lowest = on_device(np.full(1, np.inf))
        kernel = batches.load_kernel(batches.conclude_function, self.found.x.dtype.name)
        rows = self.found, statuses, columns, tally, lowest
        batches.launch_rows(kernel, size, self.stream, *rows)
        self._wait()
        numbers = tally.copy_to_host().tolist()
        result = OptimizeResult(**self._own, **own)
        if self._here is not None:
            views = [*self.found[:3], *columns]
            self._transfers.fetch(list(zip(views, self._here.values(), strict=True)))
            result.update(self._here)
        result.message = describe_outcomes(numbers[: len(CODES)], unfinished)
        sums = dict(zip(batches.SUMS, numbers[len(CODES) :], strict=True))
        least = float(lowest.copy_to_host()[0])
        totals = SimpleNamespace(message=result.message, **sums)
        return result, lambda: summarize_values(totals, least if least < np.inf else None)

    def _wait(self) -> None:
        """Wait until all is there that was sent, and all is done that the GPU was told."""
        self.arrivals.wait()
        self.stream.synchronize()
