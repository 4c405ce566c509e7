"""What is asked of functions that Numba has compiled: their types, their machine code, threads."""

from __future__ import annotations

import inspect
import warnings
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any
from uuid import uuid4
from weakref import WeakKeyDictionary, WeakValueDictionary

import numba
from numba import types
from numba.extending import is_jitted

#: What machine code calls to have a loop run by Numba's threads.
PARALLEL_ENTRY = "numba_parallel_for"


def is_compiled(function: object) -> bool:
    """Tell whether a function is compiled by Numba."""
    return bool(is_jitted(function))


def reduce_compiled(function: Any) -> tuple[Any, ...]:
    """Take a compiled function apart for a pickler: into its Python function and its options.

    Numba would pickle it by a copy of `cloudpickle` of its own, and a class that came that way into
    a process, such as an exception's, would not be known to the other copy when it is sent back.
    """
    key = _ids.setdefault(function, uuid4().hex)
    takes_more = getattr(function, "_can_compile", True)  # or only the types it was declared for
    declared = None if takes_more else function.nopython_signatures
    return _compile_again, (key, function.py_func, function.targetoptions, declared)


def _compile_again(key: str, function: Any, options: dict[str, Any], declared: Any) -> Any:
    found = _arrived.get(key)
    if found is None:
        found = _arrived[key] = numba.jit(declared, **options)(function)
        _ids[found] = key
        _latest.append(found)
    return found


#: Compiled functions that were sent or have arrived: each is compiled once in a process, however
#: often it comes. The latest are kept, as long as nobody has them.
_ids: WeakKeyDictionary[Any, str] = WeakKeyDictionary()
_arrived: WeakValueDictionary[str, Any] = WeakValueDictionary()
_latest: deque[Any] = deque(maxlen=128)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Numba from warning of first-class functions, which are no business of the user's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", numba.NumbaExperimentalFeatureWarning)
        yield


def compile_for(function: Any, given: tuple[Any, ...]) -> tuple[Any, Any]:
    """Compile a user's function for types of arguments, unless that is done.

    The signature has ``pysig``, how its parameters are named and folded, only where it has defaults
    or ``*args`` to fill. The compile result owns the machine code.
    """
    result = function.overloads.get(given)
    if result is not None:
        return result.signature.replace(pysig=None), result
    with quiet():
        signature = function.typingctx.resolve_function_type(types.Dispatcher(function), given, {})
    if signature is None:  # it was declared for other types, and takes no more
        raise numba.TypingError(f"its signatures are {function.nopython_signatures}")
    result = function.get_compile_result(signature)
    return signature.replace(pysig=None) if signature.args == given else signature, result


@lru_cache(maxsize=64)
def divide_quietly(function: Any) -> Any:
    """Compile a function again, to divide by 0 as NumPy does.

    By default Numba raises ZeroDivisionError for numbers, and gives infinity for arrays: a trial
    that divides by 0 is just no good one, and the values of a point are to be those of all points.
    """
    return numba.jit(**{**function.targetoptions, "error_model": "numpy"})(function.py_func)


def find_address(result: Any) -> int:
    """Find the machine code of a compile result, which follows Numba's own calling convention."""
    return int(result.library.get_pointer_to_function(result.fndesc.llvm_func_name))


def is_parallel(functions: Iterable[Any], results: Sequence[Any], args: tuple[Any, ...]) -> bool:
    """Tell whether compiled functions, or anything that they call, have threads of their own.

    Numba's workqueue layer ends the process when two threads enter such functions at once.
    ``results`` are what Numba has compiled for the types in question. What a function calls is
    linked into its own code, but for functions that are values: arguments, or in a tuple.
    """
    if any(_enters_parallel_loops(result) for result in results):
        return True
    return any(
        function.targetoptions.get("parallel", False)
        or any(map(_enters_parallel_loops, function.overloads.values()))
        for function in _find_functions((*functions, args), set())
    )


def _enters_parallel_loops(result: Any) -> bool:
    library = result.library
    # Code from Numba's on-disk cache is machine code alone, and has its IR for linking beside it.
    module = library._shared_module or library._final_module
    return any(function.name == PARALLEL_ENTRY for function in module.functions)


def _find_functions(values: Iterable[Any], seen: set[int]) -> Iterator[Any]:
    """Yield the compiled functions among values, and those that they know by name, to any depth."""
    for value in values:
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, (tuple, list)):
            yield from _find_functions(value, seen)
        elif is_compiled(value):
            yield value
            names = inspect.getclosurevars(value.py_func)
            yield from _find_functions((*names.nonlocals.values(), *names.globals.values()), seen)


def count_threads() -> int:
    """Count the threads that Numba would use, without starting them.

    To be asked, Numba would start its threads, which a process that forks later can do without.
    Before they are there, nobody has set another number.
    """
    try:
        from numba.np.ufunc import parallel

        has_started = parallel._is_initialized
    except (ImportError, AttributeError):
        has_started = True
    return int(numba.get_num_threads() if has_started else numba.config.NUMBA_NUM_THREADS)
