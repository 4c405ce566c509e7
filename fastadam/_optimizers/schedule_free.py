"""Schedule-free AdamW: its arguments, its equations, and its two modes."""

from __future__ import annotations

import numpy as np

from .._rules import schedule_free as rules
from .._uninterrupted import Call
from ..typing import Integer, LearningRate, OptimizerOptions, Params, Real, Unpack
from .base import Optimizer
from .docstrings import with_shared_parameters


@with_shared_parameters
class ScheduleFreeAdamW(Optimizer):
    r"""AdamW with an average in place of a schedule [1]_.

    The parameters are where gradients are taken while it trains, and the better average of them
    between `eval` and `train`. It is in training mode at first; in evaluation mode a step,
    `state_dict`, `load_state_dict`, `save` and `add_param_group` raise RuntimeError. With `average`
    it raises ValueError: it has its own.

    Parameters
    ----------
    {params}
    {lr: 2.5e-3}
    betas : pair of float, default (0.9, 0.999)
        How near to the average gradients are taken, in (0, 1), and the decay rate of the moving
        average of the square of the gradient, in [0, 1).
    {eps}
    weight_decay : float, default 0
        ``lr * weight_decay * p`` is part of each step.
    warmup_steps : int, default 0
        Over so many steps the learning rate rises linearly.
    r : float, default 0
        Step :math:`t` has a weight in the average that grows like :math:`t^r`,
    weight_lr_power : float, default 2
        and with this power of the largest learning rate so far.
    {common}

    Notes
    -----
    With the gradient :math:`g` at the parameters :math:`y`, the weight decay :math:`\lambda` and
    the learning rate :math:`\gamma_t` after the warm-up, at step :math:`t`:

    .. math::

        v &\leftarrow \beta_2 v + (1 - \beta_2) g^2 \\
        z &\leftarrow z - \gamma_t \left(\frac{g}{\sqrt{v / (1 - \beta_2^t)} + \epsilon}
             + \lambda y\right) \\
        x &\leftarrow (1 - c_t) x + c_t z, \qquad c_t = w_t \Big/ \sum_{i \le t} w_i, \quad
             w_t = t^r \left(\max_{i \le t} \gamma_i\right)^{\rho} \\
        y &\leftarrow (1 - \beta_1) z + \beta_1 x

    with `weight_lr_power` for :math:`\rho`. All three begin as the parameters. What is kept beside
    them is :math:`v` and :math:`d = z - y`.

    References
    ----------
    .. [1] A. Defazio et al., "The road less scheduled", NeurIPS 2024,
       https://arxiv.org/abs/2405.15682

    Examples
    --------
    >>> import numpy as np
    >>> import fastadam
    >>> x = np.array([1.0, -2.0])
    >>> optimizer = fastadam.ScheduleFreeAdamW(x, lr=0.1)
    >>> for _ in range(100):
    ...     optimizer.step(2 * x)  # the gradient of x @ x
    >>> optimizer.eval()  # to see how good they are, or to use them
    >>> x.round(3)
    array([0.019, 0.171])
    >>> optimizer.train()  # to go on
    """

    _rule = rules.SCHEDULE_FREE
    _has_modes = True

    def __init__(
        self,
        params: Params,
        lr: LearningRate = 2.5e-3,
        betas: tuple[Real, Real] = (0.9, 0.999),
        eps: Real = 1e-8,
        weight_decay: Real = 0.0,
        warmup_steps: Integer = 0,
        r: Real = 0.0,
        weight_lr_power: Real = 2.0,
        **common: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(params, locals())
        if self._options.average is not None:
            raise ValueError(
                f"average must be None: eval() gives this rule's, got {self._options.average!r}"
            )
        #: Copies of ``y``, in evaluation mode.
        self._trained: list[np.ndarray] | None = None

    def eval(self) -> None:
        """Make the parameters the average ``x``; no step can be taken until `train`.

        The parameters to train are copied meanwhile. Where they are on a GPU, they come to the
        host and go back. No signal comes in between.

        Raises
        ------
        ValueError
            If parameters are read-only by now. Nothing is changed then.
        """
        if self._trained is not None:
            return
        params = self._backend.params
        trained = [param.copy_values() for param in params]
        averages = []
        with np.errstate(all="ignore"):
            for param, y in zip(params, trained, strict=True):
                beta1 = self._groups[param.spec.group]["betas"][0]
                x = rules.find_average(y, param.copy_state()["d"], beta1)
                averages.append(np.asarray(x, y.dtype, order="C"))
        self._write(averages, trained)

    def train(self) -> None:
        """Make the parameters what they were before `eval`, to the last bit.

        What was written into them since then is lost.

        Raises
        ------
        ValueError
            If parameters are read-only by now. Nothing is changed then.
        """
        if self._trained is not None:
            self._write(self._trained, None)

    def _write(self, values: list[np.ndarray], trained: list[np.ndarray] | None) -> None:
        """Write the parameters and the mode in one go."""
        calls: list[Call] = []
        for param, each in zip(self._backend.params, values, strict=True):
            calls += param.make_store_calls(each)
        self._backend.run([*calls, (setattr, self, "_trained", trained)])

    def _require_ready(self, name: str) -> None:
        """Require training mode for what works on the parameters to train."""
        if self._trained is not None:
            raise RuntimeError(f"{name} is of training mode: call train() first")
