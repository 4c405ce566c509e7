"""Compiled kernels on disk.

Numba's own on-disk cache finds where to write and turns machine code into bytes and back; both
are used here. What it keeps between them, an index of numbered data files for each function, is
replaced by one self-checking file for each kernel, because of what was seen with the index:

* its key ignores the compiler options and the source of called functions, so an entry can be
  stale or another variant's;
* two processes that start cold at once can each take the same number for different signatures:
  15 of 600 such starts ended with silently wrong code;
* a truncated entry raises EOFError or UnpicklingError out of the first call, a flipped bit runs.

Here the file's name is a digest of everything that the machine code depends on, and the file
begins with a digest of its contents (`kernel_files`). Whatever does not match is compiled again.
"""

from __future__ import annotations

import hashlib
import pickle
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba.core.caching import CompileResultCacheImpl, _Cache
from numba.core.errors import NumbaExperimentalFeatureWarning
from numba.core.runtime import rtsys

from . import kernel_files
from .version import NUMBA_VERSION

#: What of Numba's settings changes machine code. The processor's name and features do too.
_SETTINGS = (
    "BOUNDSCHECK",
    "DEBUGINFO_DEFAULT",
    "DEBUG_ARRAY_OPT_RUNTIME",
    "DEBUG_NRT",
    "DISABLE_INTEL_SVML",
    "ENABLE_AVX",
    "ENABLE_PROFILING",
    "EXTEND_VARIABLE_LIFETIMES",
    "JIT_COVERAGE",
    "LLVM_REFPRUNE_FLAGS",
    "LLVM_REFPRUNE_PASS",
    "LOOP_VECTORIZE",
    "OPT",
    "PARFOR_MAX_TUPLE_SIZE",
    "SLP_VECTORIZE",
    "USING_SVML",
)


def compile_kernel(
    function: Callable[..., Any], signature: Any, **options: Any
) -> Callable[..., Any]:
    """Compile ``function`` for one signature, or load it from disk.

    Parameters
    ----------
    function : function
        Its ``__qualname__`` has to name everything that its closure holds.
    signature : numba.core.typing.Signature
        The only one it will be called with.
    **options
        Of `numba.njit`.

    Returns
    -------
    callable
        The compiled entry point. It skips Numba's look-up by argument types (0.3 instead of
        0.7 us a call with five arguments) and so **checks nothing**: the caller has to pass
        exactly the types of ``signature``. An array may be read-only, if it is only read.
    """
    if numba.config.DISABLE_JIT:
        return function
    dispatcher = numba.njit(function, **options)
    try:
        dispatcher._cache = _KernelCache(function, repr(sorted(options.items())))
    except (RuntimeError, OSError) as error:  # no place that can be written, or no sources
        _warn_once(f"they cannot be kept on disk: {error}")
    return _compiled(dispatcher, signature)


def compile_here(
    function: Callable[..., Any], signature: Any, **options: Any
) -> Callable[..., Any]:
    """Do what `compile_kernel` does, and keep nothing on disk.

    For signatures with types whose names mean something in this process alone.
    """
    return _compiled(numba.njit(function, **options), signature)


def _compiled(dispatcher: Any, signature: Any) -> Callable[..., Any]:
    with quiet():
        entry_point = dispatcher.compile(signature)
    _dispatchers[entry_point] = dispatcher
    return entry_point


@cache
def kernel_address(entry_point: Callable[..., Any]) -> int:
    """Return the address of the machine code of what `compile_kernel` returned.

    It follows Numba's own calling convention, not Python's.
    """
    (result,) = _dispatchers[entry_point].overloads.values()
    return code_address(result)


def code_address(result: Any) -> int:
    """Return the address of the machine code of a Numba compile result."""
    return result.library.get_pointer_to_function(result.fndesc.llvm_func_name)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Numba from warning of first-class functions.

    The minimiser's loop calls them, and those in `args` are typed as such: no business of the
    user's.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NumbaExperimentalFeatureWarning)
        yield


# By entry point. A dispatcher that is collected takes its machine code with it.
_dispatchers: dict[Callable[..., Any], Any] = {}


class _KernelCache(_Cache):
    """Numba's cache interface, for a function that has one signature."""

    def __init__(self, function: Callable[..., Any], options: str) -> None:
        self._impl = CompileResultCacheImpl(function)
        self._name = function.__qualname__
        self._options = options
        self._sources = _source_digest()

    @property
    def cache_path(self) -> str:
        return self._impl.locator.get_cache_path()

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the compiled function, or None if it has to be compiled.

        Numba refreshes the whole target here, which imports scipy.linalg among much else: 0.3 s.
        Machine code that is ready needs only the run-time library: 0.02 s.
        """
        rtsys.initialize(target_context)
        path, identity = self._file(sig, target_context.codegen())
        try:
            payload = kernel_files.read(path, identity)
        except FileNotFoundError:
            return None
        except kernel_files.RefusedError as refusal:
            _warn_once(str(refusal))
            return None
        except OSError as error:
            _warn_once(f"{path} cannot be read: {error}")
            return None
        try:
            return self._impl.rebuild(target_context, pickle.loads(payload))
        except Exception as error:  # a pickle can raise anything
            _warn_once(f"{path} holds no kernel: {error!r}")
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Write the compiled function, if it can be kept."""
        if not self._impl.check_cachable(data):
            return
        payload = pickle.dumps(self._impl.reduce(data), protocol=pickle.HIGHEST_PROTOCOL)
        path, identity = self._file(sig, data.codegen)
        try:
            kernel_files.write(path, identity, payload)
        except (OSError, kernel_files.RefusedError) as error:
            _warn_once(f"they cannot be kept on disk: {error}")

    def _file(self, sig: Any, codegen: Any) -> tuple[Path, bytes]:
        """Return a file's name, and all that the machine code depends on, which it is made from."""
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
        text = repr(identity).encode()
        name = f"fastadam-{self._name}-{hashlib.sha256(text).hexdigest()[:20]}.kernel"
        return Path(self.cache_path) / name, text

    def enable(self) -> None:
        """Do nothing: a cache that is not wanted is not made."""

    def disable(self) -> None:
        """Do nothing, see `enable`."""

    def flush(self) -> None:
        """Do nothing: there is no index."""


@cache
def _source_digest() -> str:
    """Return a digest of every source file of this package that kernels are compiled from.

    Raises
    ------
    OSError
        If there are none: in a zip file, in a frozen application, or beside compiled modules.
    """
    digest = hashlib.sha256()
    root = Path(__file__).parents[1]
    for room in ("_rules", "_numba", "_objective", "_search", "_cpu"):
        for path in sorted((root / room).glob("*.py")) or [root / room / "__init__.py"]:
            digest.update(path.read_bytes())
    return digest.hexdigest()


_has_warned = False


def _warn_once(problem: str) -> None:
    """Warn of the first problem; the others are of the same kind, and nothing is wrong."""
    global _has_warned
    if not _has_warned:
        _has_warned = True
        message = f"fastadam: kernels are compiled in this process: {problem}"
        warnings.warn(message, RuntimeWarning, stacklevel=2)
