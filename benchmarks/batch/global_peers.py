"""Global methods of other packages: cma, and of NLopt's those that the literature begins with.

cma has defaults for all but the start and the first step: 0.3 of the box, as its documentation
advises. One search of its is local at heart; restarted, it has a row of its own. NLopt has none for
when to stop: CRS2 does where the points of its population are alike, MLSL, which never does, after
as many evaluations as CRS2 may take at most.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np
from scipy.optimize import OptimizeResult

from ..harness.adam import Array

Function = Callable[[Array], float]
Box = list[tuple[float, float]]
Method = Callable[[Function, Box, int], Any]

#: Evaluations, and the tolerances of x and f.
MOST, ALIKE = 10_000, 1e-8
RESTARTS = 5


class Lowest:
    """A function that keeps its lowest point, and counts."""

    def __init__(self, fun: Function) -> None:
        self._fun = fun
        self.result = OptimizeResult(x=None, fun=math.inf, nfev=0)

    def __call__(self, x: Array, _gradient: object = None) -> float:
        """Return the value."""
        f = float(self._fun(x))
        self.result.nfev += 1
        if f < self.result.fun:
            self.result.update(x=np.array(x), fun=f)
        return f


def cma_method(**how: Any) -> Method:
    """Return CMA-ES; raises ImportError where cma is not installed.

    Parameters
    ----------
    **how
        What is not as `cma.fmin2` has it by default.
    """
    import cma

    def run(fun: Function, box: Box, seed: int) -> Any:
        lower, upper = np.transpose(box)
        start = np.random.default_rng(seed).uniform(lower, upper)
        options = {
            "bounds": [lower.tolist(), upper.tolist()],
            "CMA_stds": upper - lower,
            "seed": seed + 1,  # 0 is the clock
            "verbose": -9,
        }
        lowest = Lowest(fun)
        cma.fmin2(lowest, start, 0.3, options, **how)
        return lowest.result

    return run


def nlopt_method(name: str) -> Method:
    """Return a method of NLopt's; raises ImportError where NLopt is not installed.

    Parameters
    ----------
    name : str
        As NLopt's constants are called. One that needs another for its local searches gets BOBYQA.
    """
    import nlopt

    def run(fun: Function, box: Box, seed: int) -> Any:
        nlopt.srand(seed + 1)
        lower, upper = np.transpose(box)
        solver = nlopt.opt(getattr(nlopt, name), len(box))
        local = nlopt.opt(nlopt.LN_BOBYQA, len(box))
        local.set_xtol_rel(ALIKE)
        local.set_ftol_rel(ALIKE)
        solver.set_local_optimizer(local)
        lowest = Lowest(fun)
        solver.set_min_objective(lowest)
        solver.set_lower_bounds(lower)
        solver.set_upper_bounds(upper)
        solver.set_maxeval(MOST)
        if name == CRS2:
            solver.set_ftol_rel(ALIKE)
            solver.set_xtol_rel(ALIKE)
        with suppress(nlopt.RoundoffLimited):  # no failure: the lowest point is known
            solver.optimize(np.random.default_rng(seed).uniform(lower, upper))
        return lowest.result

    return run


CRS2, MLSL = "GN_CRS2_LM", "G_MLSL_LDS"
MAKERS: dict[str, Callable[[], Method]] = {
    "cma, CMA-ES": cma_method,
    f"cma, BIPOP, {RESTARTS} restarts": partial(cma_method, restarts=RESTARTS, bipop=True),
    "NLopt CRS2": partial(nlopt_method, CRS2),
    f"NLopt MLSL, {MOST:,} evaluations": partial(nlopt_method, MLSL),
}


def installed() -> tuple[dict[str, Method], list[str]]:
    """Return the methods of packages that are installed, and notes on the others."""
    methods, notes = {}, []
    for name, make in MAKERS.items():
        try:
            methods[name] = make()
        except ImportError as error:
            notes.append(f"{name} left out: {error}")
    return methods, notes
