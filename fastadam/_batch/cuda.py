"""`minimize_batch` on a GPU: the memory of a batch there, and the launches that solve it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._cuda import searches
from .._cuda.arguments import device_argument, on_device
from .._cuda.driver import count_resident_blocks, find_free_memory
from .._minimize.options import select_rule
from .._numba.gpu import is_simulated, load_cuda
from .._objective.arguments import find_argument_types
from .._objective.cuda import find_source
from .._objective.layout import REL_STEP, TEMPLATE, X_SCALE
from .._search.deadline import Deadline
from .._search.progress import progress
from .._search.rows import Solutions, Starts
from .._search.schedule import Rates
from .._search.search import Search
from .._search.ticker import INTERVAL
from .problems import Problems

#: The threads of a block.
_BLOCK = 128
#: Of the simulator, where each is one of Python's.
_SIMULATED_BLOCKS, _SIMULATED_BLOCK = 2, 2
#: What part of the memory that is free the searches may take.
_SHARE = 0.5


def solve_on_device(problems: Problems, solutions: Solutions, deadline: Deadline) -> None:
    """Solve all problems of a batch on the current GPU, in their ``dtype``.

    Their arguments may be arrays on the GPU.
    """
    batch = _DeviceBatch(problems, solutions)
    with progress(len(problems), "problem", problems.options.disp) as update:
        batch.run(deadline.start(), update)
    there: Any
    for there, here in zip(batch.found, solutions, strict=True):
        here[...] = there.copy_to_host()


class _DeviceBatch:
    """The searches that the GPU's threads make, and the arrays of the batch there."""

    def __init__(self, problems: Problems, solutions: Solutions) -> None:
        self._cuda, self._problems = load_cuda(), problems
        objective, starts, options = problems.objective, problems.starts, problems.options
        n, lr, jac = starts.points.shape[1], options.lr, objective.jac
        self._rates = Rates(lr, options.maxiter) if callable(lr) else None
        rule, hyper = select_rule(problems.method, options)
        args = tuple(device_argument(f"args[{i}]", each) for i, each in enumerate(objective.args))
        bases = tuple(
            device_argument(f"batch_args[{i}]", each) for i, each in enumerate(problems.row_args)
        )
        task = searches.Task(
            rule,
            options.auto,
            problems.dtype.name,
            find_source("fun", objective.fun),
            find_source("jac", jac) if callable(jac) else jac,
            n,
            find_argument_types(args),
            find_argument_types(bases, "batch_args"),
        )
        self._kernel, self._shape = searches.search_kernel(task), searches.find_shape(task)
        self._keeping = problems.on_error != "raise"
        self._progress = on_device(np.zeros(4, dtype=np.int64))
        self._schedule = on_device(np.zeros(0))
        # The starts, until the results are written over them.
        x, jac = (on_device(a.astype(problems.dtype)) for a in (solutions.x, solutions.jac))
        self.found = Solutions(x, on_device(solutions.fun), jac, on_device(solutions.counts))
        lowers, uppers = map(on_device, _inward(starts.lowers, starts.uppers, problems.dtype))
        starts = Starts(x, lowers, uppers, on_device(starts.rates))
        self._arguments = self._progress, *self._memory(bases), args, hyper, starts, self.found
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
        strips = tuple(device_array((*base.shape[1:], width), base.dtype) for base in bases)
        return (
            searches.ThreadMemory(
                on_device(np.zeros((searches.RECORD_WORDS + 2, width), dtype=np.int64)),  # idle
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
            state = self._launch(False, max(0.0, min(INTERVAL, deadline.left)))
            before, over = over, int(state[searches.OVER])
            update(over - before)
            if over == size:
                return
            if deadline.is_over:
                break
            if self._rates is not None and state[searches.WANTED]:
                self._ask(self._rates)
                state[searches.WANTED] = 0
                self._progress.copy_to_device(state)
        state[searches.NEXT] = size  # there are no more
        self._progress.copy_to_device(state)
        self._launch(True, 0.0)  # the last points are judged

    def _ask(self, rates: Rates) -> None:
        """Have more of the schedule known on the GPU."""
        rates.ask(self._schedule.size)
        self._schedule = on_device(rates.known)

    def _launch(self, leaving: bool, seconds: float) -> Any:
        """Have each thread evaluate points for some time, or end its search; return the progress.

        An evaluation that has begun is finished, however long it takes.
        """
        launch = searches.Launch(int(self._keeping), int(leaving), int(1e9 * seconds))
        self._kernel[self._blocks, self._threads](*self._arguments, self._schedule, launch)
        state = self._progress.copy_to_host()
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


def _inward(lowers: Any, uppers: Any, dtype: np.dtype[Any]) -> tuple[Any, Any]:
    """Put bounds in a dtype, rounded so that what is within them is within those given.

    Where no number of the dtype is between the two, they are the nearest ones.
    """
    infinity = dtype.type(np.inf)
    with np.errstate(over="ignore"):  # beyond the largest number
        lower, upper = lowers.astype(dtype), uppers.astype(dtype)
    in_lower = np.where(lower < lowers, np.nextafter(lower, infinity), lower)
    in_upper = np.where(upper > uppers, np.nextafter(upper, -infinity), upper)
    apart = in_lower <= in_upper
    lower, upper = np.where(apart, in_lower, lower), np.where(apart, in_upper, upper)
    return np.where(lowers > uppers, infinity, lower), upper  # no room remains none
