"""The named optimisers: their arguments, their equations and where those come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from . import rules
from .checks import flag, fraction, fraction_pair, learning_rate, nonnegative, unit_interval
from .groups import Checks
from .optimizer import Optimizer

LearningRate = float | Callable[[int], float]

_COMMON: Checks = {"lr": learning_rate, "weight_decay": nonnegative, "maximize": flag}
_WITH_EPS: Checks = {**_COMMON, "eps": nonnegative}
_WITH_BETAS: Checks = {**_WITH_EPS, "betas": fraction_pair}


class Adam(Optimizer):
    r"""Adam [1]_, and AMSGrad [2]_.

    Parameters
    ----------
    params : array, sequence of arrays, mapping of str to array, or list of groups
        float32 or float64 arrays of any shape and memory layout, updated in place. A group is a
        mapping with the key ``"params"`` and any of the hyper-parameters, for its own arrays.
    lr : float or callable, default 1e-3
        Learning rate, or a callable ``lr(step)``; steps count from 1. See `fastadam.schedules`.
    betas : pair of float, default (0.9, 0.999)
        Decay rates of the moving averages of the gradient and its square, in [0, 1).
    eps : float, default 1e-8
        Added to the denominator.
    weight_decay : float, default 0
        L2 penalty: ``weight_decay * p`` is added to the gradient.
    amsgrad : bool, default False
        Divide by the largest second moment so far instead of the present one.
    maximize : bool, default False
        Go up the gradient instead of down.
    nonfinite : {"propagate", "raise", "skip"}, default "propagate"
        What a step does about NaN or infinity in a gradient: use it, raise ValueError, or do
        nothing. The last two look at all gradients before anything is written.
    threads : int, optional
        1 for the serial loop, more for the parallel one on so many threads. By default whichever
        is faster, by timing them. The results are the same to the last bit.

    Raises
    ------
    TypeError, ValueError
        For an argument of the wrong kind or out of range, for arrays that cannot be updated in
        place (another dtype, read-only, masked) or that share memory.

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

    Examples
    --------
    >>> import numpy as np
    >>> import fastadam
    >>> x = np.array([1.0, -2.0])
    >>> optimizer = fastadam.Adam(x, lr=0.1)
    >>> for _ in range(3):
    ...     optimizer.step(2 * x)  # the gradient of x @ x
    >>> x.round(3)
    array([ 0.702, -1.701])
    """

    _checks: ClassVar[Checks] = {**_WITH_BETAS, "amsgrad": flag}

    def __init__(
        self,
        params: Any,
        lr: LearningRate = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        amsgrad: bool = False,
        maximize: bool = False,
        nonfinite: str = "propagate",
        threads: int | None = None,
    ) -> None:
        hyper = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
        }
        super().__init__(params, hyper, nonfinite, threads)

    @staticmethod
    def _select(values: Mapping[str, Any]) -> rules.Rule:
        return rules.ADAM_AMSGRAD if values["amsgrad"] else rules.ADAM


class AdamW(Optimizer):
    r"""Adam with decoupled weight decay [1]_.

    Parameters
    ----------
    params : array, sequence of arrays, mapping of str to array, or list of groups
        float32 or float64 arrays of any shape and memory layout, updated in place. A group is a
        mapping with the key ``"params"`` and any of the hyper-parameters, for its own arrays.
    lr : float or callable, default 1e-3
        Learning rate, or a callable ``lr(step)``; steps count from 1. See `fastadam.schedules`.
    betas : pair of float, default (0.9, 0.999)
        Decay rates of the moving averages of the gradient and its square, in [0, 1).
    eps : float, default 1e-8
        Added to the denominator.
    weight_decay : float, default 1e-2
        The share of the parameters, times `lr`, that is taken off them at each step.
    amsgrad : bool, default False
        Divide by the largest second moment so far instead of the present one.
    maximize : bool, default False
        Go up the gradient instead of down.
    nonfinite : {"propagate", "raise", "skip"}, default "propagate"
        What a step does about NaN or infinity in a gradient: use it, raise ValueError, or do
        nothing. The last two look at all gradients before anything is written.
    threads : int, optional
        1 for the serial loop, more for the parallel one on so many threads. By default whichever
        is faster, by timing them. The results are the same to the last bit.

    Raises
    ------
    TypeError, ValueError
        For an argument of the wrong kind or out of range, for arrays that cannot be updated in
        place (another dtype, read-only, masked) or that share memory.

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

    Examples
    --------
    >>> import numpy as np
    >>> import fastadam
    >>> x = np.array([1.0, -2.0])
    >>> optimizer = fastadam.AdamW(x, lr=0.1)
    >>> for _ in range(3):
    ...     optimizer.step(2 * x)  # the gradient of x @ x
    >>> x.round(3)
    array([ 0.699, -1.695])
    """

    _checks: ClassVar[Checks] = {**_WITH_BETAS, "amsgrad": flag}

    def __init__(
        self,
        params: Any,
        lr: LearningRate = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        *,
        amsgrad: bool = False,
        maximize: bool = False,
        nonfinite: str = "propagate",
        threads: int | None = None,
    ) -> None:
        hyper = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
        }
        super().__init__(params, hyper, nonfinite, threads)

    @staticmethod
    def _select(values: Mapping[str, Any]) -> rules.Rule:
        return rules.ADAMW_AMSGRAD if values["amsgrad"] else rules.ADAMW


class NAdam(Optimizer):
    r"""Adam with Nesterov's momentum [1]_.

    Parameters
    ----------
    params : array, sequence of arrays, mapping of str to array, or list of groups
        float32 or float64 arrays of any shape and memory layout, updated in place. A group is a
        mapping with the key ``"params"`` and any of the hyper-parameters, for its own arrays.
    lr : float or callable, default 2e-3
        Learning rate, or a callable ``lr(step)``; steps count from 1. See `fastadam.schedules`.
    betas : pair of float, default (0.9, 0.999)
        Decay rates of the moving averages of the gradient and its square, in [0, 1).
    eps : float, default 1e-8
        Added to the denominator.
    weight_decay : float, default 0
        L2 penalty: ``weight_decay * p`` is added to the gradient.
    momentum_decay : float, default 4e-3
        How fast the momentum rises to ``betas[0]``: :math:`\psi` below.
    maximize : bool, default False
        Go up the gradient instead of down.
    nonfinite : {"propagate", "raise", "skip"}, default "propagate"
        What a step does about NaN or infinity in a gradient: use it, raise ValueError, or do
        nothing. The last two look at all gradients before anything is written.
    threads : int, optional
        1 for the serial loop, more for the parallel one on so many threads. By default whichever
        is faster, by timing them. The results are the same to the last bit.

    Raises
    ------
    TypeError, ValueError
        For an argument of the wrong kind or out of range, for arrays that cannot be updated in
        place (another dtype, read-only, masked) or that share memory.

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

    Examples
    --------
    >>> import numpy as np
    >>> import fastadam
    >>> x = np.array([1.0, -2.0])
    >>> optimizer = fastadam.NAdam(x, lr=0.1)
    >>> for _ in range(3):
    ...     optimizer.step(2 * x)  # the gradient of x @ x
    >>> x.round(3)
    array([ 0.753, -1.748])
    """

    _checks: ClassVar[Checks] = {**_WITH_BETAS, "momentum_decay": nonnegative}

    def __init__(
        self,
        params: Any,
        lr: LearningRate = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum_decay: float = 4e-3,
        *,
        maximize: bool = False,
        nonfinite: str = "propagate",
        threads: int | None = None,
    ) -> None:
        hyper = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "maximize": maximize,
        }
        super().__init__(params, hyper, nonfinite, threads)

    @staticmethod
    def _select(values: Mapping[str, Any]) -> rules.Rule:
        return rules.NADAM


class RAdam(Optimizer):
    r"""Adam with a rectified adaptive step size [1]_.

    Parameters
    ----------
    params : array, sequence of arrays, mapping of str to array, or list of groups
        float32 or float64 arrays of any shape and memory layout, updated in place. A group is a
        mapping with the key ``"params"`` and any of the hyper-parameters, for its own arrays.
    lr : float or callable, default 1e-3
        Learning rate, or a callable ``lr(step)``; steps count from 1. See `fastadam.schedules`.
    betas : pair of float, default (0.9, 0.999)
        Decay rates of the moving averages of the gradient and its square, in [0, 1).
    eps : float, default 1e-8
        Added to the denominator.
    weight_decay : float, default 0
        L2 penalty: ``weight_decay * p`` is added to the gradient.
    maximize : bool, default False
        Go up the gradient instead of down.
    nonfinite : {"propagate", "raise", "skip"}, default "propagate"
        What a step does about NaN or infinity in a gradient: use it, raise ValueError, or do
        nothing. The last two look at all gradients before anything is written.
    threads : int, optional
        1 for the serial loop, more for the parallel one on so many threads. By default whichever
        is faster, by timing them. The results are the same to the last bit.

    Raises
    ------
    TypeError, ValueError
        For an argument of the wrong kind or out of range, for arrays that cannot be updated in
        place (another dtype, read-only, masked) or that share memory.

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

    Examples
    --------
    >>> import numpy as np
    >>> import fastadam
    >>> x = np.array([1.0, -2.0])
    >>> optimizer = fastadam.RAdam(x, lr=0.1)
    >>> for _ in range(3):
    ...     optimizer.step(2 * x)  # the gradient of x @ x
    >>> x.round(3)
    array([ 0.462, -0.925])
    """

    _checks: ClassVar[Checks] = _WITH_BETAS

    def __init__(
        self,
        params: Any,
        lr: LearningRate = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
        nonfinite: str = "propagate",
        threads: int | None = None,
    ) -> None:
        hyper = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, hyper, nonfinite, threads)

    @staticmethod
    def _select(values: Mapping[str, Any]) -> rules.Rule:
        return rules.RADAM


class Adamax(Optimizer):
    r"""Adam with the infinity norm [1]_.

    Parameters
    ----------
    params : array, sequence of arrays, mapping of str to array, or list of groups
        float32 or float64 arrays of any shape and memory layout, updated in place. A group is a
        mapping with the key ``"params"`` and any of the hyper-parameters, for its own arrays.
    lr : float or callable, default 2e-3
        Learning rate, or a callable ``lr(step)``; steps count from 1. See `fastadam.schedules`.
    betas : pair of float, default (0.9, 0.999)
        Decay rates of the moving averages of the gradient and of its largest size, in [0, 1).
    eps : float, default 1e-8
        Added to the size of the gradient.
    weight_decay : float, default 0
        L2 penalty: ``weight_decay * p`` is added to the gradient.
    maximize : bool, default False
        Go up the gradient instead of down.
    nonfinite : {"propagate", "raise", "skip"}, default "propagate"
        What a step does about NaN or infinity in a gradient: use it, raise ValueError, or do
        nothing. The last two look at all gradients before anything is written.
    threads : int, optional
        1 for the serial loop, more for the parallel one on so many threads. By default whichever
        is faster, by timing them. The results are the same to the last bit.

    Raises
    ------
    TypeError, ValueError
        For an argument of the wrong kind or out of range, for arrays that cannot be updated in
        place (another dtype, read-only, masked) or that share memory.

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

    Examples
    --------
    >>> import numpy as np
    >>> import fastadam
    >>> x = np.array([1.0, -2.0])
    >>> optimizer = fastadam.Adamax(x, lr=0.1)
    >>> for _ in range(3):
    ...     optimizer.step(2 * x)  # the gradient of x @ x
    >>> x.round(3)
    array([ 0.715, -1.708])
    """

    _checks: ClassVar[Checks] = _WITH_BETAS

    def __init__(
        self,
        params: Any,
        lr: LearningRate = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
        nonfinite: str = "propagate",
        threads: int | None = None,
    ) -> None:
        hyper = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, hyper, nonfinite, threads)

    @staticmethod
    def _select(values: Mapping[str, Any]) -> rules.Rule:
        return rules.ADAMAX


class RMSprop(Optimizer):
    r"""RMSprop [1]_, without momentum and not centred.

    Parameters
    ----------
    params : array, sequence of arrays, mapping of str to array, or list of groups
        float32 or float64 arrays of any shape and memory layout, updated in place. A group is a
        mapping with the key ``"params"`` and any of the hyper-parameters, for its own arrays.
    lr : float or callable, default 1e-2
        Learning rate, or a callable ``lr(step)``; steps count from 1. See `fastadam.schedules`.
    alpha : float, default 0.99
        Decay rate of the moving average of the squared gradient, in [0, 1).
    eps : float, default 1e-8
        Added to the denominator.
    weight_decay : float, default 0
        L2 penalty: ``weight_decay * p`` is added to the gradient.
    maximize : bool, default False
        Go up the gradient instead of down.
    nonfinite : {"propagate", "raise", "skip"}, default "propagate"
        What a step does about NaN or infinity in a gradient: use it, raise ValueError, or do
        nothing. The last two look at all gradients before anything is written.
    threads : int, optional
        1 for the serial loop, more for the parallel one on so many threads. By default whichever
        is faster, by timing them. The results are the same to the last bit.

    Raises
    ------
    TypeError, ValueError
        For an argument of the wrong kind or out of range, for arrays that cannot be updated in
        place (another dtype, read-only, masked) or that share memory.

    Notes
    -----
    With the gradient :math:`g`, after the L2 penalty:

    .. math::

        v &\leftarrow \alpha v + (1 - \alpha) g^2 \\
        p &\leftarrow p - lr \, g / (\sqrt{v} + \epsilon)

    References
    ----------
    .. [1] T. Tieleman, G. Hinton, "RMSprop", lecture 6.5 of "Neural networks for machine
       learning", 2012.

    Examples
    --------
    >>> import numpy as np
    >>> import fastadam
    >>> x = np.array([1.0, -2.0])
    >>> optimizer = fastadam.RMSprop(x, lr=0.1)
    >>> for _ in range(3):
    ...     optimizer.step(2 * x)  # the gradient of x @ x
    >>> x.round(3)
    array([ 0.  , -0.31])
    """

    _checks: ClassVar[Checks] = {**_WITH_EPS, "alpha": fraction}

    def __init__(
        self,
        params: Any,
        lr: LearningRate = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
        nonfinite: str = "propagate",
        threads: int | None = None,
    ) -> None:
        hyper = {
            "lr": lr,
            "alpha": alpha,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, hyper, nonfinite, threads)

    @staticmethod
    def _select(values: Mapping[str, Any]) -> rules.Rule:
        return rules.RMSPROP


class SGD(Optimizer):
    r"""Gradient descent, with momentum [1]_ if asked for.

    Parameters
    ----------
    params : array, sequence of arrays, mapping of str to array, or list of groups
        float32 or float64 arrays of any shape and memory layout, updated in place. A group is a
        mapping with the key ``"params"`` and any of the hyper-parameters, for its own arrays.
    lr : float or callable, default 1e-3
        Learning rate, or a callable ``lr(step)``; steps count from 1. See `fastadam.schedules`.
    momentum : float, default 0
        In [0, 1).
    dampening : float, default 0
        In [0, 1]; has no effect on the first step, nor without momentum.
    weight_decay : float, default 0
        L2 penalty: ``weight_decay * p`` is added to the gradient.
    nesterov : bool, default False
        Nesterov's momentum; needs momentum, and no dampening.
    maximize : bool, default False
        Go up the gradient instead of down.
    nonfinite : {"propagate", "raise", "skip"}, default "propagate"
        What a step does about NaN or infinity in a gradient: use it, raise ValueError, or do
        nothing. The last two look at all gradients before anything is written.
    threads : int, optional
        1 for the serial loop, more for the parallel one on so many threads. By default whichever
        is faster, by timing them. The results are the same to the last bit.

    Raises
    ------
    TypeError, ValueError
        For an argument of the wrong kind or out of range, for arrays that cannot be updated in
        place (another dtype, read-only, masked) or that share memory.

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

    _checks: ClassVar[Checks] = {
        **_COMMON,
        "momentum": fraction,
        "dampening": unit_interval,
        "nesterov": flag,
    }

    def __init__(
        self,
        params: Any,
        lr: LearningRate = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        nonfinite: str = "propagate",
        threads: int | None = None,
    ) -> None:
        hyper = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
        }
        super().__init__(params, hyper, nonfinite, threads)

    @staticmethod
    def _select(values: Mapping[str, Any]) -> rules.Rule:
        if values["nesterov"] and (values["momentum"] == 0.0 or values["dampening"] != 0.0):
            raise ValueError(
                "nesterov=True needs momentum > 0 and dampening 0, "
                f"got momentum={values['momentum']} and dampening={values['dampening']}"
            )
        return rules.MOMENTUM if values["momentum"] else rules.SGD
