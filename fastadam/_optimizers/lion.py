"""Lion: its arguments, its equations and where those come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._rules import lion as rules
from ..typing import LearningRate, OptimizerOptions, Params, Real
from .base import Optimizer
from .docstrings import with_shared_parameters

if TYPE_CHECKING:
    from typing_extensions import Unpack


@with_shared_parameters
class Lion(Optimizer):
    r"""Steps of one length, by the sign of a momentum [1]_.

    Parameters
    ----------
    {params}
    {lr: 1e-4}
    betas : pair of float, default (0.9, 0.99)
        How much of the momentum there is in a step, and its decay rate, in [0, 1).
    weight_decay : float, default 0
        The share of the parameters, times `lr`, that is taken off them at each step.
    {common}

    Notes
    -----
    With the gradient :math:`g` and :math:`\lambda` the weight decay:

    .. math::

        p &\leftarrow p (1 - lr \, \lambda)
             - lr \, \mathrm{sign}(\beta_1 m + (1 - \beta_1) g) \\
        m &\leftarrow \beta_2 m + (1 - \beta_2) g

    The sign of 0 is 0. All steps being as long as `lr`, it has to be 3 to 10 times smaller than
    AdamW's, and `weight_decay` as much larger [1]_.

    References
    ----------
    .. [1] X. Chen et al., "Symbolic discovery of optimization algorithms", NeurIPS 2023,
       algorithm 2, https://arxiv.org/abs/2302.06675

    {example}
    array([ 0.7, -1.7])
    """

    _rule = rules.LION

    def __init__(
        self,
        params: Params,
        lr: LearningRate = 1e-4,
        betas: tuple[Real, Real] = (0.9, 0.99),
        weight_decay: Real = 0.0,
        **common: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(params, locals())
