"""The threads that fit curves in compiled loops."""

from __future__ import annotations

import multiprocessing
import threading
import time
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

import numpy as np

from .._batch.threads import default_threads
from .models import CompiledModel
from .rows import Curves, Fits, rows_kernel
from .state import Limits, Work

#: Seconds that the rows take which a thread takes at once: long beside the 20 us of a turn.
_TURN = 5e-3


def choose_threads() -> int:
    """Count the threads: one for each core, but one inside of a worker.

    Those of Dask and their like have all cores at work already: they are threads beside the main
    one, or processes that another has started.
    """
    is_main = threading.current_thread() is threading.main_thread()
    return default_threads() if is_main and multiprocessing.parent_process() is None else 1


def fit_compiled(
    model: CompiledModel, curves: Curves, limits: Limits, is_absolute: bool, threads: int
) -> Fits:
    """Fit the rows of some curves, whose arrays need not be contiguous, or float64."""
    size, m = curves.y.shape
    n = curves.start.shape[1]
    fits, queue, halt = Fits.unknown(size, n), _Queue(size, threads), np.zeros(1, np.int64)
    kernel = rows_kernel()

    def work() -> None:
        memory, turn = Work.of(n, m), 1
        while rows := queue.take(turn):
            begun = time.monotonic()
            part = slice(rows.start, rows.stop)
            some = Curves(*(_prepare(each[part] if len(each) > 1 else each) for each in curves))
            where = fits.part(part)
            kernel(
                model.address,
                model.task.ctypes.data,
                memory,
                some,
                limits,
                is_absolute,
                where,
                halt,
            )
            if halt[0]:
                break
            seconds = max(time.monotonic() - begun, 1e-9)
            turn = max(1, min(16 * turn, int(len(rows) * _TURN / seconds)))

    if threads == 1 or model.is_parallel:  # threads of their own are not to meet
        work()
        return fits
    with ThreadPoolExecutor(threads) as pool:
        try:
            futures = [pool.submit(work) for _ in range(threads)]
            wait(futures, return_when=FIRST_EXCEPTION)
        finally:  # also after Ctrl-C: the threads come back after the curve at hand
            halt[0] = 1
    for future in futures:
        future.result()
    return fits


def _prepare(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array, dtype=np.float64)


class _Queue:
    """The rows that no thread has taken."""

    def __init__(self, size: int, threads: int) -> None:
        self._next, self._size, self._threads = 0, size, threads
        self._lock = threading.Lock()

    def take(self, most: int) -> range:
        """Take some rows, fewer towards the end, which all threads are to reach together."""
        with self._lock:
            left = self._size - self._next
            count = min(most, left, 1 + left // (4 * self._threads))
            rows = range(self._next, self._next + count)
            self._next += count
            return rows
