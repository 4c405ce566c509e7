"""ADOPT: its arguments, its equations and where those come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._rules import adopt as rules
from ..typing import Boolean, LearningRate, OptimizerOptions, Params, Real
from .base import Optimizer
from .docstrings import with_shared_parameters

if TYPE_CHECKING:
    from typing_extensions import Unpack


@with_shared_parameters
class ADOPT(Optimizer):
    r"""Adam that converges with any decay rate of the second moment [1]_.

    Parameters
    ----------
    {params}
    {lr: 1e-3}
    betas : pair of float, default (0.9, 0.9999)
        Decay rates of the moving averages of the normalised gradient and of the square of the
        gradient, in [0, 1).
    eps : float, default 1e-6
        The least denominator.
    weight_decay : float, default 0
        L2 penalty: ``weight_decay * p`` is added to the gradient; see `decouple`.
    decouple : bool, default False
        Take the share ``lr * weight_decay`` off the parameters instead, as `AdamW` does.
    {common}

    Notes
    -----
    With the gradient :math:`g`, after the L2 penalty, the first step only sets
    :math:`v = g^2`. From then on, at step :math:`t`:

    .. math::

        m &\leftarrow \beta_1 m + (1 - \beta_1) \,
             \mathrm{clip}_{\sqrt[4]{t - 1}}\left(g / \max(\sqrt{v}, \epsilon)\right) \\
        p &\leftarrow p - lr \, m \\
        v &\leftarrow \beta_2 v + (1 - \beta_2) g^2

    where :math:`\mathrm{clip}_c` brings each element into :math:`[-c, c]`. This is the clipped
    algorithm of the paper with its authors' defaults, their way of counting among them: 1 is the
    bound of the second step.

    References
    ----------
    .. [1] S. Taniguchi et al., "ADOPT: modified Adam can converge with any :math:`\beta_2` with
       the optimal rate", NeurIPS 2024, https://arxiv.org/abs/2411.02853

    {example}
    array([ 0.971, -1.971])
    """

    _rule = rules.ADOPT

    def __init__(
        self,
        params: Params,
        lr: LearningRate = 1e-3,
        betas: tuple[Real, Real] = (0.9, 0.9999),
        eps: Real = 1e-6,
        weight_decay: Real = 0.0,
        *,
        decouple: Boolean = False,
        **common: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(params, locals())
