"""Averages of the parameters over the steps: their weights, and how they are swapped in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .._backend import Backend
from .._uninterrupted import Call


class Averaging:
    """The averages that an optimiser keeps.

    Its calls are made in one go with what belongs to them, by `Backend.run`.
    """

    def __init__(self, backend: Backend[Any], kind: float | str) -> None:
        self._backend, self._kind = backend, kind
        self.count = 0  # steps that are in the average
        self.is_swapped_in = False

    def find_weight(self) -> float:
        """Find what weight the parameters have in the average after the next step."""
        n = self.count + 1
        if isinstance(self._kind, str):
            return 1.0 / n
        return 1.0 - min(self._kind, (1.0 + n) / (10.0 + n))

    def make_count_call(self, count: int) -> Call:
        """Make the call that sets how many steps are in the average."""
        return setattr, self, "count", count

    def require_own_parameters(self, name: str) -> None:
        """Require that the averages are not where the parameters belong."""
        if self.is_swapped_in:
            raise RuntimeError(f"{name} inside `with optimizer.averaged()`, where averages stand")

    def restart(self) -> None:
        """Begin anew, with the parameters as they are."""
        calls = [call for param in self._backend.params for call in param.make_restart_calls()]
        self._backend.run([*calls, self.make_count_call(0)])

    @contextmanager
    def swapped_in(self) -> Iterator[None]:
        """Exchange parameters and averages, and exchange them back at the end."""
        try:
            self._exchange()
            yield
        finally:
            if self.is_swapped_in:  # a signal may have come before the first exchange
                self._exchange()

    def _exchange(self) -> None:
        calls = [call for param in self._backend.params for call in param.make_exchange_calls()]
        self._backend.run([*calls, (setattr, self, "is_swapped_in", not self.is_swapped_in)])
