"""What all optimisers share: parameter groups, the step, and the state dictionary."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import chain, repeat
from typing import Any, ClassVar, get_args

import numba
import numpy as np

from .. import _validate as checks
from .._cpu.arrays import common_memory, find_nonfinite, make_slot
from .._cpu.threads import Loops
from .._rules.rules import Rule, Scalars
from .._uninterrupted import Call, exhaust, outcomes
from ..typing import Gradients, LearningRate, Nonfinite
from . import state_dict as saved
from .groups import Checks, ParamGroup
from .trees import Structure

NONFINITE: tuple[Nonfinite, ...] = get_args(Nonfinite)


class Optimizer(ABC):
    """Base of the optimisers; make one of the named ones instead.

    A subclass gives the checks of its hyper-parameters and the rule that they select.
    """

    _checks: ClassVar[Checks]

    def __init__(
        self, params: Any, defaults: Mapping[str, Any], nonfinite: str, threads: Any
    ) -> None:
        self._nonfinite = checks.one_of("nonfinite", nonfinite, NONFINITE)
        if threads is not None:
            threads = checks.count("threads", threads, 1, numba.config.NUMBA_NUM_THREADS)
        self._make_groups(params, defaults)
        self._find_nonfinite: Callable[..., Any]
        self._loops: Any
        if self._slots[0].on_device:
            from .._cuda.arrays import make_loops

            self._loops = make_loops(self._slots, threads)
            self._find_nonfinite = self._loops.find_nonfinite
        else:
            self._loops = Loops(threads)
            self._find_nonfinite = find_nonfinite
        self._is_ready = False  # the loops are compiled or loaded at the first step
        self._step_count = 0

    def _make_groups(self, params: Any, defaults: Mapping[str, Any]) -> None:
        self._has_groups = _is_group_list(params)
        self._groups: list[ParamGroup] = []
        self._structures: list[Structure] = []
        self._slots: list[Any] = []  # all of one kind, Slot or DeviceSlot
        names = []
        for i, member in enumerate(params if self._has_groups else [{"params": params}]):
            prefix = f"[{i}]" if self._has_groups else ""
            name = f"params{prefix}" if self._has_groups else ""
            if "params" not in member:
                raise ValueError(f"{name} lacks the key 'params', got {checks.describe(member)}")
            tree_name = f"{name}['params']" if self._has_groups else "params"
            structure, leaves = Structure.of(tree_name, member["params"])
            own = {key: value for key, value in member.items() if key != "params"}
            values = {**defaults, **own}
            group = ParamGroup(name, structure.build(leaves), values, self._checks, self._select)
            self._structures.append(structure)
            self._groups.append(group)
            keys = structure.keys or ["0"]
            for label, key, leaf in zip(structure.labels, keys, leaves, strict=True):
                names.append(tree_name + label)
                self._slots.append(make_slot(names[-1], prefix + label, key, leaf, group.rule, i))
        self._memory = common_memory(names, self._slots)
        self._leaves: Callable[[Any], list[Any]] = (
            self._group_leaves if self._has_groups else partial(self._structures[0].leaves, "grads")
        )
        self._flat_gradient: Callable[..., Any] = type(self._slots[0]).flat_gradient
        # What most steps need not look at.
        self._copied_slots = [slot for slot in self._slots if not slot.is_view]
        self._advancing_groups = [
            i for i, group in enumerate(self._groups) if group.rule.advance is not None
        ]

    @staticmethod
    @abstractmethod
    def _select(values: Mapping[str, Any]) -> Rule:
        """Check hyper-parameters together and return the rule that they select."""

    # -----------------------------------------------------------------------------------------
    # The step
    # -----------------------------------------------------------------------------------------

    def step(self, grads: Gradients) -> None:
        """Update the parameters in place.

        Parameters
        ----------
        grads : array, sequence of arrays, mapping of str to array, or list of these
            The gradients, with the structure of ``params`` (for parameter groups: a list with
            the gradients of each group), and their shapes and dtypes. They are only read. For
            parameters on a GPU they are there too.

        Raises
        ------
        TypeError, ValueError
            If the structure, a shape or a dtype differs; if ``nonfinite="raise"`` and a
            gradient holds NaN or infinity; if a callable ``lr`` returns no finite number >= 0; if
            parameters are read-only by now. Parameters, state and step count are then as before.

        Notes
        -----
        No signal comes in between: KeyboardInterrupt (Ctrl-C) or what another handler raises comes
        before the step, and nothing is changed, or after it, and `step_count` tells so.
        """
        gradients = list(
            map(self._flat_gradient, self._slots, self._leaves(grads), repeat(self._memory))
        )
        if self._nonfinite != "propagate" and not self._are_finite(gradients):
            return
        step = self._step_count + 1
        hypers = [group.hyper(step) for group in self._groups]
        if not self._is_ready:
            self._load_loops()
        record: list[Call] = []
        for slot in self._copied_slots:
            slot.gather()
            record.append(slot.scatter_call())
        for i in self._advancing_groups:
            record.append(self._groups[i].advance_call(hypers[i], step))
        record.append((setattr, self, "_step_count", step))
        # All that is written is written here, and at once.
        self._loops.run(chain(self._step_calls(gradients, hypers, step), record))

    def _step_calls(self, gradients: list[Any], hypers: list[Scalars], step: int) -> Iterable[Call]:
        """Return the calls of the loops: they take parameters, gradient, state, scalars, step."""
        if len(gradients) == 1:  # what a packed model is: it takes 0.3 us less in this way
            return [
                (self._kernels[0], self._flats[0], gradients[0], self._states[0], hypers[0], step)
            ]
        if len(hypers) == 1:
            each: Iterable[Scalars] = repeat(hypers[0])
        else:
            each = [hypers[slot.group] for slot in self._slots]
        return zip(self._kernels, self._flats, gradients, self._states, each, repeat(step))

    def _group_leaves(self, grads: Any) -> list[Any]:
        if (
            isinstance(grads, (np.ndarray, Mapping))
            or not hasattr(grads, "__len__")
            or checks.is_device_array(grads)
        ):
            raise TypeError(
                f"grads must be a list with the gradients of each of the {len(self._groups)} "
                f"parameter groups, got {checks.describe(grads)}"
            )
        if len(grads) != len(self._groups):
            raise ValueError(
                f"grads must hold the gradients of {len(self._groups)} parameter groups, "
                f"got {len(grads)}"
            )
        return list(
            chain.from_iterable(
                structure.leaves(f"grads[{i}]", member)
                for i, (structure, member) in enumerate(zip(self._structures, grads, strict=True))
            )
        )

    def _are_finite(self, gradients: list[Any]) -> bool:
        found = self._find_nonfinite(self._slots, gradients)
        if found is not None and self._nonfinite == "raise":
            slot, value = found
            raise ValueError(f"grads{slot.label} must be finite, got {value}")
        return found is None

    def _load_loops(self) -> None:
        self._kernels = self._loops.load(self._slots)
        self._flats = [slot.flat for slot in self._slots]
        self._states = [slot.state for slot in self._slots]
        self._is_ready = True

    # -----------------------------------------------------------------------------------------
    # What can be read and set
    # -----------------------------------------------------------------------------------------

    @property
    def step_count(self) -> int:
        """The number of steps taken."""
        return self._step_count

    @property
    def param_groups(self) -> list[ParamGroup]:
        """The parameter groups: mappings whose hyper-parameters can be set."""
        return list(self._groups)

    @property
    def lr(self) -> Any:
        """The learning rate; a list of them if parameter groups differ. Setting it sets all."""
        return _one_or_all([group["lr"] for group in self._groups])

    @lr.setter
    def lr(self, value: LearningRate) -> None:
        value = checks.learning_rate("lr", value)
        changes = [group.set_call(group.checked({"lr": value})) for group in self._groups]
        exhaust(outcomes(changes))

    @property
    def current_lr(self) -> Any:
        """The learning rate in force, a number; a list of them if parameter groups differ.

        With a callable ``lr`` what it gave for the last step, or gives for the first if none was
        taken. Right after a callable was set or a state was loaded it is asked for the last step.
        """
        step = max(self._step_count, 1)
        return _one_or_all([group.rate(step) for group in self._groups])

    def __repr__(self) -> str:
        lines = []
        for i, group in enumerate(self._groups):
            sizes = [slot.size for slot in self._slots if slot.group == i]
            lines.append(f"{sum(sizes)} parameters in {len(sizes)} array(s): {group!r}")
        body = lines[0] if len(lines) == 1 else "\n    " + ",\n    ".join(lines) + "\n"
        return f"{type(self).__name__}({body}; step_count={self._step_count})"

    # -----------------------------------------------------------------------------------------
    # Saving and resuming
    # -----------------------------------------------------------------------------------------

    def __reduce__(self) -> Any:
        raise TypeError(
            f"{type(self).__name__} works on the memory of its parameters and cannot be copied "
            "or pickled; make another one and load this one's state_dict() into it"
        )

    def state_dict(self) -> dict[str, Any]:
        """Return everything but the parameters, to resume from later.

        Returns
        -------
        dict of str to NumPy array or scalar
            One level deep, so that ``numpy.savez(file, **optimizer.state_dict())`` saves it and
            ``optimizer.load_state_dict(numpy.load(file))`` resumes. The arrays are copies. The
            keys are ``"rule"``, ``"step_count"``, ``"group0/lr"`` and so on for the
            hyper-parameters, ``"group0/w/m"`` and so on for the state of the array named ``w``
            (``0``, ``1``, ... in a sequence). A callable ``lr`` is not saved: the optimiser that
            resumes brings its own.
        """
        arrays = {
            self._state_key(slot, name): array
            for slot in self._slots
            for name, array in slot.state_copies().items()
        }
        return {**self._state_scalars(), **arrays}

    def _state_scalars(self) -> dict[str, Any]:
        scalars: dict[str, Any] = {"rule": type(self).__name__, "step_count": self._step_count}
        for i, group in enumerate(self._groups):
            for key, value in chain(group.items(), group.carried.items()):
                if key != "params" and not callable(value):
                    scalars[f"group{i}/{key}"] = value
        return scalars

    @staticmethod
    def _state_key(slot: Any, name: str) -> str:
        return f"group{slot.group}/{slot.key}/{name}"

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Resume from what `state_dict` returned.

        Parameters
        ----------
        state_dict : mapping of str to array or scalar
            Of an optimiser of this kind, for parameters of this structure, these shapes and
            dtypes, be they on a GPU or not. Scalars may have become arrays on the way.

        Raises
        ------
        TypeError, ValueError
            If it is of another rule, has other keys, or an array of another shape or dtype. The
            optimiser is then as before.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"state_dict must be a mapping, got {checks.describe(state_dict)}")
        saved.check_rule(state_dict, type(self).__name__)
        slots = {
            self._state_key(slot, name): slot for slot in self._slots for name in slot.rule.state
        }
        saved.check_keys(state_dict, self._state_scalars().keys() | slots.keys(), len(self._groups))
        step_count = saved.step_count(state_dict)
        calls = [
            group.set_call(*saved.group_values(state_dict, f"group{i}/", group))
            for i, group in enumerate(self._groups)
        ]
        # Read once, and before anything is written: numpy.load reads from the file at each look.
        loaded = {key: saved.array(state_dict, key, slot) for key, slot in slots.items()}
        for slot in self._slots:
            own = {name: loaded[self._state_key(slot, name)] for name in slot.rule.state}
            calls += slot.load_calls(own)
        self._loops.run_all([*calls, (setattr, self, "_step_count", step_count)])


def _one_or_all(rates: list[Any]) -> Any:
    return rates[0] if all(rate == rates[0] for rate in rates) else rates


def _is_group_list(params: Any) -> bool:
    return (
        isinstance(params, (list, tuple))
        and len(params) > 0
        and all(isinstance(member, Mapping) for member in params)
    )
