"""When searches have to stop."""

from __future__ import annotations

import math
import time


class Deadline:
    """When searches have to stop: after some seconds, or as soon as somebody says so.

    Parameters
    ----------
    seconds : float
        How long they may take, from `start` on; before, there is no end.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds, self._began, self._is_stopped = seconds, 0.0, False
        #: By `time.monotonic`.
        self.end = math.inf

    def start(self) -> Deadline:
        """Count the seconds from now, when all is compiled."""
        self._began = time.monotonic()
        self.end = self._began + self._seconds
        return self

    def stop(self) -> None:
        """Let no more iterations be made. Another thread may say so."""
        self._is_stopped = True

    @property
    def spent(self) -> float:
        """The seconds since it was started."""
        return time.monotonic() - self._began

    @property
    def left(self) -> float:
        """The seconds that are left."""
        return self.end - time.monotonic()

    @property
    def is_over(self) -> bool:
        """Whether no more iterations are to be made."""
        return self._is_stopped or self.left <= 0.0
