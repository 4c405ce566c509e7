"""What an optimiser needs of the place where its arrays live: one interface for all places.

`_cpu` and `_cuda` have a `Backend` each. Who works with one does not know which it is.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np

from ._rules.spec import Floats, Rule
from ._uninterrupted import Call

GradientT = TypeVar("GradientT")


class ParamSpec(NamedTuple):
    """A parameter array as the user passed it, what it is called, and the rule that updates it."""

    name: str  # in error messages
    label: str  # what follows "params" and "grads" in those of a step
    key: str  # in state dictionaries
    array: Any
    rule: Rule
    group: int  # the index of its parameter group


class Param(ABC):
    """A parameter array that was checked, with its state, wherever they live."""

    __slots__ = ("dtype", "shape", "size", "spec")

    def __init__(self, spec: ParamSpec, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.spec, self.shape, self.dtype = spec, shape, dtype
        self.size = math.prod(shape)

    def check_gradient(self, own: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        """Require the shape and the dtype of the parameters, which a message calls ``own``."""
        name = f"grads{self.spec.label}"
        if dtype != self.dtype:
            raise TypeError(f"{name} must be {self.dtype} like {own}, got {dtype}")
        if shape != self.shape:
            raise ValueError(f"{name} must have the shape {self.shape} of {own}, got {shape}")

    @abstractmethod
    def copy_state(self) -> dict[str, np.ndarray]:
        """Copy the state out: arrays on the host in the shape of the parameters, by name."""

    @abstractmethod
    def make_load_calls(self, arrays: Mapping[str, np.ndarray]) -> list[Call]:
        """Make the calls that copy a state in, from C-ordered arrays of its shape and dtype.

        The arrays have to be kept until then.
        """

    @abstractmethod
    def make_write_calls(self, values: np.ndarray) -> list[Call]:
        """Make the calls that overwrite the parameters, from such an array."""


class Backend(Protocol[GradientT]):
    """The parameter arrays of one optimiser, all in this place, and their kernels.

    ``threads`` is the number of threads that take a step, if the user gave one.
    """

    def __init__(self, specs: Sequence[ParamSpec], threads: int | None) -> None: ...

    @property
    def params(self) -> Sequence[Param]:
        """The arrays with their states."""

    def take_gradients(self, gradients: Sequence[Any]) -> list[GradientT]:
        """Check the gradients of a step, one for each array; return them as kernels take them."""

    def find_nonfinite(self, gradients: Sequence[GradientT]) -> tuple[Param, Any] | None:
        """Find the first array whose gradient is not finite, and the element, if there is one."""

    def run_step(
        self, gradients: Sequence[GradientT], hypers: Sequence[Floats], step: int, then: list[Call]
    ) -> None:
        """Take a step with the hyper-parameters of each group, and make other calls after it.

        Whatever raises does so before anything is written, or after all is.
        """

    def run(self, calls: Iterable[Call]) -> None:
        """Make other calls, `Param.make_load_calls` among them, in one go."""

    @staticmethod
    def pack(
        names: Sequence[str], arrays: Sequence[Any], dtype: np.dtype[Any] | None
    ) -> tuple[Any, list[Any]]:
        """Copy arrays into one new array; return it and views into it.

        ``names`` are for error messages; ``dtype`` is None for that of the arrays.
        """

    @staticmethod
    def to_host(name: str, array: Any) -> Any:
        """Leave what is on the host as it is, and copy there what is not."""
