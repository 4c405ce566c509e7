"""Processes that solve the chunks of one batch.

Not a `multiprocessing.Pool`, which waits for ever for a worker that was killed; nor a
`concurrent.futures.ProcessPoolExecutor`, which can only be stopped when its workers are idle.
"""

from __future__ import annotations

import math
import os
import pickle
import signal
import threading
import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from typing import Any

from .chunks import Chunk, ChunkSolver

#: Seconds that a process gets to end, before it is killed.
_GRACE = 5.0

_BLOCKS = hasattr(signal, "pthread_sigmask")


def solve_in_processes(
    solver: ChunkSolver, rounds: Iterator[Sequence[Chunk]], number: int
) -> Generator[Any, None, None]:
    """Solve chunks in some processes, each of which takes the next one when it has done one.

    What ``solver.run`` returns comes in any order, but only when that of a round has all been taken
    is the next round asked for. No process is left, whatever happens.
    """
    # Not forked: other threads of this process may hold locks, which in the child nobody would
    # release. Nor from a fork server, whose processes import as much and no faster. What
    # `get_start_method` says is not asked: the first spawned process makes it "fork".
    context = get_context("spawn")
    data = pickle.dumps(solver, pickle.HIGHEST_PROTOCOL)
    waiting = deque(next(rounds))
    workers: dict[Any, Any] = {}
    try:
        for k in range(number):
            connection, end = context.Pipe()
            process = context.Process(target=_serve, args=(end, k), daemon=True)
            with _ctrl_c_later():
                process.start()
                workers[connection] = process
            end.close()
        for connection, process in workers.items():
            with _alive(process):
                connection.send_bytes(data)
        busy, over = set(workers), math.inf
        while busy:
            ready: list[Any] = wait(busy)
            for connection in ready:
                with _alive(workers[connection]):
                    outcome = connection.recv()
                    if over == math.inf:  # the first process is there; the clock starts
                        over = time.monotonic() + solver.seconds
                    if waiting:
                        connection.send((waiting.popleft(), over - time.monotonic()))
                    else:
                        busy.remove(connection)
                if outcome is not None:
                    yield outcome
            if not busy:
                waiting.extend(next(rounds, ()))
                for connection in list(workers)[: len(waiting)]:
                    with _alive(workers[connection]):
                        connection.send((waiting.popleft(), over - time.monotonic()))
                    busy.add(connection)
    finally:
        for process in workers.values():
            process.terminate()
        for connection, process in workers.items():
            process.join(_GRACE)
            if process.is_alive():  # it has its own way with signals
                process.kill()
                process.join()
            process.close()
            connection.close()


def _serve(connection: Any, number: int) -> None:
    """Solve what comes, in a process of its own."""
    _hear_ctrl_c()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    solver = connection.recv()
    solver.number = number
    connection.send(None)
    while True:
        chunk, seconds = connection.recv()
        connection.send(solver.run(chunk, seconds))


def _end_with_parent() -> None:
    """End at once with the process that started this one, even if it was killed."""
    parent = parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)


@contextmanager
def _alive(process: Any) -> Iterator[None]:
    """Say what has happened if a process has ended."""
    try:
        yield
    except (EOFError, OSError) as error:
        process.join(_GRACE)
        raise RuntimeError(
            f"a worker process has ended, with exit code {process.exitcode}: it was killed, maybe "
            "for want of memory; or it crashed; or the script has no `if __name__ == "
            '"__main__":` around what is not for its workers'
        ) from error


@contextmanager
def _ctrl_c_later() -> Iterator[None]:
    """Keep Ctrl-C from starting a process half-way, and from that process before it can hear it."""
    before = signal.getsignal(signal.SIGINT)
    in_main_thread = threading.current_thread() is threading.main_thread()
    if not (in_main_thread and _BLOCKS) or before is None:  # None: not Python's to handle
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # which would unblock it, when the first process starts
    heard: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: heard.append(number))
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # which a process inherits
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGINT, before)
        if heard:
            signal.raise_signal(heard[0])


def _hear_ctrl_c() -> None:
    """Undo `_ctrl_c_later` in the new process, and leave it to the parent to end this one.

    Not by ignoring it: a program that the user's function starts would do so too.
    """
    signal.signal(signal.SIGINT, lambda *_: None)
    if _BLOCKS:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
