"""The contenders of the `step` suite: one Adam step each, on arrays of their own.

Everybody's arrays (parameters, gradients, and where we may choose, the state) are allocated by
NumPy. That matters: NumPy asks for huge pages for large arrays and torch does not, so torch is
handed moments in NumPy's memory and gets what it would not have by itself.
"""

from __future__ import annotations

from functools import partial

import numba
import numpy as np

from ..harness.adam import BETA1, BETA2, EPS, LR, Array, Contender, Make


class Traffic:
    """What the traffic probe does, in float64."""

    def __init__(self, p: Array) -> None:
        self.p = p.astype(np.float64)

    def step(self, g: Array) -> None:
        """Update the parameters."""
        self.p = self.p - LR * g


def fastadam_step(params: list[Array], grads: list[Array], threads: int | None = None) -> Contender:
    """Step `fastadam.Adam`, all of its Python included."""
    from fastadam import Adam

    if len(params) == 1:
        optimizer = Adam(params[0], lr=LR, betas=(BETA1, BETA2), eps=EPS, threads=threads)
        return Contender(partial(optimizer.step, grads[0]), params, grads)
    optimizer = Adam(params, lr=LR, betas=(BETA1, BETA2), eps=EPS, threads=threads)
    return Contender(partial(optimizer.step, grads), params, grads)


def fastadam_packed(params: list[Array], grads: list[Array]) -> Contender:
    """Step `fastadam.Adam` on one array, packed from many."""
    from fastadam import pack

    return fastadam_step([pack(params)[0]], [pack(grads)[0]])


def numpy_textbook(params: list[Array], grads: list[Array]) -> Contender:
    """Adam as textbooks print it: a temporary array for every operation."""
    (p,), (g,) = params, grads
    m, v = np.zeros_like(p), np.zeros_like(p)
    t = 0

    def step() -> None:
        nonlocal p, m, v, t
        t += 1
        m = BETA1 * m + (1 - BETA1) * g
        v = BETA2 * v + (1 - BETA2) * g**2
        m_hat = m / (1 - BETA1**t)
        v_hat = v / (1 - BETA2**t)
        p -= LR * m_hat / (np.sqrt(v_hat) + EPS)

    return Contender(step, params, grads)


def numpy_in_place(params: list[Array], grads: list[Array]) -> Contender:
    """Adam as a careful NumPy author writes it: nothing is allocated in a step."""
    (p,), (g,) = params, grads
    m, v, work = np.zeros_like(p), np.zeros_like(p), np.empty_like(p)
    t = 0

    def step() -> None:
        nonlocal t
        t += 1
        np.multiply(m, BETA1, out=m)
        np.multiply(g, 1 - BETA1, out=work)
        np.add(m, work, out=m)
        np.multiply(v, BETA2, out=v)
        np.multiply(g, g, out=work)
        np.multiply(work, 1 - BETA2, out=work)
        np.add(v, work, out=v)
        np.sqrt(v, out=work)
        np.multiply(work, 1 / (1 - BETA2**t) ** 0.5, out=work)
        np.add(work, EPS, out=work)
        np.divide(m, work, out=work)
        np.multiply(work, LR / (1 - BETA1**t), out=work)
        np.subtract(p, work, out=p)

    return Contender(step, params, grads)


def torch_adam(params: list[Array], grads: list[Array], **implementation: bool) -> Contender:
    """`torch.optim.Adam` on tensors that share the arrays' memory."""
    import torch

    tensors = [torch.nn.Parameter(torch.from_numpy(p)) for p in params]
    for tensor, g in zip(tensors, grads, strict=True):
        tensor.grad = torch.from_numpy(g)
    optimizer = torch.optim.Adam(tensors, lr=LR, betas=(BETA1, BETA2), eps=EPS, **implementation)
    for tensor, p in zip(tensors, params, strict=True):
        optimizer.state[tensor] = {
            "step": torch.tensor(0.0),
            "exp_avg": torch.from_numpy(np.zeros_like(p)),
            "exp_avg_sq": torch.from_numpy(np.zeros_like(p)),
        }
    return Contender(optimizer.step, params, grads)


_RATE = np.float32(LR)


@numba.njit(parallel=True, error_model="numpy")
def _traffic(p: Array, m: Array, v: Array, g: Array) -> None:
    for i in numba.prange(p.size):
        m[i] += g[i]
        v[i] += g[i]
        p[i] -= _RATE * g[i]


def traffic_probe(params: list[Array], grads: list[Array]) -> Contender:
    """Move the bytes of a step and nothing else: reads p, m, v, g and writes p, m, v.

    28 bytes a float32 parameter, on as many threads as Numba has, with next to no arithmetic:
    no Adam step on main memory can be expected to beat it.
    """
    (p,), (g,) = params, grads
    call = partial(_traffic, p, np.zeros_like(p), np.zeros_like(p), g)
    return Contender(call, params, grads, Traffic)


def select(*names: str) -> dict[str, Make]:
    """Return the named contenders."""
    return {name: CONTENDERS[name] for name in names}


def _all_threads(params: list[Array], grads: list[Array]) -> Contender:
    return fastadam_step(params, grads, threads=numba.get_num_threads())


CONTENDERS: dict[str, Make] = {
    "fastadam": fastadam_step,
    "fastadam threads=1": partial(fastadam_step, threads=1),
    "fastadam threads=all": _all_threads,
    "fastadam packed": fastadam_packed,
    "fastadam unpacked": fastadam_step,
    "traffic probe": traffic_probe,
    "NumPy textbook": numpy_textbook,
    "NumPy in place": numpy_in_place,
    "torch fused": partial(torch_adam, fused=True),
    "torch foreach": partial(torch_adam, foreach=True),
    "torch for-loop": partial(torch_adam, foreach=False),
}
