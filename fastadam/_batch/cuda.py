"""`minimize_batch` on a GPU: the memory of a batch there, and the launches that solve it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
from scipy.optimize import OptimizeResult

from .._cuda import searches
from .._cuda.arguments import device_argument, on_device
from .._cuda.driver import LEAST_BLOCKS, count_resident_blocks, find_free_memory
from .._cuda.transfers import Transfers
from .._minimize.options import select_rule
from .._minimize.results import attach_result
from .._numba.gpu import is_simulated, load_cuda
from .._objective.arguments import find_argument_types
from .._objective.cuda import find_source
from .._objective.layout import REL_STEP, TEMPLATE, X_SCALE
from .._search.deadline import Deadline
from .._search.known import NOTHING, Known
from .._search.outcomes import describe_exception
from .._search.progress import progress
from .._search.rows import Solutions, Starts
from .._search.schedule import Rates
from .._search.search import Search
from .._search.ticker import INTERVAL
from .device_rows import DeviceRows
from .problems import Problems
from .results import make_batch_result

#: The threads of a block.
_BLOCK = 128
#: Of the simulator, where each is one of Python's.
_SIMULATED_BLOCKS, _SIMULATED_BLOCK = 2, 2
#: Seconds of a launch while rows are on their way: their number is told to the next.
_BRIEF = 1e-3
#: What part of the memory that is free the searches may take.
_SHARE = 0.5


def solve_on_device(problems: Problems, solutions: Solutions, deadline: Deadline) -> None:
    """Solve all problems of a batch on the current GPU, in their ``dtype``.

    Their arguments may be arrays on the GPU.
    """
    with Transfers() as transfers:
        rows = DeviceRows(problems, transfers)
        _solve(problems, rows, deadline)
        rows.fetch(solutions)


def solve_there(problems: Problems, like: Any) -> tuple[OptimizeResult, Callable[[], str]]:
    """Solve a batch on the current GPU; return the result, and what makes its summary.

    The result is of the library of ``like``, the array on the GPU that the starts came in; else,
    for None, it is on the host.
    """
    rows = None
    with Transfers() as transfers:
        try:
            rows = DeviceRows(problems, transfers, like)
            _solve(problems, rows, Deadline(problems.options.max_seconds))
            return rows.make_result()
        except BaseException as error:
            with suppress(Exception):  # of a GPU that does nothing any more
                attach_result(error, _make_partial_result(problems, rows, error))
            raise


def _make_partial_result(
    problems: Problems, rows: DeviceRows | None, error: BaseException
) -> OptimizeResult:
    """Make the result of what an exception has ended."""
    ending = describe_exception(error)
    if rows is None:
        return make_batch_result(Solutions.unknown(problems.starts.points.copy()), ending)
    result, _ = rows.make_result(ending)
    return result


def _solve(problems: Problems, rows: DeviceRows, deadline: Deadline) -> None:
    batch = _DeviceBatch(problems, rows)
    with progress(len(problems), "problem", problems.options.disp) as update:
        batch.run(deadline.start(), update)


class _DeviceBatch:
    """The searches that the GPU's threads make of the rows of a batch."""

    def __init__(self, problems: Problems, rows: DeviceRows) -> None:
        self._cuda, self._problems, self._rows = load_cuda(), problems, rows
        objective, options = problems.objective, problems.options
        lr, jac, bases = options.lr, objective.jac, rows.bases
        self._rates = Rates(lr, options.maxiter) if callable(lr) else None
        rule, hyper = select_rule(problems.method, options)
        args = tuple(device_argument(f"args[{i}]", each) for i, each in enumerate(objective.args))
        task = searches.Task(
            rule,
            options.auto,
            problems.dtype.name,
            find_source("fun", objective.fun),
            find_source("jac", jac) if callable(jac) else jac,
            problems.starts.points.shape[1],
            find_argument_types(args),
            find_argument_types(bases, "batch_args"),
            problems.known is not NOTHING,
        )
        self._kernel, self._shape = searches.search_kernel(task), searches.find_shape(task)
        self._keeping = problems.on_error != "raise"
        self._progress = on_device(np.zeros(4, dtype=np.int64))
        self._state = self._cuda.pinned_array(4, np.int64)
        self._schedule = on_device(np.zeros(0))
        self._before = self._progress, *self._memory(bases), args, hyper
        minima = problems.known
        if not minima.values.size:  # the GPU's arrays of two axes are not empty
            minima = minima._replace(points=np.zeros((1, 1)))
        self._known = Known(*map(on_device, minima))
        if self._keeping and is_simulated():
            self._kernel = searches.forgiving(self._kernel)

    def _memory(self, bases: tuple[Any, ...]) -> tuple[Any, ...]:
        """Make the memory of as many searches as the GPU's threads make, and the rows' arrays."""
        problems, device_array = self._problems, self._cuda.device_array
        size, n = problems.starts.points.shape
        template = _template(problems)
        count, group = self._shape[0], searches.GROUP
        complex_n = n if problems.objective.scheme == "cs" else 0
        lengths = [base.size // size for base in bases]
        need = (count * n + 2 * complex_n) * problems.dtype.itemsize + 8 * (
            searches.RECORD_WORDS + 2
        )
        need += sum(length * b.dtype.itemsize for b, length in zip(bases, lengths, strict=True))
        self._blocks, self._threads = self._grid(size, need)
        width = self._blocks * self._threads
        words = device_array((searches.RECORD_WORDS + 2, width), np.int64)
        words[searches.PHASE].copy_to_device(np.full(width, searches.IDLE, dtype=np.int64))
        strips = tuple(device_array((*base.shape[1:], width), base.dtype) for base in bases)
        return (
            searches.ThreadMemory(
                words,
                device_array((-(-width // group), *self._shape, group), problems.dtype),
                device_array((complex_n, width), np.result_type(problems.dtype, np.complex64)),
            ),
            searches.Template(
                on_device(template.record.view(np.int64)), on_device(template.vectors[TEMPLATE])
            ),
            searches.RowArgs(
                tuple(b.reshape(size, length) for b, length in zip(bases, lengths, strict=True)),
                tuple(s.reshape(length, width) for s, length in zip(strips, lengths, strict=True)),
                strips,
            ),
        )

    def _grid(self, size: int, need: int) -> tuple[int, int]:
        """Find how many blocks of how many threads the GPU holds, at most one for each row.

        ``need`` is the number of bytes that a thread takes.
        """
        if is_simulated():
            return min(_SIMULATED_BLOCKS, -(-size // _SIMULATED_BLOCK)), _SIMULATED_BLOCK
        room = int(_SHARE * find_free_memory()) // (need * _BLOCK)
        blocks = min(count_resident_blocks(self._kernel, _BLOCK), -(-size // _BLOCK), room)
        return max(1, blocks), _BLOCK

    def run(self, deadline: Deadline, update: Callable[..., None]) -> None:
        """Solve the problems, as far as there is time."""
        size, over = len(self._problems), 0
        if self._rates is not None and self._problems.options.maxiter > 0:
            self._ask(self._rates)
        while True:
            starts, there = self._rows.find_starts()
            interval = INTERVAL if there == size else _BRIEF
            state = self._launch(False, max(0.0, min(interval, deadline.left)), starts)
            before, over = over, int(state[searches.OVER])
            update(over - before)
            if over == size:
                return
            if deadline.is_over:
                break
            if self._rates is not None and state[searches.WANTED]:
                self._ask(self._rates)
            if there < size or state[searches.WANTED]:
                # Of the rows that were not there, none was taken.
                self._tell(min(int(state[searches.NEXT]), there))
        self._rows.arrivals.wait()
        self._tell(size)  # there are no more
        self._launch(True, 0.0, self._rows.starts)  # the last points are judged

    def _tell(self, following: int) -> None:
        """Tell the GPU which row is next, and that all of the schedule is known that it wanted."""
        self._state[searches.NEXT], self._state[searches.WANTED] = following, 0
        self._progress.copy_to_device(self._state, stream=self._rows.stream)

    def _ask(self, rates: Rates) -> None:
        """Have more of the schedule known on the GPU."""
        rates.ask(self._schedule.size)
        self._schedule = on_device(rates.known)

    def _launch(self, leaving: bool, seconds: float, starts: Starts) -> Any:
        """Have each thread evaluate points for some time, or end its search; return the progress.

        An evaluation that has begun is finished, however long it takes.
        """
        launch = searches.Launch(int(self._keeping), int(leaving), int(1e9 * seconds))
        stream, rows = self._rows.stream, (starts, self._rows.found)
        rest = self._known, self._schedule, launch
        blocks = self._blocks if is_simulated() else max(self._blocks, LEAST_BLOCKS)
        self._kernel[blocks, self._threads, stream](*self._before, *rows, *rest)
        state = self._progress.copy_to_host(self._state, stream=stream)
        stream.synchronize()
        if failed := state[searches.FAILED]:
            raise RuntimeError(
                f"a function raised an exception for problem {failed - 1}; which one is lost on a "
                'GPU, device="cpu" would show it'
            )
        return state


def _template(problems: Problems) -> Search:
    """Make the memory of a search that has not begun.

    What is as small as rounding lets it be in float64 is larger by as much in float32.
    """
    options, scheme = problems.options, problems.objective.scheme
    search = problems.make_search(problems.starts.points.shape[1])
    eps = float(np.finfo(problems.dtype).eps)
    coarser = eps / float(np.finfo(np.float64).eps)
    if options.auto:
        search.scalars.eps = eps
        search.scalars.probe_step *= coarser ** (1 / 3)
        search.scalars.last_step *= coarser ** (1 / 2)
        search.scalars.narrowest *= coarser ** (1 / 3)
        if options.ftol is None:
            search.scalars.ftol *= coarser ** (1 / 2)
            search.scalars.cycle_ftol *= coarser ** (1 / 2)
    power = {"2-point": 1 / 2, "3-point": 1 / 3}.get(scheme)
    if power is not None and options.finite_diff_rel_step is None:
        search.vectors[REL_STEP] *= coarser**power
    elif power is not None:
        search.vectors[REL_STEP] = np.maximum(search.vectors[REL_STEP], eps)
    largest = float(np.finfo(problems.dtype).max)
    search.vectors[X_SCALE] = np.minimum(search.vectors[X_SCALE], largest)
    return search
