"""Users' compiled functions, in the form that the compiled loop calls.

The loop is compiled once for all functions, and takes one by the address of a wrapper of fixed
signature. The wrapper is compiled once for all functions of the same types, and calls them by the
addresses of their own machine code. So a new function costs what Numba itself takes for it, in
time and in memory, and one that is compiled again is seen. Exceptions pass through.

The extra arguments of a function may be of any type that Numba knows. They stay on the stack of
a small driver, compiled for each combination of their types, which hands their address, the
*slot*, through the loop to the wrapper. Before them are the addresses of the functions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import cache, lru_cache
from typing import Any

import numba
from numba import NumbaError, types

from .._numba.addresses import COMPLEX, REAL, borrowed, spill
from .._numba.cache import compile_kernel, kernel_address
from .._numba.calls import make_function_at
from .._numba.dispatchers import compile_for, find_address, is_compiled, is_parallel, quiet
from .._validate import conversion, describe
from .python import PAIR_HINT
from .wrappers import wrapper_of


def is_native(function: object) -> bool:
    """Tell whether a function is compiled by Numba."""
    return is_compiled(function)


# ---------------------------------------------------------------------------------------------
# Extra arguments
# ---------------------------------------------------------------------------------------------


@cache
def driver(run_signature: Any, args_type: Any) -> Callable[..., Any]:
    """Return ``drive(run_address, args, address, ...)``: a run with arguments in its slot.

    Parameters
    ----------
    run_signature : numba.core.typing.Signature
        That of `kernels.run_kernel`.
    args_type : numba.types.BaseTuple
        The type of the extra arguments.
    """
    function_at = make_function_at(run_signature)

    def drive(run_address, args, address, record, rows, trial, h, rates, iterations):  # type: ignore[no-untyped-def]
        slot = spill(args)
        record, rows, trial, rates = borrowed((record, rows, trial, rates))
        function_at(run_address)(address, slot, record, rows, trial, h, rates, iterations)

    drive.__qualname__ = "drive"
    address, _, *rest = run_signature.args
    signature = types.void(types.intp, args_type, address, *rest)
    return compile_kernel(drive, signature, [args_type], nogil=True)


# ---------------------------------------------------------------------------------------------
# Wrappers
# ---------------------------------------------------------------------------------------------


class NativeFunction:
    """A user's function, ready for the loop.

    Parameters
    ----------
    wrapper : callable
        What `compile_kernel` returned.
    functions : sequence of Dispatcher
        The objective and, if it is another function, the gradient.
    results : sequence of CompileResult
        What Numba has compiled of them. They own the machine code: a search goes on with it if
        the user has it compiled again.

    Attributes
    ----------
    address : int
        Where the machine code of the wrapper is.
    """

    def __init__(
        self, wrapper: Callable[..., Any], functions: Sequence[Any], results: Sequence[Any]
    ) -> None:
        self.address = kernel_address(wrapper)
        self._functions, self._results = functions, results
        addresses = [find_address(result) for result in results]
        self._addresses = addresses[0], addresses[-1]

    def given(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return what the slot holds: the addresses of the functions, and their arguments."""
        return (*self._addresses, *args)

    @staticmethod
    @lru_cache(maxsize=256)
    def type_given(args_type: Any) -> Any:
        """Return the type of what `given` returns for arguments of a type."""
        with quiet():
            return types.BaseTuple.from_types((types.intp, types.intp, *args_type))

    def is_parallel(self, args: tuple[Any, ...]) -> bool:
        """Tell whether the functions, or what they call, have threads of their own."""
        return is_parallel(self._functions, self._results, args)


def _row_types(batch_type: Any) -> tuple[Any, ...]:
    """Return the type of a row of each array."""
    return tuple(
        array.dtype if array.ndim == 1 else array.copy(ndim=array.ndim - 1) for array in batch_type
    )


def native_function(fun: Any, jac: Any, args_type: Any, batch_type: Any = None) -> NativeFunction:
    """Wrap a user's functions.

    Parameters
    ----------
    fun : Dispatcher
        The objective.
    jac : Dispatcher, True, "in-place", "value" or "cs"
        The gradient; or ``fun`` gives it, as a second result or in its second argument; or it
        comes from differences of values, or from complex ones.
    args_type : numba.types.BaseTuple
        The type of the extra arguments.
    batch_type : numba.types.BaseTuple, optional
        The type of a tuple of arrays, whose rows are further arguments: see `many`.

    Raises
    ------
    ValueError
        If Numba cannot compile the function for these arguments, or what it returns is not real.
    """
    form = "separate" if is_native(jac) else jac
    x_type = COMPLEX if form == "cs" else REAL
    points = (x_type, REAL) if form == "in-place" else (x_type,)
    given = (*points, *args_type, *(_row_types(batch_type) if batch_type is not None else ()))
    functions = {"fun": fun, "jac": jac} if form == "separate" else {"fun": fun}
    results = [_overload(name, function, given) for name, function in functions.items()]
    signatures = tuple(signature for signature, _ in results)
    try:
        wrapper = wrapper_of(form, args_type, batch_type, signatures)
    except NumbaError as error:
        fun_type, *jac_type = (signature.return_type for signature in signatures)
        raise ValueError(
            f"fun must return {_EXPECTED.get(form, 'a real number')}, and returns {fun_type} for "
            f"{_names(given)}{_pair_hint(form, fun_type)}"
            + (
                f"; jac returns {jac_type[0]}, which must be an array of real numbers"
                if jac_type
                else ""
            )
        ) from error
    return NativeFunction(wrapper, [*functions.values()], [result for _, result in results])


def _pair_hint(jac: Any, returned: Any) -> str:
    is_pair = isinstance(returned, types.BaseTuple) and len(returned) == 2
    return PAIR_HINT if is_pair and jac is not True else ""


_EXPECTED = {
    True: "a real number and an array of real numbers",
    "cs": "a complex number for complex x",
}


def type_of_arguments(args: tuple[Any, ...], name: str = "args") -> Any:
    """Return the Numba type of the extra arguments, or say which has none."""
    if not args:
        return _NO_ARGUMENTS
    # Not always: any change of the filters has Python repeat the user's own warnings.
    with quiet() if _holds_function(args) else nullcontext():
        for i, value in enumerate(args):
            try:
                if _is_nested_list(numba.typeof(value)):
                    raise TypeError("Numba cannot reflect lists in lists")
            except (TypeError, ValueError, NumbaError) as error:
                hint = conversion(value) or "; numbers, NumPy arrays and tuples of them can"
                raise ValueError(
                    f"{name}[{i}] cannot be passed to a compiled function, got "
                    f"{describe(value)}{hint}"
                ) from error
        return numba.typeof(args)


_NO_ARGUMENTS = numba.typeof(())


def _is_nested_list(numba_type: Any, inside: bool = False) -> bool:
    """Tell whether there are lists in lists: Numba refuses them after the call."""
    if isinstance(numba_type, types.List):
        return inside or _is_nested_list(numba_type.dtype, True)
    is_tuple = isinstance(numba_type, types.BaseTuple)
    return is_tuple and any(_is_nested_list(each, inside) for each in numba_type)


def _holds_function(value: object) -> bool:
    if isinstance(value, list):
        return _holds_function(tuple(value[:1]))  # all are of one type
    return any(map(_holds_function, value)) if isinstance(value, tuple) else is_native(value)


def _overload(name: str, function: Any, given: tuple[Any, ...]) -> tuple[Any, Any]:
    """Compile a user's function, or say what was tried; return signature and compile result."""
    try:
        return compile_for(function, given)
    except NumbaError as error:
        raise ValueError(f"{name} cannot be compiled for {_names(given)}: {error}") from error


def _names(given: Sequence[Any]) -> str:
    return f"({', '.join(map(str, given))})"
