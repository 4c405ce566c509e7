"""How a fit ends: one table, from the code that compiled loops set to what the user is told."""

from __future__ import annotations

# Plain numbers: compiled code knows their values.
UNFINISHED = 0
CONVERGED = 1
LIMIT = 2
FEW = 3
NONFINITE = 4
STUCK = 5
SINGULAR = 6
MISSHAPEN = 7

#: The status and the message of each. Status 0 is a success.
OUTCOMES = {
    CONVERGED: (0, "The fit has converged."),
    LIMIT: (1, "Maximum number of function evaluations has been exceeded."),
    FEW: (2, "There are fewer points than free parameters."),
    NONFINITE: (3, "The data, the model or its derivatives are infinite, or the model is NaN."),
    STUCK: (4, "No step lowers the sum of squares, though the derivatives say so."),
    SINGULAR: (5, "The fit has converged, but its covariance could not be estimated."),
    UNFINISHED: (99, "The fit was not finished."),
}
