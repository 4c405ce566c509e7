"""The functions that compiled code calls: by private parts of Numba, and by its public interface.

The first share the compiled loops of all searches, whose addresses become a part of the caller's
code, and allocate nothing but the result. The second have loops of their own, compiled with each
function, and allocate what these need.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from .._minimize.options import select_rule
from .._minimize.setup import Setup
from .._numba import private
from .._numba.addresses import vector_at
from .._numba.cache import kernel_address
from .._numba.inside import Callee, Solver, cut, lend, reserve, search
from .._numba.options import KERNEL_OPTIONS
from .._numba.starts import as_start
from .._objective.compiled import CompiledFunctions
from .._rules.spec import Floats, Rule
from .._search.alone import (
    WORDS,
    alone_kernel,
    alone_signature,
    count_rows,
    count_words,
    make_alone,
    make_constants,
)
from .._search.loops import run_kernel, run_signature, specialized_kernel
from .._search.search import Search
from ..typing import Vector


@dataclass(frozen=True)
class Plan:
    """What the searches of a function are; ``size`` is their number of variables, or 0 for any.

    ``rates`` are the step sizes of all iterations, if the user has a schedule.
    """

    setup: Setup
    bounds: tuple[Vector, Vector]
    size: int
    rates: Vector

    def __reduce__(self) -> Any:
        """Leave out what is known of it: addresses mean nothing in another process."""
        return Plan, (self.setup, self.bounds, self.size, self.rates)

    @cached_property
    def rule(self) -> tuple[Rule, Floats]:
        """The rule, and its hyper-parameters."""
        return select_rule(self.setup.method, self.setup.options)

    @property
    def has_complex(self) -> bool:
        """Whether the user's function is called for complex x."""
        return self.setup.objective.scheme == "cs"

    @cached_property
    def search(self) -> Search:
        """A search that has not begun."""
        search, lr = self.setup.make_search(self.size or 1), self.setup.options.lr
        search.scalars.lr = 0.0 if self.setup.options.auto or callable(lr) else lr
        return search

    @cached_property
    def constants(self) -> NDArray[np.int64]:
        """What compiled loops read, see `make_constants`."""
        return make_constants(self.search, self.bounds, self.rates, self.has_complex)

    def make_count(self) -> Any:
        """Make ``count(n)``: the words that a search of n variables takes, if there can be one."""
        size, has_complex = self.size, self.has_complex
        misfit = f"x0 must have {size} numbers, as the bounds or the options have"
        rule, _ = self.rule
        state_rows = len(rule.state)

        @numba.njit(**KERNEL_OPTIONS)  # which can be sent to another process
        def count(n):
            if n == 0:
                raise ValueError("x0 must have at least one element")
            if size != 0 and n != size:
                raise ValueError(misfit)
            return count_words(n, state_rows, has_complex)

        return count


class AddressSolver(Solver):
    """A solver whose loops are called by their addresses."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self._plan = plan

    def __reduce__(self) -> Any:
        return AddressSolver, (self._plan,)

    @property
    def constants(self) -> NDArray[np.int64]:
        """What compiled loops read, see `make_constants`."""
        return self._plan.constants

    def compile(self, args_type: Any) -> Callee:
        """Compile what is called for extra arguments of some types, unless that is done."""
        objective, search = self._plan.setup.objective, self._plan.search
        functions = CompiledFunctions(objective, args_type)
        signature = run_signature(search.rule)
        run = run_kernel(search.rule, objective.scheme, search.automatic)
        if not private.is_usable():  # since a kernel could not be compiled
            raise ValueError("Numba is not as expected: call fastadam.compiled again")
        return Callee(
            kernel_address(alone_kernel(signature)),
            alone_signature(signature),
            (kernel_address(run), functions.address),
            functions.results,
            functions.user_data_type,
        )


def make_by_addresses(plan: Plan) -> Any:
    """Make a function by private parts of Numba; see `AddressSolver`."""
    solver, count = AddressSolver(plan), plan.make_count()
    _, hyper = plan.rule

    @numba.njit(**KERNEL_OPTIONS)
    def solve(x0, *args):
        """Search from ``x0``; give x, the value there, the status, and the iterations."""
        start, lent = lend(as_start(x0)), lend(args)
        n = len(start)
        memory = reserve(8 * count(n))
        address, owner = memory
        point = vector_at(address, n)
        for i in range(n):
            point[i] = start[i]
        f, status, nit = search(solver, lent, memory, n, hyper)
        if owner != 0:
            return cut(owner, n), f, status, nit
        x = np.empty(n)
        for i in range(n):
            x[i] = point[i]
        return x, f, status, nit

    return solve


def make_by_public_parts(plan: Plan) -> Any:
    """Make a function by Numba's public interface."""
    objective, count, (rule, hyper) = plan.setup.objective, plan.make_count(), plan.rule
    forms = objective.form, objective.scheme, *objective.functions.values()
    run = specialized_kernel(rule, plan.setup.options.auto, *forms)
    search_in = numba.njit(**KERNEL_OPTIONS)(make_alone(run))
    constants = plan.constants
    floats, record = constants.view(np.float64), plan.search.record.dtype
    state_rows = len(rule.state)

    @numba.njit(**KERNEL_OPTIONS)
    def solve(x0, *args):
        """Search from ``x0``; give x, the value there, the status, and the iterations."""
        start = as_start(x0)
        n = len(start)
        count(n)
        x, words = np.empty(n), np.empty(WORDS, np.int64)
        for i in range(n):
            x[i] = start[i]
        vectors = np.empty((count_rows(n, state_rows), n))
        memory = x, words, words.view(record), vectors, np.empty(n, np.complex128)
        f, status, nit = search_in(args, *memory, constants, floats, hyper)
        return x, f, status, nit

    return solve
