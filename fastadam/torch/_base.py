"""What the optimisers share: a ``torch.optim.Optimizer`` whose step is one call a group."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from itertools import chain
from operator import attrgetter
from typing import Any, ClassVar

import numpy as np
import torch

from .._cpu.lists import PARAMS, SIZE, make_list_kernel
from .._cpu.threads import KernelChoices
from .._rules.spec import Floats, Rule
from .._uninterrupted import Call, call_each, exhaust
from .._validate import describe
from ._plans import Batch, Plan
from ._tensors import TensorParam, check_parameter

_grad = attrgetter("grad")

#: Arguments that choose among PyTorch's implementations, and no result.
IMPLEMENTATION = ("foreach", "fused", "capturable", "differentiable")


class FastOptimizer(torch.optim.Optimizer):
    """Base of the optimisers; a subclass names its rule, and what PyTorch calls its state."""

    _rule: ClassVar[Rule]
    _state_names: ClassVar[Mapping[str, str]]
    _shows_step: ClassVar[bool] = True
    #: Arguments of PyTorch's that do change the result, with the one value that is possible here.
    _only: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, params: Any, arguments: Mapping[str, Any]) -> None:
        # Those of the constructor, by name; also others.
        others = ("self", "params", "__class__")
        defaults = {key: value for key, value in arguments.items() if key not in others}
        self._forget()
        super().__init__(params, defaults)

    def _forget(self) -> None:
        """Forget what is known of tensors: it is found out again."""
        self._known: dict[int, TensorParam] = {}  # by the id of the tensor
        self._plans: dict[int, Plan] = {}  # by group
        self._choices: dict[Any, tuple[KernelChoices, bool]] = {}
        self._lists: dict[Any, Any] = {}  # of tensors on a GPU, see `_launches`
        self._disjoint = b""  # sizes and addresses that do not overlap

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a parameter group, as PyTorch's do; nothing is added if something is wrong."""
        if isinstance(param_group, dict):  # if it is none, PyTorch says so
            self._check_group({**self.defaults, **param_group})
        super().add_param_group(param_group)
        i = len(self.param_groups) - 1
        try:
            for j, p in enumerate(self.param_groups[i]["params"]):
                if p.requires_grad:
                    check_parameter(_name(i, j), p)
        except BaseException:
            self.param_groups.pop()
            raise

    def _check_group(self, group: Mapping[str, Any]) -> None:
        for key in IMPLEMENTATION:
            if group.get(key) not in (None, False):
                raise ValueError(
                    f"{key} must be None or False, got {describe(group[key])}: "
                    "fastadam has one implementation"
                )
        for key, value in self._only.items():
            if group.get(key, value) != value:
                raise ValueError(
                    f"{key} must be {value} in fastadam.torch.{type(self).__name__}, "
                    f"got {describe(group[key])}"
                )
        self._hyper(group)

    def _rule_of(self, group: Mapping[str, Any]) -> Rule:
        """Return the rule of a group, before its variants."""
        return self._rule

    def _hyper(self, group: Mapping[str, Any]) -> tuple[Rule, Floats]:
        rule = self._rule_of(group)
        return _make_hyper(rule, *[_plain(key, group[key]) for key in rule.hyper_parameters])

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take what was pickled, or a state dictionary of PyTorch's or of these."""
        defaults = state.get("defaults") or self.defaults
        for group in state["param_groups"]:
            for key, value in defaults.items():
                if key in IMPLEMENTATION:
                    group[key] = value
                group.setdefault(key, value)
            self._check_group(group)
        self._forget()
        super().__setstate__(state)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters that have a gradient, in place.

        Parameters
        ----------
        closure : callable, optional
            Computes the gradients anew, and returns the loss.

        Returns
        -------
        loss
            What the closure returns; None without one.

        Raises
        ------
        TypeError, ValueError
            For gradients, parameters or settings that cannot be used; all is then as before.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        with torch.no_grad():
            plans = (self._plan(i, group) for i, group in enumerate(self.param_groups))
            batches = list(chain.from_iterable(plans))
            if batches:
                self._require_disjoint(batches)
                self._run(batches)
        return loss

    def _plan(self, i: int, group: dict[str, Any]) -> Iterator[Batch]:
        """Plan the step of a group, by the plan of the last one if it will do."""
        rule, hyper = self._hyper(group)
        params = group["params"]
        grads = list(map(_grad, params))
        here = [j for j, gradient in enumerate(grads) if gradient is not None]
        if len(here) < len(params):
            params, grads = [params[j] for j in here], [grads[j] for j in here]
        if not params:
            return iter(())
        # Where no state is kept, none is shown: looking for it would make an empty one.
        states = list(map(self.state.__getitem__, params)) if rule.state else []
        plan = self._plans.get(i)
        if plan is None or not plan.renew(rule, params, states, grads):
            known = []
            for k, j in enumerate(here):
                state = states[k] if states else {}
                known.append(self._know(_name(i, j), params[k], state, rule))
                if not known[k].takes(grads[k]):
                    grads[k] = known[k].fit_gradient(f"{_name(i, j)}.grad", grads[k])
            plan = self._plans[i] = Plan(rule, list(params), known, states, grads)
        return plan.make_batches(hyper)

    def _know(self, name: str, p: Any, state: dict[str, Any], rule: Rule) -> TensorParam:
        """Return what is known of a parameter tensor, or find out about it."""
        param = self._known.get(id(p))
        if param is None or not param.fits(p, state, rule):
            check_parameter(name, p)
            if len(self._known) > 2 * sum(len(group["params"]) for group in self.param_groups):
                self._known = {}  # most of them have been replaced
            param = self._known[id(p)] = TensorParam(
                p, state, rule, self._state_names, self._shows_step
            )
        return param

    def _require_disjoint(self, batches: list[Batch]) -> None:
        """Require that no two parameters share memory; look only if some have moved."""
        spans = np.concatenate([batch.table[:, :2] for batch in batches])
        if spans.tobytes() == self._disjoint:
            return
        itemsizes = np.repeat([b.dtype.itemsize for b in batches], [len(b.table) for b in batches])
        starts, ends = spans[:, PARAMS], spans[:, PARAMS] + spans[:, SIZE] * itemsizes
        order = np.argsort(starts, kind="stable")
        order = order[ends[order] > starts[order]]  # the others are empty
        (shared,) = np.nonzero(starts[order][1:] < ends[order][:-1])
        if len(shared):
            params = [p for batch in batches for p in batch.params]
            pair = [params[k] for k in sorted(order[shared[0] : shared[0] + 2])]
            first, second = (name for name, p in self._named() if any(p is each for each in pair))
            raise ValueError(f"{first} and {second} share memory; give each element once")
        self._disjoint = spans.tobytes()

    def _named(self) -> Iterator[tuple[str, Any]]:
        """Go through the parameters, with their names in error messages."""
        for i, group in enumerate(self.param_groups):
            for j, p in enumerate(group["params"]):
                yield _name(i, j), p

    def _run(self, batches: list[Batch]) -> None:
        """Update the parameters of the batches: on the CPU in one go, on each GPU in one go."""
        launches = []
        for device in {batch.device for batch in batches if batch.device.type == "cuda"}:
            from ._launches import Launches  # imported only where it is needed

            here = [batch for batch in batches if batch.device == device]
            launches.append(Launches(here, self._lists))
        # Nothing is written before all that can be wrong has been looked for.
        on_cpu = [batch for batch in batches if batch.device.type == "cpu"]
        run_on_cpu = self._make_run(on_cpu) if on_cpu else None
        for each in launches:
            each.run()
        if run_on_cpu is not None:
            run_on_cpu()
        # As PyTorch's own do, so that a backward pass through what was overwritten is an error.
        torch.autograd.graph.increment_version([p for batch in batches for p in batch.params])

    def _make_run(self, batches: list[Batch]) -> Callable[[], None]:
        """Make what updates the parameters of batches on the CPU, in one go."""
        # Whoever gives PyTorch one thread wants one used, such as a worker beside others.
        threads = 1 if torch.get_num_threads() == 1 else None
        sizes = [int(batch.table[:, SIZE].sum()) for batch in batches]
        alike = [
            (batch.rule, batch.dtype, size.bit_length())
            for batch, size in zip(batches, sizes, strict=True)
        ]
        key = (threads, *alike)
        if key not in self._choices:
            choices = KernelChoices(threads)
            each = []
            for place, (batch, size) in enumerate(zip(batches, sizes, strict=True)):
                kind = batch.rule, batch.dtype
                load_parallel = partial(make_list_kernel, *kind, True)
                each.append(choices.add(place, load_parallel, size, *kind))
            self._choices[key] = choices, any(each)
        choices, is_threaded = self._choices[key]
        calls: list[Call] = [
            (make_list_kernel(batch.rule, batch.dtype, False), batch.table, batch.hyper)
            for batch in batches
        ]
        return partial(choices.run, calls) if is_threaded else partial(exhaust, call_each(calls))


def _name(i: int, j: int) -> str:
    return f"param_groups[{i}]['params'][{j}]"


def _plain(name: str, value: Any) -> Any:
    """Make numbers of tensors, and tuples of sequences."""
    if isinstance(value, torch.Tensor):
        if value.numel() != 1:
            raise ValueError(f"{name} must be one number, got a tensor of shape {value.shape}")
        return value.item()
    if isinstance(value, (list, tuple)):
        return tuple(_plain(f"{name}[{k}]", each) for k, each in enumerate(value))
    return value


@lru_cache(maxsize=64)
def _make_hyper(rule: Rule, *values: Any) -> tuple[Rule, Floats]:
    """Check the hyper-parameters of a rule; return the variant they select, and its scalars."""
    checked = {
        key: each.check(key, value)
        for (key, each), value in zip(rule.hyper_parameters.items(), values, strict=True)
    }
    if callable(checked["lr"]):
        raise TypeError(f"lr must be a number, got {describe(checked['lr'])}")
    variant = rule.select(checked)
    return variant, variant.make_hyper(checked)
