"""The user's function: what it is, where its gradient comes from, and what that costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .._numba.dispatchers import is_compiled

#: Where gradients come from if not from the user.
DIFFERENCES = ("2-point", "3-point", "cs")


@dataclass(frozen=True)
class Objective:
    """A user's function, its gradient, and their extra arguments.

    ``jac`` is the gradient function; True or "in-place" if ``fun`` gives it; or the scheme of the
    differences.
    """

    fun: Callable[..., Any]
    args: tuple[Any, ...]
    jac: Any

    @property
    def scheme(self) -> str:
        """Where gradients come from: "gradient", or the scheme of the differences."""
        return self.jac if self.jac in DIFFERENCES else "gradient"

    @property
    def form(self) -> str:
        """How the functions are called, see `forms`: "value", "pair", "separate" or "in-place"."""
        if self.scheme != "gradient":
            return "value"
        return "separate" if callable(self.jac) else "pair" if self.jac is True else "in-place"

    @property
    def functions(self) -> dict[str, Callable[..., Any]]:
        """The function and, if it is another one, the gradient, by their names."""
        return {"fun": self.fun, **({"jac": self.jac} if callable(self.jac) else {})}

    @property
    def gradient_cost(self) -> int:
        """The number of evaluations that a gradient takes for each free coordinate."""
        return {"gradient": 0, "3-point": 2}.get(self.scheme, 1)

    @property
    def is_compiled(self) -> bool:
        """Whether the loop can run compiled."""
        return all(map(is_compiled, self.functions.values()))
