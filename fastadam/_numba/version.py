"""The versions of Numba that fastadam was tested with.

It uses some of Numba's private parts: see `tests/numba_contract`. In a version that changed one
of them in silence, a result could be wrong. So others than these are refused, at import.
"""

from __future__ import annotations

import re

import numba

#: The oldest that is tested, and the first that is not. pyproject.toml has the same.
OLDEST, UNTESTED = (0, 63), (0, 69)


def require_tested(version: str) -> str:
    """Return a version of Numba if fastadam was tested with it.

    Raises
    ------
    ImportError
        If it was not.
    """
    found = re.match(r"(\d+)\.(\d+)", version)
    if found is None or not OLDEST <= tuple(map(int, found.groups())) < UNTESTED:
        oldest, untested = (".".join(map(str, each)) for each in (OLDEST, UNTESTED))
        raise ImportError(
            f"fastadam needs numba>={oldest},<{untested}, whose private parts it was tested with, "
            f"and found numba {version}: pip install 'numba>={oldest},<{untested}'",
            name="numba",
        )
    return version


NUMBA_VERSION = require_tested(numba.__version__)
