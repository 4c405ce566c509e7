"""Agreement with PyTorch: with committed tables everywhere, and live where torch is installed."""

import importlib.util

import numpy as np
import pytest

from tests.torch_tables.cases import (
    CASES,
    CHECKPOINTS,
    TOLERANCE,
    fastadam_path,
    load_tables,
    relative_difference,
    torch_path,
)

parametrize_cases = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
parametrize_dtypes = pytest.mark.parametrize("dtype", TOLERANCE)


@pytest.fixture(scope="module")
def tables():
    return load_tables()


@parametrize_dtypes
@parametrize_cases
def test_committed_tables(case, dtype, tables):
    theirs = np.array(tables[dtype][case.name])
    assert theirs.shape[0] == len(CHECKPOINTS)
    assert relative_difference(fastadam_path(case, dtype), theirs) <= TOLERANCE[dtype]


@pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="torch is not installed")
@parametrize_dtypes
@parametrize_cases
def test_live(case, dtype):
    ours, theirs = fastadam_path(case, dtype), torch_path(case, dtype)
    assert relative_difference(ours, theirs) <= TOLERANCE[dtype]


def test_the_tables_hold_exactly_the_cases(tables):
    for dtype in TOLERANCE:
        assert list(tables[dtype]) == [case.name for case in CASES]
