"""AdEMAMix: its arguments, its equations and where those come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._rules import ademamix as rules
from ..typing import Integer, LearningRate, OptimizerOptions, Params, Real
from .base import Optimizer
from .docstrings import with_shared_parameters

if TYPE_CHECKING:
    from typing_extensions import Unpack


@with_shared_parameters
class AdEMAMix(Optimizer):
    r"""AdamW with a second, slow average of the gradient [1]_.

    Parameters
    ----------
    {params}
    {lr: 1e-3}
    betas : three floats, default (0.9, 0.999, 0.9999)
        Decay rates of the moving averages of the gradient and its square, and of the gradient's
        slow average, in [0, 1).
    {eps}
    weight_decay : float, default 0
        The share of the parameters, times `lr`, that is taken off them at each step.
    alpha : float, default 5
        The weight of the slow average.
    warmup_steps : int, default 0
        Over so many steps `alpha` rises from 0, and the slow decay rate from ``betas[0]``; these
        then have to be above 0. The paper has as many as there are steps in all.
    {common}

    Notes
    -----
    With the gradient :math:`g`, and :math:`\lambda` the weight decay, at step :math:`t`,
    :math:`m` and :math:`v` as in `Adam`:

    .. math::

        s &\leftarrow \beta_3(t) \, s + (1 - \beta_3(t)) g \\
        p &\leftarrow p (1 - lr \, \lambda) - lr \,
             \frac{m / (1 - \beta_1^t) + \alpha(t) \, s}{\sqrt{v / (1 - \beta_2^t)} + \epsilon}

    In a warm-up of :math:`T` steps :math:`\alpha(t) = \alpha \, t / T`, and the half-life of the
    slow average rises linearly:

    .. math::

        \beta_3(t) = \exp \frac{\ln \beta_1 \ln \beta_3}
                               {(1 - t/T) \ln \beta_3 + (t/T) \ln \beta_1}

    References
    ----------
    .. [1] M. Pagliardini, P. Ablin, D. Grangier, "The AdEMAMix optimizer: better, faster, older",
       ICLR 2025, https://arxiv.org/abs/2409.03137

    {example}
    array([ 0.701, -1.7  ])
    """

    _rule = rules.ADEMAMIX

    def __init__(
        self,
        params: Params,
        lr: LearningRate = 1e-3,
        betas: tuple[Real, Real, Real] = (0.9, 0.999, 0.9999),
        eps: Real = 1e-8,
        weight_decay: Real = 0.0,
        alpha: Real = 5.0,
        warmup_steps: Integer = 0,
        **common: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(params, locals())
