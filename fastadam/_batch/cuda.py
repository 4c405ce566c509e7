"""`minimize_batch` on a GPU: the memory of a batch there, and the launches that solve it."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from .._cuda.arguments import device_argument, on_device
from .._cuda.driver import count_resident_blocks, find_free_memory
from .._cuda.searches import FAILED, NEXT, OVER, WANTED, WORDS, Task, forgiving, search_kernel
from .._minimize.options import select_rule
from .._numba.gpu import is_simulated, load_cuda
from .._objective.arguments import find_argument_types
from .._objective.cuda import find_source
from .._objective.layout import REL_STEP
from .._search.monitor import progress_bar
from .._search.schedule import Rates
from .._search.state import Search
from .problems import Batch, search_template

#: The threads of a block.
_BLOCK = 128
#: Of the simulator, where each is one of Python's.
_SIMULATED_BLOCKS, _SIMULATED_BLOCK = 2, 2
#: A launch takes about so many seconds.
_INTERVAL = 0.02
#: What part of the memory that is free the searches may take.
_SHARE = 0.5


def solve_on_device(batch: Batch) -> None:
    """Solve all problems of a batch on the current GPU, as `batches.batch.solve_compiled` does.

    The batch's ``dtype`` is what is computed in. Its arguments may be arrays on the GPU.

    Raises
    ------
    ImportError, RuntimeError
        If there is no GPU, or not what it takes to use it; or a function of the user's raised an
        exception there.
    TypeError, ValueError
        If a function cannot be compiled for a GPU, or an argument cannot be passed to it.
    """
    searches = _Searches(batch)
    bar = progress_bar(len(batch.starts), "problem") if batch.options.disp else None
    batch.start_clock()
    try:
        searches.run(bar)
    finally:
        if bar is not None:
            bar.close()
    searches.read()


class _Searches:
    """The searches that the GPU's threads make, and the arrays of the batch there."""

    def __init__(self, batch: Batch) -> None:
        self._cuda, self._batch = load_cuda(), batch
        functions, n = batch.functions, batch.starts.shape[1]
        lr = batch.options.lr
        self._rates = Rates(lr, batch.options.maxiter) if callable(lr) else None
        rule, h = select_rule(batch.method, batch.options)
        args = tuple(device_argument(f"args[{i}]", each) for i, each in enumerate(functions.args))
        bases = tuple(
            device_argument(f"batch_args[{i}]", each) for i, each in enumerate(batch.rows)
        )
        jac = functions.jac
        task = Task(
            rule,
            batch.dtype.name,
            find_source("fun", functions.fun),
            find_source("jac", jac) if callable(jac) else jac,
            n if callable(jac) or jac is True else 0,
            find_argument_types(args),
            find_argument_types(bases, "batch_args"),
        )
        self._kernel, self._keeping = search_kernel(task), batch.on_error != "raise"
        self._progress = on_device(np.zeros(4, dtype=np.int64))
        self._schedule = on_device(np.zeros(0))
        # The starts, until the results are written over them.
        self._x, self._jac = (on_device(a.astype(batch.dtype)) for a in (batch.x, batch.jac))
        self._fun, self._counts = on_device(batch.fun), on_device(batch.counts)
        self._arguments = (
            self._progress,
            *self._memory(bases),
            args,
            h,
            self._x,
            *map(on_device, _inward(batch.lowers, batch.uppers, batch.dtype)),
            on_device(batch.rates),
            functions.gradient_cost,
            self._x,
            self._fun,
            self._jac,
            self._counts,
        )
        if self._keeping and is_simulated():
            self._kernel = forgiving(self._kernel)

    def _memory(self, bases: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the memory of as many searches as the GPU's threads make, and the rows' arrays."""
        batch, device_array = self._batch, self._cuda.device_array
        size, n = batch.starts.shape
        template = _template(batch)
        count = len(template.rows)
        complex_n = n if batch.functions.scheme == "cs" else 0
        lengths = [base.size // size for base in bases]
        need = (count * n + 2 * complex_n) * batch.dtype.itemsize + 8 * (WORDS + 2)
        need += sum(length * b.dtype.itemsize for b, length in zip(bases, lengths, strict=True))
        self._blocks, self._threads = self._grid(size, need)
        width = self._blocks * self._threads
        strips = tuple(device_array((*base.shape[1:], width), base.dtype) for base in bases)
        return (
            on_device(np.zeros((WORDS + 2, width), dtype=np.int64)),  # idle
            device_array((count, n, width), batch.dtype),
            device_array((complex_n, width), np.result_type(batch.dtype, np.complex64)),
            on_device(template.record.view(np.int64)),
            on_device(template.rows[REL_STEP]),
            tuple(b.reshape(size, length) for b, length in zip(bases, lengths, strict=True)),
            tuple(s.reshape(length, width) for s, length in zip(strips, lengths, strict=True)),
            strips,
        )

    def _grid(self, size: int, need: int) -> tuple[int, int]:
        """Return how many blocks of how many threads the GPU holds, at most one for each row.

        ``need`` is the number of bytes that a thread takes.
        """
        if is_simulated():
            return min(_SIMULATED_BLOCKS, -(-size // _SIMULATED_BLOCK)), _SIMULATED_BLOCK
        room = int(_SHARE * find_free_memory()) // (need * _BLOCK)
        blocks = min(count_resident_blocks(self._kernel, _BLOCK), -(-size // _BLOCK), room)
        return max(1, blocks), _BLOCK

    def run(self, bar: Any) -> None:
        """Solve the problems, as far as there is time."""
        batch, size, over = self._batch, len(self._batch.starts), 0
        if self._rates is not None and batch.options.maxiter > 0:
            self._ask(self._rates)
        while True:
            left = batch.deadline - time.monotonic()
            progress = self._launch(False, max(0.0, min(_INTERVAL, left)))
            if bar is not None:
                bar.update(int(progress[OVER]) - over)
            over = int(progress[OVER])
            if over == size:
                return
            if batch.over:
                break
            if self._rates is not None and progress[WANTED]:
                self._ask(self._rates)
                progress[WANTED] = 0
                self._progress.copy_to_device(progress)
        progress[NEXT] = size  # there are no more
        self._progress.copy_to_device(progress)
        self._launch(True, 0.0)  # the last points are judged

    def _ask(self, rates: Rates) -> None:
        """Have more of the schedule known on the GPU."""
        rates.ask(self._schedule.size)
        self._schedule = on_device(rates.known)

    def _launch(self, leaving: bool, seconds: float) -> Any:
        """Have each thread evaluate points for some time, or end its search; return the progress.

        An evaluation that has begun is finished, however long it takes.
        """
        last = self._schedule, int(self._keeping), int(leaving), int(1e9 * seconds)
        self._kernel[self._blocks, self._threads](*self._arguments, *last)
        progress = self._progress.copy_to_host()
        if progress[FAILED]:
            raise RuntimeError(
                f"a function raised an exception for problem {progress[FAILED] - 1}; which one is "
                'lost on a GPU, device="cpu" would show it'
            )
        return progress

    def read(self) -> None:
        """Copy the results to the batch."""
        batch = self._batch
        batch.x[:], batch.jac[:] = self._x.copy_to_host(), self._jac.copy_to_host()
        self._fun.copy_to_host(batch.fun)
        self._counts.copy_to_host(batch.counts)


def _template(batch: Batch) -> Search:
    """Return the memory of a search that has not begun.

    What is as small as rounding lets it be in float64 is larger by as much in float32.
    """
    options, scheme = batch.options, batch.functions.scheme
    *_, search = search_template(batch)
    eps = float(np.finfo(batch.dtype).eps)
    coarser = eps / float(np.finfo(np.float64).eps)
    if options.auto:
        search.view("last_step")[0] *= coarser ** (1 / 2)
        search.view("narrowest")[0] *= coarser ** (1 / 3)
        if options.ftol is None:
            for name in ("ftol", "cycle_ftol"):
                search.view(name)[0] *= coarser ** (1 / 2)
    power = {"2-point": 1 / 2, "3-point": 1 / 3}.get(scheme)
    if power is not None and options.finite_diff_rel_step is None:
        search.rows[REL_STEP] *= coarser**power
    elif power is not None:
        search.rows[REL_STEP] = np.maximum(search.rows[REL_STEP], eps)
    return search


def _inward(lowers: Any, uppers: Any, dtype: np.dtype[Any]) -> tuple[Any, Any]:
    """Return bounds in a dtype, rounded so that what is within them is within those given.

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
