"""Copies between the host and the GPU through page-locked memory, some at a time.

From or to memory that is not page-locked, the driver copies twice, in one thread: 3 to 6 GB/s. Here
a few threads do, each with a page-locked buffer and a stream of its own: while one waits for the
bus, the others fill or empty theirs. NumPy and the driver let go of the interpreter meanwhile.
"""

from __future__ import annotations

import mmap
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import cache, partial
from queue import SimpleQueue
from threading import Lock
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._numba.gpu import load_cuda

#: Bytes of a buffer, and how many there are. They are kept: to lock 4 MiB takes a millisecond.
CHUNK, BUFFERS = 4 * 2**20, 4
#: Bytes that are not worth a thread.
SMALL = 2**20

#: An array on the GPU and one here, of one shape with a leading axis of rows, both contiguous.
Pair = tuple[Any, NDArray[Any]]


class Arrivals:
    """Rows on their way to the GPU, which are sent in order, and counted in order."""

    def __init__(self, size: int, sent: Iterable[tuple[int, Future[None]]] = ()) -> None:
        self._sent = deque(sent)  # up to which row, and what tells that they are there
        self._count = 0 if self._sent else size

    def count(self) -> int:
        """Count the rows that are there, of which there is one at least."""
        while self._sent and (self._count == 0 or self._sent[0][1].done()):
            self._count, future = self._sent.popleft()
            future.result()
        return self._count

    def wait(self) -> None:
        """Wait until all rows are there."""
        for _, future in self._sent:
            future.result()


class Transfers:
    """The copies of one batch. A context: nothing is under way behind its end."""

    def __init__(self) -> None:
        self._cuda = cuda = load_cuda()
        self._ordinal = getattr(cuda.get_current_device(), "id", 0)  # the simulator's has none
        self._pool: ThreadPoolExecutor | None = None
        self._touched: list[Future[None]] = []
        #: For views of arrays that are under way: Numba counts those of one memory without a lock.
        self.lock = Lock()

    def __enter__(self) -> Transfers:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def send(self, pairs: Sequence[Pair], size: int) -> Arrivals:
        """Begin to copy arrays of some rows to the GPU; what is here may be of another dtype."""
        if _count_bytes(pairs) < SMALL:
            for there, here in pairs:
                if here.size:
                    there.copy_to_device(np.asarray(here, there.dtype))
            return Arrivals(size)
        return Arrivals(size, self._submit(self._send_rows, pairs))

    def fetch(self, pairs: Sequence[Pair]) -> None:
        """Copy arrays from the GPU; what is here may be of another dtype."""
        wait(self._touched)  # or a zero would come after what is fetched
        if _count_bytes(pairs) < SMALL:
            for there, here in pairs:
                here[...] = there.copy_to_host()
            return
        for _, future in list(self._submit(self._fetch_rows, pairs)):
            future.result()

    def touch(self, arrays: Iterable[NDArray[Any]]) -> None:
        """Begin to write something to each page of new arrays: the first time takes long."""
        for array in arrays:
            if array.nbytes >= SMALL:
                self._touched.append(self._find_pool().submit(_touch, array))

    def _find_pool(self) -> ThreadPoolExecutor:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(
                BUFFERS, initializer=self._cuda.current_context, initargs=(self._ordinal,)
            )
        return self._pool

    def _submit(self, copy: Any, pairs: Sequence[Pair]) -> Iterator[tuple[int, Future[None]]]:
        """Have rows copied, as many at once as fill a buffer; tell up to which."""
        pool, ring = self._find_pool(), _make_ring(self._ordinal, CHUNK)
        size = len(pairs[0][1])
        step = max(1, CHUNK * size // _count_bytes(pairs))
        for start in range(0, size, step):
            stop = min(start + step, size)
            yield stop, pool.submit(copy, ring, pairs, start, stop)

    def _send_rows(self, ring: _Ring, pairs: Sequence[Pair], start: int, stop: int) -> None:
        with _taken(ring) as (buffer, stream):
            for there, staged, here in _find_pieces(buffer, pairs, start, stop):
                np.copyto(staged, here, casting="same_kind")
                with self.lock:
                    there().copy_to_device(staged, stream=stream)
                stream.synchronize()

    def _fetch_rows(self, ring: _Ring, pairs: Sequence[Pair], start: int, stop: int) -> None:
        with _taken(ring) as (buffer, stream):
            for there, staged, here in _find_pieces(buffer, pairs, start, stop):
                with self.lock:
                    there().copy_to_host(staged, stream=stream)
                stream.synchronize()
                np.copyto(here, staged)


_Ring = SimpleQueue[tuple[NDArray[np.uint8], Any]]


@cache
def _make_ring(ordinal: int, size: int) -> _Ring:
    """Make the buffers for a GPU, each with a stream."""
    cuda, ring = load_cuda(), _Ring()
    for _ in range(BUFFERS):
        ring.put((cuda.pinned_array(size, np.uint8), cuda.stream()))
    return ring


@contextmanager
def _taken(ring: _Ring) -> Iterator[tuple[NDArray[np.uint8], Any]]:
    """Take a buffer for a while; another batch's thread may have them all."""
    one = ring.get()
    try:
        yield one
    finally:
        ring.put(one)


def _find_pieces(
    buffer: NDArray[np.uint8], pairs: Sequence[Pair], start: int, stop: int
) -> Iterator[tuple[Callable[[], Any], NDArray[Any], NDArray[Any]]]:
    """Find parts of rows that a buffer holds: what makes the view there, in the buffer and here."""
    for there, here in pairs:
        width, itemsize, flat_here = here.size // len(here), there.dtype.itemsize, here.reshape(-1)
        step = buffer.size // itemsize
        for first in range(start * width, stop * width, step):
            part = slice(first, min(first + step, stop * width))
            staged = buffer[: (part.stop - first) * itemsize].view(there.dtype)
            yield partial(_view, there, part), staged, flat_here[part]


def _view(array: Any, part: slice) -> Any:
    return array.reshape(array.size)[part]


def _count_bytes(pairs: Sequence[Pair]) -> int:
    return sum(there.size * there.dtype.itemsize for there, _ in pairs)


def _touch(array: NDArray[Any]) -> None:
    array.reshape(-1).view(np.uint8)[:: mmap.PAGESIZE] = 0
