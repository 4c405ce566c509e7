"""The thread that has compiled loops come back to Python.

Ctrl-C, the clock and the progress bar need Python in the thread that a search runs in. A compiled
loop cannot know how long the next evaluation takes, and so not how many make a turn of some
length: it looks at ``halt``, and this thread sets it.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

#: Seconds between two ticks.
INTERVAL = 0.02


class Ticker:
    """Sets the ``halt`` of searches from time to time, in a thread of its own.

    The first search starts the thread, which sleeps while there is none. It looks for them only
    once a tick, so that a search that takes less costs some microseconds.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._searches: dict[int, tuple[int, Any]] = {}
        self._has_thread = self._sleeps = False

    @contextmanager
    def ticking(self, scalars: Any) -> Iterator[bool]:
        """Set the ``halt`` of a search's scalars at each tick; say whether there are any."""
        key = id(scalars)
        with self._changed:
            self._searches[key] = threading.get_ident(), scalars
            self._rouse()
        try:
            yield self._has_thread
        finally:
            with self._changed:
                del self._searches[key]

    def after_fork(self) -> None:
        """Take up the work in a new process, which has only the thread that forked."""
        searches, here = self._searches, threading.get_ident()
        self._changed = threading.Condition()
        self._searches = {key: each for key, each in searches.items() if each[0] == here}
        self._has_thread = self._sleeps = False
        if self._searches:
            self._rouse()

    def _rouse(self) -> None:
        if not self._has_thread:
            thread = threading.Thread(target=self._tick, name="fastadam ticker", daemon=True)
            with suppress(RuntimeError):  # an interpreter that shuts down starts no more
                thread.start()
                self._has_thread = True
        elif self._sleeps:
            self._changed.notify()

    def _tick(self) -> None:
        while True:
            with self._changed:
                while not self._searches:
                    self._sleeps = True
                    self._changed.wait()
                    self._sleeps = False
            time.sleep(INTERVAL)
            with self._changed:
                for _, scalars in self._searches.values():
                    scalars.halt = 1


ticker = Ticker()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=ticker.after_fork)
