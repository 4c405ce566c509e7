"""What an optimiser needs of the place where its arrays live: one interface for all places.

`_cpu` and `_cuda` have a `Backend` each. Who works with one does not know which it is.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np

from ._rules.spec import Floats, Rule
from ._uninterrupted import Call
from ._validate import DTYPES

GradientT = TypeVar("GradientT")
OneGradientT = TypeVar("OneGradientT", contravariant=True)


class Form(NamedTuple):
    """What a step's kernels do beside the rule's update."""

    is_clipped: bool = False
    needs_norm: bool = False
    is_averaged: bool = False
    #: How the state is kept: "bfloat16", "uint8", or by default as the parameters' own kind.
    state: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        """What kernels of this form have in their names."""
        words = {"clipped": self.is_clipped, "averaged": self.is_averaged}
        return tuple(word for word, holds in words.items() if holds)


PLAIN = Form()


class StepExtras(NamedTuple):
    """What kernels that are not plain have to know of a step."""

    clip_norm: float | None = None
    clip_value: float = math.inf
    average_weight: float = 0.0


class ParamSpec(NamedTuple):
    """A parameter array as the user passed it, what it is called, and the rule that updates it."""

    name: str  # in error messages
    label: str  # what follows "params" and "grads" in those of a step
    key: str  # in state dictionaries
    array: Any
    rule: Rule
    group: int  # the index of its parameter group
    form: Form = PLAIN
    exact: bool = False  # whether rows without a gradient take every step all the same


@dataclass(frozen=True, eq=False)
class Rows:
    """A gradient that is 0 but in some rows of its array.

    Parameters
    ----------
    rows : array of int
        The indices of the rows, of shape (k,), from 0; what is given of one row several times is
        summed, in the order given.
    grads : array
        Their gradients, of shape (k, ...) and the dtype of the parameters.

    Examples
    --------
    >>> import numpy as np
    >>> import fastadam
    >>> table, bias = np.zeros((1000, 3)), np.zeros(3)
    >>> optimizer = fastadam.Adam([table, bias], lr=0.1)
    >>> optimizer.step([fastadam.Rows([7, 2, 7], np.ones((3, 3))), np.ones(3)])
    >>> np.flatnonzero(table.any(axis=1))
    array([2, 7])
    """

    rows: Any
    grads: Any


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

    def check_form(self, is_bfloat16: bool) -> None:
        """Require that the options go with the rule and with the parameters' dtype."""
        form, name = self.spec.form, self.spec.name
        if form.state and self.spec.rule.needs_digits:
            raise ValueError(
                f"state_dtype must be None for the rule {self.spec.rule.name}, whose state needs "
                f"all its digits, got {form.state!r}"
            )
        if form.state and self.dtype == np.float64:
            raise ValueError(
                f"state_dtype={form.state!r} is for parameters of float32 or bfloat16, "
                f"got {name} of {self.dtype}"
            )
        if form.is_averaged and is_bfloat16:
            raise ValueError(
                f"average is for parameters of float32 or float64, got {name} of bfloat16"
            )

    def check_rows(self, own: str) -> None:
        """Require what goes with gradients of rows; messages call the parameters ``own``."""
        if self.spec.form != PLAIN:
            raise ValueError(
                f"grads{self.spec.label} is a gradient of rows, with which clip_norm, clip_value, "
                "average and state_dtype do not go"
            )
        if self.dtype not in DTYPES:
            raise TypeError(
                f"{own} must be float32 or float64 for a gradient of rows, got {self.dtype}"
            )

    @abstractmethod
    def describe_state(self) -> dict[str, tuple[np.dtype[Any], tuple[int, ...]]]:
        """Give the dtype and the shape of each array of the state, by name."""

    @abstractmethod
    def copy_state(self) -> dict[str, np.ndarray]:
        """Copy the state out: arrays on the host, by name."""

    @abstractmethod
    def make_load_calls(self, arrays: Mapping[str, np.ndarray]) -> list[Call]:
        """Make the calls that copy a state in, from C-ordered arrays of its shapes and dtypes.

        The arrays have to be kept until then.
        """

    @abstractmethod
    def copy_values(self) -> np.ndarray:
        """Copy the parameters out: an array on the host."""

    @abstractmethod
    def make_store_calls(self, values: np.ndarray) -> list[Call]:
        """Make the calls that write the parameters, from such an array as those of a state."""

    @abstractmethod
    def make_exchange_calls(self) -> list[Call]:
        """Make the calls that exchange the parameters and their average."""

    @abstractmethod
    def make_restart_calls(self) -> list[Call]:
        """Make the calls that begin the average anew, with the parameters as they are."""


class Captures(Protocol[OneGradientT]):
    """Steps on a GPU that become part of a CUDA graph, which is replayed without the host.

    Once there is one the GPU counts steps, too: what the host sets it has to write there, and what
    it knows is right after it has read.
    """

    is_counting: bool  # whether a step was captured

    def begin_step(self) -> bool:
        """Find out where a step runs now, and tell whether it is captured."""

    def capture(
        self,
        gradients: Sequence[OneGradientT],
        total: int,
        groups: Sequence[tuple[int, Floats]],
        extras: StepExtras,
    ) -> None:
        """Capture a step, after ``total`` of the optimiser.

        Of each group there are the steps that it has taken and its hyper-parameters.
        """

    def read(self) -> tuple[int, dict[int, tuple[int, Floats]]]:
        """Wait for the GPU; read what `capture` takes, of those groups that were captured."""

    def make_write_calls(self, total: int, groups: Sequence[tuple[int, Floats]]) -> list[Call]:
        """Make the calls that write it."""


class Backend(Protocol[GradientT]):
    """The parameter arrays of one optimiser, all in this place, and their kernels.

    ``threads`` is the number of threads that take a step, if the user gave one.
    """

    def __init__(self, specs: Sequence[ParamSpec], threads: int | None) -> None: ...

    @property
    def params(self) -> Sequence[Param]:
        """The arrays with their states."""

    @property
    def captures(self) -> Captures[GradientT] | None:
        """Those of its steps, if there can be some."""

    def make_add_call(self, specs: Sequence[ParamSpec]) -> Call:
        """Make the call that adds arrays; those that are there keep their states."""

    def take_gradients(self, gradients: Sequence[Any]) -> list[GradientT]:
        """Check the gradients of a step, one for each array; return them as kernels take them.

        One that is None is that of an array which the step is to leave alone.
        """

    def find_nonfinite(self, gradients: Sequence[GradientT]) -> tuple[Param, Any] | None:
        """Find the first array whose gradient is not finite, and the element, if there is one."""

    def run_step(
        self,
        gradients: Sequence[GradientT],
        hypers: Sequence[Floats],
        steps: Sequence[int],
        then: list[Call],
        extras: StepExtras,
        absent: Sequence[int] = (),
    ) -> None:
        """Take a step, and make other calls after it.

        Each group has its hyper-parameters and its count of steps. ``absent`` are the places of the
        arrays whose gradients were None. Whatever raises does so before anything is written, or
        after all is.
        """

    @property
    def gradient_norm(self) -> float:
        """The norm of all gradients of the last step, where it was needed."""

    def make_catch_up_calls(self, rows: Any = None) -> list[Call]:
        """Make the calls that take the steps which rows of an exact optimiser have missed.

        ``rows`` are indices of an optimiser's one array, None for all rows of all arrays.
        """

    def make_reset_calls(self, step: int) -> list[Call]:
        """Make the calls that say that no row has missed a step, up to this one."""

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
