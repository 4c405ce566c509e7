"""RMSprop and SGD: their arguments, their equations and where those come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._rules import sgd as rules
from ..typing import Boolean, LearningRate, OptimizerOptions, Params, Real
from .base import Optimizer
from .docstrings import with_shared_parameters

if TYPE_CHECKING:
    from typing_extensions import Unpack


@with_shared_parameters
class RMSprop(Optimizer):
    r"""RMSprop [1]_, with momentum and centred [2]_ if asked for.

    Parameters
    ----------
    {params}
    {lr: 1e-2}
    alpha : float, default 0.99
        Decay rate of the moving average of the squared gradient, in [0, 1).
    {eps}
    {l2}
    momentum : float, default 0
        In [0, 1).
    centered : bool, default False
        Divide by the gradient's standard deviation instead of its root mean square.
    {common}

    Notes
    -----
    With the gradient :math:`g`, after the L2 penalty, and momentum :math:`\mu`:

    .. math::

        v &\leftarrow \alpha v + (1 - \alpha) g^2 \\
        b &\leftarrow \mu b + g / (\sqrt{v} + \epsilon) \\
        p &\leftarrow p - lr \, b

    If it is `centered`, :math:`m \leftarrow \alpha m + (1 - \alpha) g` is kept too, and
    :math:`\sqrt{v - m^2}` takes the place of :math:`\sqrt{v}`; a difference that was rounded to
    less than 0 is taken for 0. The convention (`lr` outside the buffer) is PyTorch's.

    References
    ----------
    .. [1] T. Tieleman, G. Hinton, "RMSprop", lecture 6.5 of "Neural networks for machine
       learning", 2012.
    .. [2] A. Graves, "Generating sequences with recurrent neural networks", 2013, equations 38 to
       45, https://arxiv.org/abs/1308.0850

    {example}
    array([ 0.  , -0.31])
    """

    _rule = rules.RMSPROP

    def __init__(
        self,
        params: Params,
        lr: LearningRate = 1e-2,
        alpha: Real = 0.99,
        eps: Real = 1e-8,
        weight_decay: Real = 0.0,
        momentum: Real = 0.0,
        centered: Boolean = False,
        **common: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(params, locals())


@with_shared_parameters
class SGD(Optimizer):
    r"""Gradient descent, with momentum [1]_ if asked for.

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
    {common}

    Notes
    -----
    With the gradient :math:`g`, after the L2 penalty, momentum :math:`\mu` and dampening
    :math:`\tau`:

    .. math::

        b &\leftarrow \mu b + (1 - \tau) g \qquad (b = g \text{ at the first step}) \\
        p &\leftarrow p - lr \, b

    or, with `nesterov`, :math:`g + \mu b` for :math:`b` in the last line. Without momentum no
    state is kept and :math:`b = g`.

    References
    ----------
    .. [1] I. Sutskever et al., "On the importance of initialization and momentum in deep
       learning", ICML 2013. The convention (`lr` outside the buffer) is PyTorch's.

    Examples
    --------
    >>> import numpy as np
    >>> import fastadam
    >>> x = np.array([1.0, -2.0])
    >>> optimizer = fastadam.SGD(x, lr=0.1, momentum=0.9)
    >>> for _ in range(3):
    ...     optimizer.step(2 * x)  # the gradient of x @ x
    >>> x.round(3)
    array([ 0.062, -0.124])
    """

    _rule = rules.PLAIN_SGD

    def __init__(
        self,
        params: Params,
        lr: LearningRate = 1e-3,
        momentum: Real = 0.0,
        dampening: Real = 0.0,
        weight_decay: Real = 0.0,
        nesterov: Boolean = False,
        **common: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(params, locals())
