"""A bar that shows how far an epoch is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator


def progress_bar() -> Callable[[Iterable[int]], Iterable[int]] | None:
    """Make the function that shows an epoch's batches as a bar; None without a terminal."""
    if not sys.stderr.isatty():
        return None
    from tqdm import tqdm

    def wrap(batches: Iterable[int]) -> Iterator[int]:
        return tqdm(batches, unit="batch", leave=False, dynamic_ncols=True)

    return wrap
