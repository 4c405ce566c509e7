"""Optimisers from files: all is checked first, and then written in one go."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple, overload

import numpy as np

from .. import _validate as checks
from .._backend import Param
from .._checkpoint.files import CheckpointError, StrPath, read
from .._uninterrupted import Call
from .base import Optimizer
from .saving import KIND, STATE, WEIGHTS, find_schedules, weight_key


class _Saved(NamedTuple):
    """What is in a file: weights by group and name, a state dictionary, the schedules' states."""

    weights: dict[str, np.ndarray]
    state_dict: dict[str, Any]
    schedules: dict[str, Any]


@overload
def load(path: StrPath) -> dict[str, np.ndarray]: ...
@overload
def load(path: StrPath, optimizer: Optimizer) -> None: ...
def load(path: StrPath, optimizer: Optimizer | None = None) -> dict[str, np.ndarray] | None:
    """Load what `Optimizer.save` wrote: into an optimiser, or the weights alone.

    Parameters
    ----------
    path : str or path-like
        The file. It needs the extra ``checkpoints``.
    optimizer : Optimizer, optional
        One of the same kind, for parameters of the same names, shapes and dtypes, be they on a GPU
        or not. Its parameters are overwritten in place, its state, hyper-parameters and step count
        replaced, and its schedules with a state (`fastadam.schedules.ReduceOnPlateau`) put where
        they were; other callables are its own. It then goes on bit for bit as the one that was
        saved. Its arrays are as they are with no optimiser.

    Returns
    -------
    dict of str to ndarray, or None
        Without an optimiser: the weights by name, ``"0"``, ``"1"``, ... in a sequence, ``"0"`` for
        one array; with several parameter groups ``"group0/w"`` and so on. Of bfloat16 they are
        the bits, as uint16.

    Raises
    ------
    CheckpointError
        If the file is damaged, no checkpoint, or of a newer fastadam.
    ValueError
        If the file is of another kind of optimiser, or its arrays have other names, shapes or
        dtypes. Whatever is raised, nothing has changed.
    OSError
        If the file cannot be read.
    ImportError
        Without safetensors.

    See Also
    --------
    Optimizer.save : With an example.
    """
    if optimizer is not None and not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer must be an Optimizer, got {checks.describe(optimizer)}")
    saved = _read(path)
    if optimizer is None:
        groups = {name.split("/", 1)[0] for name in saved.weights}
        if len(groups) > 1:
            return saved.weights
        return {name.split("/", 1)[1]: array for name, array in saved.weights.items()}
    try:
        calls = _make_calls(saved, optimizer)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} does not fit the optimizer: {error}") from error
    _load_all(saved, optimizer, calls, path)
    return None


def _read(path: StrPath) -> _Saved:
    arrays, texts = read(path)
    kind = texts.get("kind")
    if kind != KIND:
        raise CheckpointError(f"{path} is a checkpoint of {kind}, and not of an optimizer")
    try:
        scalars, schedules = (json.loads(texts[name]) for name in ("scalars", "schedules"))
    except (KeyError, ValueError) as error:
        raise CheckpointError(f"{path} is no checkpoint of an optimizer: {error}") from error
    weights, state = (
        {name.removeprefix(begin): each for name, each in arrays.items() if name.startswith(begin)}
        for begin in (WEIGHTS, STATE)
    )
    return _Saved(weights, {**scalars, **state}, schedules)


def _make_calls(saved: _Saved, optimizer: Optimizer) -> list[Call]:
    """Check what is to be written, and make the calls that write it."""
    params = {weight_key(param.spec): param for param in optimizer._backend.params}
    _check_names("weights", saved.weights, params)
    calls: list[Call] = []
    for key, param in params.items():
        weights = saved.weights[key]
        if checks.is_bfloat16(param.dtype) and weights.dtype == np.uint16:
            weights = weights.view(param.dtype)
        _check_weights(key, weights, param)
        calls += param.make_store_calls(weights)
    calls += optimizer._make_load_calls(saved.state_dict)
    # Where a number was saved, the group gets it, whatever its learning rate is now.
    own = {
        name: each
        for name, each in find_schedules(optimizer).items()
        if name.split(".")[0] not in saved.state_dict
    }
    _check_names("schedules with a state", saved.schedules, own)
    return calls


def _check_names(what: str, found: Mapping[str, Any], own: Mapping[str, Any]) -> None:
    if found.keys() != own.keys():
        missing, unknown = sorted(own.keys() - found.keys()), sorted(found.keys() - own.keys())
        raise ValueError(f"it lacks the {what} {missing} and has the unknown ones {unknown}")


def _check_weights(key: str, array: np.ndarray, param: Param) -> None:
    if (array.dtype, array.shape) != (param.dtype, param.shape):
        raise ValueError(
            f"its weights {key!r} must be of dtype {param.dtype} and shape {param.shape}, "
            f"got {checks.describe(array)}"
        )


def _load_all(saved: _Saved, optimizer: Optimizer, calls: list[Call], path: StrPath) -> None:
    """Load into the schedules, which may refuse, and then into the optimiser, which does not."""
    schedules = find_schedules(optimizer)
    before = {name: schedules[name].state_dict() for name in saved.schedules}
    is_done: list[bool] = []
    try:
        for name, state in saved.schedules.items():
            try:
                schedules[name].load_state_dict(state)
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(f"{path} does not fit {name}: {error}") from error
        optimizer._backend.run([*calls, (is_done.append, True)])
    except BaseException:
        for name, state in () if is_done else before.items():
            schedules[name].load_state_dict(state)
        raise
