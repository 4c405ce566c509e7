"""The threads that solve the problems of a batch whose functions are compiled."""

from __future__ import annotations

import time
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import replace
from threading import TIMEOUT_MAX, Lock

import numpy as np

from .._numba.cache import kernel_address
from .._numba.threads import count_threads
from .._objective.compiled import CompiledObjective
from .._search.loops import run_kernel, run_signature
from .._search.monitor import progress_bar
from .._search.outcomes import MAXITER, TIMEOUT
from .._search.rows import END, solve_kernel
from .._search.schedule import Rates
from .problems import Batch, search_counts, search_template
from .workers.pools import cores

#: Seconds that the rows take which a thread takes at once: short, so that a stretch of slow rows
#: is shared, and long beside the 10 us that each such turn costs.
_TURN = 5e-4
#: The most of them: the next may be slow.
_MOST_ROWS = 64


def default_threads() -> int:
    """Return the number of threads: one for each core, or as many as Numba has if it has fewer."""
    return min(cores(), count_threads())


def solve_compiled(batch: Batch, threads: int) -> None:
    """Solve all problems by compiled loops, in some threads."""
    size = len(batch.starts)
    queue = _Queue(size, threads)
    bar = progress_bar(size, "problem") if batch.options.disp else None
    lr = batch.options.lr
    rates = Rates(lr, batch.options.maxiter) if callable(lr) else None
    solvers = [_Solver(batch, rates)]
    if not solvers[0].is_parallel:
        solvers += [_Solver(batch, rates) for _ in range(1, min(threads, size))]

    def work(solver: _Solver) -> None:
        while (rows := queue.take(solver.turn)) and not batch.over:
            solver.solve(rows)
            if bar is not None:
                with queue.lock:
                    bar.update(len(rows))

    batch.start_clock()
    try:
        with ThreadPoolExecutor(len(solvers)) as pool:
            try:
                futures = [pool.submit(work, solver) for solver in solvers]
                left = min(batch.deadline - time.monotonic(), TIMEOUT_MAX)
                wait(futures, max(left, 0.0), FIRST_EXCEPTION)
            finally:  # also after Ctrl-C: the threads come back after the evaluation at hand
                batch.stop.set()
                for solver in solvers:
                    solver.halt()
        for future in futures:
            future.result()
    finally:
        if bar is not None:
            bar.close()


class _Queue:
    """The rows that no thread has taken."""

    def __init__(self, size: int, threads: int) -> None:
        self._next, self._size, self._threads = 0, size, threads
        self.lock = Lock()

    def take(self, most: int) -> range:
        """Take some rows, fewer towards the end, which all threads are to reach together."""
        with self.lock:
            start, left = self._next, self._size - self._next
            self._next += min(most, 1 + left // (4 * self._threads), left)
            return range(start, self._next)


class _Solver:
    """What one thread needs."""

    def __init__(self, batch: Batch, rates: Rates | None) -> None:
        self._batch, self._rates = batch, rates
        functions, n = replace(batch.functions, args=batch.args), batch.starts.shape[1]
        rule, h, self._search = search_template(batch)
        words = self._search.record.view(np.int64)
        scheme = functions.scheme
        self._compiled = CompiledObjective(functions, batch.rows)
        self._kernel = solve_kernel(
            run_signature(rule), self._compiled.user_data_type, self._compiled.row_args_type
        )
        self._cursor = np.zeros(2, dtype=np.int64)
        self._arguments = (
            kernel_address(run_kernel(rule, scheme)),
            self._compiled.address,
            self._compiled.user_data,
            batch.rows,
            np.zeros(1, dtype=np.int64),
            self._search.record,
            self._search.rows,
            words,
            words.copy(),
            np.zeros(n if scheme == "cs" else 0, dtype=np.complex128),
            h,
            batch.starts,
            batch.lowers,
            batch.uppers,
            batch.rates,
            functions.gradient_cost,
            batch.x,
            batch.fun,
            batch.jac,
            batch.counts,
            self._cursor,
        )
        #: How many rows to take next.
        self.turn = 1

    @property
    def is_parallel(self) -> bool:
        """Whether the functions have threads of their own, which are not to meet."""
        return self._compiled.is_parallel

    def halt(self) -> None:
        """Have it leave the row that it is at. Another thread may say so."""
        self._search.view("halt")[0] = 1

    def solve(self, rows: range) -> None:
        """Solve some rows, or as many as there is time for."""
        start = time.monotonic()
        self._solve(rows.start, rows.stop)
        seconds = max(time.monotonic() - start, 1e-9)
        self.turn = max(1, min(_MOST_ROWS, int(len(rows) * _TURN / seconds)))

    def _solve(self, start: int, stop: int) -> None:
        cursor = self._cursor
        cursor[:] = start, 0
        while cursor[0] < stop:
            try:
                self._go_on(stop)
            except Exception:
                if self._batch.on_error == "raise":
                    raise
                self._lose()
            if self._search.view("halt")[0]:
                self._leave()
                return

    def _go_on(self, stop: int) -> None:
        """Go on with the row at hand and those up to ``stop``, as far as the step sizes go."""
        if self._rates is None:
            self._kernel(*self._arguments, _NONE, stop)
            return
        begun = self._cursor[1]
        nit = int(self._search.view("nit")[0]) if begun else 0
        if nit < self._batch.options.maxiter and len(self._rates.known) <= nit:
            self._rates.ask(nit)
        self._kernel(*self._arguments, self._rates.known, stop)

    def _lose(self) -> None:
        """Give up the row at hand, which has raised an exception."""
        nit, nfev, njev = search_counts(self._search) if self._cursor[1] else (0, 0, 0)
        self._batch.lose(self._cursor[0], (nit, nfev, njev))
        self._cursor[:] = self._cursor[0] + 1, 0

    def _leave(self) -> None:
        """Keep the best point so far of the row that is not finished."""
        batch, search = self._batch, self._search
        row, begun = self._cursor
        if not begun:
            return
        search.conclude()
        self._kernel(*self._arguments, _NONE, row + 1)  # to have the last point judged
        if batch.counts[row, END] == MAXITER:
            batch.counts[row, END] = TIMEOUT
        elif self._cursor[0] == row and np.isfinite(search.view("best_f")[0]):  # it asks for more
            batch.x[row], batch.jac[row] = search.best_x, search.best_grad
            batch.fun[row] = search.view("best_f")[0]
            batch.counts[row] = *search_counts(search), TIMEOUT


_NONE = np.zeros(0)
