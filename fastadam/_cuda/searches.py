"""Many searches on a GPU: each thread solves one row of a batch after the other.

When a thread's search is over it stores the result and takes the next row that nobody has, so that
no thread waits for another. After some time the kernel returns, for the clock and Ctrl-C; what each
search has come to stays in memory, thread beside thread, and goes on with the next launch.

The iteration, the differences, and how a row begins and ends are those of the CPU, compiled again.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from numba import from_dtype, types

from .._numba.gpu import clock, compile_gpu_kernel, find_target, make_thread_view, with_cuda
from .._numba.gpu_cache import KeptKernel
from .._numba.identity import identify
from .._numba.options import register_jitable
from .._objective.cuda import make_device_evaluation, rejected
from .._objective.evaluation import select_views
from .._objective.layout import REL_STEP, STATE
from .._objective.objective import Objective
from .._rules.spec import Rule
from .._search import known, metric, outcomes, rows
from .._search.iteration import make_iterate
from .._search.outcomes import RUNNING
from .thread_arguments import make_fetch, make_loan, make_pick
from .thread_records import RECORD, make_word_copies
from .thread_records import RECORD_WORDS as RECORD_WORDS  # the host wants it too

cuda: Any = None  # see `with_cuda`

#: Behind the words of its record a thread keeps its row and what it does with it.
ROW, PHASE = RECORD_WORDS, RECORD_WORDS + 1
#: With 180, which most searches would take, a multiprocessor holds 256 threads, too few to wait for
#: memory in turn; with these 512.
_REGISTERS = 128

#: So many threads, those of a warp, have their vectors in turn in one piece of memory.
GROUP = 32

#: Of no more variables, functions that give the gradient get it and x in a thread's own arrays, in
#: registers: to the common memory each step of a sum over data would be written. Differences, which
#: look up coordinates in a loop, would have them in memory in any case.
MOST_OWN = 16

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
    length: int  # the number of variables
    args_type: Any  # of the common arguments
    row_args_type: Any  # of the arrays whose rows are arguments
    compares: bool = False  # whether searches may end at known minima


class ThreadMemory(NamedTuple):
    """The searches of all threads; a thread is the last axis."""

    words: Any
    matrices: Any  # in groups of threads, which are the first axis; see `find_shape` for the others
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


def search_kernel(task: Task) -> Any:
    """Load the kernel for the current GPU from disk, or compile it, see `search_function`."""
    with _one_at_a_time:
        return _load_kernel(task, find_target())


#: Threads that have a GPU each want the same kernel.
_one_at_a_time = Lock()


@lru_cache(maxsize=64)
def _load_kernel(task: Task, target: tuple[int, ...]) -> Any:
    options = {"max_registers": _REGISTERS}
    # Of the function its parameters and its name are all that is needed, if the kernel is on disk.
    function, signature = _make_search(task, *[None] * 6), _find_search_type(task)
    kept = KeptKernel(function, signature, _identify(task), **options)
    kernel = kept.load()
    if kernel is None:
        function, signature = search_function(task)
        with rejected("fun cannot be compiled for the GPU"):
            kernel = compile_gpu_kernel(function, signature, **options)
        kept.save(kernel)
    return kernel


def _identify(task: Task) -> bytes | None:
    """Make what tells a task from others whose kernels have the same name and signature."""
    functions = [each for each in (task.fun, task.jac) if callable(each)]
    form = "callable" if callable(task.jac) else task.jac
    code, rest = identify(functions), replace(task, rule=task.rule.name, fun=None, jac=form)  # type: ignore[arg-type]
    return None if code is None else code + repr(rest).encode()


def find_shape(task: Task) -> tuple[int, int]:
    """Find the shape of a search's vectors; those of the metric only `auto` needs."""
    count = STATE + len(task.rule.state)
    return count + (metric.rows_needed(task.length) if task.automatic else 0), task.length


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
    returned = task.length if callable(task.jac) or task.jac is True else 0
    evaluate = make_device_evaluation(objective, _find_given(task), returned)
    fetch = make_fetch(len(task.row_args_type))
    pick = make_pick(tuple(array.ndim for array in task.row_args_type))
    view = make_thread_view(find_shape(task), GROUP)
    search = _make_search(task, view, _make_step(task, view), evaluate, fetch, pick, clock())
    return search, _find_search_type(task)


def _make_search(
    task: Task, view: Any, step: Any, evaluate: Any, fetch: Any, pick: Any, now: Any
) -> Callable[..., None]:
    load, save = make_word_copies(task.automatic)
    length, real = task.length if _has_own(task) else 1, np.dtype(task.dtype)
    lend, take_back = make_loan(_has_own(task))

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
        record = cuda.local.array(1, RECORD)
        own_words, s = record.view(np.int64), record[0]
        load(own_words, words, template, t)
        own_x, own_grad = cuda.local.array(length, real), cuda.local.array(length, real)
        vectors, complex_trial = view(memory.matrices, t), memory.complex_trials[:, t]
        while True:
            if phase != IDLE:
                then = step(s, memory.matrices, t, hyper, minima, schedule, phase, launch.leaving)
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
            views = select_views(vectors, complex_trial)
            evaluate(s, lend(views, own_x, own_grad), args + pick(row_args.views, t))
            take_back(views, own_grad)
            if now() >= end:
                break
        save(own_words, words, t)
        words[PHASE, t] = phase

    search.__name__ = search.__qualname__ = f"search_{task.rule.name}_{task.dtype}"
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


def _has_own(task: Task) -> bool:
    return task.length <= MOST_OWN and Objective(task.fun, (), task.jac).scheme == "gradient"


def _make_step(task: Task, view: Any) -> Callable[..., int]:
    """Make what judges the point that was evaluated; its result is what the thread does then.

    Large ones become functions of their own, so that each looks for the vectors itself.
    """
    iterate = make_iterate(task.rule, task.automatic, task.dtype)
    compares = task.compares

    @register_jitable
    def step(s, matrices, t, hyper, minima, schedule, phase, leaving):
        vectors = view(matrices, t)
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
        types.Array(whole, 2, "C"), types.Array(real, 4, "C"), types.Array(complex_type, 2, "C"),
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
    x = types.Array(from_dtype(np.dtype(task.dtype)), 1, "C" if _has_own(task) else "A")
    own = (
        array.dtype if array.ndim == 1 else array.copy(ndim=array.ndim - 1, layout="A")
        for array in task.row_args_type
    )
    return (x, *task.args_type, *own)
