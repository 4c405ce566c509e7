"""What the machine code of a user's function is made from, as bytes to compare.

Numba takes what a function knows by name as it is when it is compiled: the values of globals and of
closures become constants, and compiled functions that it calls become a part of it. So they belong
to what a kernel that is kept on disk was made from. Of anything else that a function knows nothing
is certain, and then nothing is kept.

What `numba.extending` was told of NumPy's and Python's own functions is not looked at.
"""

from __future__ import annotations

import dis
import hashlib
import sys
from collections.abc import Iterable, Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np
from numba import types

#: Packages whose functions and modules are what their versions say.
_KNOWN = {"builtins", "cmath", "math", "numba", "numba_cuda", "numpy", "operator"}
_PLAIN = (type(None), type(...), bool, int, float, complex, str, bytes)
_NUMBERS = "biufc"


class _UncertainError(Exception):
    """Nobody can tell what a value becomes in machine code."""


def identify(functions: Iterable[FunctionType]) -> bytes | None:
    """Make a digest of functions in Python and of what they know; None if it is not certain."""
    reader = _Reader()
    try:
        for function in functions:
            reader.read_function(function)
    except _UncertainError:
        return None
    return reader.digest


class _Reader:
    """Takes one value after the other into a digest, each function and module once."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._seen: dict[Any, int] = {}

    @property
    def digest(self) -> bytes:
        return self._hash.digest()

    def _note(self, *words: Any) -> None:
        for word in words:
            data = word if isinstance(word, bytes) else str(word).encode("utf-8", "surrogatepass")
            self._hash.update(len(data).to_bytes(8, "little") + data)

    def _is_new(self, *key: Any) -> bool:
        is_new = key not in self._seen
        self._note("number", self._seen.setdefault(key, len(self._seen)))
        return is_new

    def read_function(self, function: FunctionType) -> None:
        if not self._is_new(id(function)):
            return
        code, names = function.__code__, sorted(set(_names(function.__code__)))
        self._read(code)
        self._read(function.__defaults__)
        self._read_items((function.__kwdefaults__ or {}).items(), names)
        cells = function.__closure__ or ()
        try:
            closure = [cell.cell_contents for cell in cells]
        except ValueError as error:  # it is not set yet
            raise _UncertainError from error
        self._read_items(zip(code.co_freevars, closure, strict=True), names)
        found = {**vars(sys.modules["builtins"]), **function.__globals__}
        used = sorted(set(_globals(code)))
        self._read_items([(name, found[name]) for name in used if name in found], names)

    def _read_items(self, items: Iterable[tuple[str, Any]], names: list[str]) -> None:
        for name, value in items:
            self._note("name", name)
            self._read(value, names)

    def _read(self, value: Any, names: Iterable[str] = ()) -> None:
        """Take in a value; of a module, what is known by some names."""
        kind = type(value)
        self._note(kind.__module__, kind.__qualname__)
        if kind in _PLAIN:
            self._note(repr(value))
        elif kind is CodeType:
            self._read_code(value)
        elif isinstance(value, ModuleType):
            self._read_module(value, names)
        elif kind in (tuple, list) or (isinstance(value, tuple) and hasattr(kind, "_fields")):
            self._note(len(value), *getattr(kind, "_fields", ()))
            for each in value:
                self._read(each, names)
        elif kind in (set, frozenset):
            self._note(*sorted(f"{type(each).__name__} {each!r}" for each in value))
        elif kind is slice:
            self._read((value.start, value.stop, value.step))
        elif kind is np.ndarray or isinstance(value, (np.generic, np.dtype)):
            self._read_numbers(value)
        elif isinstance(value, (types.Number, types.Boolean)) or _is_known(value):
            self._note(getattr(value, "__qualname__", value))
        elif _is_compiled(value):
            self._read_items(sorted(value.targetoptions.items()), [])
            if not getattr(value, "_can_compile", True):  # it takes what it was declared for
                self._note(*map(str, value.overloads))
            self.read_function(value.py_func)
        else:
            raise _UncertainError

    def _read_code(self, code: CodeType) -> None:
        self._note(
            code.co_code, code.co_flags, code.co_argcount, code.co_kwonlyargcount,
            code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars,
        )  # fmt: skip
        self._note(getattr(code, "co_exceptiontable", b""))
        self._read(code.co_consts)

    def _read_module(self, module: ModuleType, names: Iterable[str]) -> None:
        self._note(module.__name__)
        if module.__name__.split(".")[0] in _KNOWN or not self._is_new(id(module), tuple(names)):
            return
        found = vars(module)
        self._read_items([(name, found[name]) for name in names if name in found], list(names))

    def _read_numbers(self, value: Any) -> None:
        dtype = value if isinstance(value, np.dtype) else value.dtype
        if dtype.kind not in _NUMBERS:
            raise _UncertainError
        self._note(dtype.str)
        if not isinstance(value, np.dtype):
            self._note(value.shape, value.strides, value.flags.writeable, value.tobytes())


def _names(code: CodeType) -> Iterator[str]:
    """Yield all names in a function, attributes' among them."""
    for each in _codes(code):
        yield from each.co_names


def _globals(code: CodeType) -> Iterator[str]:
    """Yield the names that a function looks up outside."""
    for each in _codes(code):
        for instruction in dis.get_instructions(each):
            if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
                yield instruction.argval
            elif instruction.opname.startswith("IMPORT_"):
                raise _UncertainError


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _is_known(value: Any) -> bool:
    """Tell whether a function or class is the one that a known package has under its name."""
    module = getattr(value, "__module__", None)
    if not isinstance(module, str) or module.split(".")[0] not in _KNOWN:
        return False
    found: Any = sys.modules.get(module)
    for name in getattr(value, "__qualname__", "").split("."):
        found = getattr(found, name, None)
    return found is value


def _is_compiled(value: Any) -> bool:
    """Tell whether a function is compiled by Numba or by numba-cuda, on demand."""
    return (
        type(value).__module__.split(".")[0] in ("numba", "numba_cuda")
        and isinstance(getattr(value, "py_func", None), FunctionType)
        and isinstance(getattr(value, "targetoptions", None), dict)
    )
