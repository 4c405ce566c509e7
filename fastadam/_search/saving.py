"""A search between two turns of its loop, as arrays: what it goes on from bit for bit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .search import Search
from .state import SCALARS

#: What is of one process alone: the address of machine code, and a wish of another thread.
_PASSING = ("go_down", "halt")
_KINDS = {"integers": np.dtype(np.int64), "floats": np.dtype(np.float64)}


def pack_search(search: Search) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Copy a search: the vectors, and the scalars, whose names are in the texts."""
    arrays, texts = {"vectors": search.vectors.copy()}, {}
    for kind, dtype in _KINDS.items():
        names = [
            name for name in SCALARS.names or () if SCALARS[name] == dtype and name not in _PASSING
        ]
        arrays[kind] = np.array([getattr(search.scalars, name) for name in names], dtype)
        texts[kind] = json.dumps(names)
    return arrays, texts


def unpack_search(
    search: Search, arrays: Mapping[str, NDArray[Any]], texts: Mapping[str, str]
) -> None:
    """Have a search that has not begun go on from a copy, or raise KeyError or ValueError.

    A scalar that older copies do not have is left as it is, and one that there is no more left out.
    """
    vectors = arrays["vectors"]
    if (vectors.dtype, vectors.shape) != (search.vectors.dtype, search.vectors.shape):
        raise ValueError(f"its vectors have shape {vectors.shape}, not {search.vectors.shape}")
    scalars: dict[str, float] = {}
    for kind in _KINDS:
        scalars.update(zip(json.loads(texts[kind]), arrays[kind].tolist(), strict=True))
    search.vectors[...] = vectors
    for name in scalars.keys() & set(SCALARS.names or ()) - set(_PASSING):
        setattr(search.scalars, name, scalars[name])
