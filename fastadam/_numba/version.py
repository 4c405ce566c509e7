"""The versions of Numba and of numba-cuda that fastadam was tested with.

It uses some of their private parts: see `tests/numba_contract`. In a version that changed one of
them in silence, a result could be wrong. So others than these are refused, when they are imported.
"""

from __future__ import annotations

import re

import numba

#: The oldest that is tested, and the first that is not. pyproject.toml has the same.
OLDEST, UNTESTED = (0, 63), (0, 69)
CUDA_OLDEST, CUDA_UNTESTED = (0, 30, 4), (0, 31)


def require_tested(
    version: str,
    package: str = "numba",
    oldest: tuple[int, ...] = OLDEST,
    untested: tuple[int, ...] = UNTESTED,
) -> str:
    """Return a version of a package if fastadam was tested with it, or raise ImportError."""
    found = re.match(r"\d+(\.\d+)+", version)
    if found is None or not oldest <= tuple(map(int, found[0].split("."))) < untested:
        lower, upper = (".".join(map(str, each)) for each in (oldest, untested))
        wanted = f"{package}>={lower},<{upper}"
        raise ImportError(
            f"fastadam needs {wanted}, whose private parts it was tested with, "
            f"and found {package} {version}: pip install '{wanted}'",
            name=package.replace("-", "_"),
        )
    return version


NUMBA_VERSION = require_tested(numba.__version__)
