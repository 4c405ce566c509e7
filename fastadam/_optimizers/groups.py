"""A parameter group: hyper-parameters that can be read and set, and are always valid."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any, NamedTuple

from .._rules.rules import Rule, Scalars
from .._uninterrupted import Call
from .._validate import describe, nonnegative, suggestion

Checks = Mapping[str, Callable[[str, Any], Any]]


class _Present(NamedTuple):
    """What holds at present: one object, so that all of it changes at once."""

    values: dict[str, Any]
    carried: dict[str, float]
    schedule: Callable[[int], float] | None
    hyper: Scalars  # as the rule names them; with a schedule all but the first, the learning rate
    rates: dict[int, float]  # what the schedule gave, by step: for the last two that it was asked


class ParamGroup(MutableMapping[str, Any]):
    """The hyper-parameters of some parameter arrays, by name, and the arrays (``"params"``).

    Setting a hyper-parameter checks it first and holds from the next step on. Keys cannot be
    added or deleted, nor can ``"params"`` be set, nor what would change the kind of state that
    the rule keeps (``amsgrad``; ``momentum`` from or to 0).

    Parameters
    ----------
    name : str
        What error messages call the group (a prefix: "" or ``"params[0]"``).
    params : array, sequence or mapping
        The parameter arrays.
    values : mapping
        All hyper-parameters.
    checks : mapping of str to callable
        For each hyper-parameter ``check(name, value)``, which returns the value or raises.
    select : callable
        ``select(values)`` checks the values together and returns their rule.
    """

    def __init__(
        self,
        name: str,
        params: Any,
        values: Mapping[str, Any],
        checks: Checks,
        select: Callable[[Mapping[str, Any]], Rule],
    ) -> None:
        self._name = name
        self._params = params
        self._checks = checks
        self._select = select
        unknown = [key for key in values if key not in checks]
        if unknown:
            key, known = unknown[0], ["params", *checks]
            raise ValueError(
                f"{name} has the unknown key {describe(key)}; known are {', '.join(known)}"
                + suggestion(key, known)
            )
        checked = {key: check(self.label(key), values[key]) for key, check in checks.items()}
        self.rule = select(checked)
        self._present = self._describe(checked, dict(self.rule.carried), {})

    def label(self, key: str) -> str:
        """Return what error messages call a hyper-parameter."""
        return f"{self._name}[{key!r}]" if self._name else key

    def __getitem__(self, key: str) -> Any:
        return self._params if key == "params" else self._present.values[key]

    def __iter__(self) -> Iterator[str]:
        yield "params"
        yield from self._present.values

    def __len__(self) -> int:
        return 1 + len(self._present.values)

    def __setitem__(self, key: str, value: Any) -> None:
        self.update({key: value})

    def __delitem__(self, key: str) -> None:
        raise TypeError(f"{self.label(key)} cannot be deleted")

    def __repr__(self) -> str:
        return ", ".join(f"{key}={value!r}" for key, value in self._present.values.items())

    def checked(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Return all hyper-parameters with some changed, or raise an error."""
        values = dict(self._present.values)
        for key, value in changes.items():
            if key not in self._checks:
                raise KeyError(f"{self.label(key)} cannot be set{suggestion(key, self._checks)}")
            values[key] = self._checks[key](self.label(key), value)
        if self._select(values) is not self.rule:
            changed = {key: value for key, value in values.items() if value != self[key]}
            raise ValueError(
                f"{describe(changed)} would change what state the rule keeps; "
                "make a new optimiser instead"
            )
        return values

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Set several hyper-parameters as ``dict.update`` does, or none if one is wrong."""
        self._present = self._describe(self.checked(dict(*args, **kwargs)), self.carried, {})

    def set_call(self, values: dict[str, Any], carried: dict[str, float] | None = None) -> Call:
        """Return the call that sets what `checked` returned, and what is carried."""
        carried = self.carried if carried is None else carried
        return setattr, self, "_present", self._describe(values, carried, {})

    @property
    def carried(self) -> dict[str, float]:
        """The scalars that the last step handed on."""
        return self._present.carried

    def hyper(self, step: int) -> Scalars:
        """Return the hyper-parameters of a step, as the rule names them."""
        _, _, schedule, hyper, rates = self._present
        if schedule is None:
            return hyper
        lr = nonnegative(f"{self.label('lr')}({step})", schedule(step))
        rates[step] = lr
        rates.pop(step - 2, None)  # the step before this one counts until this one is taken
        return (lr, *hyper[1:])

    def rate(self, step: int) -> float:
        """Return the learning rate, with a schedule that of a step: as it was, if it was asked."""
        if self._present.schedule is None:
            return self._present.hyper[0]
        rates = self._present.rates
        return rates[step] if step in rates else self.hyper(step)[0]

    def advance_call(self, hyper: Scalars, step: int) -> Call:
        """Return the call that carries on what a step hands to the next, for a rule that does."""
        assert self.rule.advance is not None
        carried = dict(zip(self.carried, self.rule.advance(hyper, float(step)), strict=True))
        present = self._describe(self._present.values, carried, self._present.rates)
        return setattr, self, "_present", present

    def _describe(
        self, values: dict[str, Any], carried: dict[str, float], rates: dict[int, float]
    ) -> _Present:
        named = {**values, **carried}
        schedule = named["lr"] if callable(named["lr"]) else None
        if schedule:
            named["lr"] = 0.0
        named["sign"] = -1.0 if named.pop("maximize") else 1.0
        if "betas" in named:
            named["beta1"], named["beta2"] = named.pop("betas")
        hyper = tuple([float(named[name]) for name in self.rule.hyper])
        return _Present(values, carried, schedule, hyper, rates)
