"""Many searches in step: one call of a user's function evaluates it for all that go on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._objective.differences import counts_near
from .._objective.layout import BEST_GRAD, GRAD, GRADIENT, TEMPLATE, VALUE, X
from .._objective.objective import Objective
from .._objective.python import make_vectorized_form
from . import lockstep_kernels as kernels
from .deadline import Deadline
from .outcomes import RUNNING, TIMEOUT
from .rows import OUTCOME, Solutions, Starts
from .search import Search

#: The indices of some.
Rows = NDArray[np.int64]


class VectorizedSearches:
    """A search for each row of a batch.

    The functions take some rows, ``(X, *args, *row_args)``. The ``template`` has not begun.
    """

    def __init__(
        self,
        objective: Objective,
        row_args: tuple[NDArray[Any], ...],
        template: Search,
        size: int,
        deadline: Deadline,
    ) -> None:
        self._objective, self._row_args, self._deadline = objective, row_args, deadline
        self._form = make_vectorized_form(objective, self._keep_gradient)
        self._hyper, self._known = template.hyper, template.known
        self._iterate = kernels.iterate_kernel(template.rule, template.automatic)
        self.records = np.repeat(template.record, size)
        self._matrices = np.zeros((size, *template.vectors.shape))
        self._matrices[:, TEMPLATE] = template.vectors[TEMPLATE]
        self._gathered: tuple[Rows, tuple[Any, ...]] = np.empty(0, dtype=np.int64), ()

    def begin(self, starts: Starts, solutions: Solutions) -> Rows:
        """Set up all rows; give those whose bounds hold a number."""
        kernels.begin(self.records, self._matrices, starts)
        begun = self.records["status"] == RUNNING
        solutions.counts[~begun, OUTCOME] = self.records["status"][~begun]
        return np.flatnonzero(begun)

    def iterate(self, active: Rows) -> NDArray[np.bool_]:
        """Make one iteration in some rows; tell of each whether it goes on."""
        self._iterate(self.records, self._matrices, active, self._hyper, self._known)
        goes_on: NDArray[np.bool_] = self.records["status"][active] == RUNNING
        return goes_on

    def conclude(self, active: Rows) -> None:
        """Have the last points of some rows judged, unless they are dropped."""
        kernels.conclude(self.records, self._matrices, active)
        self.iterate(active[self.records["part"][active] == 0])

    def finish(self, ended: Rows, solutions: Solutions, leaving: bool = False) -> None:
        """Write the results of some rows, with gradients by the scheme's own differences.

        Those that are ``leaving``, and not over, are out of time; so are those that have none for
        such a gradient.
        """
        wants = np.zeros(ended.size, dtype=np.bool_)
        kernels.narrow(self.records, self._matrices, ended, wants)
        wide = ended[wants]
        if wide.size and not self._deadline.is_over and self.evaluate(wide):
            self._matrices[wide, BEST_GRAD] = self._matrices[wide, GRAD]
            self.records["best_width"][wide] = 0.0
        else:
            self.records["status"][wide] = TIMEOUT
        kernels.store(self.records, self._matrices, ended, solutions, leaving)

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

    def _fill_real(self, active: Rows) -> bool:
        """Take differences of all rows, coordinate by coordinate; tell whether there was time."""
        x = self._matrices[active, X]
        near, far = np.empty_like(x), np.empty_like(x)
        f_near, f_far = np.zeros_like(x), np.zeros_like(x)
        fill_points = kernels.points_kernel(self._objective.scheme)
        fill_points(self.records, self._matrices, active, near, far)
        moves = far != x
        both = moves & counts_near(x, near, far)
        for points, needed, found in (far, moves, f_far), (near, both, f_near):
            for i in range(x.shape[1]):
                some = needed[:, i]
                if some.any():
                    if self._deadline.is_over:
                        return False
                    trial = x[some]
                    trial[:, i] = points[some, i]
                    found[some, i] = self._evaluate(trial, active[some])
        kernels.fill_slopes(self.records, self._matrices, active, near, f_near, far, f_far)
        return True

    def _fill_complex(self, active: Rows) -> bool:
        """Take complex steps, as `_fill_real` takes differences."""
        x = self._matrices[active, X]
        h = np.empty_like(x)
        kernels.fill_complex_steps(self.records, self._matrices, active, h)
        self._matrices[active, GRAD] = 0.0
        for i in range(x.shape[1]):
            some = h[:, i] > 0.0
            if some.any():
                if self._deadline.is_over:
                    return False
                trial = x[some].astype(complex)
                trial[:, i] += 1j * h[some, i]
                slopes = self._evaluate(trial, active[some]).imag / h[some, i]
                self._matrices[active[some], GRAD, i] = slopes
        return True
