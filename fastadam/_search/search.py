"""One search, as Python sees it."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from .._objective.layout import BEST_GRAD, BEST_X, GRAD, STATE, TRIAL, X
from .._rules.spec import Floats, Rule
from ..typing import Vector
from . import lockstep_kernels, metric, rows
from .auto import COMPARING
from .known import NOTHING, Known
from .rows import Solutions, Starts
from .state import SCALARS

_Scalars: Any = np.ctypeslib.as_ctypes_type(SCALARS)  # type: ignore[arg-type]


class Search:
    """A search of n variables that has not begun: its rule, its memory, and what Python does to it.

    The first of ``hyper``, the step size, is among the ``scalars``, which are of `SCALARS`.
    """

    def __init__(self, rule: Rule, hyper: Floats, n: int, /, **scalars: float) -> None:
        self.rule, self.hyper = rule, hyper
        self._known = NOTHING
        if rule.carried:
            (carried,) = rule.carried
            scalars["carried"] = carried.start
        #: The scalars as attributes: 50 ns to read or write, a record's take 3,000. The memory is
        #: theirs: to ask NumPy for that of a record takes 5 us, for the names of all its fields.
        self.scalars = _Scalars(best_f=np.inf, target=np.inf, **scalars)
        self.record = np.frombuffer(self.scalars, SCALARS)
        if numba.config.DISABLE_JIT:  # the loops say s.f, in Python too
            self.record = self.record.view(np.recarray)
        self.vectors = np.zeros((STATE + len(rule.state) + metric.rows_needed(n), n))
        # One column, of whole vectors: what loops over columns copies each at once.
        self.whole = self.vectors[:, None]
        self.x, self.trial, self.grad = self.vectors[X], self.vectors[TRIAL], self.vectors[GRAD]
        self.best_x, self.best_grad = self.vectors[BEST_X], self.vectors[BEST_GRAD]

    @property
    def automatic(self) -> bool:
        """Whether `auto` chooses its steps."""
        return bool(self.scalars.auto)

    @property
    def counts(self) -> tuple[int, int, int]:
        """The iterations, and the evaluations of the function and of gradients."""
        s = self.scalars
        return s.nit, s.nfev, s.njev

    @property
    def known(self) -> Known:
        """The minima at which it may end."""
        return self._known

    @known.setter
    def known(self, minima: Known) -> None:
        self._known = minima
        self.scalars.compares = COMPARING if minima.values.size > 0 else 0

    def begin(self, starts: Starts) -> None:
        """Set up the search of the first of some problems."""
        lockstep_kernels.begin(self.record, self.vectors[None], starts)

    def compare(self) -> int:
        """End it if its descent has ended at a known minimum, or let it go on; give the outcome."""
        lockstep_kernels.compare(self.record, self.vectors[None], self._known)
        return int(self.scalars.status)

    def conclude(self) -> None:
        """Let nothing more be evaluated; one more iteration then has the last point judged."""
        rows.conclude(self.scalars, self.whole)

    def leave(self) -> None:
        """Note that its time is over, unless it was over before."""
        rows.leave(self.scalars)

    def wants_narrow(self) -> bool:
        """Ask for the scheme's own gradient at the best point, if it has one that is wide."""
        wants = bool(rows.wants_narrow(self.scalars))
        if wants:
            rows.to_best(self.scalars, self.whole)
        return wants

    @property
    def solution(self) -> tuple[Vector, float, Vector]:
        """What is found: x, the value and the gradient there."""
        fun, grad, is_own = rows.find_solution(self.scalars)
        return self.best_x, fun, self.vectors[grad] if is_own else np.full(self.x.size, np.nan)

    def store(self, solutions: Solutions, k: int) -> None:
        """Write the result of row ``k``."""
        rows.store(self.scalars, self.whole, k, solutions.whole)
