"""What every optimiser takes beside its rule's hyper-parameters."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from typing import Any, NamedTuple, get_args

import numba

from .. import _validate as checks
from .._backend import Form, StepExtras
from ..typing import Nonfinite, Sparse, StateDtype

NONFINITE_WORDS: tuple[Nonfinite, ...] = get_args(Nonfinite)
SPARSE_WORDS: tuple[Sparse, ...] = get_args(Sparse)
STATE_DTYPES: tuple[StateDtype, ...] = get_args(StateDtype)

#: The hyper-parameters and options that a constructor need not repeat, with their defaults.
COMMON: Mapping[str, Any] = {
    "maximize": False,
    "nonfinite": "propagate",
    "threads": None,
    "clip_norm": None,
    "clip_value": None,
    "average": None,
    "overrides": None,
    "sparse": "lazy",
    "state_dtype": None,
}


class Options(NamedTuple):
    """The options, checked."""

    nonfinite: Nonfinite
    threads: int | None
    clip_norm: float | None
    clip_value: float | None
    average: float | str | None
    sparse: Sparse
    state_dtype: StateDtype | None

    @property
    def extras(self) -> StepExtras:
        """What the kernels have to know of each step."""
        limit = math.inf if self.clip_value is None else self.clip_value
        return StepExtras(self.clip_norm, limit)

    @property
    def form(self) -> Form:
        """What the kernels do beside the rule's update."""
        needs_norm = self.clip_norm is not None
        is_clipped = needs_norm or self.clip_value is not None
        return Form(is_clipped, needs_norm, self.average is not None, self.state_dtype or "")


def read_common(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Complete the keyword arguments that all constructors take; ``name`` is the class's."""
    for key in given:
        if key not in COMMON:
            raise TypeError(
                f"{name}() got an unexpected keyword argument {key!r}"
                + checks.suggestion(key, COMMON)
            )
    return {**COMMON, **given}


def check_options(values: Mapping[str, Any]) -> Options:
    """Check the options among the arguments of a constructor."""
    threads, norm, value = (values[key] for key in ("threads", "clip_norm", "clip_value"))
    if threads is not None:
        threads = checks.count("threads", threads, 1, numba.config.NUMBA_NUM_THREADS)
    if norm is not None:
        norm = checks.positive("clip_norm", norm)
    if value is not None:
        value = checks.positive("clip_value", value)
    if norm is not None and value is not None:
        raise ValueError(
            f"clip_norm and clip_value cannot be combined, got {norm} and {value}: leave one out"
        )
    average = values["average"]
    if isinstance(average, str):
        average = checks.one_of("average", average, ("equal",))
    elif average is not None:
        average = checks.fraction("average", average)
    nonfinite = checks.one_of("nonfinite", values["nonfinite"], NONFINITE_WORDS)
    sparse = checks.one_of("sparse", values["sparse"], SPARSE_WORDS)
    state_dtype = values["state_dtype"]
    if state_dtype is not None:
        state_dtype = checks.one_of("state_dtype", state_dtype, STATE_DTYPES)
    return Options(nonfinite, threads, norm, value, average, sparse, state_dtype)


def make_signature(constructor: Any) -> inspect.Signature:
    """Make the signature of a constructor with what its ``**common`` stands for."""
    signature = inspect.signature(constructor)
    parameters = list(signature.parameters.values())[1:]  # without self
    if parameters and parameters[-1].kind is inspect.Parameter.VAR_KEYWORD:
        parameters[-1:] = [
            inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=default)
            for key, default in COMMON.items()
        ]
    return signature.replace(parameters=parameters)
