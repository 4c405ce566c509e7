"""A search that compiled code calls: what Numba can do for it but has no words for.

Compiled code names the *solver* of the search, an object in Python, and never reads it: its Numba
type alone leads to it, while code is compiled. The memory of the search is on the stack of whoever
calls it, or behind its result; so nothing is shared, and nothing else is allocated.
"""

from __future__ import annotations

import weakref
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, models, register_model, typeof_impl
from numpy.typing import NDArray

from .addresses import REAL, borrow, make_array
from .calls import call_machine_code

#: What a search may take of the stack: enough for 50 variables, the most that have a dense metric,
#: and little beside the 512 KiB that the smallest of usual stacks have.
STACK_BYTES = 32 * 1024

_numbers = count(1)


@dataclass(frozen=True)
class Callee:
    """What is called for a search: machine code, and what comes before its memory and its size.

    ``signature`` is that of the machine code at ``address``: ``(addresses..., user data, memory, n,
    constants, *numbers)``. ``functions`` are the compile results of a user's functions, the first
    and the last of which lead the user data, whose type is ``user_data_type``.
    """

    address: int
    signature: Any
    addresses: tuple[int, ...]
    functions: Sequence[Any]
    user_data_type: Any


class Solver(ABC):
    """What searches are made of, named in compiled code."""

    def __init__(self) -> None:
        self.numba_type = SolverType(self)

    @property
    @abstractmethod
    def constants(self) -> NDArray[np.int64]:
        """What the machine code reads, which becomes a part of the caller's."""

    @abstractmethod
    def compile(self, args_type: Any) -> Callee:
        """Compile what is called for some types of arguments, unless that is done.

        ValueError if it cannot be compiled.
        """


class SolverType(types.Dummy):  # type: ignore[misc]
    """The Numba type of one solver.

    Numba keeps types for ever, so it holds no reference: whatever names the solver does.
    """

    def __init__(self, solver: Solver) -> None:
        self._solver = weakref.ref(solver)
        super().__init__(name=f"fastadam.compiled({next(_numbers)})")

    @property
    def solver(self) -> Solver:
        """The solver."""
        solver = self._solver()
        if solver is None:
            raise ReferenceError("the solver of compiled code is gone")
        return solver


register_model(SolverType)(models.OpaqueModel)


@typeof_impl.register(Solver)  # type: ignore[untyped-decorator]
def _find_type(solver: Solver, _: Any) -> Any:
    return solver.numba_type


@intrinsic
def lend(typing_context, value):  # type: ignore[no-untyped-def]
    """Take an array, or a tuple, whose arrays somebody owns until the function returns.

    See `borrowed`, which takes arrays alone; of other parts the references are counted.
    """

    def lower(context: Any, builder: Any, _: Any, args: Any) -> Any:
        lent = borrow(context, builder, value, args[0])
        context.nrt.incref(builder, value, lent)
        return lent

    return value(value), lower


@intrinsic
def reserve(typing_context, size):  # type: ignore[no-untyped-def]
    """Find memory for some bytes: its address, and its owner's, or 0 if it is on the stack."""

    def lower(context: Any, builder: Any, _: Any, args: Any) -> Any:
        cgutils, (size,) = numba.core.cgutils, args
        word = context.get_value_type(types.intp)
        words = ir.ArrayType(ir.IntType(64), STACK_BYTES // 8)
        with builder.goto_entry_block():
            buffer = builder.alloca(words)  # Numba's own fills it with zeros
        address = cgutils.alloca_once_value(builder, builder.ptrtoint(buffer, word))
        owner = cgutils.alloca_once_value(builder, word(0))
        with builder.if_then(builder.icmp_signed(">", size, word(STACK_BYTES)), likely=False):
            meminfo = context.nrt.meminfo_new_varsize(builder, size)
            builder.store(builder.ptrtoint(meminfo, word), owner)
            data = context.nrt.meminfo_data(builder, meminfo)
            builder.store(builder.ptrtoint(data, word), address)
        parts = [builder.load(address), builder.load(owner)]
        return context.make_tuple(builder, result, parts)

    result = types.UniTuple(types.intp, 2)
    return result(types.intp), lower


@intrinsic
def cut(typing_context, owner, n):  # type: ignore[no-untyped-def]
    """Make an array of the first n numbers in memory that has an owner; give the rest back."""

    def lower(context: Any, builder: Any, _: Any, args: Any) -> Any:
        owner, n = args
        meminfo = builder.inttoptr(owner, context.get_value_type(types.voidptr))
        size = builder.mul(n, context.get_constant(types.intp, 8))
        data = context.nrt.meminfo_varsize_realloc(builder, meminfo, size)
        address = builder.ptrtoint(data, owner.type)
        return make_array(context, builder, REAL, address, [n], meminfo)

    return REAL(types.intp, types.intp), lower


@intrinsic
def search(typing_context, solver, args, memory, n, numbers):  # type: ignore[no-untyped-def]
    """Call a solver's machine code with lent arguments, in memory that `reserve` has found.

    An exception gives the memory back.
    """
    try:
        callee = solver.solver.compile(args)
    except ValueError as error:
        raise numba.TypingError(str(error)) from error

    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        solver, args, *_ = signature.args
        callee = solver.solver.compile(args)
        user_data = _spill_user_data(context, builder, callee, args, values[1])
        address, owner = numba.core.cgutils.unpack_tuple(builder, values[2])
        constants = _embed(context, builder, solver.solver.constants)
        given = [
            *(_fixed_address(context, builder, each) for each in callee.addresses),
            user_data,
            address,
            values[3],
            constants,
            values[4],
        ]

        def give_back() -> None:
            null = owner.type(0)
            with builder.if_then(builder.icmp_signed("!=", owner, null)):
                meminfo = builder.inttoptr(owner, context.get_value_type(types.voidptr))
                shape = [values[3]]
                array = make_array(context, builder, REAL, address, shape, meminfo)
                context.nrt.decref(builder, REAL, array)

        code = _fixed_address(context, builder, callee.address)
        return call_machine_code(context, builder, callee.signature, code, given, give_back)

    return callee.signature.return_type(solver, args, memory, n, numbers), lower


def _fixed_address(context: Any, builder: Any, address: int) -> Any:
    """Make a constant of an address, which has Numba keep no code on disk that has it."""
    pointer = context.add_dynamic_addr(builder, address, info="fastadam")
    return builder.ptrtoint(pointer, context.get_value_type(types.intp))


def _spill_user_data(context: Any, builder: Any, callee: Callee, args: Any, values: Any) -> Any:
    """Keep the user data on the stack; return its address.

    The functions are linked into the caller's code, and live as long as that.
    """
    cgutils = numba.core.cgutils
    word = context.get_value_type(types.intp)
    addresses = []
    for result in callee.functions:
        context.add_linking_libs([result.library])
        function = context.declare_function(builder.module, result.fndesc)
        addresses.append(builder.ptrtoint(function, word))
    parts = [addresses[0], addresses[-1], *cgutils.unpack_tuple(builder, values)]
    user_data = context.make_tuple(builder, callee.user_data_type, parts)
    pointer = cgutils.alloca_once_value(builder, user_data)
    return builder.ptrtoint(pointer, word)


def _embed(context: Any, builder: Any, words: NDArray[np.int64]) -> Any:
    """Put words into the code; return their address."""
    cgutils = numba.core.cgutils
    constant = cgutils.create_constant_array(ir.IntType(64), words.tolist())
    pointer = cgutils.global_constant(builder, "fastadam.constants", constant)
    return builder.ptrtoint(pointer, context.get_value_type(types.intp))
