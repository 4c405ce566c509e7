"""State dictionaries: what is in them, and resuming from one that is checked before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any

import numpy as np

from .. import _validate as checks
from .._backend import Param
from .._rules.spec import Floats
from .._uninterrupted import Call
from .backends import select_backend
from .groups import ParamGroup

#: Kernels take the step after it as a 64-bit integer.
MOST_STEPS = 2**63 - 2


def check_rule(state_dict: Mapping[str, Any], own: str) -> None:
    """Require a dictionary with strings for keys, of an optimiser of the same name."""
    for key in state_dict:
        if not isinstance(key, str):
            raise TypeError(f"the keys of state_dict must be strings, got {checks.describe(key)}")
    rule = _scalar(state_dict.get("rule"))
    if not isinstance(rule, str) or rule != own:
        raise ValueError(f"state_dict['rule'] must be {own!r}, got {checks.describe(rule)}")


def list_scalars(groups: Sequence[ParamGroup]) -> dict[str, Any]:
    """List the numbers of all groups that are always saved."""
    return {
        f"group{i}/{key}": value
        for i, group in enumerate(groups)
        for key, value in group.name_scalars().items()
        if not callable(value)
    }


def list_rest(groups: Sequence[ParamGroup]) -> dict[str, Any]:
    """List those that are saved only where they are not False or 0."""
    return {
        f"group{i}/{key}": value
        for i, group in enumerate(groups)
        for key, value in group.name_rest().items()
        if value
    }


def copy_arrays(params: Sequence[Param]) -> dict[str, np.ndarray]:
    """Copy the state of all arrays out."""
    return {
        _make_key(param, name): array
        for param in params
        for name, array in param.copy_state().items()
    }


def check_keys(
    state_dict: Mapping[str, Any],
    scalars: Set[str],
    params: Sequence[Param],
    groups: Sequence[ParamGroup],
) -> None:
    """Require an optimiser's own keys, and no others but those that may be left out.

    They are learning rates, where it has a schedule, and what `list_rest` lists.
    """
    own = scalars | {_make_key(param, name) for param in params for name in param.describe_state()}
    rates = {f"group{i}/lr" for i in range(len(groups))}
    rest = {f"group{i}/{key}" for i, group in enumerate(groups) for key in group.name_rest()}
    missing = sorted(own - state_dict.keys())
    unknown = sorted(state_dict.keys() - own - rates - rest)
    if missing or unknown:
        hint = ""
        if set(missing) & rates:
            hint = "; it was saved with a callable lr, and this optimiser has none"
        raise ValueError(
            f"state_dict lacks the keys {missing} and has the unknown keys {unknown}{hint}"
        )


def read_count(state_dict: Mapping[str, Any], key: str) -> int:
    """Read a number of steps."""
    return checks.count(f"state_dict[{key!r}]", _scalar(state_dict[key]), 0, MOST_STEPS)


def make_load_calls(
    state_dict: Mapping[str, Any],
    params: Sequence[Param],
    groups: Sequence[ParamGroup],
    step_count: int,
) -> list[Call]:
    """Make the calls that bring groups and arrays into the state that was saved."""
    calls = [
        group.make_set_call(*_read_group(state_dict, f"group{i}/", group, step_count))
        for i, group in enumerate(groups)
    ]
    # Read once, and before anything is written: numpy.load reads from the file at each look.
    loaded = []
    for param in params:
        arrays = {
            name: _read_array(state_dict, _make_key(param, name), dtype, shape)
            for name, (dtype, shape) in param.describe_state().items()
        }
        loaded.append(arrays)
        calls += param.make_load_calls(arrays)
    return [*calls, (id, loaded)]  # which keeps them until then


def _make_key(param: Param, name: str) -> str:
    return f"group{param.spec.group}/{param.spec.key}/{name}"


def _read_group(
    state_dict: Mapping[str, Any], prefix: str, group: ParamGroup, step_count: int
) -> tuple[dict[str, Any], Floats, int]:
    """Read the hyper-parameters of a group, what its last step handed on, and what it missed."""
    values = {
        key: _scalar(state_dict[prefix + key])
        for key in group.name_scalars()
        if prefix + key in state_dict
    }
    frozen, missed = (
        _scalar(state_dict[prefix + key]) if prefix + key in state_dict else default
        for key, default in (("frozen", False), ("missed_steps", 0))
    )
    missed = checks.count(f"state_dict['{prefix}missed_steps']", missed, 0, step_count)
    carried = tuple(
        each.check(f"state_dict['{prefix}{each.name}']", values.pop(each.name))
        for each in group.rule.carried
    )
    return group.check({**values, "frozen": frozen}), carried, missed


def _read_array(
    state_dict: Mapping[str, Any], key: str, dtype: np.dtype[Any], shape: tuple[int, ...]
) -> np.ndarray:
    """Read a state array, which may live elsewhere, as a NumPy array in C order."""
    name, value = f"state_dict[{key!r}]", state_dict[key]
    value = select_backend(value).to_host(name, value)
    if (
        not isinstance(value, np.ndarray)
        or isinstance(value, np.ma.MaskedArray)
        or (value.dtype, value.shape) != (dtype, shape)
    ):
        raise ValueError(
            f"{name} must be an array of dtype {dtype} and shape {shape}, got "
            f" {checks.describe(value)}"
        )
    return np.asarray(value, order="C")


def _scalar(value: Any) -> Any:
    """Take the number or string out of an array of no dimensions; leave others as they are."""
    return value.item() if isinstance(value, (np.ndarray, np.generic)) and not value.ndim else value
