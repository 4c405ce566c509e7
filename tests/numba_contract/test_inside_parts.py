"""Each private part of Numba that searches called from compiled code use, see `_numba.inside`."""

import numba
import numpy as np
import pytest
from llvmlite import ir
from numba import types
from numba.core import caching, cgutils
from numba.extending import intrinsic

from fastadam._numba import inside
from fastadam._numba.addresses import vector_at

pytestmark = pytest.mark.smoke


@numba.njit
def doubled(x):
    return 2.0 * x


def make_intrinsic(result_type, lower):
    """Make an intrinsic of a float64, compiled by ``lower(context, builder, x)``."""

    @intrinsic
    def each(typing_context, x):
        return result_type(types.float64), lambda context, builder, _, args: lower(
            context, builder, args[0]
        )

    return each


def test_addresses_keep_code_off_the_disk():
    """`add_dynamic_addr`: a loaded word, seen in the code of callers, too."""

    def lower(context, builder, x):
        pointer = context.add_dynamic_addr(builder, 4242, info="fastadam")
        return builder.ptrtoint(pointer, context.get_value_type(types.intp))

    fixed = make_intrinsic(types.intp, lower)

    @numba.njit
    def inner(x):
        return fixed(x)

    @numba.njit
    def outer(x):
        return inner(x) + 1

    assert outer(0.0) == 4243
    impl = caching.CompileResultCacheImpl(test_addresses_keep_code_off_the_disk)
    (result,) = outer.overloads.values()
    with pytest.warns(numba.NumbaWarning, match="uses dynamic globals"):
        assert not impl.check_cachable(result)


def test_functions_are_linked_into_their_callers():
    """`declare_function` and `add_linking_libs`: a symbol, whose address can be taken."""
    doubled.compile((types.float64,))
    (result,) = doubled.overloads.values()

    def lower(context, builder, x):
        context.add_linking_libs([result.library])
        function = context.declare_function(builder.module, result.fndesc)
        address = builder.ptrtoint(function, context.get_value_type(types.intp))
        pointer = builder.inttoptr(address, function.type)
        kinds = types.float64, (types.float64,)
        _, value = context.call_conv.call_function(builder, pointer, *kinds, (x,))
        return value

    call = make_intrinsic(types.float64, lower)
    assert numba.njit(lambda x: call(x))(1.5) == 3.0


def test_constants_in_code():
    """`create_constant_array` and `global_constant`; `goto_entry_block`, for room on the stack."""

    def lower(context, builder, x):
        constant = cgutils.create_constant_array(ir.IntType(64), [5, -7])
        pointer = cgutils.global_constant(builder, "fastadam.test", constant)
        with builder.goto_entry_block():
            room = builder.alloca(ir.ArrayType(ir.IntType(64), 2))
        builder.store(builder.load(pointer), room)
        return builder.extract_value(builder.load(room), 1)

    second = make_intrinsic(types.int64, lower)
    assert numba.njit(lambda x: second(x))(0.0) == -7


def test_memory_that_is_cut():
    """`meminfo_new_varsize`, `meminfo_data` and `meminfo_varsize_realloc`."""

    @numba.njit
    def run(size, n):
        memory = inside.reserve(size)
        address, owner = memory
        numbers = vector_at(address, n)
        numbers[:] = 3.0
        return owner != 0, inside.cut(owner, n) if owner != 0 else numbers.copy()

    for size, expected in (
        (80, False),
        (inside.STACK_BYTES, False),
        (inside.STACK_BYTES + 8, True),
    ):
        has_owner, x = run(size, 4)
        assert has_owner is expected
        np.testing.assert_array_equal(x, np.full(4, 3.0))


def test_a_type_for_one_object():
    """`Dummy`: a constant of such a type takes no room, and is never read."""

    class Silent(inside.Solver):
        constants = np.zeros(1, np.int64)

        def compile(self, args_type):
            raise NotImplementedError

    solver, other = Silent(), Silent()

    @intrinsic
    def ask(typing_context, given):
        assert given.solver is solver
        return types.int64(given), lambda context, builder, signature, _: context.get_constant(
            types.int64, 7 if signature.args[0].solver is solver else 0
        )

    assert numba.njit(lambda: ask(solver))() == 7
    assert numba.typeof(solver) is not numba.typeof(other)
