"""The loop of a search: once, with what evaluates the user's function supplied.

Compiled, it is one for each rule and scheme, whatever the function: that comes in as the address
of its machine code (`_objective.compiled`), so that a new one costs no compilation of the loop.
A loop compiled for one function alone has no such calls, and keeps nothing beside the point: it
took 34 ns an iteration where this one took 46 (Rosenbrock, n = 2). But it takes seconds to
compile, so it has to do only where Numba's private parts are not as expected.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

import numba
from numba import types

from .._numba.addresses import borrowed, spill
from .._numba.cache import compile_kernel
from .._numba.calls import call_gradient, call_value, make_function_at
from .._numba.options import KERNEL_OPTIONS, inline
from .._objective.compiled import make_inlined_form
from .._objective.evaluation import make_evaluation, select_views
from .._objective.layout import STATE
from .._rules.spec import Rule
from .iteration import make_iterate
from .outcomes import RUNNING
from .second_gear import select_go_down
from .state import COMPLEX_VECTOR, MATRIX, RECORDS, VECTOR


def make_loop(iterate: Callable[..., None], evaluate: Callable[..., None]) -> Callable[..., None]:
    """Make the loop of a search, of what `make_iterate` and `make_evaluation` make.

    It makes ``iterations`` iterations, or fewer if the search ends or ``halt`` is set. When it
    returns, the last point is evaluated and not yet judged, unless a halt came between two
    evaluations of its differences; the next call then finishes these, and no more. With 0
    iterations, the evaluation is all it does. ``rates`` holds the step size for each of the
    iterations, or nothing.
    """

    def loop(s, views, vectors, hyper, data, rates, iterations):
        state, has_rates = vectors[STATE:], rates.size > 0
        begins = s.nfev == 0
        if begins or iterations == 0 or s.part > 0:
            evaluate(s, views, data)
            if s.halt != 0 or not begins:
                return
        for k in range(iterations):
            if has_rates:
                s.lr = rates[k]
            iterate(s, vectors, state, hyper)
            if s.status != RUNNING:
                break
            evaluate(s, views, data)
            if s.halt != 0:  # read anew each time: the call might have written it
                break

    return loop


@cache
def iterate_kernel(rule: Rule, automatic: bool) -> Callable[..., Any]:
    """Compile ``iterate(record, vectors, hyper)``: one iteration of a rule, for Python to call."""
    iterate = make_iterate(rule, automatic, go_down=select_go_down())

    def kernel(record, vectors, hyper):
        iterate(record[0], vectors, vectors[STATE:], hyper)

    kernel.__qualname__ = f"iterate_{rule.name}_{_kind(automatic)}"
    return compile_kernel(kernel, types.void(RECORDS, MATRIX, _hyper_type(rule)), **KERNEL_OPTIONS)


@cache
def run_kernel(rule: Rule, scheme: str, automatic: bool) -> Callable[..., Any]:
    """Compile the loop of a rule and a scheme; ``address`` is that of a `CompiledObjective`."""
    form = call_gradient if scheme == "gradient" else call_value
    evaluate = inline(make_evaluation(scheme, form))
    loop = inline(make_loop(make_iterate(rule, automatic, go_down=select_go_down()), evaluate))

    def kernel(address, user_data, record, vectors, trial, hyper, rates, iterations):
        record, vectors, trial, rates = borrowed((record, vectors, trial, rates))
        views = select_views(vectors, trial)
        loop(record[0], views, vectors, hyper, (address, user_data), rates, iterations)

    kernel.__qualname__ = f"run_{rule.name}_{scheme.replace('-', '_')}_{_kind(automatic)}"
    return compile_kernel(kernel, run_signature(rule), **KERNEL_OPTIONS)


@cache
def run_signature(rule: Rule) -> Any:
    """Make the Numba signature of `run_kernel`."""
    memory = RECORDS, MATRIX, COMPLEX_VECTOR, _hyper_type(rule), VECTOR
    return types.void(types.intp, types.intp, *memory, types.int64)


def _kind(automatic: bool) -> str:
    return "auto" if automatic else "plain"


def _hyper_type(rule: Rule) -> Any:
    return types.UniTuple(types.float64, len(rule.hyper))


@cache
def drive_kernel(rule: Rule, user_data_type: Any) -> Callable[..., Any]:
    """Compile ``drive(run_address, user_data, address, ...)``: a run with its user data kept."""
    function_at = make_function_at(run_signature(rule))

    def drive(run_address, user_data, address, record, vectors, trial, hyper, rates, iterations):
        kept = spill(user_data)
        record, vectors, trial, rates = borrowed((record, vectors, trial, rates))
        run = function_at(run_address)
        run(address, kept, record, vectors, trial, hyper, rates, iterations)

    drive.__qualname__ = "drive"
    address, _, *memory = run_signature(rule).args
    signature = types.void(types.intp, user_data_type, address, *memory)
    return compile_kernel(drive, signature, [user_data_type], nogil=True)


@lru_cache(maxsize=64)
def specialized_kernel(rule: Rule, automatic: bool, form: str, scheme: str, *functions: Any) -> Any:
    """Make ``run(args, record, ...)``: the loop for one function, by Numba's public interface."""
    evaluate = make_evaluation(scheme, make_inlined_form(form, functions))
    loop = inline(make_loop(make_iterate(rule, automatic), inline(evaluate)))

    @numba.njit(**KERNEL_OPTIONS)
    def run(args, record, vectors, trial, hyper, rates, iterations):
        loop(record[0], select_views(vectors, trial), vectors, hyper, args, rates, iterations)

    return run
