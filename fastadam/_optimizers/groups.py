"""A parameter group: hyper-parameters that can be read and set, and are always valid."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any, NamedTuple

from .._rules.spec import Floats, Rule
from .._uninterrupted import Call
from .._validate import describe, nonnegative, suggestion


class _Present(NamedTuple):
    """What holds at present: one object, so that all of it changes at once."""

    values: dict[str, Any]
    schedule: Callable[[int], float] | None
    hyper: Floats  # as the rule names them; with a schedule all but the first, the learning rate
    rates: dict[int, float]  # what the schedule gave, by step: for the last two that it was asked


class ParamGroup(MutableMapping[str, Any]):
    """The hyper-parameters of some parameter arrays, by name, and the arrays (``"params"``).

    Setting a hyper-parameter checks it first and holds from the next step on. Keys cannot be
    added or deleted, nor can ``"params"`` be set, nor what would change the kind of state that
    the rule keeps (``amsgrad``; ``momentum`` from or to 0).

    Error messages name the group ("" or ``"params[0]"``) before the key. ``values`` are all
    hyper-parameters of ``rule``; the group's own rule is the variant that they select.
    """

    def __init__(self, name: str, params: Any, values: Mapping[str, Any], rule: Rule) -> None:
        self._name = name
        self._params = params
        self._named_rule = rule
        unknown = [key for key in values if key not in rule.hyper_parameters]
        if unknown:
            key, known = unknown[0], ["params", *rule.hyper_parameters]
            raise ValueError(
                f"{name} has the unknown key {describe(key)}; known are {', '.join(known)}"
                + suggestion(key, known)
            )
        checked = {
            key: each.check(self.label(key), values[key])
            for key, each in rule.hyper_parameters.items()
        }
        self.rule = rule.select(checked)
        self._present = self._make_present(checked, None)

    def label(self, key: str) -> str:
        """Name a hyper-parameter as error messages do."""
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

    def check(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Check changes; give all hyper-parameters with them."""
        values, known = dict(self._present.values), self._named_rule.hyper_parameters
        for key, value in changes.items():
            if key not in known:
                raise KeyError(f"{self.label(key)} cannot be set{suggestion(key, known)}")
            values[key] = known[key].check(self.label(key), value)
        if self._named_rule.select(values) is not self.rule:
            changed = {key: value for key, value in values.items() if value != self[key]}
            raise ValueError(
                f"{describe(changed)} would change what state the rule keeps; "
                "make a new optimiser instead"
            )
        return values

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Set several hyper-parameters as ``dict.update`` does, or none if one is wrong."""
        self._present = self._make_present(self.check(dict(*args, **kwargs)), self.carried)

    def make_set_call(self, values: dict[str, Any], carried: Floats) -> Call:
        """Make the call that sets what `check` returned, and what is carried."""
        return setattr, self, "_present", self._make_present(values, carried)

    @property
    def carried(self) -> Floats:
        """The scalars that the last step handed on, for a rule that does so."""
        return self._split(self._present.hyper)[1]

    def name_scalars(self) -> dict[str, Any]:
        """Name all that is saved beside the state arrays."""
        names = [each.name for each in self.rule.carried]
        return {**self._present.values, **dict(zip(names, self.carried, strict=True))}

    def hyper(self, step: int) -> Floats:
        """Give the hyper-parameters of a step, as the rule names them."""
        _, schedule, hyper, rates = self._present
        if schedule is None:
            return hyper
        lr = nonnegative(f"{self.label('lr')}({step})", schedule(step))
        rates[step] = lr
        rates.pop(step - 2, None)  # the step before this one counts until this one is taken
        return (lr, *hyper[1:])

    def find_rate(self, step: int) -> float:
        """Give the learning rate, with a schedule that of a step: as it was, if it was asked."""
        if self._present.schedule is None:
            return self._present.hyper[0]
        rates = self._present.rates
        return rates[step] if step in rates else self.hyper(step)[0]

    def make_carry_call(self, hyper: Floats, step: int) -> Call:
        """Make the call that hands on what the next step needs of this one, for such a rule."""
        values, schedule, own, rates = self._present
        carried = [each.carry(hyper, float(step)) for each in self.rule.carried]
        own = (*self._split(own)[0], *carried)
        return setattr, self, "_present", _Present(values, schedule, own, rates)

    def _split(self, hyper: Floats) -> tuple[Floats, Floats]:
        """Split the scalars of a step into those of the hyper-parameters and those carried."""
        end = len(hyper) - len(self.rule.carried)
        return hyper[:end], hyper[end:]

    def _make_present(self, values: dict[str, Any], carried: Floats | None) -> _Present:
        schedule = values["lr"] if callable(values["lr"]) else None
        numbers = {**values, "lr": 0.0} if schedule else values
        return _Present(values, schedule, self.rule.make_hyper(numbers, carried), {})
