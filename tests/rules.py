"""Which rules' loops the quick tests look at less: each takes up to a second to compile."""

import pytest

#: The loop around a rule is the same for all; these have their arithmetic tested everywhere.
LATER = {
    "rmsprop_momentum",
    "rmsprop_centered",
    "rmsprop_centered_momentum",
    "lion",
    "adopt",
    "ademamix",
    "schedule_free_adamw",
}


def slow_if(condition):
    """Return the marks of a test that is slow on a condition."""
    return [pytest.mark.slow] if condition else []


def later_slow(names):
    """Return names for a test to be parametrised with, those of `LATER` for the slow tests."""
    return [pytest.param(name, marks=slow_if(name in LATER)) for name in names]
