"""Which versions of Numba are let in."""

import re
from pathlib import Path

import numba
import pytest

from fastadam._numba.version import NUMBA_VERSION, OLDEST, UNTESTED, is_tested, require_known
from tests.processes import run_python

pytestmark = pytest.mark.smoke


@pytest.mark.parametrize("version", ["0.63.0", "0.63.1", "0.68.1", "0.68.2rc1", "0.68.0+local"])
def test_versions_that_were_tested(version):
    assert require_known(version) == version
    assert is_tested(version)


@pytest.mark.parametrize("version", ["0.69.0", "0.69.0dev0+12.gabc", "0.100.0", "1.0"])
def test_newer_ones_are_let_in_and_not_tested(version):
    assert require_known(version) == version
    assert not is_tested(version)


@pytest.mark.parametrize("version", ["0.62.1", "0.9.0", "junk", ""])
def test_older_ones_are_refused(version):
    with pytest.raises(ImportError) as caught:
        require_known(version)
    assert "numba>=0.63,<0.69, whose private parts" in str(caught.value)
    assert f"found numba {version}" in str(caught.value)


def test_the_one_that_is_here():
    assert numba.__version__ == NUMBA_VERSION


def test_an_older_one_is_refused_at_import():
    code = """
import numba
numba.__version__ = "0.62.1"
try:
    import fastadam
except ImportError as error:
    print(error)
"""
    assert "found numba 0.62.1" in run_python(code)


def test_the_same_range_is_declared():
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    declared = re.search(r'"numba>=([\d.]+)(?:,<([\d.]+))?"', text)
    oldest, untested = declared.groups()
    assert tuple(map(int, oldest.split("."))) == OLDEST
    assert untested is None or tuple(map(int, untested.split("."))) == UNTESTED
