"""Steps of arrays whose gradients are of some rows, and the clocks of the other rows."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._forms.clocks import MOST_MISSED, RowClock, catch_up_all, check_exact, reset_all
from .._rules.spec import Floats
from .._uninterrupted import Call
from .._validate import row_indices, rows_of_one
from .arrays import ParamArray
from .kernels import EXTRAS
from .row_gradients import RowGradient
from .row_kernels import make_catch_up_kernel, make_rows_kernel


class HostRowClock(RowClock):
    """The clock of an array's rows."""

    def __init__(self, param: ParamArray, step: int, hyper: Floats) -> None:
        super().__init__(step, hyper)
        self._param = param
        self._done = np.full(param.shape[0], step, np.int64)
        self._rates = np.zeros(MOST_MISSED)

    def catch_up(self, rows: NDArray[np.int64] | None = None) -> list[Call]:
        """Make the calls that bring rows to the last step."""
        first, last, hyper = self.window
        if first > last:
            return []
        param, rates = self._param, self._rates
        kernel = make_catch_up_kernel(param.spec.rule, param.dtype)
        top = float(rates[: last + 1 - first].max())
        chosen = np.arange(param.shape[0]) if rows is None else rows
        arrays = (param.flat, param.state, self._done, chosen, rates)
        return [(kernel, *arrays, top, hyper, first, last)]

    def fill(self, step: int) -> list[Call]:
        """Make the call that says that all rows are at a step."""
        return [(self._done.fill, step)]

    def mark(self, rows: NDArray[np.int64], rate: float, step: int, first: int) -> list[Call]:
        """Make the calls that say that rows are at a step."""
        return [
            (operator.setitem, self._done, rows, step),
            (operator.setitem, self._rates, step - first, rate),
        ]


class RowSteps:
    """The steps with gradients of rows, and the clocks of an exact optimiser's arrays."""

    def __init__(self, params: Sequence[ParamArray], clocks: dict[int, RowClock]) -> None:
        self._params = params
        self._extras = np.ones(EXTRAS)  # kernels of bfloat16 take some, and use none
        check_exact(param.spec.rule for param in params if param.spec.exact)
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
                self.clocks[place] = HostRowClock(param, step - 1, hyper)
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
        if rows is None:
            return catch_up_all(self.clocks)
        rows_of_one(rows, len(self._params))
        chosen = row_indices("rows", rows, self._params[0].shape[:1])
        return [call for clock in self.clocks.values() for call in clock.catch_up(chosen)]

    def make_reset_calls(self, step: int) -> list[Call]:
        """Make the calls that say that all rows are at a step."""
        return reset_all(self.clocks, step)
