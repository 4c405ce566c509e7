"""Many problems: their data, and the threads that solve them."""

from __future__ import annotations

import math
import time
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from threading import Event, Lock
from typing import Any

import numpy as np

from ..cache import kernel_address
from ..checks import nonnegative
from ..minimizer.options import Options, rule_of
from ..minimizer.result import report
from ..minimizer.setup import evaluations_for_each, run_of, search_of
from ..rules import Rule
from ..solver.kernels import run_kernel, run_signature
from ..solver.many import END, INFEASIBLE, solve_kernel
from ..solver.native import native_function, type_of_arguments
from ..solver.runs import Functions
from ..solver.search import MAXITER, Search, Vector
from ..solver.watch import TIMEOUT, Watch, progress_bar

Matrix = np.ndarray[Any, np.dtype[np.float64]]

_FLOAT64 = np.dtype(np.float64)

#: A thread comes back to Python about this often, in seconds.
_INTERVAL = 0.02
#: Seconds that the rows take which a thread takes at once: short, so that a stretch of slow rows
#: is shared, and long beside the 10 us that each such turn costs.
_TURN = 5e-4
#: The most of them: the next may be slow.
_MOST_ROWS = 64


@dataclass
class Batch:
    """The problems, and what has been found of each.

    Attributes
    ----------
    functions : Functions
        The user's, with the common arguments.
    rows : tuple of ndarray
        Arrays whose k-th rows are further arguments of problem k.
    starts, lowers, uppers : ndarray, shape (B, n)
        The bounds may also be (1, n), for all problems.
    rates : ndarray, shape (B,) or (1,)
        The step sizes.
    options : Options
        The rest of the options.
    dtype : dtype
        What a device computes in.
    x, fun, jac : ndarray
        The best points, and the values and gradients there.
    counts : ndarray of int64, shape (B, 4)
        Iterations, evaluations of the function and of the gradient, and how it ended.
    """

    functions: Functions
    rows: tuple[np.ndarray[Any, Any], ...]
    starts: Matrix
    lowers: Matrix
    uppers: Matrix
    rates: Matrix
    method: str
    options: Options
    dtype: np.dtype[Any] = _FLOAT64

    def __post_init__(self) -> None:
        size, n = self.starts.shape
        self.x, self.jac = self.starts.copy(), np.full((size, n), np.nan)
        self.fun = np.full(size, np.nan)
        self.counts = np.zeros((size, 4), dtype=np.int64)
        self.counts[:, END] = TIMEOUT  # until it is solved
        self.schedule = np.zeros(0)
        self.deadline = math.inf
        self.stop = Event()

    def start_clock(self) -> None:
        """Count `max_seconds` from now, when all is compiled."""
        self.deadline = time.monotonic() + self.options.max_seconds

    @property
    def over(self) -> bool:
        """Whether no more iterations are to be made."""
        return self.stop.is_set() or time.monotonic() >= self.deadline


def search_template(batch: Batch) -> tuple[Rule, tuple[float, ...], Search]:
    """Return the rule, its hyper-parameters, and the memory of a search that has not begun."""
    rule, h = rule_of(batch.method, batch.options)
    n = batch.starts.shape[1]
    free = np.full(n, -np.inf), np.full(n, np.inf)
    return rule, h, search_of(batch.functions, rule, batch.options, np.zeros(n), *free)


def solve_compiled(batch: Batch, threads: int) -> None:
    """Solve all problems by compiled loops, in some threads."""
    size = len(batch.starts)
    queue = _Queue(size, threads)
    bar = progress_bar(size, "problem") if batch.options.disp else None
    batch.schedule = schedule_of(batch.options)
    solvers = [_Solver(batch)]
    if not solvers[0].is_parallel:
        solvers += [_Solver(batch) for _ in range(1, min(threads, size))]

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
                wait(futures, return_when=FIRST_EXCEPTION)
            finally:  # also after Ctrl-C: the threads come back at once
                batch.stop.set()
        for future in futures:
            future.result()
    finally:
        if bar is not None:
            bar.close()


def schedule_of(options: Options) -> Vector:
    """Return the step sizes of all iterations and one more, if they are a user's function."""
    if not callable(options.lr):
        return np.zeros(0)
    rates = [nonnegative(f"lr({t})", options.lr(t)) for t in range(1, options.maxiter + 1)]
    return np.array([*rates, 0.0])


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

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        functions, n = batch.functions, batch.starts.shape[1]
        rule, h, self._search = search_template(batch)
        words = self._search.record.view(np.int64)
        scheme = functions.scheme
        args_type = type_of_arguments(functions.args)
        batch_type = type_of_arguments(batch.rows, "batch_args")
        by_row = (batch_type,) if batch.rows else ()
        self._native = native_function(functions.fun, functions.form, args_type, *by_row)
        given = self._native.given(functions.args)
        self._kernel = solve_kernel(run_signature(rule), type_of_arguments(given), batch_type)
        self._cursor = np.zeros(2, dtype=np.int64)
        self._arguments = (
            kernel_address(run_kernel(rule, scheme)),
            self._native.address,
            given,
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
            batch.schedule,
            evaluations_for_each(scheme),
            batch.x,
            batch.fun,
            batch.jac,
            batch.counts,
            self._cursor,
        )
        self._budget = 1
        #: How many rows to take next.
        self.turn = 1

    @property
    def is_parallel(self) -> bool:
        """Whether the functions have threads of their own, which are not to meet."""
        return self._native.is_parallel(self._batch.functions.args)

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
            began = time.monotonic()
            self._kernel(*self._arguments, stop, self._budget)
            pace = _INTERVAL / max(time.monotonic() - began, 1e-9)
            if cursor[0] < stop or pace < 1.0:
                self._budget = max(1, int(self._budget * min(4.0, pace)))
            if self._batch.over:
                self._leave()
                return

    def _leave(self) -> None:
        """Keep the best point so far of the row that is not finished."""
        batch, view = self._batch, self._search.view
        row, begun = self._cursor
        if not begun:
            return
        view("maxiter")[0] = view("nit")[0]
        self._kernel(*self._arguments, row + 1, 1)  # to have the last point judged
        if batch.counts[row, END] == MAXITER:
            batch.counts[row, END] = TIMEOUT
        elif self._cursor[0] == row and np.isfinite(view("best_f")[0]):  # it asks for more
            batch.x[row], batch.jac[row] = self._search.best_x, self._search.best_grad
            batch.fun[row] = view("best_f")[0]
            counts = (view(name)[0] for name in ("nit", "nfev", "njev"))
            batch.counts[row] = *counts, TIMEOUT


def solve_python(batch: Batch) -> None:
    """Solve one problem after the other, for functions in Python."""
    size = len(batch.starts)
    bar = progress_bar(size, "problem") if batch.options.disp else None
    batch.start_clock()
    try:
        for k in range(size):
            if batch.over:
                return
            _solve_row(batch, k)
            if bar is not None:
                bar.update()
    finally:
        if bar is not None:
            bar.close()


def _solve_row(batch: Batch, k: int) -> None:
    lower, upper = (bound[k if len(bound) > 1 else 0] for bound in (batch.lowers, batch.uppers))
    if not np.all((lower <= upper) & (lower < np.inf) & (upper > -np.inf)):
        batch.counts[k, END] = INFEASIBLE
        return
    functions = replace(
        batch.functions, args=batch.functions.args + tuple(rows[k] for rows in batch.rows)
    )
    options = batch.options
    if not (options.auto or callable(options.lr)):
        options = replace(options, lr=float(batch.rates[k if len(batch.rates) > 1 else 0]))
    start = np.clip(batch.starts[k], lower, upper)
    run = run_of(functions, batch.method, options, start, lower, upper)
    end = Watch(run, None, False, batch.deadline - time.monotonic(), False).drive()
    result = report(run, end)
    batch.x[k], batch.fun[k], batch.jac[k] = result.x, result.fun, result.jac
    batch.counts[k] = result.nit, result.nfev, result.njev, end
