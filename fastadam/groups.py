"""A parameter group: hyper-parameters that can be read and set, and are always valid."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any

from .checks import describe, nonnegative, suggestion
from .rules import Rule, Scalars

Checks = Mapping[str, Callable[[str, Any], Any]]


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
        self._values = {key: check(self.label(key), values[key]) for key, check in checks.items()}
        self.rule = select(self._values)
        self.carried = dict(self.rule.carried)
        self._refresh()

    def label(self, key: str) -> str:
        """Return what error messages call a hyper-parameter."""
        return f"{self._name}[{key!r}]" if self._name else key

    def __getitem__(self, key: str) -> Any:
        return self._params if key == "params" else self._values[key]

    def __iter__(self) -> Iterator[str]:
        yield "params"
        yield from self._values

    def __len__(self) -> int:
        return 1 + len(self._values)

    def __setitem__(self, key: str, value: Any) -> None:
        self.update({key: value})

    def __delitem__(self, key: str) -> None:
        raise TypeError(f"{self.label(key)} cannot be deleted")

    def __repr__(self) -> str:
        return ", ".join(f"{key}={value!r}" for key, value in self._values.items())

    def checked(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Return all hyper-parameters with some changed, or raise an error."""
        values = dict(self._values)
        for key, value in changes.items():
            if key not in self._checks:
                raise KeyError(f"{self.label(key)} cannot be set{suggestion(key, self._checks)}")
            values[key] = self._checks[key](self.label(key), value)
        if self._select(values) is not self.rule:
            changed = {key: value for key, value in values.items() if value != self._values[key]}
            raise ValueError(
                f"{describe(changed)} would change what state the rule keeps; "
                "make a new optimiser instead"
            )
        return values

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Set several hyper-parameters as ``dict.update`` does, or none if one is wrong."""
        self._values = self.checked(dict(*args, **kwargs))
        self._refresh()

    def restore(self, values: Mapping[str, Any], carried: Mapping[str, float]) -> None:
        """Set all hyper-parameters, as `checked` returned them, and the carried scalars."""
        self._values = dict(values)
        self.carried = dict(carried)
        self._refresh()

    def hyper(self, step: int) -> Scalars:
        """Return the hyper-parameters of a step, as the rule names them."""
        if self._lr is None:
            return self._hyper
        lr = nonnegative(f"{self.label('lr')}({step})", self._lr(step))
        return (lr, *self._hyper[1:])

    def advance(self, hyper: Scalars, step: int) -> None:
        """Carry on what a step hands to the next, for a rule that does so."""
        assert self.rule.advance is not None
        carried = self.rule.advance(hyper, float(step))
        self.carried = dict(zip(self.carried, carried, strict=True))
        self._refresh()

    def _refresh(self) -> None:
        values = {**self._values, **self.carried}
        lr = values["lr"]
        self._lr: Callable[[int], float] | None = lr if callable(lr) else None
        values["lr"] = 0.0 if callable(lr) else lr
        values["sign"] = -1.0 if values.pop("maximize") else 1.0
        if "betas" in values:
            values["beta1"], values["beta2"] = values.pop("betas")
        self._hyper = tuple(float(values[name]) for name in self.rule.hyper)
