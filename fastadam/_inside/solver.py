"""The solver behind a function that compiled code calls: what its searches are, and their code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from .._minimize.setup import Setup
from .._numba.cache import kernel_address
from .._minimize.options import select_rule
from .._numba.options import KERNEL_OPTIONS
from .._numba.inside import Callee, Solver, cut, lend, reserve, search
from .._numba.addresses import vector_at
from .._objective.compiled import CompiledFunctions
from .._search.alone import alone_kernel, alone_signature, make_constants, make_count
from .._search.loops import run_kernel, run_signature
from .._search.schedule import step_size
from .._search.search import Search
from .starts import as_start
from ..typing import Vector


@dataclass(frozen=True)
class Plan:
    """What a solver is made of; ``size`` is the number of variables, or 0 for any number."""

    setup: Setup
    bounds: tuple[Vector, Vector]
    size: int
    rates: Vector

    @property
    def is_complex(self) -> bool:
        """Whether the function is called for complex x."""
        return self.setup.objective.scheme == "cs"

    def make_search(self) -> Search:
        """Make a search that has not begun."""
        search, lr = self.setup.make_search(self.size or 1), self.setup.options.lr
        search.scalars.lr = 0.0 if self.setup.options.auto or callable(lr) else lr
        return search


class PrivateSolver(Solver):
    """A solver by private parts of Numba; ``given`` are the arguments that make another."""

    def __init__(self, plan: Plan, rebuild: Callable[..., Any], given: tuple[Any, ...]) -> None:
        super().__init__()
        self._plan, self._remade = plan, (rebuild, given)
        self._callees: dict[Any, Callee] = {}

    def __reduce__(self) -> Any:  # in another process, its code is elsewhere
        return self._remade

    @cached_property
    def _search(self) -> Search:
        return self._plan.make_search()

    @cached_property
    def constants(self) -> NDArray[np.int64]:
        """What the machine code reads, see `make_constants`."""
        plan = self._plan
        return make_constants(self._search, plan.bounds, plan.rates, plan.is_complex)

    def compile(self, args_type: Any) -> Callee:
        """Compile what is called for extra arguments of some types."""
        if args_type not in self._callees:
            self._callees[args_type] = self._compile(args_type)
        return self._callees[args_type]

    def _compile(self, args_type: Any) -> Callee:
        objective, search = self._plan.setup.objective, self._search
        functions = CompiledFunctions(objective, args_type)
        run, signature = run_kernel(search.rule, objective.scheme, search.automatic), None
        signature = run_signature(search.rule)
        return Callee(
            kernel_address(alone_kernel(signature)),
            alone_signature(signature),
            (kernel_address(run), functions.address),
            functions.results,
            functions.user_data_type,
        )

    def make_function(self) -> Any:
        """Make the function that is called."""
        solver, plan = self, self._plan
        rule, hyper = select_rule(plan.setup.method, plan.setup.options)
        size, misfit = plan.size, f"x0 must have {plan.size} numbers, as bounds or options have"
        count = make_count(len(rule.state), plan.is_complex)

        @numba.njit(**KERNEL_OPTIONS)
        def solve(x0, *args):
            start, lent = lend(as_start(x0)), lend(args)
            n = len(start)
            if n == 0:
                raise ValueError("x0 must have at least one element")
            if size != 0 and n != size:
                raise ValueError(misfit)
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


