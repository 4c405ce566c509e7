"""A parameter group: hyper-parameters that can be read and set, and are always valid."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any, NamedTuple
from weakref import WeakMethod

from .._rules.spec import Floats, HyperParameter, Rule
from .._uninterrupted import Call
from .._validate import describe, flag, nonnegative, suggestion

#: What any group has beside the hyper-parameters of its rule, which it is like: whether its arrays
#: are left alone.
FROZEN = HyperParameter(False, flag, {})


class _Present(NamedTuple):
    """What holds at present: one object, so that all of it changes at once."""

    values: dict[str, Any]
    schedule: Callable[[int], float] | None
    hyper: Floats  # as the rule names them; with a schedule all but the first, the learning rate
    rates: dict[int, float]  # what the schedule gave, by step: for the last two that it was asked
    missed: int  # steps of the optimiser that it took no part in
    is_irregular: bool  # frozen, or it missed steps: what a step mostly need not look at


class ParamGroup(MutableMapping[str, Any]):
    """The hyper-parameters of some parameter arrays, by name, and the arrays (``"params"``).

    While ``"frozen"`` is True, steps leave the arrays, their state and their averages alone.

    Setting a hyper-parameter checks it first and holds from the next step on. Keys cannot be
    added or deleted, nor can ``"params"`` be set, nor what would change the kind of state that
    the rule keeps (``amsgrad``; ``momentum`` from or to 0).

    Error messages name the group ("" or ``"params[0]"``) before the key. ``values`` are all
    hyper-parameters of ``rule``; the group's own rule is the variant that they select. A group that
    is made later than the optimiser has ``missed`` its steps so far.
    """

    def __init__(
        self, name: str, params: Any, values: Mapping[str, Any], rule: Rule, missed: int = 0
    ) -> None:
        self._name = name
        self._params = params
        self._named_rule = rule
        self._known = {**rule.hyper_parameters, "frozen": FROZEN}
        unknown = [key for key in values if key not in self._known]
        if unknown:
            key, known = unknown[0], ["params", *self._known]
            raise ValueError(
                f"{name} has the unknown key {describe(key)}; known are {', '.join(known)}"
                + suggestion(key, known)
            )
        checked = {
            key: each.check(self.label(key), values.get(key, each.default))
            for key, each in self._known.items()
        }
        self.rule = rule.select(checked)
        self.present = self._make_present(checked, None, missed)
        self._set_groups: WeakMethod[Callable[[Any], None]] | None = None

    def label(self, key: str) -> str:
        """Name a hyper-parameter as error messages do."""
        return f"{self._name}[{key!r}]" if self._name else key

    def __getitem__(self, key: str) -> Any:
        return self._params if key == "params" else self.present.values[key]

    def __iter__(self) -> Iterator[str]:
        yield "params"
        yield from self.present.values

    def __len__(self) -> int:
        return 1 + len(self.present.values)

    def __setitem__(self, key: str, value: Any) -> None:
        self.update({key: value})

    def __delitem__(self, key: str) -> None:
        raise TypeError(f"{self.label(key)} cannot be deleted")

    def __repr__(self) -> str:
        shown = dict(self.present.values)
        if not self.is_frozen:
            del shown["frozen"]
        return ", ".join(f"{key}={value!r}" for key, value in shown.items())

    def check(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Check changes; give all hyper-parameters with them."""
        values, known = dict(self.present.values), self._known
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
        values = self.check(dict(*args, **kwargs))
        set_groups = self._set_groups and self._set_groups()
        if set_groups:
            set_groups([(self, values)])
        else:
            self.present = self._make_present(values, self.carried, self.missed)

    def follow(self, set_groups: Callable[[Any], None]) -> None:
        """Have a method of the optimiser's set hyper-parameters, as long as that lives."""
        self._set_groups = WeakMethod(set_groups)

    def make_set_call(self, values: dict[str, Any], carried: Floats, missed: int) -> Call:
        """Make the call that sets what `check` returned, what is carried, and what was missed."""
        return setattr, self, "present", self._make_present(values, carried, missed)

    @property
    def is_frozen(self) -> bool:
        """Whether steps leave the arrays alone."""
        return bool(self.present.values["frozen"])

    @property
    def missed(self) -> int:
        """How many of the optimiser's steps it took no part in.

        They do not count in the bias corrections: its moments, still 0, are those of no step.
        """
        return self.present.missed

    @property
    def carried(self) -> Floats:
        """The scalars that the last step handed on, for a rule that does so."""
        return self._split(self.present.hyper)[1]

    def name_scalars(self) -> dict[str, Any]:
        """Name all that is saved beside the state arrays, but what `name_rest` names."""
        scalars = {key: self.present.values[key] for key in self._named_rule.hyper_parameters}
        names = [each.name for each in self.rule.carried]
        return {**scalars, **dict(zip(names, self.carried, strict=True))}

    def name_rest(self) -> dict[str, Any]:
        """Name what is saved only where it is not False or 0."""
        return {"frozen": self.is_frozen, "missed_steps": self.missed}

    def hyper(self, step: int) -> Floats:
        """Give the hyper-parameters of a step of the optimiser, as the rule names them."""
        _, schedule, hyper, rates, _, _ = self.present
        if schedule is None:
            return hyper
        lr = nonnegative(f"{self.label('lr')}({step})", schedule(step))
        rates[step] = lr
        rates.pop(step - 2, None)  # the step before this one counts until this one is taken
        return (lr, *hyper[1:])

    def find_rate(self, step: int) -> float:
        """Give the learning rate, with a schedule that of a step: as it was, if it was asked."""
        if self.present.schedule is None:
            return self.present.hyper[0]
        rates = self.present.rates
        return rates[step] if step in rates else self.hyper(step)[0]

    def make_carry_call(self, hyper: Floats, step: int) -> Call:
        """Make the call that hands on what the next step needs of this one, for such a rule.

        ``step`` is the group's own, without those that it missed.
        """
        present = self.present
        carried = [each.carry(hyper, float(step)) for each in self.rule.carried]
        own = (*self._split(present.hyper)[0], *carried)
        return setattr, self, "present", present._replace(hyper=own)

    def make_miss_call(self) -> Call:
        """Make the call that counts a step in which it took no part."""
        present = self.present._replace(missed=self.missed + 1, is_irregular=True)
        return setattr, self, "present", present

    def _split(self, hyper: Floats) -> tuple[Floats, Floats]:
        """Split the scalars of a step into those of the hyper-parameters and those carried."""
        end = len(hyper) - len(self.rule.carried)
        return hyper[:end], hyper[end:]

    def _make_present(
        self, values: dict[str, Any], carried: Floats | None, missed: int
    ) -> _Present:
        schedule = values["lr"] if callable(values["lr"]) else None
        numbers = {**values, "lr": 0.0} if schedule else values
        hyper, is_irregular = self.rule.make_hyper(numbers, carried), values["frozen"] or missed > 0
        return _Present(values, schedule, hyper, {}, missed, is_irregular)
