"""Agreement with the packages of those who made the rules: with committed tables."""

import numpy as np
import pytest

from tests.author_tables.cases import CASES, TOLERANCE, fastadam_path, load_tables
from tests.torch_tables.cases import relative_difference


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_committed_tables(case):
    theirs, ours = np.array(load_tables()[case.name]), fastadam_path(case)
    assert ours.shape == theirs.shape
    assert relative_difference(ours, theirs) <= TOLERANCE


def test_the_tables_hold_exactly_the_cases():
    assert list(load_tables())[1:] == [case.name for case in CASES]
