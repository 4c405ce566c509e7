"""Kernels of a GPU, kept on disk as those of the CPU are: see `cache` and `kernel_files`.

numba-cuda's own cache is not used. Its key is the time stamp of one source file, the signature and
the GPU's compute capability: neither the functions that a kernel calls nor the options, nor what
`uncontracted` changes. Here a file is named by all of that, and by the compiler's files.

It holds the kernel's name, a zero byte and the machine code (the cubin).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from . import private
from .cache import digest_sources, keep, load_kept, name_file, warn_uncached
from .gpu import compile_gpu_kernel, find_target, is_simulated, load_compiler
from .version import NUMBA_VERSION

#: What of numba-cuda's settings changes machine code.
_SETTINGS = "BOUNDSCHECK", "FORCE_CUDA_CC", "OPT"


class KeptKernel:
    """Where a kernel for the current GPU is on disk, if it is there or may be kept there.

    The ``__qualname__`` of ``function`` has to name all that its closure holds, but for functions
    of users: ``code`` is what `identity.identify` says of these, and None keeps nothing. Only the
    parameters of ``function`` are looked at. ``options`` are those of `compile_gpu_kernel`.
    """

    def __init__(
        self, function: Callable[..., None], signature: Any, code: bytes | None, **options: Any
    ) -> None:
        self._function, self._signature, self._options = function, signature, options
        self._file: tuple[Path, bytes] | None = None
        if code is not None and not is_simulated() and private.is_usable():
            try:
                self._file = self._find_file(code)
            except (RuntimeError, OSError) as error:  # no place that can be written, or no sources
                warn_uncached(f"they cannot be kept on disk: {error}")

    def _find_file(self, code: bytes) -> tuple[Path, bytes]:
        from numba.core.caching import CompileResultCacheImpl

        folder = CompileResultCacheImpl(self._function).locator.get_cache_path()
        name = self._function.__qualname__
        config = load_compiler().config
        identity = (
            name,
            code,
            sorted(self._options.items()),
            str(self._signature),
            find_target(),
            _find_versions(),
            [(each, str(getattr(config, each, None))) for each in _SETTINGS],
            digest_sources("_cuda"),
        )
        return name_file(Path(folder), name, repr(identity))

    def load(self) -> Any:
        """Load the kernel, as `compile_gpu_kernel` gives it; None if it has to be compiled."""
        if self._file is None:
            return None
        return load_kept(*self._file, self._make)

    def _make(self, content: bytes) -> Any:
        """Make of what a file holds what numba-cuda makes when it has compiled it, and load it."""
        from numba.cuda import codegen, dispatcher
        from numba.cuda.cudadrv import driver

        start, _, cubin = content.partition(b"\0")
        name = start.decode()
        library = codegen.CUDACodeLibrary(None, name, entry_name=name)
        library._cubin_cache[library._ensure_cc(None)] = driver.ObjectCode.from_cubin(cubin)
        library._finalized = True
        kernel = dispatcher._Kernel._rebuild(
            cooperative=False, name=name, signature=self._signature, codelibrary=library,
            debug=False, lineinfo=False, call_helper=None, extensions=[],
        )  # fmt: skip
        kernel.bind()
        result = load_compiler().jit(lto=False, **self._options)(self._function)
        result.add_overload(kernel, self._signature.args)
        result.disable_compile()
        return result

    def save(self, kernel: Any) -> None:
        """Keep a kernel that `compile_gpu_kernel` has made, if it can be kept."""
        if self._file is None:
            return
        (overload,) = kernel.overloads.values()
        library = overload.library
        # What users link to their functions may have to be set up in each process. With debugging
        # information (a setting) a launch would have to look for errors.
        if overload.debug or library._linking_files or library.referenced_objects:
            return
        content = overload.entry_name.encode() + b"\0" + library.get_cubin().code
        keep(*self._file, content)


def load_gpu_kernel(function: Callable[..., None], signature: Any) -> Any:
    """Load a kernel in which there is nothing of users from disk, or compile and keep it."""
    kept = KeptKernel(function, signature, b"")
    kernel = kept.load()
    if kernel is None:
        kernel = compile_gpu_kernel(function, signature)
        kept.save(kernel)
    return kernel


@cache
def _find_versions() -> tuple[Any, ...]:
    """Find the versions of all that has a part in compiling; of files that have none, their stamps.

    libNVVM's own version is that of its interface, the same for many releases of the toolkit.
    """
    from cuda import pathfinder
    from numba.cuda.cudadrv.libs import get_libdevice

    names = "numba_cuda", "llvmlite", "cuda.core", "cuda.bindings"
    versions = [import_module(name).__version__ for name in names]
    libraries = map(pathfinder.load_nvidia_dynamic_lib, ("nvvm", "nvJitLink"))
    stamps = []
    for path in (*(library.abs_path for library in libraries), get_libdevice()):
        status = os.stat(path)
        stamps.append((path, status.st_size, status.st_mtime_ns))
    return (
        NUMBA_VERSION, np.__version__, sys.version, sys.flags.optimize, *versions, *stamps,
    )  # fmt: skip
