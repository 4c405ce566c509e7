"""Tests of batches, and what they share."""

import pytest

# Their assertions say as much as those of the tests.
pytest.register_assert_rewrite(
    "tests.api.batch.batches",
    "tests.api.batch.workers",
    "tests.api.batch.multistarts",
    "tests.api.minimize.helpers",
)
