"""The threads that solve the problems of a batch whose functions are compiled."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from threading import TIMEOUT_MAX, Lock

import numpy as np
from numpy.typing import NDArray

from .._numba.cache import kernel_address
from .._numba.dispatchers import count_threads
from .._objective.compiled import CompiledObjective
from .._search.deadline import Deadline
from .._search.loops import run_kernel, run_signature
from .._search.outcomes import TIMEOUT
from .._search.progress import progress
from .._search.row_loop import Memory, solve_kernel
from .._search.rows import OUTCOME, Solutions, lose
from .._search.schedule import Rates
from .problems import Marks, Problems
from .workers.pools import count_cores

#: Seconds that the rows take which a thread takes at once: short, so that a stretch of slow rows
#: is shared, and long beside the 10 us that each such turn costs.
_TURN = 5e-4
#: The most of them: the next may be slow.
_MOST_ROWS = 64
#: Seconds between two looks at whether a checkpoint is to be written.
_LOOK = 0.05
_NONE = np.zeros(0)


def default_threads() -> int:
    """Count the threads: one for each core, or as many as Numba has if it has fewer."""
    return min(count_cores(), count_threads())


def solve_compiled(
    problems: Problems,
    solutions: Solutions,
    deadline: Deadline,
    marks: Marks | None = None,
    *,
    threads: int,
) -> None:
    """Solve all problems by compiled loops, in some threads."""
    size, lr = len(problems), problems.options.lr
    interval = TIMEOUT_MAX if marks is None else _LOOK
    marks = Marks.none(size) if marks is None else marks
    queue = _Queue(find_runs(marks.done), threads)
    rates = Rates(lr, problems.options.maxiter) if callable(lr) else None
    solvers = [_Solver(problems, solutions, rates)]
    if not solvers[0].compiled.is_parallel:  # threads of their own are not to meet
        solvers += [_Solver(problems, solutions, rates) for _ in range(1, min(threads, size))]

    def work(solver: _Solver, update: Callable[..., None]) -> None:
        while (rows := queue.take(solver.turn)) and not deadline.is_over:
            solver.solve(rows)
            taken = slice(rows.start, rows.stop)
            marks.done[taken] = solutions.counts[taken, OUTCOME] != TIMEOUT
            if not deadline.is_over:  # or the last of them were left
                with queue.lock:
                    update(len(rows))

    with progress(size, "problem", problems.options.disp) as update:
        if done := int(np.count_nonzero(marks.done)):
            update(done)
        deadline.start()
        with ThreadPoolExecutor(len(solvers)) as pool:
            try:
                futures = [pool.submit(work, solver, update) for solver in solvers]
                while _wait(futures, min(deadline.left, interval)) and not deadline.is_over:
                    marks.pause(False)
            finally:  # also after Ctrl-C: the threads come back after the evaluation at hand
                deadline.stop()
                for solver in solvers:
                    solver.search.scalars.halt = 1
        for future in futures:
            future.result()
    marks.pause(not marks.done.all())


def _wait(futures: list[Future[None]], seconds: float) -> bool:
    """Wait for threads some seconds; tell whether they go on."""
    done, running = wait(futures, max(seconds, 0.0), FIRST_EXCEPTION)
    return bool(running) and not any(future.exception() for future in done)


def find_runs(done: NDArray[np.bool_]) -> list[range]:
    """Find the runs of rows that are not done."""
    edges = np.flatnonzero(np.diff(done, prepend=True, append=True)).tolist()
    return [range(*run) for run in zip(edges[::2], edges[1::2], strict=True)]


class _Queue:
    """The rows that no thread has taken."""

    def __init__(self, runs: list[range], threads: int) -> None:
        self._runs, self._threads = deque(runs), threads
        self._left = sum(map(len, runs))
        self.lock = Lock()

    def take(self, most: int) -> range:
        """Take some rows, fewer towards the end, which all threads are to reach together."""
        with self.lock:
            if not self._runs:
                return range(0)
            run = self._runs.popleft()
            taken = run[: min(most, 1 + self._left // (4 * self._threads))]
            self._left -= len(taken)
            if rest := run[len(taken) :]:
                self._runs.appendleft(rest)
            return taken


class _Solver:
    """What one thread needs."""

    def __init__(self, problems: Problems, solutions: Solutions, rates: Rates | None) -> None:
        self._problems, self._solutions, self._rates = problems, solutions, rates
        objective = problems.thread_objective
        n, scheme = problems.starts.points.shape[1], objective.scheme
        self.search = problems.make_search(n)
        rule, words = self.search.rule, self.search.record.view(np.int64)
        self.compiled = compiled = CompiledObjective(objective, problems.row_args)
        self._kernel = solve_kernel(
            run_signature(rule), compiled.user_data_type, compiled.row_args_type
        )
        self._cursor = np.zeros(2, dtype=np.int64)
        trial = np.zeros(n if scheme == "cs" else 0, dtype=np.complex128)
        own = self.search.record, self.search.vectors, words, words.copy()
        memory = Memory(*own, trial, self.search.known)
        addresses = (
            kernel_address(run_kernel(rule, scheme, self.search.automatic)),
            compiled.address,
            compiled.user_data,
        )
        batch = (
            problems.row_args,
            memory,
            self.search.hyper,
            problems.starts,
            solutions,
            self._cursor,
        )
        self._arguments = addresses + batch
        self.turn = 1  # how many rows to take next

    def solve(self, rows: range) -> None:
        """Solve some rows, or as many as there is time for."""
        begun = time.monotonic()
        self._cursor[:] = rows.start, 0
        while self._cursor[0] < rows.stop:
            try:
                self._go_on(rows.stop)
            except Exception:
                if self._problems.on_error == "raise":
                    raise
                counts = self.search.counts if self._cursor[1] else (0, 0, 0)
                lose(self._cursor[0], self._solutions.whole, *counts)
                self._cursor[:] = self._cursor[0] + 1, 0
            if self.search.scalars.halt:
                self._leave()
                break
        seconds = max(time.monotonic() - begun, 1e-9)
        self.turn = max(1, min(_MOST_ROWS, int(len(rows) * _TURN / seconds)))

    def _go_on(self, stop: int) -> None:
        """Go on with the row at hand and those up to ``stop``, as far as the step sizes go."""
        known = _NONE
        if self._rates is not None:
            nit = self.search.scalars.nit if self._cursor[1] else 0
            if nit < self._problems.options.maxiter and len(self._rates.known) <= nit:
                self._rates.ask(nit)
            known = self._rates.known
        self._kernel(*self._arguments, known, stop)

    def _leave(self) -> None:
        """Keep the best point so far of the row that is not finished."""
        row, begun = map(int, self._cursor)
        if not begun:
            return
        self.search.conclude()
        self._kernel(*self._arguments, _NONE, row + 1)  # to have the last point judged
        self.search.leave()
        if self._cursor[0] > row or self.search.scalars.best_f < np.inf:  # else it asks for more
            self.search.store(self._solutions, row)
