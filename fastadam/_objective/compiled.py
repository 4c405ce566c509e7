"""Users' compiled functions, in the form that the compiled loop calls, or inlined in it.

The loop is compiled once for all functions, and takes one by the address of a wrapper (`calls`).
The wrapper is compiled once for all functions of the same types, and calls them by the addresses of
their own machine code. So a new function costs what Numba itself takes for it, in time and in
memory, and one that is compiled again is seen. Exceptions pass through.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from numba import NumbaError, types

from .._numba import calls
from .._numba.addresses import COMPLEX, REAL, complex_vector_at, vector_at
from .._numba.cache import compile_kernel, kernel_address
from .._numba.dispatchers import compile_for, find_address, is_parallel, quiet
from .._numba.options import inline, register_jitable
from .arguments import NO_ARGUMENTS, find_argument_types, list_types
from .differences import copy
from .forms import make_form
from .objective import Objective
from .python import PAIR_HINT


class CompiledFunctions:
    """A user's functions, compiled for the types of their arguments, and their wrapper.

    ``row_args_type`` is that of arrays whose rows are further arguments. ``address`` is that of the
    wrapper's machine code; ``user_data_type`` is that of what leads it to the arguments that are
    not rows, see `calls`. ``results`` are the compile results, which own the functions' machine
    code. ValueError if Numba cannot compile a function for its arguments, or what it returns is not
    real.
    """

    def __init__(
        self, objective: Objective, args_type: Any, row_args_type: Any = NO_ARGUMENTS
    ) -> None:
        self.row_args_type = row_args_type
        point = COMPLEX if objective.scheme == "cs" else REAL
        points = [point, point] if objective.form == "in-place" else [point]
        given = (*points, *args_type, *_find_row_types(row_args_type))
        compiled = [_compile(*each, given) for each in objective.functions.items()]
        signatures = tuple(signature for signature, _ in compiled)
        key = (objective.form, point, args_type, row_args_type, signatures)
        try:
            wrapper = _compile_wrapper(*key)
        except NumbaError as error:
            returned = [signature.return_type for signature in signatures]
            raise ValueError(_describe_misfit(objective, returned, given)) from error
        self.address = kernel_address(wrapper)
        self.results = [result for _, result in compiled]
        self.user_data_type = _join_types(args_type)


class CompiledObjective(CompiledFunctions):
    """An objective whose functions are compiled, ready for the loop.

    ``row_args`` are arrays whose rows are further arguments; ``user_data`` holds the others. A
    search goes on with its machine code if the user compiles another.
    """

    def __init__(self, objective: Objective, row_args: tuple[Any, ...] = ()) -> None:
        args_type = find_argument_types(objective.args)
        super().__init__(objective, args_type, find_argument_types(row_args, "batch_args"))
        self._objective = objective
        addresses = [find_address(result) for result in self.results]
        self.user_data = (addresses[0], addresses[-1], *objective.args)

    @property
    def is_parallel(self) -> bool:
        """Whether the functions, or what they call, have threads of their own."""
        functions = self._objective.functions.values()
        return is_parallel(functions, self.results, self._objective.args)


@lru_cache(maxsize=256)
def _join_types(args_type: Any) -> Any:
    """Join the types of two addresses with those of the extra arguments."""
    with quiet():  # of the types of tuples that hold functions
        return types.BaseTuple.from_types((types.intp, types.intp, *args_type))


def _find_row_types(array_types: Any) -> tuple[Any, ...]:
    """Find the type of a row of each array."""
    return tuple(
        array.dtype if array.ndim == 1 else array.copy(ndim=array.ndim - 1) for array in array_types
    )


def _compile(name: str, function: Any, given: tuple[Any, ...]) -> tuple[Any, Any]:
    """Compile a user's function, or say what was tried; give signature and compile result."""
    try:
        return compile_for(function, given)
    except NumbaError as error:
        raise ValueError(f"{name} cannot be compiled for {list_types(given)}: {error}") from error


def _describe_misfit(objective: Objective, returned: Sequence[Any], given: Any) -> str:
    fun_type, *jac_type = returned
    is_pair = isinstance(fun_type, types.BaseTuple) and len(fun_type) == 2
    expected = "a real number"
    if objective.form == "pair":
        expected = "a real number and an array of real numbers"
    elif objective.scheme == "cs":
        expected = "a complex number for complex x"
    problem = f"fun must return {expected}, and returns {fun_type} for {list_types(given)}"
    if is_pair and objective.form != "pair":
        problem += PAIR_HINT
    parts = (f"; jac returns {each}, which must be an array of real numbers" for each in jac_type)
    return problem + "".join(parts)


@lru_cache(maxsize=256)
def _compile_wrapper(
    form: str, point_type: Any, args_type: Any, row_args_type: Any, signatures: tuple[Any, ...]
) -> Callable[..., Any]:
    """Compile the wrapper for all functions of some signatures, of one of those in `calls`."""
    user_data_type, load_rows = _join_types(args_type), _no_rows
    if len(row_args_type) > 0:
        with quiet():
            index_type = types.Array(types.int64, 1, "C")
            user_data_type = types.Tuple((user_data_type, row_args_type, index_type))
        load_rows = _make_row_picker(user_data_type)
    callers = [calls.make_caller(k, user_data_type, each) for k, each in enumerate(signatures)]
    functions = [_make_call(caller, load_rows) for caller in callers]
    wrapper, signature = _make_wrapper(form, functions, point_type)
    named = (user_data_type, *(t for each in signatures for t in (*each.args, each.return_type)))
    identity = repr((str(user_data_type), *map(str, signatures)))
    digest = hashlib.sha256(identity.encode()).hexdigest()[:16]
    wrapper.__qualname__ = f"{form.replace('-', '_')}_{digest}"
    return compile_kernel(wrapper, signature, named)


def _make_wrapper(form: str, functions: Any, point_type: Any) -> tuple[Callable[..., Any], Any]:
    """Make the wrapper that has the form called for vectors which it gets as addresses."""
    evaluate = inline(make_form(form, functions, fill, renew))
    if form == "value":
        trial_at = vector_at if point_type == REAL else complex_vector_at

        def wrap_value(trial, n, user_data):
            return evaluate(trial_at(trial, n), user_data)

        return wrap_value, calls.VALUE_SIGNATURE if point_type == REAL else calls.COMPLEX_SIGNATURE

    def wrap_gradient(x, trial, grad, n, user_data):
        return evaluate(vector_at(x, n), vector_at(trial, n), vector_at(grad, n), user_data)

    return wrap_gradient, calls.GRADIENT_SIGNATURE


def _make_call(caller: Any, load_rows: Any) -> Callable[..., Any]:
    """Make the call of a function as `forms` has it; the data is the address of the user data."""

    def call(points, user_data):
        return caller(user_data, points, load_rows(user_data))

    return inline(call)


@register_jitable
def _no_rows(user_data):
    return ()


def _make_row_picker(user_data_type: Any) -> Callable[..., Any]:
    """Make ``load_rows(user_data)``: the row of each array in the user data."""
    load, pick = calls.make_row_loader(user_data_type), _make_picker(len(user_data_type[1]))

    @register_jitable
    def load_rows(user_data):
        row_args, index = load(user_data)
        return pick(row_args, index[0])

    return load_rows


def _make_picker(count: int) -> Callable[..., Any]:
    """Make ``pick(arrays, k)``: row ``k`` of each of ``count`` arrays; Numba has no loop there."""
    if count == 0:
        return register_jitable(lambda arrays, k: ())
    before, last = _make_picker(count - 1), count - 1

    @register_jitable
    def pick(arrays, k):
        return before(arrays, k) + (arrays[last][k],)  # noqa: RUF005

    return pick


@register_jitable
def fill(grad, given):
    """Copy a gradient, an array, a list or a tuple, and tell whether it fits."""
    if len(given) != grad.size:
        return False
    for i in range(grad.size):
        grad[i] = given[i]
    return True


@inline
def renew(x, trial):
    """Copy x again."""
    copy(x, trial)
    return trial


def make_inlined_form(form: str, functions: Sequence[Any], fill: Any = fill) -> Callable[..., Any]:
    """Make the form of functions that become a part of a loop; the data is the extra arguments."""

    def make_call(function: Any) -> Callable[..., Any]:
        return inline(lambda points, args: function(*(points + args)))

    return inline(make_form(form, [make_call(each) for each in functions], fill, renew))
