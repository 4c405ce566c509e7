"""Searches that go on from a file: when it is written, what it is of, and when it is removed."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._checkpoint.files import CheckpointError, check_writable, read, write
from .._checkpoint.signals import Deferred
from .._search.monitor import Monitor
from .._search.outcomes import STOPPED, TIMEOUT
from .._search.runs import Run
from .._search.saving import pack_search, unpack_search
from .._validate import describe
from .options import Options
from .setup import Setup

#: Options that do not change what is found, or how.
_PASSING = ("max_seconds", "disp", "checkpoint", "checkpoint_seconds")

Packed = tuple[dict[str, NDArray[Any]], dict[str, str]]


class Saver:
    """The file of one run, and what the run is: ``asked``, by name, all that decides about it.

    It is a context, in which SIGTERM and Ctrl-C wait until `look` has saved.
    """

    def __init__(self, kind: str, options: Options, asked: Mapping[str, Any]) -> None:
        self.path = os.path.abspath(str(options.checkpoint))
        self._seconds = options.checkpoint_seconds
        self._texts = {
            "kind": kind,
            "asked": json.dumps({name: _digest(value) for name, value in asked.items()}),
        }
        self._signals = Deferred()
        self._saved = time.monotonic()
        check_writable(self.path)

    def load(self) -> Packed | None:
        """Read the file, if there is one; refuse that of another run."""
        try:
            arrays, texts = read(self.path)
        except FileNotFoundError:
            return None
        kind, own = texts.get("kind"), self._texts["kind"]
        if kind != own:
            raise ValueError(f"{self._name} is of {kind}, and not of {own}")
        try:
            found, asked = json.loads(texts["asked"]), json.loads(self._texts["asked"])
        except (KeyError, ValueError) as error:
            raise self.is_damaged(error) from error
        others = sorted(name for name in found | asked if found.get(name) != asked.get(name))
        if others:
            what = ", ".join(others)
            raise ValueError(f"{self._name} is of another problem, which differs in {what}")
        return arrays, texts

    def is_damaged(self, error: Exception) -> CheckpointError:
        """Make the error for a file that lacks something."""
        return CheckpointError(f"{self.path} cannot be gone on from: {error}")

    @property
    def _name(self) -> str:
        return f"options['checkpoint'] = {self.path!r}"

    def __enter__(self) -> Saver:
        self._signals.__enter__()
        self._saved = time.monotonic()
        return self

    def __exit__(self, *error: Any) -> None:
        self._signals.__exit__(*error)

    def look(self, ends: bool, pack: Callable[[], Packed]) -> None:
        """Save if it is time to, or the end; and if a signal came, which then does what it does."""
        has_come = self._signals.has_come
        if ends or has_come or time.monotonic() >= self._saved + self._seconds:
            arrays, texts = pack()
            write(self.path, arrays, {**texts, **self._texts})
            self._saved = time.monotonic()
        if has_come:
            self._signals.deliver()

    def remove(self) -> None:
        """Remove the file of a run that is over."""
        with suppress(FileNotFoundError):
            os.unlink(self.path)


def describe_setup(setup: Setup, **others: Any) -> dict[str, Any]:
    """Name what decides about a run: all but the functions, of which nothing can be told."""
    objective, given = setup.objective, setup.options
    options = {field.name: getattr(given, field.name) for field in fields(given)}
    options.update(options.pop("hyper_parameters"))
    return {
        "method": setup.method,
        "jac": (objective.scheme, objective.form),
        "args": [_outline(value) for value in objective.args],
        **{f"options[{name!r}]": options[name] for name in options if name not in _PASSING},
        **others,
    }


def drive(monitor: Monitor, run: Run, saver: Saver | None) -> None:
    """Run a search to its end, from a checkpoint if there is one."""
    if saver is None:
        monitor.drive()
        return

    def pack() -> Packed:
        arrays, texts = pack_search(run.search)
        return arrays, {**texts, "looked": str(monitor.looked)}

    if (packed := saver.load()) is not None:
        try:
            looked = int(packed[1]["looked"])
            unpack_search(run.search, *packed)
        except (KeyError, ValueError) as error:
            raise saver.is_damaged(error) from error
        monitor.looked = looked
    with saver:
        monitor.pause = lambda ends: saver.look(ends, pack)
        monitor.drive()
    if run.search.scalars.status not in (TIMEOUT, STOPPED):
        saver.remove()


def _outline(value: Any) -> str:
    """Tell what kind of an argument it is: what is in it, functions may have written."""
    return describe(value) if isinstance(value, np.ndarray) else type(value).__name__


def _digest(value: Any) -> str:
    """Make a short text of a value that another value does not have."""
    return hashlib.sha256(repr(_plain(value)).encode()).hexdigest()[:32]


def _plain(value: Any) -> Any:
    """Make something of plain Python, whose `repr` tells all of it."""
    if isinstance(value, np.ndarray):
        data = np.ascontiguousarray(value)
        return str(data.dtype), value.shape, hashlib.sha256(data.tobytes()).hexdigest()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {key: _plain(value[key]) for key in sorted(value)}
    if isinstance(value, (tuple, list)):
        return [_plain(each) for each in value]
    return "callable" if callable(value) else value
