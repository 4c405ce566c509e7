"""The loop, for functions in Python and for compiled ones, with one interface."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from .._numba import private
from .._numba.cache import kernel_address
from .._objective import python as objective
from .._objective.calls import called_from_python
from .._objective.compiled import driver, is_native, native_function, type_of_arguments
from .._objective.differences import central, complex_step, one_sided
from .._objective.layout import GRADIENT, LOWER, REL_STEP, UNIT, UPPER, VALUE
from .._rules.rules import Rule
from .loops import advance_kernel, run_kernel, run_signature
from .outcomes import RUNNING
from .schedule import Rates, Schedule, step_size
from .state import Search
from .ticker import INTERVAL, ticker

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
    def in_python(self) -> Functions:
        """The same, for calls from Python."""
        fun = called_from_python("fun", self.fun, self.args)
        return replace(self, fun=fun, jac=called_from_python("jac", self.jac, self.args))

    @property
    def native(self) -> bool:
        """Whether the loop can run compiled."""
        compiled = is_native(self.fun) and (is_native(self.jac) or not callable(self.jac))
        return compiled and private.is_available()


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
        #: When it is to come back at the latest, by `time.monotonic`.
        self.deadline = math.inf

    @abstractmethod
    def run(self, iterations: int) -> int:
        """Make some iterations, or fewer if the search ends; return the status.

        Afterwards the last point is evaluated, and it is judged by the next call: so a callback
        sees each point before the next is made. It comes back sooner where the search is halted,
        see `kernels.run_kernel`.
        """

    @abstractmethod
    def evaluate(self) -> None:
        """Evaluate what the search requests, at its x, or go on with it; maybe not to the end."""

    @abstractmethod
    def ticking(self) -> AbstractContextManager[bool]:
        """Return what has the search halted from time to time; it says whether that will be so."""

    def wants_narrow(self) -> bool:
        """Ask for the scheme's own gradient at the best point, if it has one that is wide."""
        search = self.search
        within = search.view("nfev")[0] + search.view("cost")[0] - 1 <= search.view("maxfev")[0]
        if search.view("best_width")[0] == 0.0 or not within:
            return False
        search.x[:] = search.best_x
        search.view("f")[0] = search.view("best_f")[0]
        search.view("request")[0], search.view("width")[0] = GRADIENT, 0.0
        search.view("part")[0] = 0
        return True


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
        self._rates = (
            None
            if self.schedule is None
            else Rates(self.schedule, int(self.search.view("maxiter")[0]))
        )
        self._given = self._native.given(self.functions.args)
        self._drive = driver(run_signature(self.rule), self._native.type_given(args_type))
        self._loop_address = kernel_address(run_kernel(self.rule, scheme))

    def run(self, iterations: int) -> int:
        """Make some iterations, see `Run.run`."""
        rates = _NO_RATES
        if self._rates is not None and iterations > 0:
            nit = int(self.search.view("nit")[0])
            if nit < self.search.view("maxiter")[0]:
                rates = self._rates.after(nit)
                iterations = min(iterations, len(rates))
        memory = self.search.record, self.search.rows, self._trial, self.h, rates, iterations
        self._drive(self._loop_address, self._given, self._native.address, *memory)
        return int(self.search.view("status")[0])

    def evaluate(self) -> None:
        """Evaluate what the search requests, see `Run.evaluate`."""
        self.run(0)

    def ticking(self) -> AbstractContextManager[bool]:
        """Have another thread halt the loop, see `Run.ticking`."""
        return ticker.ticking(self.search.view("halt"))


# ---------------------------------------------------------------------------------------------
# Python
# ---------------------------------------------------------------------------------------------


class PythonRun(Run):
    """Functions in Python, called between compiled iterations."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        make = _with_gradient if self.functions.scheme == "gradient" else _with_differences
        self._halt, self._back = self.search.view("halt"), math.inf
        self._evaluate = make(self.functions.in_python, self.search, self._look)
        self._advance = advance_kernel(self.rule)

    def evaluate(self) -> None:
        """Evaluate what the search requests, see `Run.evaluate`."""
        self._back = min(self.deadline, time.monotonic() + INTERVAL)
        self._evaluate()

    def ticking(self) -> AbstractContextManager[bool]:
        """Leave it to the clock, at which each evaluation looks, see `Run.ticking`."""
        return nullcontext(True)

    def _look(self) -> bool:
        """Halt if it is time to; return whether the search is halted."""
        if time.monotonic() >= self._back:
            self._halt[0] = 1
        return bool(self._halt[0])

    def run(self, iterations: int) -> int:
        """Make some iterations, see `Run.run`."""
        search = self.search
        record, rows, h, maxiter = search.record, search.rows, self.h, search.view("maxiter")[0]
        advance, evaluate = self._advance, self._evaluate
        nit, lr, halt, schedule = search.view("nit"), search.view("lr"), self._halt, self.schedule
        self._back = min(self.deadline, time.monotonic() + INTERVAL)
        begins = search.view("nfev")[0] == 0
        if begins or search.view("part")[0] > 0:
            evaluate()
            if halt[0] or not begins:
                return RUNNING
        for _ in range(iterations):
            if schedule is not None and nit[0] < maxiter:
                lr[0] = step_size(schedule, int(nit[0]) + 1)
            status = advance(record, rows, h)
            if status != RUNNING:
                return int(status)
            evaluate()
            if halt[0]:
                break
        return RUNNING


Look = Callable[[], bool]


def _with_gradient(functions: Functions, search: Search, look: Look) -> Callable[[], None]:
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
        look()

    return evaluate


def _with_differences(functions: Functions, search: Search, look: Look) -> Callable[[], None]:
    """Return what evaluates a function and its differences."""
    x, grad, trial = search.x, search.grad, search.trial
    box = tuple(search.rows[row] for row in (LOWER, UPPER, REL_STEP, UNIT))
    f, njev, request, width = (search.view(name) for name in ("f", "njev", "request", "width"))
    nfev, part, halt = (search.view(name) for name in ("nfev", "part", "halt"))
    complex_trial = np.zeros(x.size if functions.scheme == "cs" else 0, dtype=np.complex128)
    form = objective.complex_value if functions.scheme == "cs" else objective.value
    of, plain = form(functions.fun, functions.args), objective.value(functions.fun, functions.args)
    s = SimpleNamespace(nfev=0, part=0, halt=0)  # the record, at a tenth of what that takes

    def value(point: Any, slot: int) -> Any:
        result = of(point, slot)
        s.halt = look()
        return result

    def differences() -> None:
        if functions.scheme == "cs":
            complex_step(value, 0, s, x, grad, complex_trial, *box)
        elif functions.scheme == "3-point" or width[0] > 0.0:
            central(value, 0, s, x, f[0], grad, trial, *box, width[0])
        else:
            one_sided(value, 0, s, x, f[0], grad, trial, *box)

    def evaluate() -> None:
        s.nfev, s.part, s.halt = nfev[0], part[0], halt[0]
        try:
            if s.part == 0:
                if request[0] != GRADIENT:
                    f[0] = plain(x, 0)
                    s.nfev += 1
                    s.halt = look()
                if request[0] == VALUE:
                    grad[:] = np.nan
                    return
                s.part = 1
            differences()
            njev[0] += s.part == 0
        finally:
            nfev[0], part[0] = s.nfev, s.part

    return evaluate
