"""Whether a compiled function has threads of its own, or calls one that has.

Numba's workqueue layer ends the process when two threads enter such functions at once.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from numba.core.dispatcher import Dispatcher

#: What machine code calls to have a loop run by Numba's threads.
ENTRY = "numba_parallel_for"


def is_parallel(functions: Iterable[Any], results: Sequence[Any], args: tuple[Any, ...]) -> bool:
    """Tell whether compiled functions, or anything that they call, run in parallel.

    Parameters
    ----------
    functions : iterable of Dispatcher
        The functions.
    results : sequence of CompileResult
        What Numba has compiled of them for the types in question. What a function calls is linked
        into its own code, but for functions that are values: arguments, or entries of a tuple.
    args : tuple
        Their arguments.
    """
    if any(_enters_parallel_loops(result) for result in results):
        return True
    return any(
        function.targetoptions.get("parallel", False)
        or any(map(_enters_parallel_loops, function.overloads.values()))
        for function in _within((*functions, args), set())
    )


def _enters_parallel_loops(result: Any) -> bool:
    library = result.library
    # Code from Numba's on-disk cache is machine code alone, and has its IR for linking beside it.
    module = library._shared_module or library._final_module
    return any(function.name == ENTRY for function in module.functions)


def _within(values: Iterable[Any], seen: set[int]) -> Iterator[Any]:
    """Yield the compiled functions among values, and those that they know by name, to any depth."""
    for value in values:
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, (tuple, list)):
            yield from _within(value, seen)
        elif isinstance(value, Dispatcher):
            yield value
            names = inspect.getclosurevars(value.py_func)
            yield from _within((*names.nonlocals.values(), *names.globals.values()), seen)
