"""The loop, for functions in Python and for compiled ones, with one interface."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..cache import kernel_address
from ..checks import nonnegative
from ..rules import Rule
from . import objective
from .differences import central, complex_step, one_sided
from .kernels import advance_kernel, run_kernel, run_signature
from .native import driver, is_native, native_function, type_of_arguments
from .search import GRADIENT, LOWER, REL_STEP, RUNNING, UNIT, UPPER, Search, Vector

Schedule = Callable[[int], float]

_NO_RATES = np.empty(0)

DIFFERENCES = ("2-point", "3-point", "cs")


@dataclass(frozen=True)
class Functions:
    """A user's functions.

    Attributes
    ----------
    fun : callable
        The objective.
    args : tuple
        Its extra arguments.
    jac : callable, True or str
        The gradient function; True or "in-place" if ``fun`` gives it; or the scheme of the
        differences, "2-point", "3-point" or "cs".
    """

    fun: Callable[..., Any]
    args: tuple[Any, ...]
    jac: Any

    @property
    def scheme(self) -> str:
        """Where gradients come from: "gradient", or the scheme of the differences."""
        return self.jac if self.jac in DIFFERENCES else "gradient"

    @property
    def form(self) -> Any:
        """What a compiled function is wrapped as, see `native.native_function`."""
        return "value" if self.scheme in ("2-point", "3-point") else self.jac

    @property
    def native(self) -> bool:
        """Whether the loop can run compiled."""
        return is_native(self.fun) and (is_native(self.jac) or not callable(self.jac))


class Run(ABC):
    """A search in progress.

    Parameters
    ----------
    functions : Functions
        The user's.
    search : Search
        Its memory.
    rule : Rule
        The update rule.
    h : tuple of float
        The rule's hyper-parameters; the first, the step size, is the search's own.
    schedule : callable or None
        The step size at each iteration, from 1.
    """

    def __init__(
        self,
        functions: Functions,
        search: Search,
        rule: Rule,
        h: tuple[float, ...],
        schedule: Schedule | None,
    ) -> None:
        self.functions, self.search, self.rule, self.h = functions, search, rule, h
        self.schedule = schedule

    @abstractmethod
    def run(self, iterations: int) -> int:
        """Make some iterations, or fewer if the search ends; return the status.

        Afterwards the last point is evaluated, and it is judged by the next call: so a callback
        sees each point before the next is made.
        """

    @abstractmethod
    def evaluate(self) -> None:
        """Evaluate what the search requests, at its x."""

    def narrow(self) -> None:
        """Replace a best gradient that came from wide differences by the scheme's own."""
        search = self.search
        width = search.view("width")
        within = search.view("nfev")[0] + search.view("cost")[0] - 1 <= search.view("maxfev")[0]
        if search.view("best_width")[0] == 0.0 or not within:
            return
        search.x[:] = search.best_x
        search.view("f")[0] = search.view("best_f")[0]
        search.view("request")[0], width[0] = GRADIENT, 0.0
        self.evaluate()
        search.best_grad[:] = search.grad

    def step_size(self, t: int) -> float:
        """Return the step size of iteration ``t``, as the schedule says."""
        assert self.schedule is not None
        return nonnegative(f"lr({t})", self.schedule(t))


# ---------------------------------------------------------------------------------------------
# Compiled
# ---------------------------------------------------------------------------------------------


class CompiledRun(Run):
    """The whole loop compiled, for functions that are."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        scheme = self.functions.scheme
        args_type = type_of_arguments(self.functions.args)
        self._native = native_function(self.functions.fun, self.functions.form, args_type)
        self._trial = np.zeros(self.search.x.size if scheme == "cs" else 0, dtype=np.complex128)
        self._given = self._native.given(self.functions.args)
        self._drive = driver(run_signature(self.rule), type_of_arguments(self._given))
        self._loop_address = kernel_address(run_kernel(self.rule, scheme))

    def run(self, iterations: int) -> int:
        """Make some iterations, see `Run.run`."""
        rates = self._rates(iterations) if self.schedule is not None else _NO_RATES
        memory = self.search.record, self.search.rows, self._trial, self.h, rates, iterations
        self._drive(self._loop_address, self._given, self._native.address, *memory)
        return int(self.search.view("status")[0])

    def evaluate(self) -> None:
        """Evaluate what the search requests, see `Run.evaluate`."""
        self.run(0)

    def _rates(self, iterations: int) -> Vector:
        """Return the step sizes of some iterations, as far as the search may go."""
        done, most = (int(self.search.view(name)[0]) for name in ("nit", "maxiter"))
        rates = np.zeros(iterations)
        for k in range(min(iterations, most - done)):
            rates[k] = self.step_size(done + 1 + k)
        return rates


# ---------------------------------------------------------------------------------------------
# Python
# ---------------------------------------------------------------------------------------------


class PythonRun(Run):
    """Functions in Python, called between compiled iterations."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        make = _with_gradient if self.functions.scheme == "gradient" else _with_differences
        self._evaluate = make(self.functions, self.search)
        self._advance = advance_kernel(self.rule)

    def evaluate(self) -> None:
        """Evaluate what the search requests, see `Run.evaluate`."""
        self._evaluate()

    def run(self, iterations: int) -> int:
        """Make some iterations, see `Run.run`."""
        search = self.search
        record, rows, h, maxiter = search.record, search.rows, self.h, search.view("maxiter")[0]
        advance, evaluate = self._advance, self._evaluate
        nit, lr, scheduled = search.view("nit"), search.view("lr"), self.schedule is not None
        if search.view("nfev")[0] == 0:
            evaluate()
        for _ in range(iterations):
            if scheduled and nit[0] < maxiter:
                lr[0] = self.step_size(int(nit[0]) + 1)
            status = advance(record, rows, h)
            if status != RUNNING:
                return int(status)
            evaluate()
        return RUNNING


def _with_gradient(functions: Functions, search: Search) -> Callable[[], None]:
    """Return what evaluates functions that give the gradient."""
    fun, args, jac = functions.fun, functions.args, functions.jac
    if jac is True:
        both = objective.pair(fun, args)
    elif jac == "in-place":
        both = objective.in_place(fun, args)
    else:
        both = objective.separate(fun, jac, args)
    x, grad, f = search.x, search.grad, search.view("f")
    nfev, njev = search.view("nfev"), search.view("njev")

    def evaluate() -> None:
        f[0] = both(x, grad)
        nfev[0] += 1
        njev[0] += 1

    return evaluate


def _with_differences(functions: Functions, search: Search) -> Callable[[], None]:
    """Return what evaluates a function and its differences."""
    x, grad, trial = search.x, search.grad, search.trial
    box = tuple(search.rows[row] for row in (LOWER, UPPER, REL_STEP, UNIT))
    f, nfev, njev = search.view("f"), search.view("nfev"), search.view("njev")
    request, width = search.view("request"), search.view("width")
    if functions.scheme == "cs":
        complex_value = objective.complex_value(functions.fun, functions.args)
        complex_trial = np.zeros(x.size, dtype=np.complex128)

    value = objective.value(functions.fun, functions.args)

    def evaluate() -> None:
        if request[0] != GRADIENT:
            f[0] = value(x, 0)
            nfev[0] += 1
        if functions.scheme == "cs":
            used = complex_step(complex_value, 0, x, grad, complex_trial, *box)
        elif functions.scheme == "3-point" or width[0] > 0.0:
            used = central(value, 0, x, f[0], grad, trial, *box, width[0])
        else:
            used = one_sided(value, 0, x, f[0], grad, trial, *box)
        nfev[0] += used
        njev[0] += 1

    return evaluate
