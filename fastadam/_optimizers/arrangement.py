"""How an optimiser's arrays are arranged: the trees that they come in, and their groups."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from .. import _validate as checks
from .._backend import Form, ParamSpec
from .._rules.spec import Rule
from .groups import ParamGroup
from .trees import Structure


class Maker(NamedTuple):
    """What all groups of an optimiser are made with."""

    rule: Rule
    defaults: Mapping[str, Any]  # of the hyper-parameters
    form: Form
    exact: bool  # see `ParamSpec`

    @property
    def kind(self) -> tuple[Form, bool]:
        """What the specs of all arrays end with."""
        return self.form, self.exact

    def make_group(
        self, name: str, params: Any, own: Mapping[str, Any], missed: int = 0
    ) -> ParamGroup:
        """Make a group with hyper-parameters of its own."""
        return ParamGroup(name, params, {**self.defaults, **own}, self.rule, missed)


class Arrangement(NamedTuple):
    """The groups of an optimiser, and the trees of its parameters and gradients.

    The arrays are those of the first tree, of the second and so on, each in the order of its
    leaves. A list of parameter groups has a tree for each. One tree can be of several groups.
    """

    groups: list[ParamGroup]
    trees: list[Structure]
    leaf_groups: list[int]  # the index of the group of each array
    has_list: bool  # gradients are a list with those of each tree
    list_leaves: Callable[[Any], list[Any]]  # of gradients: those of all arrays
    carrying: list[int]  # the groups whose steps hand something on

    @classmethod
    def make(
        cls,
        groups: list[ParamGroup],
        trees: list[Structure],
        leaf_groups: list[int],
        has_list: bool,
    ) -> Arrangement:
        """Complete an arrangement."""
        carrying = [i for i, group in enumerate(groups) if group.rule.carried]
        list_leaves: Callable[[Any], list[Any]] = (
            partial(_list_in_trees, trees) if has_list else partial(trees[0].leaves, "grads")
        )
        return cls(groups, trees, leaf_groups, has_list, list_leaves, carrying)

    def leave_out_frozen(self, gradients: Sequence[Any]) -> list[Any]:
        """Put None in the place of the gradients of frozen groups."""
        frozen = [group.is_frozen for group in self.groups]
        pairs = zip(gradients, self.leaf_groups, strict=True)
        return [None if frozen[i] else gradient for gradient, i in pairs]

    def find_resting(self, gradients: Sequence[Any]) -> list[int]:
        """Find the groups that have no gradients at all."""
        pairs = zip(gradients, self.leaf_groups, strict=True)
        busy = {group for gradient, group in pairs if gradient is not None}
        return [i for i in range(len(self.groups)) if i not in busy]


def _list_in_trees(trees: list[Structure], grads: Any) -> list[Any]:
    """List the gradients of several trees, of which they are a list."""
    count = len(trees)
    if (
        isinstance(grads, (np.ndarray, Mapping))
        or not hasattr(grads, "__len__")
        or checks.is_device_array(grads)
    ):
        raise TypeError(
            f"grads must be a list with the gradients of each of the {count} "
            f"parameter groups, got {checks.describe(grads)}"
        )
    if len(grads) != count:
        raise ValueError(
            f"grads must hold the gradients of {count} parameter groups, got {len(grads)}"
        )
    leaves: list[Any] = []
    for i, (tree, member) in enumerate(zip(trees, grads, strict=True)):
        leaves += tree.leaves(f"grads[{i}]", member)
    return leaves


def arrange(params: Any, overrides: Any, maker: Maker) -> tuple[Arrangement, list[ParamSpec]]:
    """Arrange what a constructor is given: groups, or a tree and what overrides hold for it."""
    if not _has_groups(params):
        return _arrange_tree(params, overrides, maker)
    if overrides is not None:
        raise ValueError(
            "overrides cannot be combined with parameter groups, which have hyper-parameters of "
            f"their own, got {checks.describe(overrides)}"
        )
    specs: list[ParamSpec] = []
    arrangement = Arrangement.make([], [], [], True)
    for i, member in enumerate(params):
        arrangement, more = with_group(arrangement, f"params[{i}]", member, maker, 0)
        specs += more
    return arrangement, specs


def _has_groups(params: Any) -> bool:
    return (
        isinstance(params, (list, tuple))
        and all(isinstance(member, Mapping) for member in params)
        and any("params" in member for member in params)
    )


def with_group(
    arrangement: Arrangement, name: str, member: Mapping[str, Any], maker: Maker, missed: int
) -> tuple[Arrangement, list[ParamSpec]]:
    """Make an arrangement with one more group, and list the arrays in that."""
    if "params" not in member:
        raise ValueError(f"{name} lacks the key 'params', got {checks.describe(member)}")
    tree_name = f"{name}['params']"
    tree, leaves = Structure.find(tree_name, member["params"])
    _require_unique_paths(tree_name, tree)
    own = {key: value for key, value in member.items() if key != "params"}
    group = maker.make_group(name, tree.build(leaves), own, missed)
    groups, trees, leaf_groups, *_ = arrangement
    index, prefix = len(groups), f"[{len(trees)}]"
    specs = [
        ParamSpec(tree_name + label, prefix + label, path, leaf, group.rule, index, *maker.kind)
        for label, path, leaf in zip(tree.labels, tree.paths, leaves, strict=True)
    ]
    leaf_groups = [*leaf_groups, *[index] * len(leaves)]
    return Arrangement.make([*groups, group], [*trees, tree], leaf_groups, True), specs


def _arrange_tree(params: Any, overrides: Any, maker: Maker) -> tuple[Arrangement, list[ParamSpec]]:
    tree, leaves = Structure.find("params", params)
    _require_unique_paths("params", tree)
    if overrides is None:
        groups, leaf_groups = [maker.make_group("", tree.build(leaves), {})], [0] * len(leaves)
    else:
        groups, leaf_groups = _split(tree.paths, leaves, overrides, maker)
    specs = [
        ParamSpec(f"params{label}", label, path, leaf, groups[index].rule, index, *maker.kind)
        for label, path, leaf, index in zip(
            tree.labels, tree.paths, leaves, leaf_groups, strict=True
        )
    ]
    return Arrangement.make(groups, [tree], leaf_groups, False), specs


def _split(
    paths: list[str], leaves: list[Any], overrides: Any, maker: Maker
) -> tuple[list[ParamGroup], list[int]]:
    """Make a group of all arrays that the same overrides hold for, in the arrays' order."""
    _check_overrides(overrides, paths)
    members: dict[tuple[str, ...], dict[str, Any]] = {}  # the arrays of each group, by path
    for path, leaf in zip(paths, leaves, strict=True):
        patterns = tuple(pattern for pattern in overrides if fnmatchcase(path, pattern))
        members.setdefault(patterns, {})[path] = leaf
    groups = []
    for patterns, arrays in members.items():
        name = f"overrides[{', '.join(map(repr, patterns))}]" if patterns else ""
        own = {key: value for pattern in patterns for key, value in overrides[pattern].items()}
        groups.append(maker.make_group(name, arrays, own))
    indices = {path: i for i, arrays in enumerate(members.values()) for path in arrays}
    return groups, [indices[path] for path in paths]


def _check_overrides(overrides: Any, paths: list[str]) -> None:
    if not isinstance(overrides, Mapping):
        raise TypeError(
            "overrides must be a mapping of patterns to hyper-parameters, "
            f"got {checks.describe(overrides)}"
        )
    for pattern, own in overrides.items():
        if not isinstance(pattern, str):
            raise TypeError(
                f"the keys of overrides must be strings, got {checks.describe(pattern)}"
            )
        if not isinstance(own, Mapping):
            raise TypeError(
                f"overrides[{pattern!r}] must be a mapping of hyper-parameters, "
                f"got {checks.describe(own)}"
            )
        if not any(fnmatchcase(path, pattern) for path in paths):
            raise ValueError(
                f"overrides has {pattern!r}, which is the path of no array"
                + checks.suggestion(pattern, paths)
                + f"; they are {', '.join(paths[:20])}{', ...' if len(paths) > 20 else ''}"
            )


def _require_unique_paths(name: str, tree: Structure) -> None:
    """Require that arrays can be told apart in state dictionaries."""
    seen: dict[str, str] = {}
    for path, label in zip(tree.paths, tree.labels, strict=True):
        if path in seen:
            raise ValueError(
                f"{name}{seen[path]} and {name}{label} are both {path!r} in state dictionaries; "
                "use keys without '/'"
            )
        seen[path] = label
