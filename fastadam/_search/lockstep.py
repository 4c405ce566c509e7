"""Many searches in step: one call of a user's function evaluates it for all that go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._objective import python as objective
from .._objective.layout import BEST_GRAD, GRAD, GRADIENT, REL_STEP, VALUE, X
from .._rules.spec import Rule
from ..typing import Matrix, Vector
from .lockstep_kernels import (
    begin_kernel,
    complex_steps_kernel,
    iterate_kernel,
    narrow_kernel,
    points_kernel,
    slopes_kernel,
    store_kernel,
)
from .outcomes import RUNNING
from .rows import OUTCOME, Solutions, Starts
from .runs import Functions
from .search import Search

Rows = NDArray[np.int64]


class VectorizedSearches:
    """A search for each row of a batch.

    Parameters
    ----------
    functions : Functions
        The user's: ``fun(X, *args, *rows)`` of some rows of the batch.
    rows : tuple of ndarray
        The arrays whose rows are arguments.
    rule : Rule
        The update rule.
    h : tuple of float
        Its hyper-parameters.
    template : Search
        A search that has not begun.
    size : int
        The number of rows.
    over : callable
        Tells whether there is no time for another call of the functions.
    """

    def __init__(
        self,
        functions: Functions,
        rows: tuple[NDArray[Any], ...],
        rule: Rule,
        h: tuple[float, ...],
        template: Search,
        size: int,
        over: Callable[[], bool],
    ) -> None:
        self._over = over
        self._functions, self._rows = functions.in_python, rows
        self._rule, self._h = rule, h
        self.records = np.repeat(template.record, size)
        self._matrices = np.zeros((size, *template.vectors.shape))
        self._matrices[:, REL_STEP] = template.vectors[REL_STEP]
        self._evaluate = {"gradient": self._with_gradient, "cs": self._complex}.get(
            functions.scheme, self._with_differences
        )
        self._gathered: tuple[Rows, tuple[Any, ...]] = np.empty(0, dtype=np.int64), ()

    def begin(self, starts: Starts, solutions: Solutions) -> Rows:
        """Set up all rows; return those whose bounds hold a number."""
        begin_kernel()(self.records, self._matrices, starts)
        begun = self.records["status"] == RUNNING
        solutions.counts[~begun, OUTCOME] = self.records["status"][~begun]
        return np.flatnonzero(begun)

    def evaluate(self, active: Rows) -> bool:
        """Evaluate what the searches of some rows request; return whether there was time to.

        If not, the gradients are not to be used.
        """
        if self._evaluate(active):
            self.records["njev"][active] += self.records["request"][active] != VALUE
            return True
        self.records["part"][active] = 1
        return False

    def advance(self, active: Rows) -> NDArray[np.bool_]:
        """Make one iteration in some rows; return for each whether it goes on."""
        iterate_kernel(self._rule)(self.records, self._matrices, active, self._h)
        return self.records["status"][active] == RUNNING

    def conclude(self, active: Rows) -> None:
        """Have the last points of some rows judged; see `Search.conclude`."""
        records = self.records
        records["maxiter"][active] = records["nit"][active]
        unfinished = records["part"][active] > 0
        only = active[unfinished & (records["best_f"][active] == np.inf)]
        records["request"][only] = VALUE
        self._matrices[only, GRAD] = np.nan
        self.advance(np.concatenate([active[~unfinished], only]))

    def finish(self, ended: Rows, solutions: Solutions, leaving: bool = False) -> None:
        """Write the results of some rows, with gradients by the scheme's own differences.

        Those that are ``leaving``, and not over, are out of time.
        """
        wants = np.zeros(ended.size, dtype=np.bool_)
        if not self._over():
            narrow_kernel()(self.records, self._matrices, ended, wants)
        wide = ended[wants]
        if wide.size and self.evaluate(wide):
            self._matrices[wide, BEST_GRAD] = self._matrices[wide, GRAD]
        store_kernel()(self.records, self._matrices, ended, solutions, leaving)

    def _data(self, active: Rows) -> tuple[Any, ...]:
        """Return all arguments but the first, for some rows."""
        if active.size == self.records.size:
            return self._functions.args + self._rows
        known, data = self._gathered
        if not np.array_equal(known, active):
            data = tuple(array[active] for array in self._rows)
            self._gathered = active, data
        return self._functions.args + data

    def _values(self, x: Matrix, active: Rows) -> Vector:
        return objective.values(self._functions.fun(x, *self._data(active)), len(active))

    # Each of these returns whether there was time for all of it.

    def _with_gradient(self, active: Rows) -> bool:
        x = self._matrices[active, X]
        size, fun, jac = len(active), self._functions.fun, self._functions.jac
        data = self._data(active)
        if jac is True:
            f, grad = objective.both(fun(x, *data))
        elif jac == "in-place":
            grad = np.zeros_like(x)
            f = fun(x, grad, *data)
        else:
            f, grad = fun(x.copy(), *data), jac(x, *data)
        self.records["f"][active] = objective.values(f, size)
        self._matrices[active, GRAD] = objective.gradients(grad, size, x.shape[1])
        self.records["nfev"][active] += 1
        return True

    def _with_differences(self, active: Rows) -> bool:
        asked = active[self.records["request"][active] != GRADIENT]
        if asked.size:
            self.records["f"][asked] = self._values(self._matrices[asked, X], asked)
            self.records["nfev"][asked] += 1
        active = self._with_room(active)
        x = self._matrices[active, X]
        near, far = np.empty_like(x), np.empty_like(x)
        points_kernel(self._functions.scheme)(self.records, self._matrices, active, near, far)
        moves = far != x
        bends = moves & (near != x) & (near != far)
        f_near, f_far = np.zeros_like(x), np.zeros_like(x)
        for points, needed, found in (far, moves, f_far), (near, bends, f_near):
            for i in range(x.shape[1]):
                some = needed[:, i]
                if some.any():
                    if self._over():
                        return False
                    trial = x[some]
                    trial[:, i] = points[some, i]
                    found[some, i] = self._values(trial, active[some])
                    self.records["nfev"][active[some]] += 1
        slopes_kernel()(self.records, self._matrices, active, near, f_near, far, f_far)
        return True

    def _complex(self, active: Rows) -> bool:
        x = self._matrices[active, X].astype(complex)
        self.records["f"][active] = self._complex_values(x, active).real
        self.records["nfev"][active] += 1
        active = self._with_room(active)
        x = self._matrices[active, X]
        h = np.empty_like(x)
        complex_steps_kernel()(self.records, self._matrices, active, h)
        free = h > 0.0
        self._matrices[active, GRAD] = 0.0
        for i in range(x.shape[1]):
            some = free[:, i]
            if some.any():
                if self._over():
                    return False
                trial = x[some].astype(complex)
                trial[:, i] += 1j * h[some, i]
                slopes = self._complex_values(trial, active[some]).imag / h[some, i]
                self._matrices[active[some], GRAD, i] = slopes
                self.records["nfev"][active[some]] += 1
        return True

    def _with_room(self, active: Rows) -> Rows:
        """Return the rows that want a gradient; that of the others is NaN."""
        alone = self.records["request"][active] == VALUE
        self._matrices[active[alone], GRAD] = np.nan
        return active[~alone]

    def _complex_values(self, x: Any, active: Rows) -> Any:
        values = self._functions.fun(x, *self._data(active))
        return objective.values(values, len(active), "fiubc")
