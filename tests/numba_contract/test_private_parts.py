"""Each private part of Numba that is used, by name, and what is expected of it.

On a new Numba, the names of the tests that fail tell what broke. First those of `fastadam._numba`
that use it are mended or, where there is no other way, `private` has to say that it is missing.
"""

import os
from pkgutil import resolve_name

import numba
import numpy as np
import pytest
from numba import types
from numba.core import caching, cgutils, runtime, typing
from numba.extending import intrinsic, register_jitable

from fastadam._numba import cache
from fastadam._numba.addresses import vector_at
from fastadam._numba.dispatchers import PARALLEL_ENTRY, find_address, is_parallel
from fastadam._numba.private import PARTS
from tests.processes import run_python

pytestmark = pytest.mark.smoke

VECTOR = types.Array(types.float64, 1, "C")


@numba.njit
def scaled(x, k=2.0):
    return k * x[0]


@numba.njit
def total(x, *others):
    return x[0] + others[0] + others[1]


@pytest.fixture(scope="module")
def result():
    """Return what Numba has compiled of `scaled`."""
    scaled.compile((VECTOR, types.float64))
    return scaled.overloads[VECTOR, types.float64]


@pytest.mark.parametrize(
    ("place", "name"), [(place, name) for place, names in PARTS.items() for name in names]
)
def test_it_is_there(place, name):
    """Whatever `private` looks for; how it behaves is below."""
    assert hasattr(resolve_name(place), name)


# ---------------------------------------------------------------------------------------------
# The cache
# ---------------------------------------------------------------------------------------------


def test_a_dispatcher_asks_its_cache():
    """`Dispatcher._cache`: it is asked before and told after a compilation."""
    asked = []

    class Recording:  # and no more than that, as `cache._KernelCache`
        def load_overload(self, sig, target_context):
            asked.append(("load", sig, target_context.codegen().magic_tuple()))

        def save_overload(self, sig, data):
            asked.append(("save", sig, data.codegen.magic_tuple()))

    dispatcher = numba.njit(lambda x: x + 1)
    dispatcher._cache = Recording()
    signature = types.int64(types.int64)
    assert dispatcher.compile(signature)(1) == 2  # the entry point
    (load, sig, magic), (save, *same) = asked
    assert (load, save) == ("load", "save")
    assert [sig, magic] == same
    assert str(sig) == "(int64,) -> int64" or str(sig) == "(int64) -> int64"
    assert all(isinstance(part, str) for part in magic), "the processor is told by strings"


def test_machine_code_as_bytes(result):
    """`CompileResultCacheImpl`: where to write, and to and from what can be pickled."""
    impl = caching.CompileResultCacheImpl(cache.compile_kernel)  # any function in a file
    assert isinstance(impl.locator.get_cache_path(), str)
    assert impl.check_cachable(result)
    again = impl.rebuild(scaled.targetctx, impl.reduce(result))
    assert again.signature == result.signature
    assert isinstance(find_address(again), int)


def test_the_run_time_library():
    """`rtsys.initialize`: enough for machine code that is ready."""
    runtime.rtsys.initialize(scaled.targetctx)


@pytest.mark.parametrize("name", cache._SETTINGS)
def test_settings_that_change_machine_code(name):
    """Should one be gone: what has taken its place?"""
    assert hasattr(numba.config, name)


def test_the_warning_of_first_class_functions():
    """`NumbaExperimentalFeatureWarning`: public, but it may not last."""
    with pytest.warns(numba.NumbaExperimentalFeatureWarning):
        numba.typeof((scaled, total))


# ---------------------------------------------------------------------------------------------
# Users' compiled functions
# ---------------------------------------------------------------------------------------------


def test_dispatchers(result):
    """What is asked of a user's function, beside what `PARTS` has."""
    assert scaled.overloads[VECTOR, types.float64] is result
    assert scaled.get_compile_result(result.signature) is result
    assert result.signature.args == (VECTOR, types.float64)
    assert result.signature.return_type == types.float64
    assert isinstance(scaled.targetoptions, dict)
    assert numba.njit(parallel=True)(scaled.py_func).targetoptions["parallel"]
    assert isinstance(scaled.nopython_signatures, list)
    assert callable(scaled.py_func)


def test_recompiling_replaces_what_was_compiled():
    space = {"k": 1.0}
    exec("def f(x): return x + k", space)
    f = numba.njit(space["f"])
    assert f(1.0) == 2.0
    before = f.overloads[types.float64,]
    space["k"] = 5.0
    f.recompile()
    assert f.overloads[types.float64,] is not before
    assert f(1.0) == 6.0


def resolved(function, *given):
    return function.typingctx.resolve_function_type(types.Dispatcher(function), given, {})


def test_resolving_a_call():
    """`resolve_function_type`: defaults, and ``*args``, as `fold_arguments` reads them."""
    signature = resolved(scaled, VECTOR)
    assert isinstance(signature.args[1], types.Omitted)
    assert scaled.get_compile_result(signature).signature.return_type == types.float64
    signature = resolved(total, VECTOR, types.float64, types.int64)
    assert isinstance(signature.args[1], types.BaseTuple)
    assert signature.replace(pysig=None).pysig is None
    folded = typing.fold_arguments(
        signature.pysig,
        ["x", "a", "b"],
        {},
        lambda index, parameter, value: value,
        lambda index, parameter, value: "default",
        lambda index, parameter, values: tuple(values),
    )
    assert tuple(folded) == ("x", ("a", "b"))
    strict = numba.njit("float64(float64)")(lambda x: x)
    assert resolved(strict, types.unicode_type) is None


def test_the_address_of_machine_code(result):
    """`CompileResult.library` and ``fndesc.llvm_func_name``."""
    assert isinstance(result.library.get_pointer_to_function(result.fndesc.llvm_func_name), int)


def test_parallel_loops_call_one_function():
    """`numba_parallel_for`, in the module of a function or of one that calls it."""

    @numba.njit(parallel=True)
    def spread(n):
        total = 0
        for i in numba.prange(n):
            total += i
        return total

    @numba.njit
    def calls(n):
        return spread(n)

    calls.compile((types.int64,))
    assert is_parallel([calls], calls.overloads.values(), ())
    assert not is_parallel([scaled], scaled.overloads.values(), ())
    assert is_parallel([scaled], scaled.overloads.values(), ((spread,),))
    for function, enters in ((spread, True), (calls, True), (scaled, False)):
        for each in function.overloads.values():
            assert hasattr(each.library, "_shared_module")
            names = [f.name for f in each.library._final_module.functions]
            assert (PARALLEL_ENTRY in names) == enters


@pytest.mark.skipif(os.cpu_count() == 1, reason="needs another number of threads")
def test_threads_are_counted_and_not_started():
    """`numba.np.ufunc.parallel._is_initialized`."""
    code = """
import numba
from numba.np.ufunc import parallel
from fastadam._numba.dispatchers import count_threads
assert parallel._is_initialized is False
assert count_threads() == numba.config.NUMBA_NUM_THREADS > 1
assert parallel._is_initialized is False
numba.set_num_threads(1)
assert parallel._is_initialized is True
assert count_threads() == 1
"""
    run_python(code)


# ---------------------------------------------------------------------------------------------
# Machine code that is written by hand
# ---------------------------------------------------------------------------------------------


def test_first_class_functions():
    """The value of a `FunctionType`, whose ``jit_addr`` is called."""
    names = {"c_addr", "py_addr", "jit_addr"}
    model = numba.core.datamodel.default_manager.lookup(types.FunctionType(types.int64()))
    assert set(model._fields) == names


def test_calls_by_address(result):
    """Numba's calling convention: a call, a tuple that is taken apart and put together, a cast."""
    address = find_address(result)

    @intrinsic
    def call(typing_context, given):
        def lower(context, builder, signature, args):
            parts = cgutils.unpack_tuple(builder, args[0])
            x, k = cgutils.unpack_tuple(builder, context.make_tuple(builder, given, parts))
            k = context.cast(builder, k, given[1], types.float64)
            kinds = types.float64, (VECTOR, types.float64)
            convention = context.call_conv
            pointer_type = convention.get_function_type(*kinds).as_pointer()
            number = context.get_constant(types.intp, address)
            pointer = builder.inttoptr(number, pointer_type)
            status, value = convention.call_function(builder, pointer, *kinds, (x, k))
            with cgutils.if_unlikely(builder, status.is_error):
                convention.return_status_propagate(builder, status)
            return value

        return types.float64(given), lower

    @numba.njit
    def run(x, k):
        return call((x, k))

    assert run(np.full(1, 3.0), 7) == 21.0


def test_an_array_without_a_reference_count():
    """``meminfo``: nothing is counted where it is null."""

    @intrinsic
    def borrow(typing_context, array):
        def lower(context, builder, signature, args):
            value = cgutils.create_struct_proxy(array)(context, builder, value=args[0])
            value.meminfo = context.get_constant_null(types.MemInfoPointer(types.voidptr))
            kept = cgutils.alloca_once_value(builder, value._getvalue())
            return builder.load(kept)

        return array(array), lower

    @register_jitable(forceinline=True)  # which is not in Numba's documentation
    def first(x):
        return x[1:][0]

    @numba.njit
    def run(x):
        x = borrow(x)
        return first(x)

    assert run(np.arange(3.0)) == 1.0


def test_an_array_at_an_address():
    """The fields of an array, all of which are written."""
    model = numba.core.datamodel.default_manager.lookup(VECTOR)
    names = ("meminfo", "parent", "nitems", "itemsize", "data", "shape", "strides")
    assert model._fields == names
    x = np.arange(3.0)

    @numba.njit
    def run(address):
        return vector_at(address, 3).sum()

    assert run(x.ctypes.data) == 3.0
