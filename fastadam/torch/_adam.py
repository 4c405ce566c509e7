"""Adam and its variants, with the signatures of PyTorch's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from .._rules import adam as rules
from .._rules.spec import Rule
from ._base import FastOptimizer
from ._docstrings import with_shared_parameters


@with_shared_parameters
class Adam(FastOptimizer):
    """Adam and AMSGrad, as ``torch.optim.Adam``; the equations are in `fastadam.Adam`.

    Parameters
    ----------
    {params}
    {lr: 1e-3}
    {betas}
    {eps}
    {l2}
    {amsgrad}
    {maximize}
    decoupled_weight_decay : bool, default False
        Decay as in `AdamW`.
    {implementation}

    {example: 0.1}
    tensor([ 0.7016, -1.7006])
    """

    _rule = rules.ADAM
    _state_names: ClassVar = {"m": "exp_avg", "v": "exp_avg_sq", "v_max": "max_exp_avg_sq"}

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: Any = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        super().__init__(params, locals())

    def _rule_of(self, group: Mapping[str, Any]) -> Rule:
        return rules.ADAMW if group["decoupled_weight_decay"] else rules.ADAM


@with_shared_parameters
class AdamW(FastOptimizer):
    """Adam with decoupled weight decay, as ``torch.optim.AdamW``; see `fastadam.AdamW`.

    Parameters
    ----------
    {params}
    {lr: 1e-3}
    {betas}
    {eps}
    weight_decay : float, default 1e-2
        The share of the parameters, times `lr`, that is taken off them at each step.
    {amsgrad}
    {maximize}
    {implementation}

    {example: 0.1}
    tensor([ 0.6989, -1.6949])
    """

    _rule = rules.ADAMW
    _state_names: ClassVar = Adam._state_names

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: Any = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        # PyTorch's have this in their groups.
        super().__init__(params, {**locals(), "decoupled_weight_decay": True})


@with_shared_parameters
class NAdam(FastOptimizer):
    """Adam with Nesterov's momentum, as ``torch.optim.NAdam``; see `fastadam.NAdam`.

    Parameters
    ----------
    {params}
    {lr: 2e-3}
    {betas}
    {eps}
    {l2}
    momentum_decay : float, default 4e-3
        How fast the momentum rises to its final value.
    decoupled_weight_decay : bool
        False: there is no other here.
    {maximize}
    {implementation}

    {example: 0.1}
    tensor([ 0.7527, -1.7475])
    """

    _rule = rules.NADAM
    _state_names: ClassVar = {"m": "exp_avg", "v": "exp_avg_sq"}
    _only: ClassVar = {"decoupled_weight_decay": False}

    def __init__(
        self,
        params: Any,
        lr: Any = 2e-3,
        betas: Any = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        super().__init__(params, locals())


@with_shared_parameters
class RAdam(FastOptimizer):
    """Adam, rectified, as ``torch.optim.RAdam``; see `fastadam.RAdam`.

    Parameters
    ----------
    {params}
    {lr: 1e-3}
    {betas}
    {eps}
    {l2}
    decoupled_weight_decay : bool
        False: there is no other here.
    {maximize}
    {implementation}

    {example: 0.1}
    tensor([ 0.4623, -0.9246])
    """

    _rule = rules.RADAM
    _state_names: ClassVar = NAdam._state_names
    _only: ClassVar = {"decoupled_weight_decay": False}

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: Any = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        super().__init__(params, locals())


@with_shared_parameters
class Adamax(FastOptimizer):
    """Adam with the infinity norm, as ``torch.optim.Adamax``; see `fastadam.Adamax`.

    Parameters
    ----------
    {params}
    {lr: 2e-3}
    {betas}
    {eps}
    {l2}
    {maximize}
    {implementation}

    {example: 0.1}
    tensor([ 0.7155, -1.7076])
    """

    _rule = rules.ADAMAX
    _state_names: ClassVar = {"m": "exp_avg", "u": "exp_inf"}

    def __init__(
        self,
        params: Any,
        lr: Any = 2e-3,
        betas: Any = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        super().__init__(params, locals())
