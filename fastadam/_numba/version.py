"""The versions of Numba that fastadam was tested with.

It uses some of Numba's private parts: see `tests/numba_contract`. In a version that changed one
of them in silence, a result could be wrong. So newer ones are used by their public interface alone
(`private`), and older ones, which lack what is needed, are refused at import.
"""

from __future__ import annotations

import re

import numba

#: The oldest that is tested, and the first that is not. pyproject.toml has the same.
OLDEST, UNTESTED = (0, 63), (0, 69)


def require_known(version: str) -> str:
    """Return a version of Numba, unless it is too old.

    Raises
    ------
    ImportError
        If it is.
    """
    if _release(version) < OLDEST:
        oldest, untested = (".".join(map(str, each)) for each in (OLDEST, UNTESTED))
        raise ImportError(
            f"fastadam needs numba>={oldest},<{untested}, whose private parts it was tested with, "
            f"and found numba {version}: pip install 'numba>={oldest},<{untested}'",
            name="numba",
        )
    return version


def is_tested(version: str) -> bool:
    """Tell whether fastadam was tested with a version of Numba."""
    return OLDEST <= _release(version) < UNTESTED


def _release(version: str) -> tuple[int, ...]:
    found = re.match(r"(\d+)\.(\d+)", version)
    return tuple(map(int, found.groups())) if found else ()


NUMBA_VERSION = require_known(numba.__version__)
