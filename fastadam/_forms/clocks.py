"""What rows without a gradient miss, where an optimiser is to make it up to them.

By default they miss nothing: a row without a gradient is left as it is. An *exact* optimiser has
for each row what a dense step with gradient 0 would have done to it, later: before the row's next
gradient, or when all are brought up to date.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from numba.extending import register_jitable

from .._rules.spec import Floats, Rule
from .._uninterrupted import Call

#: Steps that a row can miss: then all rows are brought up to date, and the record of learning
#: rates, of 128 KiB, begins anew. A pass over all parameters does not show among so many steps.
MOST_MISSED = 16_384


class Window(NamedTuple):
    """The steps that some rows have missed, and their hyper-parameters but for the rate."""

    first: int
    last: int
    hyper: Floats


class RowClock(ABC):
    """Which step each row of an array is at, in an exact optimiser.

    All rows are at ``window.first - 1`` or later.
    """

    def __init__(self, step: int, hyper: Floats) -> None:
        self.window = Window(step + 1, step, hyper)

    @abstractmethod
    def catch_up(self, rows: Any = None) -> list[Call]:
        """Make the calls that bring rows to the last step; all of them without ``rows``."""

    @abstractmethod
    def fill(self, step: int) -> list[Call]:
        """Make the calls that say that all rows are at a step, with which a window begins."""

    @abstractmethod
    def mark(self, rows: Any, rate: float, step: int, first: int) -> list[Call]:
        """Make the calls that say that rows are at a step; ``first`` is the window's."""

    def frame(self, calls: list[Call], hyper: Floats, step: int, rows: Any) -> list[Call]:
        """Put around the calls of a step, of some rows or all (None), what the others need."""
        if rows is None:
            return [*self.catch_up(), *calls, *self.reset(step)]
        first = self.find_first(hyper, step)
        if first == self.window.first:
            before = self.catch_up(rows)
        else:
            before = [*self.catch_up(), *self.fill(step - 1)]
        window = Window(first, step, hyper)
        marks = self.mark(rows, hyper[0], step, first)
        return [*before, *calls, *marks, (setattr, self, "window", window)]

    def find_first(self, hyper: Floats, step: int) -> int:
        """Find the first step of the window that a step is in: that of now, or one that begins."""
        first, last, known = self.window
        goes_on = step == last + 1 and hyper[1:] == known[1:] and step - first < MOST_MISSED
        return first if goes_on else step

    def reset(self, step: int) -> list[Call]:
        """Make the calls that say that all rows are at a step."""
        window = Window(step + 1, step, self.window.hyper)
        return [*self.fill(step), (setattr, self, "window", window)]


def check_exact(rules: Iterable[Rule]) -> None:
    """Require rules whose steps can be made up for."""
    for rule in rules:
        if rule.carried:
            raise ValueError(
                f"sparse='exact' does not go with {rule.name}, whose steps depend "
                "on those before in more than their state; use sparse='lazy'"
            )


def catch_up_all(clocks: Mapping[int, RowClock]) -> list[Call]:
    """Make the calls that bring all rows of all arrays up to date."""
    return [
        call
        for clock in clocks.values()
        for call in (*clock.catch_up(), *clock.reset(clock.window.last))
    ]


def reset_all(clocks: Mapping[int, RowClock], step: int) -> list[Call]:
    """Make the calls that say that all rows are at a step."""
    return [call for clock in clocks.values() for call in clock.reset(step)]


def choose_rest(rule: Rule) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Choose ``idle`` of a rule, and ``worst_of(now, end)``.

    That is the state in which a step would move a parameter most: with the velocity as it is, and
    the other state as it is at the end; see `spec` for what makes this so.
    """
    assert rule.idle is None or rule.velocity in (-1, 0)
    return rule.idle or _stay, _velocity_first if rule.velocity == 0 else _all_at_the_end


@register_jitable
def _stay(state, c, n):
    return state


@register_jitable
def _velocity_first(now, end):
    return (now[0],) + end[1:]  # noqa: RUF005


@register_jitable
def _all_at_the_end(now, end):
    return end
