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
begins with a digest of its contents. Whatever does not match is compiled again.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import sys
import tempfile
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba
from numba.core.caching import CompileResultCacheImpl, _Cache
from numba.core.errors import NumbaExperimentalFeatureWarning
from numba.core.runtime import rtsys

_DIGEST_SIZE = hashlib.sha256().digest_size


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
    except RuntimeError as error:  # Numba found no place that can be written
        _warn_once(f"they cannot be kept on disk: {error}")
    with warnings.catch_warnings():
        # Of first-class functions, which the minimiser's loop calls; no business of the user's.
        warnings.simplefilter("ignore", NumbaExperimentalFeatureWarning)
        entry_point = dispatcher.compile(signature)
    _dispatchers[entry_point] = dispatcher
    return entry_point


def kernel_address(entry_point: Callable[..., Any]) -> int:
    """Return the address of the machine code of what `compile_kernel` returned.

    It follows Numba's own calling convention, not Python's.
    """
    (result,) = _dispatchers[entry_point].overloads.values()
    return code_address(result)


def code_address(result: Any) -> int:
    """Return the address of the machine code of a Numba compile result."""
    return result.library.get_pointer_to_function(result.fndesc.llvm_func_name)


# By entry point. A dispatcher that is collected takes its machine code with it.
_dispatchers: dict[Callable[..., Any], Any] = {}


class _KernelCache(_Cache):
    """Numba's cache interface, for a function that has one signature."""

    def __init__(self, function: Callable[..., Any], options: str) -> None:
        self._impl = CompileResultCacheImpl(function)
        self._name = function.__qualname__
        self._options = options

    @property
    def cache_path(self) -> str:
        return self._impl.locator.get_cache_path()

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the compiled function, or None if it has to be compiled.

        Numba refreshes the whole target here, which imports scipy.linalg among much else: 0.3 s.
        Machine code that is ready needs only the run-time library: 0.02 s.
        """
        rtsys.initialize(target_context)
        path = self._path(sig, target_context.codegen())
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            _warn_once(f"{path} cannot be read: {error}")
            return None
        digest, payload = content[:_DIGEST_SIZE], content[_DIGEST_SIZE:]
        if hashlib.sha256(payload).digest() != digest:
            _warn_once(f"{path} is damaged")
            return None
        return self._impl.rebuild(target_context, pickle.loads(payload))

    def save_overload(self, sig: Any, data: Any) -> None:
        """Write the compiled function under its final name in one move."""
        if not self._impl.check_cachable(data):
            return
        payload = pickle.dumps(self._impl.reduce(data), protocol=pickle.HIGHEST_PROTOCOL)
        path = self._path(sig, data.codegen)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
                file.write(hashlib.sha256(payload).digest() + payload)
            try:
                os.replace(file.name, path)
            except OSError:
                os.unlink(file.name)
                raise
        except OSError as error:
            _warn_once(f"they cannot be kept on disk: {error}")

    def _path(self, sig: Any, codegen: Any) -> Path:
        """Name the file after all that the machine code depends on."""
        identity = (
            self._name,
            self._options,
            str(sig),
            codegen.magic_tuple(),  # the processor and its features
            numba.__version__,
            sys.version,
            _source_digest(),
        )
        digest = hashlib.sha256(repr(identity).encode()).hexdigest()[:20]
        return Path(self.cache_path) / f"fastadam-{self._name}-{digest}.kernel"

    def enable(self) -> None:
        """Do nothing: a cache that is not wanted is not made."""

    def disable(self) -> None:
        """Do nothing, see `enable`."""

    def flush(self) -> None:
        """Do nothing: there is no index."""


@cache
def _source_digest() -> str:
    """Return a digest of every source file of this package that kernels are compiled from."""
    digest = hashlib.sha256()
    root = Path(__file__).parent
    for path in (root / "rules.py", root / "loops.py", *sorted((root / "solver").glob("*.py"))):
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
