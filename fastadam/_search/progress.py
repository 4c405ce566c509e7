"""The progress bar."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from typing import Any


def progress(total: int, unit: str, shown: bool) -> AbstractContextManager[Callable[..., None]]:
    """Show a bar of so many units for a while, if it is to be shown and tqdm is installed.

    The context is ``update(number, **values)``, which moves the bar on and shows values beside it.
    """
    bar = _make_bar(total, unit) if shown else None
    return _NO_BAR if bar is None else _show(bar)


_NO_BAR: Any = nullcontext(lambda number, **values: None)


@contextmanager
def _show(bar: Any) -> Iterator[Callable[..., None]]:
    def update(number: int, **values: str) -> None:
        if values:
            bar.set_postfix(refresh=False, **values)
        bar.update(number)

    with closing(bar):
        yield update


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
