"""Many searches, one after the other in each thread.

The compiled loop of one search is called for row after row. Its memory is used again for each, so
that a thread needs the memory of one. It returns in the middle of a row if another thread sets
``halt``, which is what Ctrl-C and the clock need, and rows are handed to threads a few at a time,
so that no core is idle while another has the slow ones. Each row is solved by itself: the threads
do not change the results.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from .._numba.addresses import borrowed, spill
from .._numba.cache import compile_kernel
from .._numba.calls import make_function_at
from ..typing import Matrix
from . import rows
from .known import Known, compare, known_type
from .outcomes import RUNNING, TIMEOUT, WAITING
from .state import INTEGERS, MOST


class Memory(NamedTuple):
    """What a thread solves its rows in: the memory of one search."""

    record: NDArray[Any]
    vectors: Matrix
    words: NDArray[np.int64]  # the record's
    template: NDArray[np.int64]  # those of a search that has not begun
    trial: NDArray[np.complex128]
    minima: Known


@cache
def solve_kernel(run_signature: Any, args_type: Any, row_args_type: Any) -> Callable[..., Any]:
    """Compile the loop over rows, for the types of the common arguments and of the `row_args`.

    It goes on at row ``cursor[0]``, and returns at ``stop``, when ``halt`` is set, or when the
    search wants more of a schedule; ``cursor[1]`` says whether the row has begun. ``rates`` has
    the step sizes of the iterations from the first as far as they are known, or nothing if there
    is no schedule. At ``run_address`` is the machine code of `loops.run_kernel`.
    """
    function_at = make_function_at(run_signature)
    has_row_args = len(row_args_type) > 0

    def solve(
        run_address, address, args, row_args, memory, hyper, starts, solutions, cursor, rates, stop
    ):
        cursor, memory, rates = borrowed((cursor, memory, rates))
        starts, solutions = borrowed((starts, solutions))
        user_data = spill((args, row_args, cursor)) if has_row_args else spill(args)
        run = function_at(run_address)
        record, vectors, words, template, trial, minima = memory
        s = record[0]
        while cursor[0] < stop:
            k = cursor[0]
            if cursor[1] == 0:
                if s.halt != 0:
                    return
                for i in range(words.size - 1):  # not `halt`, the last
                    words[i] = template[i]
                if not rows.begin(s, vectors, k, starts):
                    solutions.counts[k, rows.OUTCOME] = s.status
                    cursor[0] += 1
                    continue
                cursor[1] = 1
            iterations = MOST
            known = s.nit if s.nit < s.maxiter else rates.size  # in the end none is needed
            if rates.size > 0 and s.nit < s.maxiter:
                iterations = rates.size - s.nit
                if iterations == 0:
                    return
            run(address, user_data, record, vectors, trial, hyper, rates[known:], iterations)
            if s.status == WAITING:
                compare(s, vectors, minima)
            if s.status == RUNNING:
                if s.halt != 0:
                    return
                continue
            if rows.wants_narrow(s):
                rows.to_best(s, vectors)
                has_time = s.halt == 0
                if has_time:
                    run(address, user_data, record, vectors, trial, hyper, rates[:0], 0)
                    has_time = s.part == 0
                if has_time:
                    rows.keep_gradient(s, vectors)
                else:
                    s.status = TIMEOUT
            rows.store(s, vectors, k, solutions)
            cursor[0] += 1
            cursor[1] = 0

    solve.__qualname__ = "solve"
    address, _, record, vectors, trial, hyper, real, integer = run_signature.args
    fields = record, vectors, INTEGERS, INTEGERS, trial, known_type()
    memory = types.NamedTuple(fields, Memory)
    results = rows.starts_type(), rows.solutions_type(), INTEGERS, real, integer
    signature = types.void(types.intp, address, args_type, row_args_type, memory, hyper, *results)
    return compile_kernel(solve, signature, [args_type, row_args_type], nogil=True)
