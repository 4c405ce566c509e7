"""The releases of numba-cuda that were tested: others are refused."""

import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from fastadam._numba import gpu
from fastadam._numba.version import CUDA_OLDEST, CUDA_UNTESTED, require_tested
from tests.processes import ROOT

needs_numba_cuda = pytest.mark.skipif(
    find_spec("numba_cuda") is None, reason="needs the numba-cuda package"
)


def require(version):
    return require_tested(version, "numba-cuda", CUDA_OLDEST, CUDA_UNTESTED)


@pytest.mark.parametrize("version", ["0.30.4", "0.30.9", "0.30.4+local"])
def test_versions_that_were_tested(version):
    assert require(version) == version


@pytest.mark.parametrize("version", ["0.30.3", "0.3.4", "0.31.0", "0.31.0rc1", "1.0.0", "junk"])
def test_other_versions_are_refused(version):
    with pytest.raises(ImportError) as caught:
        require(version)
    assert "fastadam needs numba-cuda>=0.30.4,<0.31, whose private parts" in str(caught.value)
    assert f"found numba-cuda {version}" in str(caught.value)
    assert caught.value.name == "numba_cuda"


def test_the_same_range_is_declared():
    text = Path(ROOT, "pyproject.toml").read_text(encoding="utf-8")
    declared = set(re.findall(r'"numba-cuda(?:\[\w+\])?>=([\d.]+),<([\d.]+)"', text))
    ((oldest, untested),) = declared
    assert tuple(map(int, oldest.split("."))) == CUDA_OLDEST
    assert tuple(map(int, untested.split("."))) == CUDA_UNTESTED


@needs_numba_cuda
def test_the_one_that_is_here():
    """``numba_cuda.__version__``."""
    version = import_module("numba_cuda").__version__
    assert require(version) == version


@needs_numba_cuda
def test_an_unknown_one_is_refused_before_it_is_used(monkeypatch):
    monkeypatch.setattr(import_module("numba_cuda"), "__version__", "0.32.0")
    gpu.load_compiler.cache_clear()
    with pytest.raises(ImportError, match=r"found numba-cuda 0\.32\.0: pip install"):
        gpu.load_compiler()
