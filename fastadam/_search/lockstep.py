"""Many searches in step: one call of a user's function evaluates it for all that go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._objective.differences import counts_near
from .._objective.layout import BEST_GRAD, GRAD, GRADIENT, REL_STEP, VALUE, X
from .._objective.objective import Objective
from .._objective.python import make_vectorized_form
from .._rules.spec import Rule
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
from .search import Search

Rows = NDArray[np.int64]


class VectorizedSearches:
    """A search for each row of a batch.

    Parameters
    ----------
    objective : Objective
        The user's: ``fun(X, *args, *row_args)`` of some rows of the batch.
    row_args : tuple of ndarray
        The arrays whose rows are arguments.
    rule : Rule
        The update rule.
    hyper : tuple of float
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
        objective: Objective,
        row_args: tuple[NDArray[Any], ...],
        rule: Rule,
        hyper: tuple[float, ...],
        template: Search,
        size: int,
        over: Callable[[], bool],
    ) -> None:
        self._objective, self._row_args, self._over = objective, row_args, over
        self._form = make_vectorized_form(objective, self._keep_gradient)
        self._rule, self._hyper = rule, hyper
        self.records = np.repeat(template.record, size)
        self._matrices = np.zeros((size, *template.vectors.shape))
        self._matrices[:, REL_STEP] = template.vectors[REL_STEP]
        self._gathered: tuple[Rows, tuple[Any, ...]] = np.empty(0, dtype=np.int64), ()

    def begin(self, starts: Starts, solutions: Solutions) -> Rows:
        """Set up all rows; give those whose bounds hold a number."""
        begin_kernel()(self.records, self._matrices, starts)
        begun = self.records["status"] == RUNNING
        solutions.counts[~begun, OUTCOME] = self.records["status"][~begun]
        return np.flatnonzero(begun)

    def iterate(self, active: Rows) -> NDArray[np.bool_]:
        """Make one iteration in some rows; tell of each whether it goes on."""
        iterate_kernel(self._rule)(self.records, self._matrices, active, self._hyper)
        return self.records["status"][active] == RUNNING

    def conclude(self, active: Rows) -> None:
        """Have the last points of some rows judged; see `Search.conclude`."""
        records = self.records
        records["maxiter"][active] = records["nit"][active]
        unfinished = records["part"][active] > 0
        only = active[unfinished & (records["best_f"][active] == np.inf)]
        records["request"][only] = VALUE
        self._matrices[only, GRAD] = np.nan
        self.iterate(np.concatenate([active[~unfinished], only]))

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

    def evaluate(self, active: Rows) -> bool:
        """Evaluate what the searches of some rows request; tell whether there was time to.

        If not, the gradients are not to be used.
        """
        scheme, request = self._objective.scheme, self.records["request"][active]
        if scheme == "gradient":
            self._evaluate_gradient(active)
        else:
            asked = active[request != GRADIENT]
            if asked.size:
                x = self._matrices[asked, X]
                x = x.astype(complex) if scheme == "cs" else x
                self.records["f"][asked] = self._evaluate(x, asked).real
            self._matrices[active[request == VALUE], GRAD] = np.nan
            fill = self._fill_complex if scheme == "cs" else self._fill_real
            if not fill(active[request != VALUE]):
                self.records["part"][active] = 1
                return False
        self.records["njev"][active] += request != VALUE
        return True

    def _evaluate_gradient(self, active: Rows) -> None:
        x, form = self._matrices[active, X], self._objective.form
        trial = x.copy() if form == "separate" else x
        # Of a function that returns it, the gradient goes where it is kept.
        grad = np.zeros_like(x) if form == "in-place" else active
        self.records["f"][active] = self._form(x, trial, grad, self._gather(active))
        if form == "in-place":
            self._keep_gradient(active, grad)
        self.records["nfev"][active] += 1

    def _keep_gradient(self, active: Rows, grad: Any) -> bool:
        self._matrices[active, GRAD] = grad
        return True

    def _evaluate(self, x: Any, active: Rows) -> Any:
        """Evaluate the function for some rows, at one point each."""
        values = self._form(x, self._gather(active))
        self.records["nfev"][active] += 1
        return values

    def _gather(self, active: Rows) -> tuple[Any, ...]:
        """Gather all arguments but the first, for some rows."""
        if active.size == self.records.size:
            return self._objective.args + self._row_args
        known, row_args = self._gathered
        if not np.array_equal(known, active):
            row_args = tuple(array[active] for array in self._row_args)
            self._gathered = active, row_args
        return self._objective.args + row_args

    # Differences of all rows, one coordinate after the other: whether there was time for them.

    def _fill_real(self, active: Rows) -> bool:
        x = self._matrices[active, X]
        near, far = np.empty_like(x), np.empty_like(x)
        f_near, f_far = np.zeros_like(x), np.zeros_like(x)
        points_kernel(self._objective.scheme)(self.records, self._matrices, active, near, far)
        moves = far != x
        both = moves & counts_near(x, near, far)
        for points, needed, found in (far, moves, f_far), (near, both, f_near):
            for i in range(x.shape[1]):
                some = needed[:, i]
                if some.any():
                    if self._over():
                        return False
                    trial = x[some]
                    trial[:, i] = points[some, i]
                    found[some, i] = self._evaluate(trial, active[some])
        slopes_kernel()(self.records, self._matrices, active, near, f_near, far, f_far)
        return True

    def _fill_complex(self, active: Rows) -> bool:
        x = self._matrices[active, X]
        h = np.empty_like(x)
        complex_steps_kernel()(self.records, self._matrices, active, h)
        self._matrices[active, GRAD] = 0.0
        for i in range(x.shape[1]):
            some = h[:, i] > 0.0
            if some.any():
                if self._over():
                    return False
                trial = x[some].astype(complex)
                trial[:, i] += 1j * h[some, i]
                slopes = self._evaluate(trial, active[some]).imag / h[some, i]
                self._matrices[active[some], GRAD, i] = slopes
        return True
