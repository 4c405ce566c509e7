"""The memory of one search: a record of scalars, and a matrix with a row for each vector.

Both are plain NumPy arrays, so that a search can stop after any iteration, be looked at in Python,
and go on in compiled code.
"""

from __future__ import annotations

import numpy as np
from numba import from_dtype, types

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
        ("auto", np.int64),  # 1: `auto` chooses the step size and the units
        ("widen", np.int64),  # 1: it chooses the width of the differences as well
        ("compares", np.int64),  # not 0: where descents end, with known minima; see `auto`
        # Evaluations that a gradient takes for each coordinate that is not fixed; and that one more
        # value and gradient will take: by the scheme, and by wide differences.
        ("cost_each", np.int64),
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
        # `auto`: what the user's ftol and patience are to it; the last step and the narrowest
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
        # The descent: see `descent`.
        ("gear", np.int64),
        ("stage", np.int64),
        ("arrived", np.int64),
        ("updates", np.int64),
        ("renewed", np.int64),
        ("renew", np.int64),
        ("probe", np.int64),
        ("tries", np.int64),
        ("equal", np.int64),
        ("forward", np.int64),
        ("differs", np.int64),
        ("forward_cost", np.int64),
        ("origin_f", np.float64),
        ("first_f", np.float64),
        ("slope", np.float64),
        ("decrease", np.float64),
        ("step", np.float64),
        ("low", np.float64),
        ("high", np.float64),
        ("reach", np.float64),
        ("eps", np.float64),
        ("probe_step", np.float64),
        ("turn", np.int64),
        ("length", np.float64),
        ("turn_gain", np.float64),
        ("far", np.float64),
        ("low_f", np.float64),
        ("moves", np.int64),
        ("mark_f", np.float64),
        ("begin_f", np.float64),
        ("polled", np.int64),
        ("flat", np.int64),
        ("turn_f", np.float64),
        # How far the evaluation at x has come that a halt has interrupted. 0: none is unfinished;
        # 1: the value is known; 2 and more: so many evaluations less one of its differences too.
        ("part", np.int64),
        # Anything but 0 has the loop return to Python after the evaluation at hand. Other threads
        # set it; the last, so that a search can be set up and one set meanwhile is not lost.
        ("halt", np.int64),
    ]
)

RECORDS = types.Array(from_dtype(SCALARS), 1, "C")
MATRIX = types.Array(types.float64, 2, "C")
VECTOR = types.Array(types.float64, 1, "C")
COMPLEX_VECTOR = types.Array(types.complex128, 1, "C")
#: Indices of rows, or the words of a record.
INTEGERS = types.Array(types.int64, 1, "C")
