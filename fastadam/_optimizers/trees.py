"""The structure of what users pass: one array, several in a row, or several by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from .._validate import conversion, describe, is_device_array


class Structure:
    """How the arrays of a tree are arranged.

    ``keys`` are those of a mapping, "0", "1", ... of a row of arrays, None for one array.
    ``labels`` follow the tree's name in the name of each leaf: ``""``, ``"[0]"``, ``"['w']"``.
    """

    def __init__(self, keys: list[str] | None, labels: list[str], is_mapping: bool) -> None:
        self.keys, self.labels, self._is_mapping = keys, labels, is_mapping

    @classmethod
    def find(cls, name: str, tree: Any) -> tuple[Structure, list[Any]]:
        """Find the structure of a tree and its leaves; what those are is not looked at."""
        if isinstance(tree, np.ndarray) or is_device_array(tree):
            return cls(None, [""], False), [tree]
        if isinstance(tree, Mapping):
            for key in tree:
                if not isinstance(key, str):
                    raise TypeError(f"the keys of {name} must be strings, got {describe(key)}")
            structure = cls(list(tree), [f"[{key!r}]" for key in tree], True)
            leaves = list(tree.values())
        elif _is_row(tree):
            leaves = list(tree)
            indices = [str(i) for i in range(len(leaves))]
            structure = cls(indices, [f"[{i}]" for i in indices], False)
        else:
            raise TypeError(
                f"{name} must be an array, a sequence of arrays or a mapping of names to arrays, "
                f"got {describe(tree)}{conversion(tree)}"
            )
        if not leaves:
            raise ValueError(f"{name} holds no arrays, got {describe(tree)}")
        return structure, leaves

    def leaves(self, name: str, tree: Any) -> list[Any]:
        """List the leaves of another tree of this structure, or raise an error."""
        if self.keys is None:
            return [tree]
        if self._is_mapping:
            return self._mapping_leaves(name, tree)
        if not isinstance(tree, (list, tuple)) and (
            isinstance(tree, (np.ndarray, Mapping, str, bytes))
            or not isinstance(tree, Iterable)
            or is_device_array(tree)
        ):
            raise TypeError(
                f"{name} must be a sequence of {len(self.keys)} arrays, got {describe(tree)}"
            )
        leaves = list(tree)
        if len(leaves) != len(self.keys):
            raise ValueError(f"{name} must hold {len(self.keys)} arrays, got {len(leaves)}")
        return leaves

    def _mapping_leaves(self, name: str, tree: Any) -> list[Any]:
        if not isinstance(tree, Mapping):
            raise TypeError(f"{name} must be a mapping of names to arrays, got {describe(tree)}")
        keys = self.keys or []
        if len(tree) != len(keys) or not all(key in tree for key in keys):
            missing = [key for key in keys if key not in tree]
            unknown = [key for key in tree if key not in keys]
            raise ValueError(f"{name} lacks the keys {missing} and has the unknown keys {unknown}")
        return [tree[key] for key in keys]

    def build(self, leaves: list[Any]) -> Any:
        """Build a tree of this structure: the one leaf, a list, or a dict."""
        if self.keys is None:
            return leaves[0]
        if self._is_mapping:
            return dict(zip(self.keys, leaves, strict=True))
        return leaves


def _is_row(tree: Any) -> bool:
    """Tell whether something may be several arrays in a row: no text, set, table or tensor."""
    no_row = (str, bytes, set, frozenset)
    return isinstance(tree, Iterable) and not isinstance(tree, no_row) and not conversion(tree)
