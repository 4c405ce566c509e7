"""RMSprop and SGD, with the signatures of PyTorch's."""

from __future__ import annotations

from typing import Any, ClassVar

from .._rules import sgd as rules
from ._base import FastOptimizer
from ._docstrings import with_shared_parameters


@with_shared_parameters
class RMSprop(FastOptimizer):
    """RMSprop, as ``torch.optim.RMSprop``; see `fastadam.RMSprop`.

    Parameters
    ----------
    {params}
    {lr: 1e-2}
    alpha : float, default 0.99
        Decay rate of the moving average of the squared gradient, in [0, 1).
    {eps}
    {l2}
    momentum : float
        0: there is no other here.
    centered : bool
        False: there is no other here.
    {maximize}
    {implementation}

    {example: 0.01}
    tensor([ 0.7800, -1.7753])
    """

    _rule = rules.RMSPROP
    _state_names: ClassVar = {"v": "square_avg"}
    _only: ClassVar = {"momentum": 0, "centered": False}

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        super().__init__(params, locals())


@with_shared_parameters
class SGD(FastOptimizer):
    """Gradient descent, with momentum if asked for, as ``torch.optim.SGD``; see `fastadam.SGD`.

    Parameters
    ----------
    {params}
    {lr: 1e-3}
    momentum : float, default 0
        In [0, 1).
    dampening : float, default 0
        In [0, 1]; has no effect on the first step, nor without momentum.
    {l2}
    nesterov : bool, default False
        Nesterov's momentum; needs momentum, and no dampening.
    {maximize}
    {implementation}

    {example: 0.1}
    tensor([ 0.5120, -1.0240])
    """

    _rule = rules.PLAIN_SGD
    _state_names: ClassVar = {"b": "momentum_buffer"}
    _shows_step = False

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: Any = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(params, locals())
