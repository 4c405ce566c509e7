"""Many searches on a GPU: each thread solves one row of a batch after the other.

When a thread's search is over it stores the result and takes the next row that nobody has, so that
no thread waits for another. After some time the kernel returns, for the clock and Ctrl-C; what each
search has come to stays in memory, thread beside thread, and goes on with the next launch.

The iteration, the differences, and how a row begins and ends are those of the CPU, compiled again.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numba import from_dtype, types

from .._numba.gpu import clock, compile_gpu_kernel, with_cuda
from .._numba.options import register_jitable
from .._objective.cuda import make_device_evaluation, rejected
from .._objective.evaluation import select_views
from .._objective.layout import REL_STEP, STATE
from .._objective.objective import Objective
from .._rules.spec import Rule
from .._search import known, outcomes, rows
from .._search.iteration import make_iterate
from .._search.outcomes import RUNNING
from .._search.state import SCALARS

cuda: Any = None  # see `with_cuda`

#: A record of a search whose fields are attributes in Python too.
RECORD = np.dtype((np.record, SCALARS))
#: The number of its words. Behind them a thread keeps its row and what it does with it.
RECORD_WORDS = SCALARS.itemsize // 8
ROW, PHASE = RECORD_WORDS, RECORD_WORDS + 1

#: With 180, which most searches would take, a multiprocessor holds 256 threads, too few to wait for
#: memory in turn; with these 512.
_REGISTERS = 128

#: What a thread does: it needs a row; it searches; it has the last gradient evaluated; what it did
#: was ended by an exception; its search is over; or it wants more of the schedule.
IDLE, SEARCHING, NARROWING, LOST, ENDING, WAITING = range(6)

#: Of what all threads share: the next row; the number of rows that are over; a row, from 1, whose
#: function raised an exception; and whether a search wants more of the schedule.
NEXT, OVER, FAILED, WANTED = range(4)


@dataclass(frozen=True)
class Task:
    """What a kernel is compiled for."""

    rule: Rule
    automatic: bool  # whether `auto` chooses the steps
    dtype: str  # what is computed in
    fun: Any  # and jac: as `Objective` has them
    jac: Any
    length: int  # the number of variables, or 0 if it does not matter
    args_type: Any  # of the common arguments
    row_args_type: Any  # of the arrays whose rows are arguments
    compares: bool = False  # whether searches may end at known minima


class ThreadMemory(NamedTuple):
    """The searches of all threads; a thread is the last axis."""

    words: Any
    matrices: Any
    complex_trials: Any


class Template(NamedTuple):
    """The words of a search that has not begun, and the rows of its matrix that it has."""

    words: Any
    vectors: Any


class RowArgs(NamedTuple):
    """The arrays whose rows are arguments."""

    bases: Any  # all rows, each with one axis
    strips: Any  # those that threads have, a thread the last axis, each row with one axis
    views: Any  # and with its own


class Launch(NamedTuple):
    """What one launch is to do."""

    keeping: int  # whether an exception ends its row alone
    leaving: int  # whether searches are to end where they are
    limit: int  # after how many nanoseconds no thread evaluates another point


@lru_cache(maxsize=64)
def search_kernel(task: Task) -> Any:
    """Compile the kernel, see `search_function`."""
    function, signature = search_function(task)
    with rejected("fun cannot be compiled for the GPU"):
        return compile_gpu_kernel(function, signature, max_registers=_REGISTERS)


def forgiving(kernel: Any) -> Any:
    """Make a kernel for the simulator that loses an exception with its thread, as a GPU does."""

    def search(*arguments: Any) -> None:
        with suppress(Exception):
            kernel.py_func(*arguments)

    return cuda.jit(search)


def search_function(task: Task) -> tuple[Callable[..., None], Any]:
    """Make the kernel for a task, not yet compiled, and its signature.

    ``progress`` is what all threads share; ``starts`` and ``solutions``, see `rows`, may share the
    memory of x; ``minima`` are `known` ones; ``schedule`` is as for `row_loop.solve_kernel`.
    """
    objective = Objective(task.fun, (), task.jac)
    evaluate = make_device_evaluation(objective, _find_given(task), task.length)
    fetch = _make_fetch(len(task.row_args_type))
    pick = _make_pick(tuple(array.ndim for array in task.row_args_type))
    search = _make_search(_make_step(task), evaluate, fetch, pick, clock())
    search.__name__ = search.__qualname__ = f"search_{task.rule.name}_{task.dtype}"
    return search, _find_search_type(task)


def _make_search(step: Any, evaluate: Any, fetch: Any, pick: Any, now: Any) -> Callable[..., None]:
    @with_cuda
    def search(
        progress, memory, template, row_args, args, hyper,
        starts, solutions, minima, schedule, launch,
    ):  # fmt: skip
        t, words = cuda.grid(1), memory.words
        if t >= words.shape[1]:
            return
        end = now() + launch.limit
        k, phase = words[ROW, t], words[PHASE, t]
        if phase == LOST:
            if not launch.keeping:
                progress[FAILED] = k + 1
                return
            rows.lose(k, solutions, 0, 0, 0)
            cuda.atomic.add(progress, OVER, 1)
            phase = IDLE
        words[PHASE, t] = LOST  # until the end, which an exception keeps a thread from
        # Copied word by word it can be in registers; in place, each field of each thread would be
        # in another part of memory.
        record = cuda.local.array(1, RECORD)
        own_words = record.view(np.int64)
        for i in range(RECORD_WORDS):
            own_words[i] = words[i, t]
        s = record[0]
        vectors, complex_trial = memory.matrices[:, :, t], memory.complex_trials[:, t]
        while True:
            if phase != IDLE:
                then = step(s, vectors, hyper, minima, schedule, phase, launch.leaving)
                if then == WAITING:
                    progress[WANTED] = 1
                    break
                phase = then
            if phase == ENDING:
                rows.store(s, vectors, k, solutions)
                cuda.atomic.add(progress, OVER, 1)
                phase = IDLE
            if phase == IDLE:
                k = cuda.atomic.add(progress, NEXT, 1)
                if k >= starts.points.shape[0]:
                    break
                words[ROW, t] = k
                if not _start(s, own_words, vectors, template, k, starts):
                    solutions.counts[k, rows.OUTCOME] = s.status
                    cuda.atomic.add(progress, OVER, 1)
                    continue
                fetch(row_args.bases, row_args.strips, k, t)
                phase = SEARCHING
            evaluate(s, select_views(vectors, complex_trial), args + pick(row_args.views, t))
            if now() >= end:
                break
        for i in range(RECORD_WORDS):
            words[i, t] = own_words[i]
        words[PHASE, t] = phase

    return search


@register_jitable
def _start(s, own_words, vectors, template, k, starts):
    """Set up the search of a row in a thread; tell whether its bounds hold a number."""
    for i in range(RECORD_WORDS):
        own_words[i] = template.words[i]
    for j in range(template.vectors.shape[0]):
        for i in range(template.vectors.shape[1]):
            vectors[REL_STEP + j, i] = template.vectors[j, i]
    return rows.begin(s, vectors, k, starts)


def _make_step(task: Task) -> Callable[..., int]:
    """Make what judges the point that was evaluated; its result is what the thread does then."""
    iterate = make_iterate(task.rule, task.automatic, task.dtype)
    compares = task.compares

    @register_jitable
    def step(s, vectors, hyper, minima, schedule, phase, leaving):
        if phase == NARROWING:
            rows.keep_gradient(s, vectors)
            return ENDING
        if leaving:
            s.maxiter = s.nit
        if schedule.size > 0 and s.nit < s.maxiter:
            if s.nit >= schedule.size:
                return WAITING
            s.lr = schedule[s.nit]
        again = True
        while again:
            iterate(s, vectors, vectors[STATE:], hyper)
            again = False
            if compares and s.status == outcomes.WAITING:
                known.compare(s, vectors, minima)
                again = s.status == RUNNING
        if leaving:
            rows.leave(s)
        elif s.status == RUNNING:
            return SEARCHING
        elif rows.wants_narrow(s):
            rows.to_best(s, vectors)
            return NARROWING
        return ENDING

    return step


def _find_search_type(task: Task) -> Any:
    real, whole = from_dtype(np.dtype(task.dtype)), types.int64
    complex_type = types.complex64 if task.dtype == "float32" else types.complex128
    scalars, matrix = types.Array(whole, 1, "C"), types.Array(real, 2, "C")
    vector = types.Array(types.float64, 1, "C")
    flat = types.Tuple([types.Array(array.dtype, 2, "C") for array in task.row_args_type])
    memory = (
        types.Array(whole, 2, "C"), types.Array(real, 3, "C"), types.Array(complex_type, 2, "C"),
    )  # fmt: skip
    named = types.BaseTuple.from_types  # as Numba types the values: uniform if all are the same
    return types.void(
        scalars,
        named(memory, ThreadMemory),
        named((scalars, types.Array(types.float64, 2, "C")), Template),
        named((flat, flat, task.row_args_type), RowArgs),
        task.args_type,
        types.UniTuple(types.float64, len(task.rule.hyper)),
        rows.starts_type(matrix),
        rows.solutions_type(matrix),
        known.known_type(),
        vector,
        named((whole, whole, whole), Launch),
    )


def _find_given(task: Task) -> tuple[Any, ...]:
    """Find the types of x and of all other arguments of the user's functions."""
    x = types.Array(from_dtype(np.dtype(task.dtype)), 1, "A")
    own = (
        array.dtype if array.ndim == 1 else array.copy(ndim=array.ndim - 1, layout="A")
        for array in task.row_args_type
    )
    return (x, *task.args_type, *own)


def _make_fetch(count: int) -> Callable[..., None]:
    """Make ``fetch(bases, strips, k, t)``, which copies row ``k`` of each array to thread ``t``.

    Threads that read theirs in step then read memory that lies side by side.
    """
    if count == 0:
        return register_jitable(lambda bases, strips, k, t: None)
    before, last = _make_fetch(count - 1), count - 1

    @register_jitable
    def fetch(bases, strips, k, t):
        before(bases, strips, k, t)
        base, strip = bases[last], strips[last]
        for j in range(base.shape[1]):
            strip[j, t] = base[k, j]

    return fetch


def _make_pick(dimensions: tuple[int, ...]) -> Callable[..., Any]:
    """Make ``pick(views, t)``: thread ``t``'s part of each array, a number of a vector."""
    if not dimensions:
        return register_jitable(lambda views, t: ())
    before, last, is_vector = _make_pick(dimensions[:-1]), len(dimensions) - 1, dimensions[-1] == 1

    @register_jitable
    def pick(views, t):
        own = views[last][t] if is_vector else views[last][..., t]
        return before(views, t) + (own,)  # noqa: RUF005

    return pick
