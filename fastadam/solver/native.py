"""Users' compiled functions, in the form that the compiled loop calls.

The loop is compiled once for all functions. So each of them is wrapped in a function of fixed
signature, compiled (about 0.1 s), and handed over as the address of its machine code (see
`addresses`). Exceptions pass through.

The extra arguments of a function may be of any type that Numba knows. They stay on the stack of
a small driver, compiled for each combination of their types, which hands their address, the
*slot*, through the loop to the wrapper.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import Any

import numba
from numba import types
from numba.core.dispatcher import Dispatcher
from numba.core.errors import NumbaError, TypingError
from numba.extending import intrinsic, register_jitable

from ..cache import code_address, compile_kernel
from ..checks import conversion, describe
from .addresses import (
    COMPLEX,
    COMPLEX_SIGNATURE,
    GRADIENT_SIGNATURE,
    REAL,
    VALUE_SIGNATURE,
    disowned,
    first_class,
    spill,
)
from .differences import copy
from .objective import PAIR_HINT


def is_native(function: object) -> bool:
    """Tell whether a function is compiled by Numba."""
    return isinstance(function, Dispatcher)


# ---------------------------------------------------------------------------------------------
# Extra arguments
# ---------------------------------------------------------------------------------------------


def _loader(args_type: Any) -> Any:
    """Return ``load(slot)``, which gives back the arguments that were spilled there."""

    @intrinsic
    def load(typing_context, slot):  # type: ignore[no-untyped-def]
        def lower(context: Any, builder: Any, _: Any, args: Any) -> Any:
            pointer_type = context.get_value_type(args_type).as_pointer()
            value = builder.load(builder.inttoptr(args[0], pointer_type))
            return disowned(context, builder, args_type, value)

        return args_type(types.intp), lower

    return load


def _row_picker(count: int) -> Callable[..., Any]:
    """Return ``pick(batch, k)``: row ``k`` of each of ``count`` arrays in a tuple."""
    if count == 0:

        @register_jitable
        def none(batch, k):  # type: ignore[no-untyped-def]
            return ()

        return none
    before, last = _row_picker(count - 1), count - 1

    @register_jitable
    def pick(batch, k):  # type: ignore[no-untyped-def]
        return before(batch, k) + (batch[last][k],)  # noqa: RUF005

    return pick


def _row_loader(args_type: Any, batch_type: Any) -> Callable[..., Any]:
    """Return ``load(slot)`` for a slot that holds arguments, arrays of them, and the row."""
    load_all = _loader(types.Tuple((args_type, batch_type, types.Array(types.int64, 1, "C"))))
    pick = _row_picker(len(batch_type))

    @register_jitable
    def load(slot):  # type: ignore[no-untyped-def]
        args, batch, index = load_all(slot)
        return args + pick(batch, index[0])

    return load


def _row_types(batch_type: Any) -> tuple[Any, ...]:
    """Return the type of a row of each array."""
    return tuple(
        array.dtype if array.ndim == 1 else array.copy(ndim=array.ndim - 1) for array in batch_type
    )


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
    run_type, lower_run = first_class(run_signature)

    @intrinsic
    def at_run(typing_context, address):  # type: ignore[no-untyped-def]
        return run_type(types.intp), lower_run

    def drive(run_address, args, address, record, rows, trial, h, rates, iterations):  # type: ignore[no-untyped-def]
        slot = spill(args)
        at_run(run_address)(address, slot, record, rows, trial, h, rates, iterations)

    drive.__qualname__ = "drive"
    address, _, *rest = run_signature.args
    signature = types.void(types.intp, args_type, address, *rest)
    if names_itself(args_type):
        return compile_kernel(drive, signature, nogil=True)
    dispatcher = numba.njit(drive, nogil=True)
    dispatcher.compile(signature)
    return dispatcher  # and not its entry point alone: it owns the machine code


def names_itself(numba_type: Any) -> bool:
    """Tell whether a type's name says all about it, in every process."""
    if isinstance(numba_type, (types.Tuple, types.UniTuple)):
        return all(map(names_itself, numba_type))
    if isinstance(numba_type, types.Array):
        return isinstance(numba_type.dtype, types.Number)
    return isinstance(numba_type, (types.Number, types.Boolean))


# ---------------------------------------------------------------------------------------------
# Wrappers
# ---------------------------------------------------------------------------------------------


class NativeFunction:
    """A user's function, ready for the loop.

    Attributes
    ----------
    address : int
        Where its machine code is.
    """

    def __init__(self, wrapper: Callable[..., Any], signature: Any) -> None:
        self._dispatcher = numba.njit(wrapper)  # it owns the machine code
        self._dispatcher.compile(signature)
        self.address = code_address(self._dispatcher.get_compile_result(signature))


@lru_cache(maxsize=64)
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
    if batch_type is None:
        load, given = _loader(args_type), tuple(args_type)
    else:
        load = _row_loader(args_type, batch_type)
        given = (*args_type, *_row_types(batch_type))
    if jac == "value":
        wrapper, signature = _value(fun, load), VALUE_SIGNATURE
    elif jac == "cs":
        wrapper, signature = _value(fun, load), COMPLEX_SIGNATURE
    elif jac == "in-place":
        wrapper, signature = _in_place(fun, load), GRADIENT_SIGNATURE
    elif jac is True:
        wrapper, signature = _pair(fun, load), GRADIENT_SIGNATURE
    else:
        wrapper, signature = _separate(fun, jac, load), GRADIENT_SIGNATURE
    x_type = COMPLEX if jac == "cs" else REAL
    given = (x_type, REAL, *given) if jac == "in-place" else (x_type, *given)
    _require_compilable("fun", fun, given)
    if is_native(jac):
        _require_compilable("jac", jac, given)
    try:
        return NativeFunction(wrapper, signature)
    except NumbaError as error:
        returned = _result_type(fun, given)
        raise ValueError(
            f"fun must return {_EXPECTED.get(jac, 'a real number')}, and returns {returned} for "
            f"{_names(given)}{_pair_hint(jac, returned)}"
            + (
                f"; jac returns {_result_type(jac, given)}, which must be an array of real numbers"
                if is_native(jac)
                else ""
            )
        ) from error


def _pair_hint(jac: Any, returned: Any) -> str:
    is_pair = isinstance(returned, types.BaseTuple) and len(returned) == 2
    return PAIR_HINT if is_pair and jac is not True else ""


_EXPECTED = {
    True: "a real number and an array of real numbers",
    "cs": "a complex number for complex x",
}


def type_of_arguments(args: tuple[Any, ...], name: str = "args") -> Any:
    """Return the Numba type of the extra arguments, or say which has none."""
    for i, value in enumerate(args):
        try:
            if _is_nested_list(numba.typeof(value)):
                raise TypeError("Numba cannot reflect lists in lists")
        except (TypeError, ValueError, NumbaError) as error:
            hint = conversion(value) or "; numbers, NumPy arrays and tuples of them can"
            raise ValueError(
                f"{name}[{i}] cannot be passed to a compiled function, got {describe(value)}{hint}"
            ) from error
    return numba.typeof(args)


def _is_nested_list(numba_type: Any, inside: bool = False) -> bool:
    """Tell whether there are lists in lists: Numba refuses them after the call."""
    if isinstance(numba_type, types.List):
        return inside or _is_nested_list(numba_type.dtype, True)
    is_tuple = isinstance(numba_type, types.BaseTuple)
    return is_tuple and any(_is_nested_list(each, inside) for each in numba_type)


def _require_compilable(name: str, function: Any, given: Sequence[Any]) -> None:
    """Compile a user's function, or say what was tried."""
    try:
        _result_type(function, given)
    except NumbaError as error:
        raise ValueError(f"{name} cannot be compiled for {_names(given)}: {error}") from error


def _result_type(function: Any, given: Sequence[Any]) -> Any:
    """Return the Numba type of a function's result, compiling it if need be."""
    resolved = function.typingctx.resolve_function_type(
        types.Dispatcher(function), tuple(given), {}
    )
    if resolved is None:  # it was declared for other types, and takes no more
        raise TypingError(f"its signatures are {function.nopython_signatures}")
    return resolved.return_type


def _names(given: Sequence[Any]) -> str:
    return f"({', '.join(map(str, given))})"


@register_jitable
def _fill(grad, given):  # type: ignore[no-untyped-def]
    """Copy what a user's function gave as the gradient: an array, a list or a tuple."""
    if len(given) != grad.size:
        raise ValueError("jac must return one number for each element of x")
    for i in range(grad.size):
        grad[i] = given[i]


# Users' functions get the copy, which they may overwrite.


def _value(fun: Any, load: Any) -> Callable[..., Any]:
    def value(x, slot):  # type: ignore[no-untyped-def]
        return fun(x, *load(slot))

    return value


def _separate(fun: Any, jac: Any, load: Any) -> Callable[..., Any]:
    def separate(x, trial, grad, slot):  # type: ignore[no-untyped-def]
        args = load(slot)
        f = fun(trial, *args)
        copy(x, trial)
        _fill(grad, jac(trial, *args))
        return f

    return separate


def _pair(fun: Any, load: Any) -> Callable[..., Any]:
    def pair(x, trial, grad, slot):  # type: ignore[no-untyped-def]
        f, given = fun(trial, *load(slot))
        _fill(grad, given)
        return f

    return pair


def _in_place(fun: Any, load: Any) -> Callable[..., Any]:
    def in_place(x, trial, grad, slot):  # type: ignore[no-untyped-def]
        return fun(trial, grad, *load(slot))

    return in_place
