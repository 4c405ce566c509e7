"""What goes from one process to another: functions of any kind there, exceptions back."""

from __future__ import annotations

import io
import traceback
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any, NoReturn

import cloudpickle

from ..._numba.dispatchers import is_compiled, reduce_compiled
from ..._validate import describe


class _Pickler(cloudpickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        """Take compiled functions apart, whatever holds them."""
        if is_compiled(value) and "nopython" in value.targetoptions:  # not one for a GPU
            return reduce_compiled(value)
        return super().reducer_override(value)


def _dumps(value: Any) -> bytes:
    file = io.BytesIO()
    _Pickler(file).dump(value)
    return file.getvalue()


class Pickled:
    """Contents that are pickled when they are sent, and unpickled when they are used.

    Pickle knows functions by name only. This also sends lambdas, closures, what was defined in a
    notebook, and compiled functions of each of these kinds. Contents that cannot be unpickled do
    so where an exception can be caught: in `multiprocessing.Pool` it would end the worker, and
    the caller would wait for ever. ``names`` are those that the user knows parts of it by.
    """

    def __init__(self, names: Mapping[str, Any], contents: Any) -> None:
        self._names, self._contents = names, contents
        self._data: bytes | None = None
        #: Why it could not be pickled.
        self.refusal: TypeError | None = None

    @property
    def is_sent(self) -> bool:
        """Whether it comes from another process."""
        return self._data is not None

    def open(self) -> Any:
        """Unpickle the contents, or take them as they are."""
        if self._contents is None and self._data is not None:
            self._contents = cloudpickle.loads(self._data)
        return self._contents

    def __getstate__(self) -> bytes:
        try:
            return self._data or _dumps(self._contents)
        except Exception as error:
            self.refusal = self._find_refusal(error)
            raise self.refusal from error

    def __setstate__(self, data: bytes) -> None:
        self.__init__({}, None)  # type: ignore[misc]
        self._data = data

    def _find_refusal(self, error: Exception) -> TypeError:
        """Make an error that names what cannot be sent."""
        for name, value in self._names.items():
            try:
                _dumps(value)
            except Exception as reason:
                return TypeError(
                    f"{name} cannot be sent to another process: {reason}. Open files, locks, "
                    "connections and the like have to be made where they are used, got "
                    f"{describe(value)}"
                )
        return TypeError(f"the problems cannot be sent to another process: {error}")


class RemoteError:
    """An exception that was raised here, to be raised in another process."""

    def __init__(self, error: Exception) -> None:
        self._data = _pickle_error(error)
        self._trace = "".join(traceback.format_exception(error))

    def reraise(self) -> NoReturn:
        """Raise it, with the traceback from where it comes."""
        error = cloudpickle.loads(self._data)
        raise (error if isinstance(error, Exception) else error()) from WorkerError(self._trace)


class WorkerError(Exception):
    """Stands for the cause of an exception that comes from another process."""

    def __str__(self) -> str:
        return f"in a worker:\n\n{self.args[0]}"


def _pickle_error(error: Exception) -> bytes:
    """Make bytes of an exception that can be unpickled."""
    kind = type(error)
    for form in (
        error,
        # Pickle would make it of its arguments, which is not always how its class is called.
        partial(_revive, kind, error.args, vars(error)),
        partial(_revive, kind, tuple(map(str, error.args)), {}),
    ):
        with suppress(Exception):
            data = _dumps(form)
            again = cloudpickle.loads(data)
            if type(again if isinstance(again, Exception) else again()) is kind:
                return data
    return _dumps(RuntimeError(f"{kind.__name__}: {error}"))


def _revive(kind: type[Exception], args: tuple[Any, ...], state: dict[str, Any]) -> Exception:
    error = kind.__new__(kind, *args)
    error.args = args
    vars(error).update(state)
    return error
