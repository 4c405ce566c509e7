"""One line on standard error for each case: a full run takes minutes."""

from __future__ import annotations

import sys


def say(line: str) -> None:
    """Tell what is being measured."""
    print(f"  {line} ...", file=sys.stderr, flush=True)
