"""Where evaluations find x in the memory of a search, and what is asked of them."""

# The rows of the matrix. UNIT is what steps are measured in; 0 without `auto`, where steps
# are what the user says. The rule's state is in the rows from STATE on.
X, TRIAL, GRAD, BEST_X, BEST_GRAD, LOWER, UPPER, REL_STEP, X_SCALE, UNIT, CURVATURE = range(11)
# What the user says of all searches alike: the steps of differences, and the sizes of the variables
# (0: nothing). A template has them, and a search leaves them as they are.
TEMPLATE = slice(REL_STEP, X_SCALE + 1)
# Where a descent stands, its gradient there and the direction from there; which coordinates are not
# held by a bound. Behind the rule's state is the metric, see `metric`.
ORIGIN, ORIGIN_GRAD, DIRECTION, FREE, SIZE, STATE = range(11, 17)

# What is to be evaluated at x next.
VALUE_AND_GRADIENT = 0
GRADIENT = 1  # at another width of the differences; the value is known
VALUE = 2  # a gradient would take more evaluations than are allowed, or is not needed yet
