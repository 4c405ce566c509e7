"""Signals that end a run: they wait until it is saved."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any


class Deferred:
    """A context in which SIGTERM and Ctrl-C are noted, and come when it is asked for.

    The second of them comes at once, for who does not want to wait. Signals that are ignored, or
    whose handler Python does not know, are left alone; so are all in other threads than the main
    one, where Python has no handlers.
    """

    def __init__(self) -> None:
        self._previous: dict[int, Any] = {}
        self._noted: int | None = None

    def __enter__(self) -> Deferred:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                handler = signal.getsignal(number)
                if handler is not None and handler is not signal.SIG_IGN:
                    self._previous[number] = handler
                    signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        if self._noted is not None:
            signal.raise_signal(self._noted)

    @property
    def has_come(self) -> bool:
        """Whether a signal waits."""
        return self._noted is not None

    def deliver(self) -> None:
        """Let the signal that waits do what it does outside: raise, end the process, or nothing."""
        if self._noted is not None:
            number, self._noted = self._noted, None
            self._pass_on(number)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._noted is None:
            self._noted = number
        else:
            self._noted = None
            self._pass_on(number)

    def _pass_on(self, number: int) -> None:
        signal.signal(number, self._previous[number])
        signal.raise_signal(number)
        # Python calls handlers here at the latest. If it raises, `__exit__` finds all as it was.
        signal.signal(number, self._note)
