"""The clock of searches."""

from __future__ import annotations

import math
import time


class Deadline:
    """When searches have to stop: some seconds after the `start`, or when somebody says so."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._began, self._is_stopped = seconds, 0.0, False
        self.end = math.inf  # by `time.monotonic`

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
