"""Many searches on a GPU: each thread solves one row of a batch after the other.

A thread keeps one search. When it is over the thread stores the result and takes the next row that
nobody has, so that no thread waits for another and a finished row costs nothing. After some time
the kernel returns, for the clock and Ctrl-C; what each search has come to stays in memory, thread
beside thread, and goes on with the next launch.

The engine, the differences, and how a row begins and ends are those of the CPU, compiled again.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numba import from_dtype, types
from numba.extending import register_jitable

from .._numba.gpu import clock, compile_kernel, with_cuda
from .._objective.cuda import make_device_evaluation, rejected
from .._objective.evaluation import select_views
from .._objective.layout import REL_STEP, STATE
from .._objective.objective import Objective
from .._rules.spec import Rule
from .._search.iteration import engine
from .._search.outcomes import INFEASIBLE, MAXITER, RUNNING, TIMEOUT
from .._search.rows import END, begin, keep_gradient, lose, store, to_best, wants_narrow
from .._search.state import SCALARS

cuda: Any = None  # see `target.with_cuda`

#: A record of a search whose fields are attributes in Python too.
RECORD = np.dtype((np.record, SCALARS))
#: The number of its words. Behind them a thread keeps its row and what it does with it.
WORDS = SCALARS.itemsize // 8
ROW, PHASE = WORDS, WORDS + 1

#: Most of what a search is would be in registers, 180 of them, and a multiprocessor would hold 256
#: threads: too few to wait for memory in turn. With these it holds 512.
_REGISTERS = 128

#: What a thread does: it needs a row; it searches; it has the last gradient evaluated; or what it
#: did was ended by an exception.
IDLE, SEARCHING, NARROWING, LOST = range(4)

#: Of what all threads share: the next row; the number of rows that are over; a row, from 1, whose
#: function raised an exception; and whether a search wants more of the schedule.
NEXT, OVER, FAILED, WANTED = range(4)


@dataclass(frozen=True)
class Task:
    """What a kernel is compiled for.

    Attributes
    ----------
    rule : Rule
        The update rule.
    dtype : str
        What is computed in, "float32" or "float64".
    fun, jac
        As `Objective` has them.
    length : int
        The number of variables, or 0 if it does not matter.
    args_type, rows_type : numba.types.BaseTuple
        The types of the common arguments, and of the arrays whose rows are arguments.
    """

    rule: Rule
    dtype: str
    fun: Any
    jac: Any
    length: int
    args_type: Any
    rows_type: Any


@lru_cache(maxsize=64)
def search_kernel(task: Task) -> Any:
    """Return the compiled kernel, see `search_function`."""
    function, signature = search_function(task)
    with rejected("fun cannot be compiled for the GPU"):
        return compile_kernel(function, signature, max_registers=_REGISTERS)


def forgiving(kernel: Any) -> Any:
    """Return a kernel for the simulator that loses an exception with its thread, as a GPU does."""

    def search(*arguments: Any) -> None:
        with suppress(Exception):
            kernel.py_func(*arguments)

    return cuda.jit(search)


def search_function(task: Task) -> tuple[Callable[..., None], Any]:
    """Return the kernel for a task, not yet compiled, and its signature.

    Its parameters are

    * ``progress``: what all threads share;
    * ``words``, ``matrices``, ``complex_trials``: a search for each thread, which is the last axis;
    * ``template``, ``rel_step``: the words of a search that has not begun, and its differences;
    * ``bases``: the arrays whose rows are arguments, with one axis in place of the row's;
    * ``strips``, ``views``: the rows that threads have, with one axis and with the row's;
    * ``args``, ``h``: the common arguments, and the rule's hyper-parameters;
    * ``starts`` to ``counts``, and ``schedule``: as for `many.solve_kernel`; ``x`` may be
      ``starts``;
    * ``keeping``: whether an exception ends its row alone;
    * ``leaving``: whether searches are to end where they are;
    * ``limit``: after how many nanoseconds no thread evaluates another point.
    """
    advance = engine(task.rule, task.dtype)
    objective = Objective(task.fun, (), task.jac)
    evaluate = make_device_evaluation(objective, _given(task), task.length)
    count = len(task.rows_type)
    fetch, pick = _fetcher(count), _picker(tuple(array.ndim for array in task.rows_type))
    now = clock()

    @with_cuda
    def search(  # type: ignore[no-untyped-def]
        progress,
        words,
        matrices,
        complex_trials,
        template,
        rel_step,
        bases,
        strips,
        views,
        args,
        h,
        starts,
        lowers,
        uppers,
        rates,
        per_free,
        x,
        fun,
        jac,
        counts,
        schedule,
        keeping,
        leaving,
        limit,
    ):
        t = cuda.grid(1)
        if t >= words.shape[1]:
            return
        end = now() + limit
        k, phase = words[ROW, t], words[PHASE, t]
        if phase == LOST:
            if not keeping:
                progress[FAILED] = k + 1
                return
            lose(k, x, fun, jac, counts)
            cuda.atomic.add(progress, OVER, 1)
            phase = IDLE
        words[PHASE, t] = LOST  # until the end, which an exception keeps a thread from
        # Copied word by word it can be in registers; in place, each field of each thread would be
        # in another part of memory.
        record = cuda.local.array(1, RECORD)
        memory = record.view(np.int64)
        for i in range(WORDS):
            memory[i] = words[i, t]
        s = record[0]
        rows, complex_trial = matrices[:, :, t], complex_trials[:, t]
        while True:
            over = phase == NARROWING
            if over:
                keep_gradient(rows)
            elif phase == SEARCHING:
                if leaving:
                    s.maxiter = s.nit
                if schedule.size > 0 and s.nit < s.maxiter:
                    if s.nit >= schedule.size:
                        progress[WANTED] = 1
                        break
                    s.lr = schedule[s.nit]
                advance(s, rows, rows[STATE:], h)
                if s.status != RUNNING and not leaving and wants_narrow(s):
                    to_best(s, rows)
                    phase = NARROWING
                else:
                    over = s.status != RUNNING or leaving
            if over:
                store(s, rows, k, x, fun, jac, counts)
                if leaving and (s.status == RUNNING or s.status == MAXITER):
                    counts[k, END] = TIMEOUT
                cuda.atomic.add(progress, OVER, 1)
                phase = IDLE
            if phase == IDLE:
                k = cuda.atomic.add(progress, NEXT, 1)
                if k >= starts.shape[0]:
                    break
                words[ROW, t] = k
                for i in range(WORDS):
                    memory[i] = template[i]
                if not begin(s, rows, k, starts, lowers, uppers, rates, per_free):
                    counts[k, END] = INFEASIBLE
                    cuda.atomic.add(progress, OVER, 1)
                    continue
                for i in range(rel_step.size):
                    rows[REL_STEP, i] = rel_step[i]
                fetch(bases, strips, k, t)
                phase = SEARCHING
            evaluate(s, select_views(rows, complex_trial), args + pick(views, t))
            if now() >= end:
                break
        for i in range(WORDS):
            words[i, t] = memory[i]
        words[PHASE, t] = phase

    search.__name__ = search.__qualname__ = f"search_{task.rule.name}_{task.dtype}"
    return search, _signature(task)


def _signature(task: Task) -> Any:
    real, whole = from_dtype(np.dtype(task.dtype)), types.int64
    complex_type = types.complex64 if task.dtype == "float32" else types.complex128
    scalars, vector, matrix = (
        types.Array(dtype, ndim, "C") for dtype, ndim in ((whole, 1), (types.float64, 1), (real, 2))
    )
    words, dtypes = types.Array(whole, 2, "C"), [array.dtype for array in task.rows_type]
    flat = types.Tuple([types.Array(dtype, 2, "C") for dtype in dtypes])
    return types.void(
        scalars, words, types.Array(real, 3, "C"), types.Array(complex_type, 2, "C"), scalars,
        vector, flat, flat, task.rows_type, task.args_type,
        types.UniTuple(types.float64, len(task.rule.hyper)), matrix, matrix, matrix,
        vector, whole, matrix, vector, matrix, words, vector, whole, whole, whole,
    )  # fmt: skip


def _given(task: Task) -> tuple[Any, ...]:
    """Return the types of x and of all other arguments of the user's functions."""
    x = types.Array(from_dtype(np.dtype(task.dtype)), 1, "A")
    own = (
        array.dtype if array.ndim == 1 else array.copy(ndim=array.ndim - 1, layout="A")
        for array in task.rows_type
    )
    return (x, *task.args_type, *own)


# ---------------------------------------------------------------------------------------------
# The arguments that each row has
# ---------------------------------------------------------------------------------------------


def _fetcher(count: int) -> Callable[..., None]:
    """Return ``fetch(bases, strips, k, t)``, which copies row ``k`` of each array to thread ``t``.

    Threads that read theirs in step then read memory that lies side by side.
    """
    if count == 0:
        return register_jitable(lambda bases, strips, k, t: None)
    before, last = _fetcher(count - 1), count - 1

    @register_jitable
    def fetch(bases, strips, k, t):  # type: ignore[no-untyped-def]
        before(bases, strips, k, t)
        base, strip = bases[last], strips[last]
        for j in range(base.shape[1]):
            strip[j, t] = base[k, j]

    return fetch


def _picker(dimensions: tuple[int, ...]) -> Callable[..., Any]:
    """Return ``pick(views, t)``: thread ``t``'s part of each array, a number of a vector."""
    if not dimensions:
        return register_jitable(lambda views, t: ())
    before, last, is_vector = _picker(dimensions[:-1]), len(dimensions) - 1, dimensions[-1] == 1

    @register_jitable
    def pick(views, t):  # type: ignore[no-untyped-def]
        own = views[last][t] if is_vector else views[last][..., t]
        return before(views, t) + (own,)  # noqa: RUF005

    return pick
