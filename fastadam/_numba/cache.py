"""Compiled kernels, kept on disk.

Numba's own on-disk cache finds where to write and turns machine code into bytes and back; both
are used here. What it keeps between them, an index of numbered data files for each function, is
replaced by one file for each kernel, because of what was seen with the index:

* its key ignores the compiler options and the source of called functions, so an entry can be
  stale or another variant's;
* two processes that start cold at once can each take the same number for different signatures:
  15 of 600 such starts ended with silently wrong code;
* a truncated entry raises EOFError or UnpicklingError out of the first call, a flipped bit runs.

Here the file's name is a digest of everything that the machine code depends on, and the file
checks itself (`kernel_files`). Whatever does not match is compiled again.

Where Numba's private parts are not available (`private`), its own cache has to do. Options and
sources are then in the function's name, and a kernel has one signature; but entries are not
checked when they are read.
"""

from __future__ import annotations

import hashlib
import pickle
import sys
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba import types

from . import kernel_files, private
from .dispatchers import find_address, quiet
from .version import NUMBA_VERSION

#: What of Numba's settings changes machine code. The processor's name and features do too.
_SETTINGS = (
    "BOUNDSCHECK", "DEBUGINFO_DEFAULT", "DEBUG_ARRAY_OPT_RUNTIME", "DEBUG_NRT",
    "DISABLE_INTEL_SVML", "ENABLE_AVX", "ENABLE_PROFILING", "EXTEND_VARIABLE_LIFETIMES",
    "JIT_COVERAGE", "LLVM_REFPRUNE_FLAGS", "LLVM_REFPRUNE_PASS", "LOOP_VECTORIZE", "OPT",
    "PARFOR_MAX_TUPLE_SIZE", "SLP_VECTORIZE", "USING_SVML",
)  # fmt: skip


def compile_kernel(
    function: Callable[..., Any], signature: Any, user_types: Sequence[Any] = (), /, **options: Any
) -> Callable[..., Any]:
    """Compile ``function`` for one signature, or load it from disk; ``options`` are `numba.njit`'s.

    Its ``__qualname__`` has to name everything that its closure holds. ``user_types`` are the types
    of the user's among its arguments: nothing is kept on disk if the name of one means something in
    this process alone.

    What it gives skips Numba's look-up by argument types (0.3 instead of 0.7 us a call with five
    arguments) and so **checks nothing**: the caller has to pass exactly the types of ``signature``.
    An array may be read-only, if it is only read.
    """
    if numba.config.DISABLE_JIT:
        return function
    if private.is_usable():
        try:
            return _compile_by_private_parts(function, signature, user_types, options)
        except (AttributeError, ImportError, LookupError, TypeError) as error:
            private.give_up(error)
            private.is_usable()  # warns
    return _compile_by_public_parts(function, options)


def _compile_by_private_parts(
    function: Callable[..., Any], signature: Any, user_types: Sequence[Any], options: dict[str, Any]
) -> Callable[..., Any]:
    dispatcher = numba.njit(function, **options)
    if all(map(_names_itself, user_types)):
        try:
            dispatcher._cache = _KernelCache(function, repr(sorted(options.items())))
        except (RuntimeError, OSError) as error:  # no place that can be written, or no sources
            warn_uncached(f"they cannot be kept on disk: {error}")
    with quiet():
        entry_point: Callable[..., Any] = dispatcher.compile(signature)
    _dispatchers[entry_point] = dispatcher
    return entry_point


def _compile_by_public_parts(
    function: Callable[..., Any], options: dict[str, Any]
) -> Callable[..., Any]:
    """Leave the types to the first call: a declared signature would refuse read-only arrays."""
    dispatcher: Callable[..., Any] = numba.njit(function, **options)
    try:
        identity = repr(sorted(options.items())) + digest_sources("_cpu")
        function.__qualname__ += f"_{hashlib.sha256(identity.encode()).hexdigest()[:16]}"
        dispatcher = numba.njit(function, cache=True, **options)
    except (RuntimeError, OSError) as error:  # as above
        warn_uncached(f"they cannot be kept on disk: {error}")
    return dispatcher


@cache
def kernel_address(entry_point: Callable[..., Any]) -> int:
    """Find the machine code, of Numba's convention, that `compile_kernel` made by private parts."""
    (result,) = _dispatchers[entry_point].overloads.values()
    return find_address(result)


# By entry point. A dispatcher that is collected takes its machine code with it.
_dispatchers: dict[Callable[..., Any], Any] = {}


def _names_itself(numba_type: Any) -> bool:
    """Tell whether a type's name says all about it, in every process."""
    if isinstance(numba_type, (types.Tuple, types.UniTuple)):
        return all(map(_names_itself, numba_type))
    if isinstance(numba_type, types.Array):
        return isinstance(numba_type.dtype, types.Number)
    return isinstance(numba_type, (types.Number, types.Boolean))


class _KernelCache:
    """What a dispatcher asks of its cache, for a function that has one signature."""

    def __init__(self, function: Callable[..., Any], options: str) -> None:
        from numba.core.caching import CompileResultCacheImpl

        self._impl = CompileResultCacheImpl(function)
        self._name = function.__qualname__
        self._options = options
        self._sources = digest_sources("_cpu")
        self.cache_path: str = self._impl.locator.get_cache_path()

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Load the compiled function, or give None if it has to be compiled.

        Numba refreshes the whole target here, which imports scipy.linalg among much else: 0.3 s.
        Machine code that is ready needs only the run-time library: 0.02 s.
        """
        from numba.core.runtime import rtsys

        rtsys.initialize(target_context)
        path, identity = self._file(sig, target_context.codegen())
        return load_kept(
            path,
            identity,
            lambda payload: self._impl.rebuild(target_context, pickle.loads(payload)),
        )

    def save_overload(self, sig: Any, data: Any) -> None:
        """Write the compiled function, if it can be kept."""
        if not self._impl.check_cachable(data):
            return
        payload = pickle.dumps(self._impl.reduce(data), protocol=pickle.HIGHEST_PROTOCOL)
        keep(*self._file(sig, data.codegen), payload)

    def _file(self, sig: Any, codegen: Any) -> tuple[Path, bytes]:
        """Name a file, and all that the machine code depends on, which the name is made from."""
        identity = (
            self._name,
            self._options,
            str(sig),
            codegen.magic_tuple(),  # the processor and its features
            [(name, str(getattr(numba.config, name, None))) for name in _SETTINGS],
            (NUMBA_VERSION, import_module("llvmlite").__version__, np.__version__, sys.version),
            sys.flags.optimize,  # without assertions it is other code
            self._sources,
        )
        return name_file(Path(self.cache_path), self._name, repr(identity))


def name_file(folder: Path, name: str, identity: str) -> tuple[Path, bytes]:
    """Name the file of a kernel, and give all that it is made from, which the name is made from."""
    text = identity.encode()
    return folder / f"fastadam-{name}-{hashlib.sha256(text).hexdigest()[:20]}.kernel", text


def load_kept(path: Path, identity: bytes, make: Callable[[bytes], Any]) -> Any:
    """Make a kernel of what its file holds; None, maybe with a warning, if it is to be compiled."""
    try:
        return make(kernel_files.read(path, identity))
    except FileNotFoundError:
        pass
    except kernel_files.RefusedError as refusal:
        warn_uncached(str(refusal))
    except OSError as error:
        warn_uncached(f"{path} cannot be read: {error}")
    except Exception as error:  # a pickle can raise anything, and the GPU's driver has its own
        warn_uncached(f"{path} holds no kernel: {error!r}")
    return None


def keep(path: Path, identity: bytes, content: bytes) -> None:
    """Write a kernel's file, if it can be written."""
    try:
        kernel_files.write(path, identity, content)
    except (OSError, kernel_files.RefusedError) as error:
        warn_uncached(f"they cannot be kept on disk: {error}")


@cache
def digest_sources(place: str) -> str:
    """Make a digest of every source file that kernels of a place, a room, are compiled from.

    OSError if there are none: in a zip file, in a frozen application, beside compiled modules.
    """
    digest = hashlib.sha256()
    root = Path(__file__).parents[1]
    for room in ("_rules", "_numba", "_objective", "_search", "_forms", "_fit", place):
        for path in sorted((root / room).glob("*.py")) or [root / room / "__init__.py"]:
            digest.update(path.read_bytes())
    return digest.hexdigest()


def warn_uncached(problem: str) -> None:
    """Warn of the first problem; the others are of the same kind, and nothing is wrong."""
    private.warn_once("kernels", f"fastadam: kernels are compiled in this process: {problem}")
