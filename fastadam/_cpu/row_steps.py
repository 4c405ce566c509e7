"""Steps of arrays whose gradients are of some rows, and what the other rows miss.

By default they miss nothing: a row without a gradient is left as it is. An *exact* optimiser has
for each row what a dense step with gradient 0 would have done to it, later: before the row's next
gradient, or when all are brought up to date.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._rules.spec import Floats
from .._uninterrupted import Call
from .._validate import describe
from .arrays import ParamArray
from .kernels import EXTRAS
from .row_gradients import RowGradient, check_rows
from .row_kernels import make_catch_up_kernel, make_rows_kernel

#: Steps that a row can miss: then all rows are brought up to date, and the record of learning
#: rates, of 128 KiB, begins anew. A pass over all parameters does not show among so many steps.
MOST_MISSED = 16_384


class Window(NamedTuple):
    """The steps that some rows have missed, and their hyper-parameters but for the rate."""

    first: int
    last: int
    hyper: Floats


class RowClock:
    """Which step each row of an array is at, in an exact optimiser.

    All rows are at ``window.first - 1`` or later.
    """

    def __init__(self, param: ParamArray, step: int, hyper: Floats) -> None:
        self._param = param
        self._done = np.full(param.shape[0], step, np.int64)
        self._rates = np.zeros(MOST_MISSED)
        self.window = Window(step + 1, step, hyper)

    def frame(
        self, calls: list[Call], hyper: Floats, step: int, rows: NDArray[np.int64] | None
    ) -> list[Call]:
        """Put around the calls of a step, of some rows or all (None), what the others need."""
        first, last, known = self.window
        if rows is None:
            return [*self.catch_up(), *calls, *self.reset(step)]
        if step == last + 1 and hyper[1:] == known[1:] and step - first < MOST_MISSED:
            before = self.catch_up(rows)
        else:
            before = [*self.catch_up(), (self._done.fill, step - 1)]
            first = step
        return [
            *before,
            *calls,
            (operator.setitem, self._done, rows, step),
            (operator.setitem, self._rates, step - first, hyper[0]),
            (setattr, self, "window", Window(first, step, hyper)),
        ]

    def catch_up(self, rows: NDArray[np.int64] | None = None) -> list[Call]:
        """Make the calls that bring rows to the last step; all of them without ``rows``."""
        first, last, hyper = self.window
        if first > last:
            return []
        param, rates = self._param, self._rates
        kernel = make_catch_up_kernel(param.spec.rule, param.dtype)
        top = float(rates[: last + 1 - first].max())
        chosen = np.arange(param.shape[0]) if rows is None else rows
        arrays = (param.flat, param.state, self._done, chosen, rates)
        return [(kernel, *arrays, top, hyper, first, last)]

    def reset(self, step: int) -> list[Call]:
        """Make the calls that say that all rows are at a step."""
        window = Window(step + 1, step, self.window.hyper)
        return [(self._done.fill, step), (setattr, self, "window", window)]


class RowSteps:
    """The steps with gradients of rows, and the clocks of an exact optimiser's arrays."""

    def __init__(self, params: Sequence[ParamArray], clocks: dict[int, RowClock]) -> None:
        self._params = params
        self._extras = np.ones(EXTRAS)  # kernels of bfloat16 take some, and use none
        for param in params:
            if param.spec.exact and param.spec.rule.carried:
                raise ValueError(
                    f"sparse='exact' does not go with {param.spec.rule.name}, whose steps depend "
                    "on those before in more than their state; use sparse='lazy'"
                )
        self.clocks = dict(clocks)  # by place; of arrays that had gradients of rows

    def make_calls(
        self,
        gradients: Sequence[np.ndarray | RowGradient],
        hypers: Sequence[Floats],
        steps: Sequence[int],
        absent: Sequence[int],
    ) -> list[Call]:
        """Make the calls of a step of all arrays but those at the places ``absent``."""
        calls: list[Call] = []
        own: list[Call]
        for place, (param, gradient) in enumerate(zip(self._params, gradients, strict=True)):
            if place in absent:
                continue
            hyper, step = hypers[param.spec.group], steps[param.spec.group]
            if not isinstance(gradient, RowGradient):
                kernel = param.load_kernel(False)
                own = [param.make_step_call(kernel, gradient, hyper, step, self._extras)]
                calls += self._frame(place, own, hyper, step, None)
                continue
            if param.spec.exact and place not in self.clocks:
                self.clocks[place] = RowClock(param, step - 1, hyper)
            rows, order, values = gradient.rows, gradient.order, gradient.values
            kernel = make_rows_kernel(param.spec.rule, param.dtype)
            total = np.empty(param.size // max(1, param.shape[0]), param.dtype)
            arrays = (param.flat, values, param.state)
            own = [(kernel, *arrays, hyper, step, rows, order, total)]
            calls += self._frame(place, own, hyper, step, rows)
        return calls

    def _frame(self, place: int, calls: list[Call], *step: Any) -> list[Call]:
        clock = self.clocks.get(place)
        return clock.frame(calls, *step) if clock else calls

    def make_catch_up_calls(self, rows: Any = None) -> list[Call]:
        """Make the calls that bring all rows up to date, or some of an optimiser's one array."""
        if rows is not None and len(self._params) > 1:
            raise ValueError(
                f"rows can be told for an optimiser of one array only, got {describe(rows)} for "
                f"{len(self._params)} arrays"
            )
        if rows is not None:
            chosen = check_rows("rows", rows, self._params[0].shape[:1])
            return [call for clock in self.clocks.values() for call in clock.catch_up(chosen)]
        return [
            call
            for clock in self.clocks.values()
            for call in (*clock.catch_up(), *clock.reset(clock.window.last))
        ]

    def make_reset_calls(self, step: int) -> list[Call]:
        """Make the calls that say that all rows are at a step."""
        return [call for clock in self.clocks.values() for call in clock.reset(step)]
