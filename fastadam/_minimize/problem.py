"""From one problem, checked, to a search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._objective.differences import CENTRAL_STEP, COMPLEX_STEP, ONE_SIDED_STEP
from .._objective.layout import REL_STEP
from .._rules.rules import Rule
from .._search import auto as annealing
from .._search.rows import Starts
from .._search.runs import DIFFERENCES, CompiledRun, Functions, PythonRun, Run
from .._search.search import Search
from .._validate import describe
from ..typing import Vector
from .options import Options, rule_of

_REL_STEPS = {"2-point": ONE_SIDED_STEP, "3-point": CENTRAL_STEP, "cs": COMPLEX_STEP}
_NEVER = np.iinfo(np.int64).max

#: The default number of iterations for the value to fall in, without ``lr="auto"``.
PATIENCE = 100


@dataclass(frozen=True)
class OneProblem:
    """What `minimize` is to do.

    Attributes
    ----------
    objective : Functions
        The user's functions.
    method, options
        The rule's name, and the checked options.
    lower, upper : ndarray, shape (n,)
        The bounds.
    """

    objective: Functions
    method: str
    options: Options
    lower: Vector
    upper: Vector

    def make_run(self, start: Vector) -> Run:
        """Make the search from a start inside the bounds, ready to run."""
        lr = self.options.lr
        rate = 0.0 if self.options.auto or callable(lr) else lr
        starts = Starts(start[None], self.lower[None], self.upper[None], np.full(1, rate))
        return make_run(self.objective, self.method, self.options, starts)

    @property
    def gradient_cost(self) -> int:
        """The number of evaluations that a gradient by differences takes."""
        free = int(np.count_nonzero(self.lower < self.upper))
        return evaluations_for_each(self.objective.scheme) * free


def make_run(objective: Functions, method: str, options: Options, starts: Starts) -> Run:
    """Make the search of the first of some problems, ready to run."""
    rule, hyper = rule_of(method, options)
    search = make_search(objective, rule, options, starts.points.shape[1])
    search.begin(starts)
    kind = CompiledRun if objective.native else PythonRun
    return kind(objective, search, rule, hyper, options.lr if callable(options.lr) else None)


def make_search(objective: Functions, rule: Rule, options: Options, n: int) -> Search:
    """Make the memory of a search that has not begun."""
    scheme = objective.scheme
    search = Search(
        rule,
        n,
        maxiter=options.maxiter,
        maxfev=min(options.maxfev, _NEVER),
        gtol=options.gtol,
        clip_norm=options.clip_norm,
        cost_each=evaluations_for_each(scheme),
        **(_choose_auto(options, scheme) if options.auto else _choose_fixed(options)),
    )
    if scheme in DIFFERENCES:
        search.vectors[REL_STEP] = _check_rel_step(options.finite_diff_rel_step, scheme, n)
    return search


def evaluations_for_each(scheme: str) -> int:
    """Count the evaluations that a gradient takes for each free coordinate."""
    return {"gradient": 0, "3-point": 2}.get(scheme, 1)


def _choose_fixed(options: Options) -> dict[str, float]:
    """Choose the scalars of a search with the user's own step size."""
    stagnates = options.ftol is not None or options.patience is not None
    return {
        "ftol": options.ftol or 0.0,
        "patience": (options.patience or PATIENCE) if stagnates else _NEVER,
        "cycle_end": _NEVER,
    }


def _choose_auto(options: Options, scheme: str) -> dict[str, float]:
    """Choose the scalars of a search with ``lr="auto"``."""
    ftol = annealing.FTOL if options.ftol is None else options.ftol
    return {
        "auto": 1,
        "widen": scheme in ("2-point", "3-point"),
        "ftol": annealing.LEG_FTOL * ftol,
        "cycle_ftol": ftol,
        "first_patience": options.patience or annealing.PATIENCE,
        "last_step": annealing.LAST_STEP,
        "narrowest": annealing.NARROWEST,
        "cycle": -1,
    }


def _check_rel_step(given: Any, scheme: str, n: int) -> Any:
    if given is None:
        return _REL_STEPS[scheme]
    if given.size not in (1, n):
        raise ValueError(
            f"finite_diff_rel_step must be a number or {n} numbers, got {describe(given)}"
        )
    return given
