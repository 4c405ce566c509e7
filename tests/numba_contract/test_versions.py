"""Which versions of Numba are let in; `tests.rooms.numba.test_public_parts` has newer ones."""

import re
from pathlib import Path

import numba
import pytest

from fastadam._numba.version import NUMBA_VERSION, OLDEST, UNTESTED, is_newer, require_tested
from tests.processes import run_python

pytestmark = pytest.mark.smoke


@pytest.mark.parametrize("version", ["0.63.0", "0.63.1", "0.68.1", "0.68.2rc1", "0.68.0+local"])
def test_versions_that_were_tested(version):
    assert require_tested(version) == version
    assert not is_newer(version)


OLDER = ["0.62.1", "0.9.0", "junk", ""]
NEWER = ["0.69.0", "0.69.0dev0+12.gabc", "0.100.0", "1.0"]


@pytest.mark.parametrize("version", [*OLDER, *NEWER])
def test_others_are_refused(version):
    with pytest.raises(ImportError) as caught:
        require_tested(version)
    assert "numba>=0.63,<0.69, whose private parts" in str(caught.value)
    assert f"found numba {version}" in str(caught.value)
    assert is_newer(version) == (version in NEWER)


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
