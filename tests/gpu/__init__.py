"""Tests of what runs on a GPU, most of them without one."""

import pytest

# Their assertions say as much as those of the tests.
pytest.register_assert_rewrite("tests.gpu.host", "tests.gpu.family")
