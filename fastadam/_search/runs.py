"""The loop of a search, run in turns: for functions in Python, and for compiled ones."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import numba
import numpy as np

from .._numba import private
from .._numba.cache import kernel_address
from .._objective.arguments import find_argument_types
from .._objective.compiled import CompiledObjective
from .._objective.evaluation import make_evaluation, real_value, select_views
from .._objective.objective import Objective
from .._objective.python import make_python_form
from .loops import drive_kernel, iterate_kernel, make_loop, run_kernel, specialized_kernel
from .schedule import Rates, Schedule, step_size
from .search import Search
from .ticker import INTERVAL, ticker

_NO_RATES = np.empty(0)


class Run(ABC):
    """A search in progress."""

    def __init__(self, objective: Objective, search: Search, schedule: Schedule | None) -> None:
        self.objective, self.search, self.schedule = objective, search, schedule
        self.deadline = math.inf  # when it is to come back at the latest, by `time.monotonic`
        n = search.x.size if objective.scheme == "cs" else 0
        self._complex_trial = np.zeros(n, dtype=np.complex128)

    @abstractmethod
    def run(self, iterations: int) -> int:
        """Make some iterations, or fewer if the search ends; give the outcome.

        Afterwards the last point is evaluated, and it is judged by the next call: so a callback
        sees each point before the next is made. It comes back sooner where the search is halted,
        see `loops.make_loop`. With 0, it evaluates what the search requests, or goes on with it.
        """

    @abstractmethod
    def ticking(self) -> AbstractContextManager[bool]:
        """Have the search halted from time to time; the context says whether that will be so."""


class CompiledRun(Run):
    """The whole loop compiled, for functions that are."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._rates = Rates(self.schedule, self.search.scalars.maxiter) if self.schedule else None
        call = self._called_by_address() if private.is_usable() else self._specialized()
        memory = self.search.record, self.search.vectors, self._complex_trial, self.search.hyper
        self._call = partial(call, *memory)

    def _called_by_address(self) -> Callable[..., Any]:
        compiled = CompiledObjective(self.objective)
        run_address = kernel_address(
            run_kernel(self.search.rule, self.objective.scheme, self.search.automatic)
        )
        drive = drive_kernel(self.search.rule, compiled.user_data_type)
        self._owner = compiled  # of the machine code
        return partial(drive, run_address, compiled.user_data, compiled.address)

    def _specialized(self) -> Callable[..., Any]:
        objective, functions = self.objective, self.objective.functions.values()
        run = specialized_kernel(
            self.search.rule, self.search.automatic, objective.form, objective.scheme, *functions
        )

        def call(*memory: Any) -> None:
            try:
                run(objective.args, *memory)
            except numba.NumbaError as error:
                find_argument_types(objective.args)  # which names the one that has no type
                raise ValueError(f"fun cannot be compiled for its arguments: {error}") from error

        return call

    def run(self, iterations: int) -> int:
        """Make some iterations, see `Run.run`."""
        rates, s = _NO_RATES, self.search.scalars
        if self._rates is not None and iterations > 0 and s.nit < s.maxiter:
            rates = self._rates.after(s.nit)
            iterations = min(iterations, len(rates))
        self._call(rates, iterations)
        return int(s.status)

    def ticking(self) -> AbstractContextManager[bool]:
        """Have another thread halt the loop, see `Run.ticking`."""
        return ticker.ticking(self.search.scalars)


class PythonRun(Run):
    """Functions in Python, called between compiled iterations."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._back, kernel = math.inf, iterate_kernel(self.search.rule, self.search.automatic)
        s, record, vectors = self.search.scalars, self.search.record, self.search.vectors

        def look() -> None:
            if time.monotonic() >= self._back:
                s.halt = 1

        form = make_python_form(self.objective, look)

        def iterate(s: Any, vectors: Any, state: Any, hyper: Any) -> None:
            kernel(record, vectors, hyper)

        self._loop = make_loop(iterate, make_evaluation(self.objective.scheme, form, real_value))
        self._views = select_views(vectors, self._complex_trial)
        self._rates = _NO_RATES if self.schedule is None else _Asked(self.schedule, s)

    def ticking(self) -> AbstractContextManager[bool]:
        """Leave it to the clock, at which each evaluation looks, see `Run.ticking`."""
        return nullcontext(True)

    def run(self, iterations: int) -> int:
        """Make some iterations, see `Run.run`."""
        self._back = min(self.deadline, time.monotonic() + INTERVAL)
        search, args = self.search, self.objective.args
        memory = search.scalars, self._views, search.vectors, search.hyper
        self._loop(*memory, args, self._rates, iterations)
        return int(search.scalars.status)


class _Asked:
    """The step sizes of a schedule, asked for one at a time, as an array for the loop."""

    size = 1

    def __init__(self, schedule: Schedule, s: Any) -> None:
        self._schedule, self._s = schedule, s

    def __getitem__(self, k: int) -> float:
        s = self._s
        return step_size(self._schedule, s.nit + 1) if s.nit < s.maxiter else s.lr
