"""The versions of Numba and of numba-cuda that fastadam was tested with.

It uses some of their private parts: see `tests/numba_contract`. In a version that changed one of
them in silence, a result could be wrong. So a newer Numba is used by its public interface alone
(`private`). Others than these, for which there is no such way, are refused when they are imported.
"""

from __future__ import annotations

import re
from typing import TypeAlias

import numba

Release: TypeAlias = tuple[int, ...]

#: The oldest that is tested, and the first that is not. pyproject.toml has the same.
OLDEST, UNTESTED = (0, 63), (0, 69)
CUDA_OLDEST, CUDA_UNTESTED = (0, 30, 4), (0, 31)


def require_tested(
    version: str, package: str = "numba", oldest: Release = OLDEST, untested: Release = UNTESTED
) -> str:
    """Pass a version of a package if fastadam was tested with it, or raise ImportError."""
    if not oldest <= _release(version) < untested:
        lower, upper = (".".join(map(str, each)) for each in (oldest, untested))
        wanted = f"{package}>={lower},<{upper}"
        raise ImportError(
            f"fastadam needs {wanted}, whose private parts it was tested with, "
            f"and found {package} {version}: pip install '{wanted}'",
            name=package.replace("-", "_"),
        )
    return version


def is_newer(version: str) -> bool:
    """Tell whether a version of Numba is newer than those that fastadam was tested with."""
    return _release(version) >= UNTESTED


def _release(version: str) -> Release:
    found = re.match(r"\d+(\.\d+)+", version)
    return tuple(map(int, found[0].split("."))) if found else ()


NUMBA_VERSION: str = numba.__version__
if not is_newer(NUMBA_VERSION):
    require_tested(NUMBA_VERSION)
