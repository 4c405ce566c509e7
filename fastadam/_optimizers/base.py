"""What all optimisers share: parameter groups, the step, learning rates and averages."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import repeat
from typing import Any, ClassVar

from .. import _validate as checks
from .._rules.spec import Rule
from .._uninterrupted import Call
from ..typing import Gradients, LearningRate
from .arrangement import Maker, arrange, with_group
from .averaging import Averaging
from .backends import make_backend, require_one_place
from .groups import ParamGroup
from .options import check_options, make_signature, read_common
from .row_methods import RowMethods
from .state_methods import StateMethods


class Optimizer(RowMethods, StateMethods):
    """Base of the optimisers; make one of the named ones instead.

    A subclass names its rule, and has a constructor with the rule's hyper-parameters; what all
    optimisers take is its ``**common``.
    """

    _rule: ClassVar[Rule]
    _has_modes: ClassVar[bool] = False  # whether it is not always ready for a step

    @abstractmethod
    def __init__(self, params: Any, arguments: Mapping[str, Any]) -> None:
        """Take the constructor's ``locals()``: its arguments by name, and others."""
        arguments = {**arguments, **read_common(type(self).__name__, arguments["common"])}
        defaults = {key: arguments[key] for key in self._rule.hyper_parameters}
        self._options = check_options(arguments)
        exact = self._options.sparse == "exact"
        self._maker = Maker(self._rule, defaults, self._options.form, exact)
        self._arrangement, specs = arrange(params, arguments["overrides"], self._maker)
        self._backend = make_backend(specs, self._options.threads)
        self._extras, self._nonfinite = self._options.extras, self._options.nonfinite
        average = self._options.average
        self._averaging = None if average is None else Averaging(self._backend, average)
        self._step_count = 0

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.__signature__ = make_signature(cls.__init__)  # type: ignore[attr-defined]

    def step(self, grads: Gradients) -> None:
        """Update the parameters in place.

        Parameters
        ----------
        grads : array, or nested sequences and mappings of arrays
            The gradients, with the structure of ``params`` (for parameter groups: a list with
            the gradients of each group), and their shapes and dtypes. They are only read. For
            parameters on a GPU they are there too. None instead of an array, or of all that is in
            a mapping or a sequence, leaves the parameters, their state and averages alone.

        Raises
        ------
        TypeError, ValueError
            If the structure, a shape or a dtype differs; if ``nonfinite="raise"`` and a
            gradient holds NaN or infinity; if a callable ``lr`` returns no finite number >= 0; if
            parameters are read-only by now. Parameters, state and step count are then as before.

        Notes
        -----
        Steps are counted for the optimiser, and those that a group takes part in for the group: a
        group that is frozen, or all of whose gradients are None, does not count a step in its bias
        corrections. An array whose gradient is None while others of its group have one does (in
        PyTorch each array has a count): give arrays that start later a group of their own.

        No signal comes in between: KeyboardInterrupt (Ctrl-C) or what another handler raises comes
        before the step, and nothing is changed, or after it, and `step_count` tells so.

        On a stream that is being captured in a CUDA graph the step becomes part of the graph. Each
        replay is then another step, and what cannot be captured is a ValueError that names it.
        """
        averaging = self._averaging
        if averaging or self._has_modes:
            self._require_ready("step")
        captures = self._backend.captures
        if captures is not None:
            if captures.begin_step():
                self._capture_step(grads)
                return
            if captures.is_counting:
                self._read_counts()
        groups, _, _, _, list_leaves, carrying = arrangement = self._arrangement
        step, leaves = self._step_count + 1, list_leaves(grads)
        steps = [step] * len(groups)
        for group in groups:
            if group.present.is_irregular:
                leaves = arrangement.leave_out_frozen(leaves)
                steps = [step - group.missed for group in groups]
                break
        absent: Sequence[int] = ()
        if leaves[0] is None or len(leaves) > 1:  # a packed model takes 0.2 us less in this way
            absent = [place for place, leaf in enumerate(leaves) if leaf is None]
            if absent and grads is None:
                raise TypeError("grads must have the structure of params, got None")
        gradients = self._backend.take_gradients(leaves)
        nonfinite = self._nonfinite
        if nonfinite != "propagate" and (found := self._backend.find_nonfinite(gradients)):
            if nonfinite == "skip":
                return
            param, value = found
            raise ValueError(f"grads{param.spec.label} must be finite, got {value}")
        hypers = [group.hyper(step) for group in groups]
        record: list[Call] = [(setattr, self, "_step_count", step)]
        resting = arrangement.find_resting(leaves) if absent else ()
        for i in resting:
            record.append(groups[i].make_miss_call())
        for i in carrying:
            if i not in resting:
                record.append(groups[i].make_carry_call(hypers[i], steps[i]))
        extras = self._extras
        if averaging and len(resting) < len(groups):
            extras = extras._replace(average_weight=averaging.find_weight())
            record.append(averaging.make_count_call(averaging.count + 1))
        if captures is not None and captures.is_counting:
            record = self._with_writes(record)
        self._backend.run_step(gradients, hypers, steps, record, extras, absent)

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """Add parameters, with hyper-parameters of their own.

        Parameters
        ----------
        group : mapping
            ``"params"``, arrays as the constructor takes them, that share no memory with those
            there; and any of the hyper-parameters, whose defaults are the constructor's.

        Raises
        ------
        TypeError, ValueError
            As the constructor does. The optimiser is then as before.

        Notes
        -----
        The state of the others stays as it is. The new arrays begin at their first step: as in
        PyTorch, their bias corrections do not count the steps before. A callable ``lr`` is asked
        for the optimiser's own step. The gradients are a list from then on, with those of each
        group: of an optimiser of one tree, however many groups that has, the first is that tree.

        Examples
        --------
        >>> import numpy as np
        >>> import fastadam
        >>> w, b = np.ones(2), np.ones(3)
        >>> optimizer = fastadam.SGD(w, lr=0.5)
        >>> optimizer.add_param_group({"params": b, "lr": 0.25})
        >>> optimizer.step([np.ones(2), np.ones(3)])
        >>> w, b
        (array([0.5, 0.5]), array([0.75, 0.75, 0.75]))
        """
        if not isinstance(group, Mapping):
            raise TypeError(f"group must be a mapping, got {checks.describe(group)}")
        self._require_ready("add_param_group")
        self._read_counts()
        present = self._arrangement
        name = f"param_groups[{len(present.groups)}]"
        arrangement, specs = with_group(present, name, group, self._maker, self._step_count)
        old = self._backend.params
        require_one_place([*[param.spec for param in old], *specs])
        calls: list[Call] = [
            self._backend.make_add_call(specs),
            (setattr, self, "_arrangement", arrangement),
        ]
        if not present.has_list:  # their gradients are the first of a list by now
            labelled = [param.spec._replace(label=f"[0]{param.spec.label}") for param in old]
            calls += zip(repeat(setattr), old, repeat("spec"), labelled)
        self._backend.run(calls)

    @property
    def _groups(self) -> list[ParamGroup]:
        return self._arrangement.groups

    @property
    def step_count(self) -> int:
        """The number of steps taken.

        Replays of a CUDA graph are among them: reading it waits for the GPU if there can be some.
        """
        self._read_counts()
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
        self._set_groups([(group, group.check({"lr": value})) for group in self._groups])

    @property
    def current_lr(self) -> Any:
        """The learning rate in force, a number; a list of them if parameter groups differ.

        With a callable ``lr`` what it gave for the last step, or gives for the first if none was
        taken. Right after a callable was set or a state was loaded it is asked for the last step.
        """
        step = max(self.step_count, 1)
        return _one_or_all([group.find_rate(step) for group in self._groups])

    @property
    def grad_norm(self) -> float:
        """The 2-norm of all gradients of the last step, before they were clipped.

        NaN before the first step. With ``clip_norm`` only; else ValueError.
        """
        if self._options.clip_norm is None:
            raise ValueError("grad_norm is known of an optimiser with clip_norm=..., got None")
        return self._backend.gradient_norm

    def averaged(self) -> AbstractContextManager[None]:
        """Put the averages in the place of the parameters, for the time of a ``with`` block.

        The arrays exchange their contents: no view has to be made anew. At the end of the block,
        and after an exception, they hold the parameters again, bit for bit. Before the first step
        the averages are the parameters.

        Raises
        ------
        ValueError
            If the optimiser was made without ``average``.
        RuntimeError
            Inside another such block. A step, `state_dict` and `load_state_dict` raise it there.

        Examples
        --------
        >>> import numpy as np
        >>> import fastadam
        >>> x = np.array([1.0])
        >>> optimizer = fastadam.SGD(x, lr=1.0, average="equal")
        >>> for _ in range(4):
        ...     optimizer.step(2 * x)  # from 1 to -1 and back
        >>> with optimizer.averaged():
        ...     print(x)
        [0.]
        >>> x
        array([1.])
        """
        averaging = self._need_averaging("averaged")
        return averaging.swapped_in()

    def restart_average(self) -> None:
        """Begin the averages anew, with the parameters as they are.

        So an average can be that of the end of a training, or of an epoch.

        Raises
        ------
        ValueError
            If the optimiser was made without ``average``.
        """
        self._need_averaging("restart_average").restart()

    def _need_averaging(self, name: str) -> Averaging:
        if self._averaging is None:
            raise ValueError(f"{name}() is of an optimiser with average=..., got None")
        self._averaging.require_own_parameters(name)
        return self._averaging

    def __repr__(self) -> str:
        lines = []
        for i, group in enumerate(self._groups):
            sizes = [param.size for param in self._backend.params if param.spec.group == i]
            lines.append(f"{sum(sizes)} parameters in {len(sizes)} array(s): {group!r}")
        body = lines[0] if len(lines) == 1 else "\n    " + ",\n    ".join(lines) + "\n"
        return f"{type(self).__name__}({body}; step_count={self.step_count})"

    def __reduce__(self) -> Any:
        raise TypeError(
            f"{type(self).__name__} works on the memory of its parameters and cannot be copied "
            "or pickled; make another one and load this one's state_dict() into it"
        )


def _one_or_all(rates: list[Any]) -> Any:
    return rates[0] if all(rate == rates[0] for rate in rates) else rates
