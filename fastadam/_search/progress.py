"""The progress bar."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any


@contextmanager
def progress(total: int, unit: str, shown: bool) -> Iterator[Callable[..., None]]:
    """Show a bar of so many units, if it is to be shown and tqdm is installed.

    Yields ``update(number, **values)``, which moves the bar on and shows some values beside it.
    """
    bar = _make_bar(total, unit) if shown else None
    if bar is None:
        yield _show_nothing
        return

    def update(number: int, **values: str) -> None:
        if values:
            bar.set_postfix(refresh=False, **values)
        bar.update(number)

    with closing(bar):
        yield update


def _show_nothing(number: int, **values: str) -> None:
    pass


def _make_bar(total: int, unit: str) -> Any:
    """Make a bar of tqdm's, or None where it is not installed."""
    try:
        from tqdm import TqdmWarning

        with warnings.catch_warnings():
            # In a notebook without ipywidgets tqdm warns, and gives the bar of text.
            warnings.simplefilter("ignore", TqdmWarning)
            from tqdm.auto import tqdm
    except ImportError:
        return None
    return tqdm(total=total, unit=unit, leave=False)
