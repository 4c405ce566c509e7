"""The memory of one search: a record of scalars, and a matrix with a row for each vector.

Both are plain NumPy arrays, so that a search can stop after any iteration, be looked at in Python,
and go on in compiled code.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba import from_dtype, types
from numpy.typing import NDArray

from .._objective.layout import (
    BEST_GRAD,
    BEST_X,
    GRAD,
    LOWER,
    STATE,
    TRIAL,
    UPPER,
    VALUE,
    X,
)
from .._rules.spec import Rule
from ..typing import Vector

#: More iterations than anybody waits for.
MOST = 2**62

#: The scalars of a search.
SCALARS = np.dtype(
    [
        # What the user asked for.
        ("maxiter", np.int64),
        ("maxfev", np.int64),
        ("gtol", np.float64),
        ("ftol", np.float64),
        ("patience", np.int64),
        ("clip_norm", np.float64),
        ("auto", np.int64),  # 1: `annealing` chooses the step size and the units
        ("widen", np.int64),  # 1: it chooses the width of the differences as well
        # Evaluations that one more gradient will take: by the scheme, and by wide differences.
        ("cost", np.int64),
        ("wide_cost", np.int64),
        # Where the search is.
        ("status", np.int64),
        ("request", np.int64),
        ("nit", np.int64),
        ("nfev", np.int64),
        ("njev", np.int64),
        ("f", np.float64),
        ("best_f", np.float64),
        # The rule's step size, its step count since the moments were last zero, and the product
        # that NAdam carries from step to step.
        ("lr", np.float64),
        ("t", np.int64),
        ("carried", np.float64),
        # Iterations since f last fell below the target, which is ftol below the value then.
        ("since", np.int64),
        ("target", np.float64),
        # `annealing`: what the user's ftol and patience are to it; the last step and the narrowest
        # differences of a cycle; the cycle, the last iteration that it may make, and the best value
        # at its start.
        ("cycle_ftol", np.float64),
        ("first_patience", np.int64),
        ("last_step", np.float64),
        ("narrowest", np.float64),
        ("cycle", np.int64),
        ("cycle_end", np.int64),
        ("cycle_f", np.float64),
        # The largest component of the first step of a leg, in units.
        ("move", np.float64),
        # Half the span of the differences in units; 0: the scheme's own. That of the best gradient.
        ("width", np.float64),
        ("best_width", np.float64),
        # How far the evaluation at x has come that a halt has interrupted. 0: none is unfinished;
        # 1: the value is known; 2 and more: so many evaluations less one of its differences too.
        ("part", np.int64),
        # Anything but 0 has the loop return to Python after the evaluation at hand. Other threads
        # set it; the last, so that a search can be set up and one set meanwhile is not lost.
        ("halt", np.int64),
    ]
)

_Scalars: Any = np.ctypeslib.as_ctypes_type(SCALARS)  # type: ignore[arg-type]
RECORDS = types.Array(from_dtype(SCALARS), 1, "C")
MATRIX = types.Array(types.float64, 2, "C")


class Search:
    """A search: its memory, with names for what Python looks at.

    Parameters
    ----------
    rule : Rule
        The update rule.
    x0, lower, upper : ndarray, shape (n,)
        The start, inside its box.
    **scalars
        Of `SCALARS`.
    """

    def __init__(
        self, rule: Rule, x0: Vector, lower: Vector, upper: Vector, **scalars: float
    ) -> None:
        self.record = np.zeros(1, SCALARS)
        if numba.config.DISABLE_JIT:  # the loops say s.f, in Python too
            self.record = self.record.view(np.recarray)
        #: The scalars for Python: its attributes take 50 ns to read or write, a record's 3,000.
        self.scalars = _Scalars.from_buffer(self.record)
        self.rows = np.zeros((STATE + len(rule.state), x0.size))
        self.rows[X] = self.rows[TRIAL] = self.rows[BEST_X] = x0
        self.rows[LOWER], self.rows[UPPER] = lower, upper
        self.x, self.trial, self.grad = self.rows[X], self.rows[TRIAL], self.rows[GRAD]
        self.best_x, self.best_grad = self.rows[BEST_X], self.rows[BEST_GRAD]
        for name, value in {"best_f": np.inf, "target": np.inf, **scalars}.items():
            self.view(name)[0] = value
        if rule.carried:
            self.view("carried")[0] = rule.carried.start

    def conclude(self) -> None:
        """Let nothing more be evaluated; one more iteration then has the last point judged.

        A point whose gradient is unfinished is dropped, unless nothing else is known.
        """
        self.view("halt")[0] = 1
        self.view("maxiter")[0] = self.view("nit")[0]
        if self.view("part")[0] > 0 and self.view("best_f")[0] == np.inf:
            self.view("part")[0], self.view("request")[0] = 0, VALUE
            self.grad[:] = np.nan

    def view(self, name: str) -> NDArray[Any]:
        """Return a scalar as an array of one: 70 ns to read or write, a record takes 3,000."""
        return self.record[name]
