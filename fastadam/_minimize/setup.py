"""From what the user wants, checked, to a search."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._objective.differences import CENTRAL_STEP, COMPLEX_STEP, ONE_SIDED_STEP
from .._objective.layout import REL_STEP, X_SCALE
from .._objective.objective import DIFFERENCES, Objective
from .._search import auto, second_gear
from .._search.first_metric import PROBE_DIFFERENCES, PROBE_GRADIENTS
from .._search.rows import Starts
from .._search.runs import CompiledRun, PythonRun, Run
from .._search.search import Search
from .._validate import describe
from ..typing import Vector
from .options import Options, select_rule

_REL_STEPS = {"2-point": ONE_SIDED_STEP, "3-point": CENTRAL_STEP, "cs": COMPLEX_STEP}
_NEVER = np.iinfo(np.int64).max

#: The default number of iterations for the value to fall in, without ``lr="auto"``.
PATIENCE = 100


@dataclass(frozen=True)
class Setup:
    """What searches are made of, but their starts; `method` is the name of the rule."""

    objective: Objective
    method: str
    options: Options

    def make_search(self, n: int) -> Search:
        """Make a search of n variables that has not begun."""
        options, scheme = self.options, self.objective.scheme
        search = Search(
            *select_rule(self.method, options),
            n,
            maxiter=options.maxiter,
            maxfev=min(options.maxfev, _NEVER),
            gtol=(options.gtol or 0.0) if options.auto else options.gradient_tolerance,
            clip_norm=options.clip_norm,
            cost_each=self.objective.gradient_cost,
            **(_choose_auto(options, scheme) if options.auto else _choose_fixed(options)),
        )
        self.check_sizes(n)
        if scheme in DIFFERENCES:
            given = options.finite_diff_rel_step
            search.vectors[REL_STEP] = _REL_STEPS[scheme] if given is None else given
        if options.x_scale is not None:
            search.vectors[X_SCALE] = options.x_scale
        return search

    def check_sizes(self, n: int) -> None:
        """Require that options with a number for each variable have n of them."""
        given = self.options.finite_diff_rel_step
        if self.objective.scheme in DIFFERENCES and given is not None and given.size not in (1, n):
            raise ValueError(
                f"finite_diff_rel_step must be a number or {n} numbers, got {describe(given)}"
            )
        given = self.options.x_scale
        if given is not None and given.shape not in ((), (n,)):
            raise ValueError(f"x_scale must be a number or {n} numbers, got {describe(given)}")

    def start_run(self, starts: Starts) -> Run:
        """Set up the search from the first of some starts."""
        search = self.make_search(starts.points.shape[1])
        search.begin(starts)
        lr = self.options.lr
        kind = CompiledRun if self.objective.is_compiled else PythonRun
        return kind(self.objective, search, lr if callable(lr) else None)

    def start_one(self, x0: Vector, lower: Vector, upper: Vector) -> Run:
        """Set up the search from one start."""
        lr = self.options.lr
        rate = 0.0 if self.options.auto or callable(lr) else lr
        return self.start_run(Starts(x0[None], lower[None], upper[None], np.array([rate])))


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
    differs = scheme in ("2-point", "3-point")
    return {
        "auto": 1,
        "go_down": second_gear.find_address(),
        "eps": float(np.finfo(np.float64).eps),
        "probe_step": PROBE_DIFFERENCES if differs else PROBE_GRADIENTS,
        "differs": differs,
        "has_one_sided": scheme == "3-point",
        "ftol": auto.LEG_FTOL,
        "cycle_ftol": -1.0 if options.ftol is None else options.ftol,
        "first_patience": options.patience or auto.LEG_PATIENCE,
        "last_step": auto.LAST_STEP,
        "narrowest": auto.NARROWEST,
    }
