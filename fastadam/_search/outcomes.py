"""How a search ends: one table, from the code that compiled loops set to what the user is told."""

from __future__ import annotations

# Of a search, or of a row of a batch. Plain numbers: compiled code knows their values.
RUNNING = 0
CONVERGED = 1  # the projected gradient is within gtol, or nothing is left that could be seen
STAGNATED = 2  # the best value no longer falls
MAXITER = 3
MAXFEV = 4
NONFINITE = 5
INFEASIBLE = 6  # the bounds hold no number
UNSETTLED = 7  # nor does it fall, and yet it should
UNBOUNDED = 8  # the best value, or its x, is beyond all bounds
RAISED = 9  # the row's function raised an exception, and the other rows are to be kept
SETTLED = 11  # nothing lowers the value that `auto` has
DISAGREES = 10  # the value rises by what the gradient does not say

KNOWN = 12  # a minimum that was found before

# Not an end: a descent has ended, and waits for `known.compare`.
WAITING = 13

# Stopped from outside.
STOPPED = -1
TIMEOUT = -2

_SUCCESS = "Optimization terminated successfully."
#: The status and the message of each, those of SciPy's BFGS family where it has one.
#: Status 0 is a success. A batch that is as often in two of them tells them in this order.
OUTCOMES = {
    CONVERGED: (0, _SUCCESS),
    STAGNATED: (0, _SUCCESS[:-1] + ": the function value no longer falls (ftol)."),
    SETTLED: (0, _SUCCESS[:-1] + ": no step of any size lowers the function value."),
    KNOWN: (0, "The search came down to a minimum that was found before."),
    MAXITER: (1, "Maximum number of iterations has been exceeded."),
    MAXFEV: (1, "Maximum number of function evaluations has been exceeded."),
    TIMEOUT: (1, "Maximum time has been exceeded."),
    NONFINITE: (3, "NaN or infinite result encountered."),
    UNSETTLED: (
        4,
        "The function value no longer falls, though by its slope it should: this may be no "
        "minimum.",
    ),
    UNBOUNDED: (4, "The function value falls without bound, or x grows without bound."),
    DISAGREES: (5, "The gradient and the function disagree."),
    STOPPED: (99, "`callback` raised `StopIteration`."),
    INFEASIBLE: (2, "The bounds hold no number."),
    RAISED: (98, "An exception was raised."),
}
#: From the least of them to the greatest.
CODES = range(min(OUTCOMES), max(OUTCOMES) + 1)


def describe_exception(error: BaseException) -> tuple[int, str]:
    """Give the status and the message of what an exception has ended."""
    return OUTCOMES[RAISED][0], f"Ended by {type(error).__name__}."
