"""Optimisers to files: weights, state, step count, and where schedules with a state are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .._backend import ParamSpec
from .._checkpoint.files import StrPath, write
from .._validate import describe, is_bfloat16

if TYPE_CHECKING:
    from .state_methods import StateMethods

#: What such files say they are; and how the names of their arrays begin.
KIND = "optimizer"
WEIGHTS, STATE = "weights/", "state/"


def save(optimizer: StateMethods, path: StrPath) -> None:
    """Write what `loading.load` reads."""
    arrays: dict[str, np.ndarray] = {}
    scalars: dict[str, Any] = {}
    for key, value in optimizer.state_dict().items():
        if isinstance(value, np.ndarray):
            arrays[STATE + key] = value
        else:
            scalars[key] = value
    backend = optimizer._backend
    for param in backend.params:
        weights = np.asarray(backend.to_host(param.spec.name, param.spec.array))
        if is_bfloat16(weights.dtype):  # who reads the file need not have ml_dtypes
            weights = weights.view(np.uint16)
        arrays[WEIGHTS + weight_key(param.spec)] = weights
    schedules = {name: each.state_dict() for name, each in find_schedules(optimizer).items()}
    texts = {"scalars": scalars, "schedules": schedules}
    write(path, arrays, {"kind": KIND, **{name: _dump(name, texts[name]) for name in texts}})


def weight_key(spec: ParamSpec) -> str:
    """Name a parameter array in a file, as state dictionaries begin."""
    return f"group{spec.group}/{spec.key}"


def find_schedules(optimizer: StateMethods) -> dict[str, Any]:
    """Find the schedules with a state, by the keys of their groups: those in `Warmup` too."""
    found: dict[str, Any] = {}
    for i, group in enumerate(optimizer._arrangement.groups):
        found.update(_find_stateful(f"group{i}/lr", group["lr"]))
    return found


def _find_stateful(name: str, schedule: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(schedule, type) or not callable(schedule):
        return
    if hasattr(schedule, "state_dict") and hasattr(schedule, "load_state_dict"):
        yield name, schedule
    elif is_dataclass(schedule):
        for field in fields(schedule):
            yield from _find_stateful(f"{name}.{field.name}", getattr(schedule, field.name))


def _dump(name: str, value: Any) -> str:
    """Write numbers so that they are read back bit for bit, as `repr` does."""
    try:
        return json.dumps(value, default=_plain)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} cannot be saved as JSON, got {describe(value)}") from error


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(type(value).__name__)
