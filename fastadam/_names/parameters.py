"""Parameters by name: where each is in the vector that functions get."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult

from .._validate import describe, real_array, real_number, suggestion
from ..typing import Matrix

Value = TypeVar("Value")
Shape = tuple[int, ...]
#: The shape of what is fitted: () for one problem, (B,) for as many.
ONE: Shape = ()


@dataclass(frozen=True)
class Names:
    """The names of parameters in the order of the vector, the shape of each, and who is fixed."""

    shapes: dict[str, Shape]
    fixed: tuple[str, ...] = ()

    def parts(self) -> Iterator[tuple[str, slice]]:
        """Yield each name, and where in the vector it is."""
        start = 0
        for name, shape in self.shapes.items():
            stop = start + math.prod(shape)
            yield name, slice(start, stop)
            start = stop

    @property
    def labels(self) -> list[str]:
        """A word for each number: a name, or that of an array with an index."""
        return [
            f"{name}[{', '.join(map(str, index))}]" if index else name
            for name, shape in self.shapes.items()
            for index in np.ndindex(shape)
        ]

    @property
    def is_fixed(self) -> NDArray[np.bool_]:
        """Which numbers stay as they are."""
        return np.array(self._spread({name: name in self.fixed for name in self.shapes}))

    def split(self, x: NDArray[Any]) -> dict[str, Any]:
        """Take vectors apart, on the last axis: by name a float, or an array."""
        lead = x.shape[:-1]
        parts = {name: x[..., part] for name, part in self.parts()}
        return {
            name: part.item() if not lead + shape else part.reshape(lead + shape)
            for (name, part), shape in zip(parts.items(), self.shapes.values(), strict=True)
        }

    def read_bounds(self, bounds: Any) -> Any:
        """Make a list of pairs, a pair a number, of bounds by name; leave others as they are."""
        if not isinstance(bounds, Mapping):
            return bounds
        self.require_known("bounds", bounds)
        pairs = {name: _read_pair(f"bounds[{name!r}]", bounds[name]) for name in bounds}
        free = (-math.inf, math.inf)
        return self._spread({name: pairs.get(name, free) for name in self.shapes})

    def hold(self, start: Matrix, lower: Matrix, upper: Matrix) -> tuple[Matrix, Matrix]:
        """Make bounds that hold what is fixed at the start, whatever bounds it has."""
        if not self.fixed:
            return lower, upper
        held = self.is_fixed & np.isfinite(start)
        return np.where(held, start, lower), np.where(held, start, upper)

    def _spread(self, values: dict[str, Value]) -> list[Value]:
        """Make a list with the value of each name, once for each of its numbers."""
        sizes = {name: math.prod(shape) for name, shape in self.shapes.items()}
        return [values[name] for name, size in sizes.items() for _ in range(size)]

    def require_known(self, argument: str, names: Iterable[Any]) -> None:
        """Require that names are among these."""
        for name in names:
            if name not in self.shapes:
                raise ValueError(
                    f"{argument} must have names of {', '.join(self.shapes)}, got {describe(name)}"
                    + suggestion(name, self.shapes)
                )


def unname(
    argument: str, given: Any, fixed: Any = (), lead: Shape = ONE
) -> tuple[Names | None, Any]:
    """Make vectors of a mapping of names to numbers or arrays, of shape ``(*lead, n)``.

    Return the names, too; what is no mapping has none, and stays as it is. Each value is a number
    for all, or an array with the axes ``lead`` before its own.
    """
    names = _read_fixed(fixed)
    if not isinstance(given, Mapping):
        if names:
            raise ValueError(f"fixed is for {argument} by name, got {describe(fixed)}")
        return None, given
    arrays = read_values(argument, given)
    shapes: dict[str, Shape] = {}
    for name, array in arrays.items():
        if array.ndim and array.shape[: len(lead)] != lead:
            raise ValueError(
                f"{argument}[{name!r}] must be a number, or have shape {lead} or more axes behind "
                f"these, got shape {array.shape}"
            )
        shapes[name] = array.shape[len(lead) :]
    found = Names(shapes, names)
    found.require_known("fixed", names)
    if len(names) == len(shapes):
        raise ValueError(f"fixed must leave a parameter free, got {describe(fixed)}")
    columns = [
        np.broadcast_to(array, lead + shapes[name]).reshape(*lead, math.prod(shapes[name]))
        for name, array in arrays.items()
    ]
    return found, np.concatenate(columns, axis=-1)


def read_values(argument: str, given: Mapping[Any, Any]) -> dict[str, NDArray[np.float64]]:
    """Read the values of a mapping by name, each a number or an array."""
    if not given:
        raise ValueError(f"{argument} must have a name at least, got {describe(given)}")
    arrays = {}
    for name, value in given.items():
        if not isinstance(name, str):
            raise TypeError(f"{argument} must have names that are text, got {describe(name)}")
        arrays[name] = array = real_array(f"{argument}[{name!r}]", value)
        if array.size == 0:
            raise ValueError(f"{argument}[{name!r}] must not be empty, got shape {array.shape}")
    return arrays


def find_names(result: Mapping[str, Any]) -> Names | None:
    """Find the names of a result that has them."""
    params, x = result.get("params"), result["x"]
    if not isinstance(params, Mapping):
        return None
    lead = np.ndim(x) - 1
    names = Names({name: np.shape(value)[lead:] for name, value in params.items()})
    if len(names.labels) != np.shape(x)[-1]:
        raise ValueError(
            f"result.params must have {np.shape(x)[-1]} numbers, as many as result.x, "
            f"got {len(names.labels)}"
        )
    fixed = _read_fixed(result.get("fixed", ()))
    return Names(names.shapes, fixed)


def put_names(names: Names | None, result: Any, lower: Matrix, upper: Matrix) -> None:
    """Add to a result what is by name, if there are names, and which numbers a bound holds."""
    if names is not None and isinstance(result, OptimizeResult):
        x = result.x
        result.params, result.fixed = names.split(x), names.fixed
        result.at_bound = np.isfinite(x) & ((x <= lower) | (x >= upper))


@contextmanager
def naming(names: Names | None, lower: Matrix, upper: Matrix) -> Iterator[None]:
    """Have the result that an exception carries be by name, too."""
    try:
        yield
    except BaseException as error:
        put_names(names, getattr(error, "result", None), lower, upper)
        raise


def read_named_bounds(names: Names | None, bounds: Any, argument: str = "x0") -> Any:
    """Make pairs of bounds by name, which are for parameters by name."""
    if names is not None:
        return names.read_bounds(bounds)
    if isinstance(bounds, Mapping):
        raise ValueError(f"bounds by name are for {argument} by name, got {describe(bounds)}")
    return bounds


def _read_fixed(fixed: Any) -> tuple[str, ...]:
    """Read the names of what is fixed; one may stand alone."""
    if isinstance(fixed, str):
        return (fixed,)
    try:
        if isinstance(fixed, Mapping):
            raise TypeError("a value would be ignored")
        names = tuple(fixed)
    except TypeError:
        raise TypeError(f"fixed must be names, got {describe(fixed)}") from None
    for i, name in enumerate(names):
        if not isinstance(name, str):
            raise TypeError(f"fixed must be names, got {describe(name)}")
        if name in names[:i]:
            raise ValueError(f"fixed must have each name once, got {name!r} twice")
    return names


def _read_pair(name: str, pair: Any) -> tuple[float, float]:
    try:
        low, high = pair
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be a (min, max), got {describe(pair)}") from None
    lower = -math.inf if low is None else real_number(name, low)
    upper = math.inf if high is None else real_number(name, high)
    # NaN is no bound, as SciPy has it.
    lower, upper = (-math.inf if lower != lower else lower, math.inf if upper != upper else upper)
    if lower > upper:
        raise ValueError(f"{name} must be a (min, max) with min <= max, got {describe(pair)}")
    return lower, upper
