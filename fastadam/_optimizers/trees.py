"""The structure of what users pass: one array, or mappings and sequences of arrays, nested."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from .._validate import conversion, describe, is_device_array


class _Node(NamedTuple):
    """A mapping or a sequence in a tree; of its members, leaves are None here."""

    label: str  # follows the tree's name in error messages
    keys: list[str] | None  # of a mapping
    members: list[_Node | None]
    leaf_count: int  # of all below
    make: Callable[[list[Any]], Any]  # from new members
    is_flat: bool  # all members are leaves

    def list_members(self, name: str, tree: Any) -> list[Any]:
        """List the members of this place in another tree, or raise an error."""
        if self.keys is not None:
            return self._list_values(f"{name}{self.label}", tree, self.keys)
        expected = f"{len(self.members)} {self._noun}"
        if not isinstance(tree, (list, tuple)) and (
            isinstance(tree, (np.ndarray, Mapping, str, bytes))
            or not isinstance(tree, Iterable)
            or is_device_array(tree)
        ):
            raise TypeError(
                f"{name}{self.label} must be a sequence of {expected}, got {describe(tree)}"
            )
        members = list(tree)
        if len(members) != len(self.members):
            raise ValueError(f"{name}{self.label} must hold {expected}, got {len(members)}")
        return members

    def _list_values(self, name: str, tree: Any, keys: list[str]) -> list[Any]:
        if not isinstance(tree, Mapping):
            raise TypeError(
                f"{name} must be a mapping of names to {self._noun}, got {describe(tree)}"
            )
        if len(tree) != len(keys) or not all(key in tree for key in keys):
            missing = [key for key in keys if key not in tree]
            unknown = [key for key in tree if key not in keys]
            raise ValueError(f"{name} lacks the keys {missing} and has the unknown keys {unknown}")
        return [tree[key] for key in keys]

    @property
    def _noun(self) -> str:
        return "arrays" if self.is_flat else "members"

    def append_leaves(self, name: str, tree: Any, leaves: list[Any]) -> None:
        """List the leaves of this place in another tree; where that is None, all are."""
        if tree is None:
            leaves += [None] * self.leaf_count
        elif self.is_flat:
            leaves += self.list_members(name, tree)
        else:
            for node, member in zip(self.members, self.list_members(name, tree), strict=True):
                if node is None:
                    leaves.append(member)
                else:
                    node.append_leaves(name, member, leaves)

    def build(self, leaves: Iterator[Any]) -> Any:
        """Build this place of a new tree, from the next of its leaves."""
        return self.make(
            [next(leaves) if node is None else node.build(leaves) for node in self.members]
        )


class Structure:
    """How the arrays of a tree are arranged.

    ``labels`` follow the tree's name in the name of each leaf: ``""``, ``"[0]"``,
    ``"['layers'][0]['w']"``. ``paths`` are the keys on the way to it, or the indices:
    ``"layers/0/w"``, and ``"0"`` for one array.
    """

    def __init__(self, root: _Node | None, labels: list[str], paths: list[str]) -> None:
        self._root, self.labels, self.paths = root, labels, paths

    @classmethod
    def find(cls, name: str, tree: Any) -> tuple[Structure, list[Any]]:
        """Find the structure of a tree and its leaves; what those are is not looked at."""
        if isinstance(tree, np.ndarray) or is_device_array(tree):
            return cls(None, [""], ["0"]), [tree]
        if not isinstance(tree, Mapping) and not _is_row(tree):
            raise TypeError(
                f"{name} must be an array, a sequence of arrays or a mapping of names to arrays, "
                f"got {describe(tree)}{conversion(tree)}"
            )
        walk = _Walk(name)
        try:
            root = walk.visit(tree, "", "")
        except RecursionError:
            raise ValueError(f"{name} is nested too deeply") from None
        if not walk.leaves:
            raise ValueError(f"{name} holds no arrays, got {describe(tree)}")
        if root.is_flat and type(tree) is tuple:
            root = root._replace(make=list)
        return cls(root, walk.labels, walk.paths), walk.leaves

    def leaves(self, name: str, tree: Any) -> list[Any]:
        """List the leaves of another tree of this structure, or raise an error.

        Where it has None instead of a tree, all leaves of that are None.
        """
        root = self._root
        if root is None:
            return [tree]
        if root.is_flat and tree is not None:
            return root.list_members(name, tree)
        leaves: list[Any] = []
        root.append_leaves(name, tree, leaves)
        return leaves

    def build(self, leaves: Sequence[Any]) -> Any:
        """Build a tree of this structure: dicts, lists and tuples, or the one leaf."""
        return leaves[0] if self._root is None else self._root.build(iter(leaves))


class _Walk:
    """A walk through a tree that meets its leaves in order."""

    def __init__(self, name: str) -> None:
        self.leaves: list[Any] = []
        self.labels: list[str] = []
        self.paths: list[str] = []
        self._name = name
        self._open: set[int] = set()  # the ids of what is being visited

    def visit(self, tree: Any, label: str, path: str) -> _Node:
        """Visit a mapping or a sequence, and all that is in it."""
        if id(tree) in self._open:
            raise ValueError(f"{self._name}{label} is one of those that it is in: a cycle")
        self._open.add(id(tree))
        keys, make = None, _find_kind(tree)
        if isinstance(tree, Mapping):
            for key in tree:
                if not isinstance(key, str):
                    raise TypeError(
                        f"the keys of {self._name}{label} must be strings, got {describe(key)}"
                    )
            keys, members = list(tree), list(tree.values())
            make = partial(_make_dict, keys)
        else:
            members = list(tree)
        before = len(self.leaves)
        nodes: list[_Node | None] = []
        for key, member in zip(keys or range(len(members)), members, strict=True):
            own_label, own_path = f"{label}[{key!r}]", f"{path}{key}"
            if isinstance(member, (Mapping, list, tuple)):
                nodes.append(self.visit(member, own_label, f"{own_path}/"))
            else:
                nodes.append(None)
                self.leaves.append(member)
                self.labels.append(own_label)
                self.paths.append(own_path)
        self._open.remove(id(tree))
        is_flat = not any(nodes)
        return _Node(label, keys, nodes, len(self.leaves) - before, make, is_flat)


def _is_row(tree: Any) -> bool:
    """Tell whether something may be several arrays in a row: no text, set, table or tensor."""
    no_row = (str, bytes, set, frozenset)
    return isinstance(tree, Iterable) and not isinstance(tree, no_row) and not conversion(tree)


def _find_kind(tree: Any) -> Callable[[list[Any]], Any]:
    """Find what makes a sequence of the kind of another: a list, a tuple or a named one."""
    if not isinstance(tree, tuple):
        return list
    return getattr(type(tree), "_make", tuple)


def _make_dict(keys: list[str], values: list[Any]) -> dict[str, Any]:
    return dict(zip(keys, values, strict=True))
