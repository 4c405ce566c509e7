"""Tests of the minimiser, and what they share."""

import pytest

# Their assertions say as much as those of the tests.
pytest.register_assert_rewrite(
    "tests.api.minimize.compiled",
    "tests.api.minimize.failing",
    "tests.api.minimize.helpers",
)
