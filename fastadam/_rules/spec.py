"""What a rule is: functions of scalars, and a spec from which all else is made.

``coefficients(h, t)``
    From the hyper-parameters ``h`` (a tuple of floats, named by ``Rule.hyper``) and the step
    ``t`` (a float that counts from 1) to the scalars of that step. Always float64; the loops cast
    them to the parameters' dtype afterwards, so that ``1 - beta2**t`` keeps its digits.
``update(p, g, state, c)``
    One parameter, its gradient, its state (a tuple, named by ``Rule.state``) and the cast
    coefficients, to the new parameter and the new state.
``idle(state, c, n)``
    The state after ``n`` more steps without gradient and weight decay, in closed form; what
    ``update`` comes to, but for rounding. Only for rules whose velocity falls in such steps, and
    the parameter's move with it if ``lr`` and all other state stayed the same. (For Adam that is
    ``m/(1 - beta1^t)*sqrt(1 - beta2^t)``, which falls at least by ``sqrt(t/(t + 1))`` at step t,
    whatever the betas.)

All are plain Python functions of scalars. ``register_jitable`` leaves them so and lets compiled
code call them too: every loop (serial, parallel, of a search, on a GPU) is compiled from these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

Floats = tuple[float, ...]

#: More have no accessors, see `state`.
MOST_STATE_ARRAYS = 3


class HyperParameter(NamedTuple):
    """A hyper-parameter as users know it, and the scalars that the two functions take instead.

    ``check(name, value)`` returns a value or raises an error that names both. ``scalars`` tells how
    each is made: by default one of the same name, none for what only selects a variant.
    """

    default: Any
    check: Callable[[str, Any], Any]
    scalars: Mapping[str, Callable[[Any], float]] | None = None


class StateArray(NamedTuple):
    """A number that is kept for each parameter.

    What is below ``floor`` times the smallest normal number becomes 0. A velocity is spent, and 0,
    where a parameter runs into a bound; it ``is_signed``, and others may be.
    """

    name: str
    floor: float
    is_velocity: bool = False
    may_be_negative: bool = False

    @property
    def is_signed(self) -> bool:
        """Whether it may be negative."""
        return self.is_velocity or self.may_be_negative


class Carried(NamedTuple):
    """A scalar that a step hands on to the next: ``carry(h, t)``, after ``start``.

    ``check(name, value)`` looks at one that was saved.
    """

    name: str
    start: float
    carry: Callable[[Floats, float], float]
    check: Callable[[str, Any], float]


@dataclass(frozen=True, eq=False)  # a rule is only ever itself: hashed by identity
class Rule:
    """One update rule: its functions, and what they are called with."""

    name: str  # of its kernels, too: no other rule's
    coefficients: Callable[[Floats, float], Floats]
    update: Callable[..., Any]
    #: In the order of their scalars; the first is ``lr``, which loops set for each step.
    hyper_parameters: Mapping[str, HyperParameter]
    state_arrays: tuple[StateArray, ...] = ()  # in the order of ``update``'s tuple
    carried: tuple[Carried, ...] = ()  # the last of the scalars
    #: Which rule takes its place where a hyper-parameter is not False or 0: the first of these, or
    #: a variant of that one. It has the same hyper-parameters or fewer.
    variants: Mapping[str, Rule] = field(default_factory=dict)
    #: ``check(values)`` raises an error for values that do not go together.
    check: Callable[[Mapping[str, Any]], None] = lambda values: None
    #: Whether its state cannot be kept in fewer bits: differences of it count.
    needs_digits: bool = False
    idle: Callable[..., Any] | None = None

    def __post_init__(self) -> None:
        if self.hyper[:1] != ("lr",):
            raise ValueError(f"the first hyper-parameter of {self.name} must be lr")
        if len(self.state_arrays) > MOST_STATE_ARRAYS:
            raise ValueError(f"{self.name} must have no more than {MOST_STATE_ARRAYS} state arrays")
        if sum(array.is_velocity for array in self.state_arrays) > 1:
            raise ValueError(f"{self.name} must have one velocity or none")
        for key, rule in self.variants.items():
            lacking = {key, *rule.hyper_parameters} - self.hyper_parameters.keys()
            if lacking:
                raise ValueError(f"{self.name} lacks {lacking}, which {rule.name} needs")

    @cached_property
    def _scalars(self) -> list[tuple[str, str, Callable[[Any], float]]]:
        """Of which hyper-parameter each scalar is made, its name, and how it is made."""
        return [
            (key, name, make)
            for key, each in self.hyper_parameters.items()
            for name, make in ({key: float} if each.scalars is None else each.scalars).items()
        ]

    @cached_property
    def hyper(self) -> tuple[str, ...]:
        """The names of the scalars that ``coefficients`` takes."""
        names = tuple(name for _, name, _ in self._scalars)
        return (*names, *[each.name for each in self.carried])

    @cached_property
    def state(self) -> tuple[str, ...]:
        """The names of the state arrays."""
        return tuple(array.name for array in self.state_arrays)

    @cached_property
    def velocity(self) -> int:
        """The index of the state array that is the velocity, or -1."""
        return next((i for i, array in enumerate(self.state_arrays) if array.is_velocity), -1)

    @cached_property
    def coefficient_count(self) -> int:
        """The length of what ``coefficients`` returns."""
        return len(self.coefficients((0.5,) * len(self.hyper), 1.0))

    @property
    def defaults(self) -> dict[str, Any]:
        """The hyper-parameters where nothing is said."""
        return {key: each.default for key, each in self.hyper_parameters.items()}

    def select(self, values: Mapping[str, Any]) -> Rule:
        """Check hyper-parameters together, and select the variant that they ask for."""
        self.check(values)
        for key, rule in self.variants.items():
            if values[key]:
                return rule.select(values)
        return self

    def make_hyper(self, values: Mapping[str, Any], carried: Floats | None = None) -> Floats:
        """Make the scalars of checked hyper-parameters; by default as before the first step."""
        if carried is None:
            carried = tuple([each.start for each in self.carried])
        return (*[make(values[key]) for key, _, make in self._scalars], *carried)
