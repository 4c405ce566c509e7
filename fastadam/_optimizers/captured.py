"""Steps that are captured in a CUDA graph, and what the host knows of their replays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._backend import Backend, StepExtras
from .._uninterrupted import Call, call_each, exhaust
from ..typing import Gradients
from .arrangement import Arrangement
from .groups import ParamGroup
from .options import Options


class CapturedSteps:
    """The part of `Optimizer` that is about CUDA graphs.

    Once a step was captured the GPU counts the optimiser's steps. The host reads the count before
    it looks at its own, and writes what it changes.
    """

    _backend: Backend[Any]
    _arrangement: Arrangement
    _options: Options
    _extras: StepExtras
    _step_count: int

    def _capture_step(self, grads: Gradients) -> None:
        """Make a step part of the graph that is being captured."""
        captures, arrangement, options = self._backend.captures, self._arrangement, self._options
        given = {
            "nonfinite": options.nonfinite if options.nonfinite != "propagate" else None,
            "average": options.average,
            "state_dtype": options.state_dtype,
            "sparse": options.sparse if options.sparse != "lazy" else None,
        }
        for name, value in given.items():
            if value is not None:
                raise ValueError(
                    f"a step with {name}={value!r} cannot be captured in a CUDA graph: each takes "
                    "something from the host"
                )
        groups = arrangement.groups
        for group in groups:
            _require_number(group, group["lr"])
        leaves = arrangement.leave_out_frozen(arrangement.list_leaves(grads))
        gradients = self._backend.take_gradients(leaves)
        assert captures is not None
        captures.capture(gradients, self._step_count, self._list_counts(), self._extras)
        for group in groups:
            group.follow(self._set_groups)

    def _list_counts(self) -> list[Any]:
        """List the steps and the scalars of all groups."""
        presents = [group.present for group in self._arrangement.groups]
        return [(self._step_count - present.missed, present.hyper) for present in presents]

    def _read_counts(self) -> None:
        """Count the steps of replays, if there can be some; wait for the GPU then."""
        captures = self._backend.captures
        if captures is None or not captures.is_counting:
            return
        total, found = captures.read()
        passed = total - self._step_count
        if not passed:
            return
        calls: list[Call] = [(setattr, self, "_step_count", total)]
        for i, group in enumerate(self._arrangement.groups):
            carried, missed = group.carried, group.missed + passed
            if i in found:
                taken, hyper = found[i]
                carried, missed = hyper[len(hyper) - len(carried) :], total - taken
            calls.append(group.make_set_call(dict(group.present.values), carried, missed))
        exhaust(call_each(calls))

    def _with_writes(self, calls: list[Call]) -> list[Call]:
        """Have what calls set of the optimiser and its groups written to the GPU as well."""
        captures = self._backend.captures
        if captures is None or not captures.is_counting:
            return calls
        total, presents = self._step_count, {}
        for call in calls:
            if call[0] is setattr and call[2] == "_step_count":
                total = call[3]
            if call[0] is setattr and call[2] == "present":
                presents[id(call[1])] = call[3]
        each = [presents.get(id(group), group.present) for group in self._arrangement.groups]
        counts = [(total - present.missed, present.hyper) for present in each]
        return [*calls, *captures.make_write_calls(total, counts)]

    def _set_groups(self, changes: Sequence[tuple[ParamGroup, Mapping[str, Any]]]) -> None:
        """Set hyper-parameters that were checked, where a captured step reads them, too."""
        captures = self._backend.captures
        if captures is not None and captures.is_counting:
            for group, values in changes:
                _require_number(group, values["lr"])
                if values["frozen"] != group.is_frozen:
                    raise ValueError(
                        f"{group.label('frozen')} cannot be set to {values['frozen']} once a step "
                        "was captured in a CUDA graph, which holds what it updates"
                    )
            self._read_counts()
        calls = [
            group.make_set_call(dict(values), group.carried, group.missed)
            for group, values in changes
        ]
        self._backend.run(self._with_writes(calls))


def _require_number(group: ParamGroup, lr: Any) -> None:
    if callable(lr):
        raise ValueError(
            f"{group.label('lr')} must be a number where a step is captured in a CUDA graph, which "
            "calls nothing: set it between replays"
        )
