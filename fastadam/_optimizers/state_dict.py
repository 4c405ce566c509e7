"""What an optimiser is to resume from: a state dictionary, checked before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import _validate as checks
from .._rules.spec import Floats
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


def check_keys(state_dict: Mapping[str, Any], own: set[str], group_count: int) -> None:
    """Require an optimiser's own keys, and no others but learning rates that it does not need."""
    rates = {f"group{i}/lr" for i in range(group_count)}
    missing = sorted(own - state_dict.keys())
    unknown = sorted(state_dict.keys() - own - rates)
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


def read_group(
    state_dict: Mapping[str, Any], prefix: str, group: ParamGroup
) -> tuple[dict[str, Any], Floats]:
    """Read the hyper-parameters of a group and what its last step handed on."""
    values = {
        key: _scalar(state_dict[prefix + key])
        for key in group.name_scalars()
        if prefix + key in state_dict
    }
    carried = tuple(
        each.check(f"state_dict['{prefix}{each.name}']", values.pop(each.name))
        for each in group.rule.carried
    )
    return group.check(values), carried


def read_array(
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
