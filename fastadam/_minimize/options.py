"""The options of `fastadam.minimize`: their defaults, checks and meaning to a rule."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Callable, Iterable, Mapping, Sized
from dataclasses import dataclass, field
from functools import partial
from typing import Any, get_args

import numpy as np
from scipy.optimize import OptimizeWarning

from .._rules.spec import Floats, HyperParameter, Rule
from .._rules.table import METHODS
from .._search import auto
from .._validate import (
    as_array,
    count,
    describe,
    learning_rate,
    nonnegative,
    plain_number,
    positive,
    real_array,
    suggestion,
)
from ..typing import PolishMethod

#: The default of `maxiter`, and the limit of a polish.
MOST_ITERATIONS = 20_000

#: The default of `gtol`, where there is one.
GTOL = 1e-5

#: The default of `checkpoint_seconds`.
CHECKPOINT_SECONDS = 60.0

_NO_LIMIT = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Options:
    """Checked options, with `fastadam.minimize`'s defaults and names.

    Those of the rule, but `lr`, are in `hyper_parameters`, where they are given.
    """

    lr: Any = "auto"
    hyper_parameters: Mapping[str, Any] = field(default_factory=dict)
    clip_norm: float = math.inf
    maxiter: int = MOST_ITERATIONS
    maxfev: float = math.inf
    max_seconds: float = math.inf
    gtol: float | None = None
    ftol: float | None = None
    patience: int | None = None
    return_all: bool = False
    disp: bool = False
    finite_diff_rel_step: Any = None
    x_scale: Any = None
    polish: str | None = None
    checkpoint: str | None = None
    checkpoint_seconds: float = CHECKPOINT_SECONDS

    @property
    def auto(self) -> bool:
        """Whether the step size is fastadam's choice."""
        return isinstance(self.lr, str)

    @property
    def gradient_tolerance(self) -> float:
        """What a component of the gradient is to be within where something asks for that."""
        return GTOL if self.gtol is None else self.gtol


def _rate(name: str, value: object) -> Any:
    if not isinstance(value, str):
        return learning_rate(name, value)
    if value != "auto":
        raise ValueError(f'{name} must be a number, a callable or "auto", got {describe(value)}')
    return value


def _limit(name: str, value: object, least: int = 1) -> int:
    """Require a limit: a whole number, as a float too (1e4), or infinity."""
    number = plain_number(value)
    if isinstance(number, (float, np.floating)):
        if number == math.inf:
            return _NO_LIMIT
        if not float(number).is_integer():
            raise ValueError(f"{name} must be a whole number, got {describe(number)}")
        number = int(number)
    return min(count(name, number, least), _NO_LIMIT)


def truth(name: str, value: object) -> bool:
    """Tell whether something is true, as SciPy has it: ``disp=2`` is."""
    try:
        return bool(value)
    except Exception as error:  # an array of several
        raise TypeError(f"{name} must be True or False, got {describe(value)}") from error


def _sizes(name: str, value: object) -> Any:
    """Require positive numbers: one, or a vector, whose length is checked where n is known."""
    sizes = real_array(name, value)
    if sizes.ndim > 1:
        raise ValueError(f"{name} must be a number or a vector, got {describe(sizes)}")
    if as_array(name, value).dtype.kind == "b" or not np.all(np.isfinite(sizes) & (sizes > 0)):
        raise ValueError(f"{name} must be finite and positive, got {describe(value)}")
    return sizes


def _method_name(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be the name of a SciPy method, got {describe(value)}")
    return value


def _path(name: str, value: object) -> str:
    path = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(path, str):
        raise TypeError(f"{name} must be a path, got {describe(value)}")
    return path


#: The checks of the options that every method has, besides those of its rule.
_CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "lr": _rate,
    "clip_norm": positive,
    "maxiter": partial(_limit, least=0),
    "maxfev": _limit,
    "max_seconds": positive,
    "gtol": nonnegative,
    "ftol": nonnegative,
    "patience": _limit,
    "return_all": truth,
    "disp": truth,
    "finite_diff_rel_step": _sizes,
    "x_scale": _sizes,
    "polish": _method_name,
    "checkpoint": _path,
    "checkpoint_seconds": nonnegative,
}
#: Hyper-parameters that SciPy would call otherwise.
_NAMES = {"eps": "epsilon"}
#: Hyper-parameters of the search's own, or of no use to it.
_NO_OPTIONS = {"lr", "maximize"}


def _rule_options(method: str) -> dict[str, tuple[str, HyperParameter]]:
    """List the options of a method's rule, each with the name and what the rule says of it."""
    given = METHODS[method].hyper_parameters.items()
    return {_NAMES.get(key, key): (key, each) for key, each in given if key not in _NO_OPTIONS}


_SCIPYS = {name.lower() for name in get_args(PolishMethod)}
_SCIPYS_WITH_HESSIAN = {"dogleg", "trust-ncg", "trust-exact", "trust-krylov"}


def check_method(name: object, label: str = "method") -> str:
    """Require the name of a rule, and put it in lower case; None is the default."""
    if name is None:
        return "adam"
    if isinstance(name, str) and name.lower() in METHODS:
        return name.lower()
    hint = suggestion(name, METHODS)
    if isinstance(name, str) and name.lower() in _SCIPYS | _SCIPYS_WITH_HESSIAN:
        hint = ", which is a method of scipy.optimize.minimize"
        if name.lower() in _SCIPYS:
            hint += f'; fastadam.minimize goes on with it by options={{"polish": {name!r}}}'
    raise ValueError(f"{label} must be one of {', '.join(METHODS)}, got {describe(name)}{hint}")


def require_nothing(hess: object, hessp: object, constraints: Any) -> None:
    """Refuse what SciPy's methods take and ours do not, if it asks for something."""
    for name, value in (("hess", hess), ("hessp", hessp)):
        if value is not None:
            raise ValueError(f"{name} must be None: no rule uses it, got {describe(value)}")
    require_no_constraints(constraints)


def require_no_constraints(constraints: object) -> None:
    """Refuse constraints that are not empty."""
    if isinstance(constraints, np.ndarray):
        constraints = constraints.tolist()
    if not (constraints is None or (isinstance(constraints, Sized) and len(constraints) == 0)):
        raise ValueError(
            "constraints must be empty: fastadam cannot handle constraints, but bounds, "
            f"got {describe(constraints)}"
        )


def check_options(
    method: str, options: object, tol: object, stacklevel: int, others: Iterable[str] = ()
) -> Options:
    """Check the options of a method, and warn of those that it does not have.

    The names in ``others`` are those of options that the caller has taken out.
    """
    if options is not None and not isinstance(options, Mapping):
        raise TypeError(f"options must be a dict, got {describe(options)}")
    given = dict(options or {})
    of_rule = _rule_options(method)
    known = _CHECKS.keys() | of_rule.keys()
    if unknown := sorted(given.keys() - known, key=str):
        form, near = " (did you mean {!r}?)", sorted({*known, *others})
        elsewhere = set().union(*map(_rule_options, METHODS))  # these are spelt right
        hints = ("" if name in elsewhere else suggestion(name, near, form) for name in unknown)
        words = ", ".join(f"{name}{hint}" for name, hint in zip(unknown, hints, strict=True))
        warnings.warn(f"Unknown solver options: {words}", OptimizeWarning, stacklevel + 1)
    if tol is not None:
        given.setdefault("gtol", nonnegative("tol", tol))
    search, hyper_parameters = {}, {}
    for name, value in given.items():
        if value is None:  # the default of every option
            continue
        if name in _CHECKS:
            search[name] = _CHECKS[name](name, value)
        elif name in of_rule:
            key, hyper_parameter = of_rule[name]
            hyper_parameters[key] = hyper_parameter.check(name, value)
    checked = Options(**search, hyper_parameters=hyper_parameters)
    for name in ("return_all", "polish"):
        if checked.checkpoint is not None and getattr(checked, name):
            raise ValueError(f"options['checkpoint'] and options[{name!r}] do not go together")
    return checked


def select_rule(method: str, options: Options) -> tuple[Rule, Floats]:
    """Select the rule that a method and its options name, and make its hyper-parameters."""
    rule = METHODS[method]
    automatic = auto.HYPER_PARAMETERS if options.auto else {}
    # The search sets the step size.
    values = {**rule.defaults, **automatic, **options.hyper_parameters, "lr": 0.0}
    rule = rule.select(values)
    return rule, rule.make_hyper(values)
