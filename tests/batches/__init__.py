"""Tests of batches, and what they share."""

import pytest

# Their assertions say as much as those of the tests.
pytest.register_assert_rewrite(
    "tests.batches.batches",
    "tests.batches.crews",
    "tests.batches.multistarts",
    "tests.minimizer.helpers",
)
