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
        ("auto", np.int64),  # 1: `auto` chooses the steps
        ("compares", np.int64),  # not 0: its descents' ends with known minima, see `auto`
        # Evaluations that a gradient takes for each coordinate that is not fixed; and that one more
        # value and gradient will take: by the scheme, by wide differences, and by one-sided ones.
        ("cost_each", np.int64),
        ("cost", np.int64),
        ("wide_cost", np.int64),
        ("one_sided_cost", np.int64),
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
        # Half the span of the differences in units; 0: the scheme's own; see also `requests`. That
        # of the best gradient.
        ("width", np.float64),
        ("best_width", np.float64),
        # `auto`: what rounding is, and how far apart gradients are compared, in units; whether
        # there are differences, and whether they may be one-sided though the scheme's are not.
        ("eps", np.float64),
        ("probe_step", np.float64),
        ("differs", np.int64),
        ("has_one_sided", np.int64),
        # What a gain has to be worth relative to 1 + |f|, below 0 where that is for `auto` to say;
        # what patience is for legs; the last step and the narrowest differences of a cycle.
        ("cycle_ftol", np.float64),
        ("first_patience", np.int64),
        ("last_step", np.float64),
        ("narrowest", np.float64),
        # Where the machine code of the second gear is, if it is called by its address.
        ("go_down", np.int64),
        # The gear, the cycle of legs and its last iteration, and how many descents there have been
        # since something was gained: the first value of all, that at the end of the first of these,
        # whether it had arrived, and what its metric promised.
        ("gear", np.int64),
        ("cycle", np.int64),
        ("cycle_end", np.int64),
        ("turn", np.int64),
        ("first_f", np.float64),
        ("turn_f", np.float64),
        ("settled", np.int64),
        ("promise", np.float64),
        # A descent: what the evaluation at hand is for, whether it has arrived, its steps, the
        # updates of its metric, what it has been given, and the values at its beginning and some
        # steps ago.
        ("stage", np.int64),
        ("arrived", np.int64),
        ("moves", np.int64),
        ("updates", np.int64),
        ("renewals", np.int64),
        ("polls", np.int64),
        ("begin_f", np.float64),
        ("mark_f", np.float64),
        # Its first metric: the coordinate that is probed, the secant there, and whether it is a
        # guess.
        ("probe", np.int64),
        ("secant", np.float64),
        ("is_guess", np.int64),
        # Its step: the most that it may be, its length in units and in sizes, and what it promises.
        ("reach", np.float64),
        ("length", np.float64),
        ("far", np.float64),
        ("gain", np.float64),
        # Its line search, see `line_search`: the value at the origin, the slope there times the way
        # to the point at hand; the step, the longest that is low, with its value, and the shortest
        # that is not; the number of points.
        ("origin_f", np.float64),
        ("decrease", np.float64),
        ("step", np.float64),
        ("low", np.float64),
        ("low_f", np.float64),
        ("high", np.float64),
        ("points", np.int64),
        ("is_level", np.int64),
        # How far the evaluation at x has come that a halt has interrupted. 0: none is unfinished;
        # 1: the value is known; 2 and more: so many evaluations less one of its differences too.
        ("part", np.int64),
        # Anything but 0 has the loop return to Python after the evaluation at hand. Other threads
        # set it; the last, so that a search can be set up and one set meanwhile is not lost.
        ("halt", np.int64),
    ]
)

RECORD = from_dtype(SCALARS)
RECORDS = types.Array(RECORD, 1, "C")
MATRIX = types.Array(types.float64, 2, "C")
VECTOR = types.Array(types.float64, 1, "C")
COMPLEX_VECTOR = types.Array(types.complex128, 1, "C")
#: Indices of rows, or the words of a record.
INTEGERS = types.Array(types.int64, 1, "C")
