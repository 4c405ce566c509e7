"""Tests of the minimiser, and what they share."""

import pytest

# Their assertions say as much as those of the tests.
pytest.register_assert_rewrite(
    "tests.minimizer.compiled",
    "tests.minimizer.faults",
    "tests.minimizer.helpers",
)
