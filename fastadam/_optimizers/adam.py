"""Adam and its variants: their arguments, their equations and where those come from."""

from __future__ import annotations

from .._rules import adam as rules
from ..typing import Boolean, LearningRate, OptimizerOptions, Params, Real, Unpack
from .base import Optimizer
from .docstrings import with_shared_parameters


@with_shared_parameters
class Adam(Optimizer):
    r"""Adam [1]_, and AMSGrad [2]_.

    Parameters
    ----------
    {params}
    {lr: 1e-3}
    {betas}
    {eps}
    {l2}
    {amsgrad}
    {common}

    Notes
    -----
    With the gradient :math:`g`, after the L2 penalty, at step :math:`t`:

    .. math::

        m &\leftarrow \beta_1 m + (1 - \beta_1) g \\
        v &\leftarrow \beta_2 v + (1 - \beta_2) g^2 \\
        p &\leftarrow p - \frac{lr}{1 - \beta_1^t}
             \frac{m}{\sqrt{v} / \sqrt{1 - \beta_2^t} + \epsilon}

    With `amsgrad` [2]_, the largest :math:`v` so far takes the place of :math:`v` in the last line.

    References
    ----------
    .. [1] D. P. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015,
       https://arxiv.org/abs/1412.6980
    .. [2] S. J. Reddi, S. Kale, S. Kumar, "On the convergence of Adam and beyond", ICLR 2018,
       https://arxiv.org/abs/1904.09237

    {example}
    array([ 0.702, -1.701])
    """

    _rule = rules.ADAM

    def __init__(
        self,
        params: Params,
        lr: LearningRate = 1e-3,
        betas: tuple[Real, Real] = (0.9, 0.999),
        eps: Real = 1e-8,
        weight_decay: Real = 0.0,
        *,
        amsgrad: Boolean = False,
        **common: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(params, locals())


@with_shared_parameters
class AdamW(Optimizer):
    r"""Adam with decoupled weight decay [1]_.

    Parameters
    ----------
    {params}
    {lr: 1e-3}
    {betas}
    {eps}
    weight_decay : float, default 1e-2
        The share of the parameters, times `lr`, that is taken off them at each step.
    {amsgrad}
    {common}

    Notes
    -----
    First, with the learning rate of the step and :math:`\lambda` the weight decay,

    .. math:: p \leftarrow p (1 - lr \, \lambda)

    and then Adam's step (see `Adam`) without a penalty. With `amsgrad` [2]_ as there.

    References
    ----------
    .. [1] I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", ICLR 2019,
       https://arxiv.org/abs/1711.05101
    .. [2] S. J. Reddi, S. Kale, S. Kumar, "On the convergence of Adam and beyond", ICLR 2018,
       https://arxiv.org/abs/1904.09237

    {example}
    array([ 0.699, -1.695])
    """

    _rule = rules.ADAMW

    def __init__(
        self,
        params: Params,
        lr: LearningRate = 1e-3,
        betas: tuple[Real, Real] = (0.9, 0.999),
        eps: Real = 1e-8,
        weight_decay: Real = 1e-2,
        *,
        amsgrad: Boolean = False,
        **common: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(params, locals())


@with_shared_parameters
class NAdam(Optimizer):
    r"""Adam with Nesterov's momentum [1]_.

    Parameters
    ----------
    {params}
    {lr: 2e-3}
    {betas}
    {eps}
    {l2}
    momentum_decay : float, default 4e-3
        How fast the momentum rises to ``betas[0]``: :math:`\psi` below.
    {common}

    Notes
    -----
    With the gradient :math:`g`, after the L2 penalty, at step :math:`t`, and :math:`m` and
    :math:`v` as in `Adam`:

    .. math::

        \mu_t &= \beta_1 (1 - \tfrac12 \, 0.96^{t \psi}) \\
        p &\leftarrow p - lr \, \left[\frac{\mu_{t+1} m}{1 - \prod_{i \le t+1} \mu_i}
             + \frac{(1 - \mu_t) g}{1 - \prod_{i \le t} \mu_i}\right]
             \Big/ \left(\sqrt{v / (1 - \beta_2^t)} + \epsilon\right)

    References
    ----------
    .. [1] T. Dozat, "Incorporating Nesterov momentum into Adam", ICLR 2016 workshop.

    {example}
    array([ 0.753, -1.748])
    """

    _rule = rules.NADAM

    def __init__(
        self,
        params: Params,
        lr: LearningRate = 2e-3,
        betas: tuple[Real, Real] = (0.9, 0.999),
        eps: Real = 1e-8,
        weight_decay: Real = 0.0,
        momentum_decay: Real = 4e-3,
        **common: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(params, locals())


@with_shared_parameters
class RAdam(Optimizer):
    r"""Adam with a rectified adaptive step size [1]_.

    Parameters
    ----------
    {params}
    {lr: 1e-3}
    {betas}
    {eps}
    {l2}
    {common}

    Notes
    -----
    With :math:`m` and :math:`v` as in `Adam`, :math:`\hat m = m / (1 - \beta_1^t)` and

    .. math::

        \rho_\infty &= 2 / (1 - \beta_2) - 1, \qquad
        \rho_t = \rho_\infty - 2 t \beta_2^t / (1 - \beta_2^t) \\
        r_t &= \sqrt{\frac{(\rho_t - 4)(\rho_t - 2) \rho_\infty}
                           {(\rho_\infty - 4)(\rho_\infty - 2) \rho_t}}

    a step is

    .. math::

        p \leftarrow p - lr \, \hat m \cdot
        \begin{cases}
            r_t \sqrt{1 - \beta_2^t} / (\sqrt{v} + \epsilon) & \rho_t > 5 \\
            1 & \text{else (the first steps)}
        \end{cases}

    References
    ----------
    .. [1] L. Liu et al., "On the variance of the adaptive learning rate and beyond", ICLR 2020,
       https://arxiv.org/abs/1908.03265

    {example}
    array([ 0.462, -0.925])
    """

    _rule = rules.RADAM

    def __init__(
        self,
        params: Params,
        lr: LearningRate = 1e-3,
        betas: tuple[Real, Real] = (0.9, 0.999),
        eps: Real = 1e-8,
        weight_decay: Real = 0.0,
        **common: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(params, locals())


@with_shared_parameters
class Adamax(Optimizer):
    r"""Adam with the infinity norm [1]_.

    Parameters
    ----------
    {params}
    {lr: 2e-3}
    betas : pair of float, default (0.9, 0.999)
        Decay rates of the moving averages of the gradient and of its largest size, in [0, 1).
    eps : float, default 1e-8
        Added to the size of the gradient.
    {l2}
    {common}

    Notes
    -----
    With the gradient :math:`g`, after the L2 penalty, at step :math:`t`:

    .. math::

        m &\leftarrow \beta_1 m + (1 - \beta_1) g \\
        u &\leftarrow \max(\beta_2 u, |g| + \epsilon) \\
        p &\leftarrow p - \frac{lr}{1 - \beta_1^t} \frac{m}{u}

    References
    ----------
    .. [1] D. P. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015,
       section 7.1, https://arxiv.org/abs/1412.6980

    {example}
    array([ 0.715, -1.708])
    """

    _rule = rules.ADAMAX

    def __init__(
        self,
        params: Params,
        lr: LearningRate = 2e-3,
        betas: tuple[Real, Real] = (0.9, 0.999),
        eps: Real = 1e-8,
        weight_decay: Real = 0.0,
        **common: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(params, locals())
