"""What all optimisers share: parameter groups, the step, and the state dictionary."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import partial
from itertools import chain
from typing import Any, ClassVar, get_args

import numba
import numpy as np

from .. import _validate as checks
from .._backend import ParamSpec
from .._checkpoint.files import StrPath
from .._rules.spec import Rule
from .._uninterrupted import Call, call_each, exhaust
from ..typing import Gradients, LearningRate, Nonfinite
from . import state_dict as saved
from .backends import make_backend
from .groups import ParamGroup
from .saving import save
from .trees import Structure

NONFINITE_WORDS: tuple[Nonfinite, ...] = get_args(Nonfinite)


class Optimizer(ABC):
    """Base of the optimisers; make one of the named ones instead.

    A subclass names its rule, and has a constructor with the rule's hyper-parameters.
    """

    _rule: ClassVar[Rule]

    @abstractmethod
    def __init__(
        self, params: Any, arguments: Mapping[str, Any], nonfinite: str, threads: Any
    ) -> None:
        # Those of the constructor, by name; also others.
        defaults = {key: arguments[key] for key in self._rule.hyper_parameters}
        self._nonfinite = checks.one_of("nonfinite", nonfinite, NONFINITE_WORDS)
        if threads is not None:
            threads = checks.count("threads", threads, 1, numba.config.NUMBA_NUM_THREADS)
        self._backend = make_backend(self._make_groups(params, defaults), threads)
        self._step_count = 0

    def _make_groups(self, params: Any, defaults: Mapping[str, Any]) -> list[ParamSpec]:
        """Make the groups, and list the arrays in them."""
        has_groups = (
            isinstance(params, (list, tuple))
            and len(params) > 0
            and all(isinstance(member, Mapping) for member in params)
        )
        self._groups: list[ParamGroup] = []
        self._structures: list[Structure] = []
        specs = []
        for i, member in enumerate(params if has_groups else [{"params": params}]):
            prefix = f"[{i}]" if has_groups else ""
            name = f"params{prefix}" if has_groups else ""
            if "params" not in member:
                raise ValueError(f"{name} lacks the key 'params', got {checks.describe(member)}")
            tree_name = f"{name}['params']" if has_groups else "params"
            structure, leaves = Structure.find(tree_name, member["params"])
            own = {key: value for key, value in member.items() if key != "params"}
            values = {**defaults, **own}
            group = ParamGroup(name, structure.build(leaves), values, self._rule)
            self._structures.append(structure)
            self._groups.append(group)
            keys = structure.keys or ["0"]
            for label, key, leaf in zip(structure.labels, keys, leaves, strict=True):
                name = tree_name + label
                specs.append(ParamSpec(name, prefix + label, key, leaf, group.rule, i))
        self._leaves: Callable[[Any], list[Any]] = (
            self._group_leaves if has_groups else partial(self._structures[0].leaves, "grads")
        )
        # What most steps need not look at.
        self._carrying_groups = [i for i, group in enumerate(self._groups) if group.rule.carried]
        return specs

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
        gradients = self._backend.take_gradients(self._leaves(grads))
        if self._nonfinite != "propagate" and (found := self._backend.find_nonfinite(gradients)):
            if self._nonfinite == "skip":
                return
            param, value = found
            raise ValueError(f"grads{param.spec.label} must be finite, got {value}")
        step = self._step_count + 1
        hypers = [group.hyper(step) for group in self._groups]
        record: list[Call] = []
        for i in self._carrying_groups:
            record.append(self._groups[i].make_carry_call(hypers[i], step))
        record.append((setattr, self, "_step_count", step))
        self._backend.run_step(gradients, hypers, step, record)

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
        changes = [
            group.make_set_call(group.check({"lr": value}), group.carried) for group in self._groups
        ]
        exhaust(call_each(changes))

    @property
    def current_lr(self) -> Any:
        """The learning rate in force, a number; a list of them if parameter groups differ.

        With a callable ``lr`` what it gave for the last step, or gives for the first if none was
        taken. Right after a callable was set or a state was loaded it is asked for the last step.
        """
        step = max(self._step_count, 1)
        return _one_or_all([group.find_rate(step) for group in self._groups])

    def __repr__(self) -> str:
        lines = []
        for i, group in enumerate(self._groups):
            sizes = [param.size for param in self._backend.params if param.spec.group == i]
            lines.append(f"{sum(sizes)} parameters in {len(sizes)} array(s): {group!r}")
        body = lines[0] if len(lines) == 1 else "\n    " + ",\n    ".join(lines) + "\n"
        return f"{type(self).__name__}({body}; step_count={self._step_count})"

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
            _state_key(param.spec, name): array
            for param in self._backend.params
            for name, array in param.copy_state().items()
        }
        return {**self._state_scalars(), **arrays}

    def _state_scalars(self) -> dict[str, Any]:
        scalars: dict[str, Any] = {"rule": type(self).__name__, "step_count": self._step_count}
        for i, group in enumerate(self._groups):
            for key, value in group.name_scalars().items():
                if not callable(value):
                    scalars[f"group{i}/{key}"] = value
        return scalars

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
        self._backend.run(self._make_load_calls(state_dict))

    def _make_load_calls(self, state_dict: Mapping[str, Any]) -> list[Call]:
        """Check a state dictionary, and make the calls that load it."""
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"state_dict must be a mapping, got {checks.describe(state_dict)}")
        saved.check_rule(state_dict, type(self).__name__)
        params = {
            _state_key(param.spec, name): param
            for param in self._backend.params
            for name in param.spec.rule.state
        }
        own_keys = self._state_scalars().keys() | params.keys()
        saved.check_keys(state_dict, own_keys, len(self._groups))
        step_count = saved.read_step_count(state_dict)
        calls = [
            group.make_set_call(*saved.read_group(state_dict, f"group{i}/", group))
            for i, group in enumerate(self._groups)
        ]
        # Read once, and before anything is written: numpy.load reads from the file at each look.
        loaded = {key: saved.read_array(state_dict, key, param) for key, param in params.items()}
        for param in self._backend.params:
            names = param.spec.rule.state
            calls += param.make_load_calls(
                {name: loaded[_state_key(param.spec, name)] for name in names}
            )
        return [*calls, (setattr, self, "_step_count", step_count)]

    def save(self, path: StrPath) -> None:
        """Write the parameters, the state and the step count to a file, to resume from later.

        `fastadam.load` reads it. It needs the extra ``checkpoints``.

        Parameters
        ----------
        path : str or path-like
            The file, in the format safetensors. It is replaced in one go, once all is on the disk:
            a process that is killed meanwhile leaves the one that was there.

        Raises
        ------
        OSError
            If the file cannot be written; the one that was there is then left.
        ImportError
            Without safetensors.
        TypeError, ValueError
            If the state of a schedule is no JSON; if what is at `path` is no file.

        Notes
        -----
        A schedule with the methods ``state_dict`` and ``load_state_dict``, as
        `fastadam.schedules.ReduceOnPlateau` has them, is saved with it. Other callables are not:
        the optimiser that resumes brings its own, and the step count says where they are.

        Examples
        --------
        >>> import os, tempfile
        >>> import numpy as np
        >>> import fastadam
        >>> w = np.ones(3)
        >>> optimizer = fastadam.Adam({"w": w})
        >>> optimizer.step({"w": w.copy()})
        >>> path = os.path.join(tempfile.mkdtemp(), "run.safetensors")
        >>> optimizer.save(path)
        >>> again = fastadam.Adam({"w": np.zeros(3)})
        >>> fastadam.load(path, again)
        >>> again.step_count, bool((again.param_groups[0]["params"]["w"] == w).all())
        (1, True)
        >>> fastadam.load(path)["w"]
        array([0.999, 0.999, 0.999])
        """
        save(self, path)


def _state_key(spec: ParamSpec, name: str) -> str:
    return f"group{spec.group}/{spec.key}/{name}"


def _one_or_all(rates: list[Any]) -> Any:
    return rates[0] if all(rate == rates[0] for rate in rates) else rates
