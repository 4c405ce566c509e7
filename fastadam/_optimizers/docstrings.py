"""What the docstrings of several optimisers share, written once."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import TypeVar

SHARED = {
    "params": """
    params : array, nested sequences and mappings of arrays, or list of groups
        float32 or float64 arrays of any shape and memory layout, updated in place. Lists, tuples
        and mappings with strings for keys may be nested to any depth. A group is a mapping with the
        key ``"params"``, which is such arrays of its own, and any of the hyper-parameters; steps
        leave it alone while ``"frozen"`` is True. A list is one of groups if all members are
        mappings and one has the key ``"params"``.
        With the extra ``cuda12`` or ``cuda13``: contiguous arrays on one GPU, of CuPy, Numba,
        torch or whatever has ``__cuda_array_interface__``. A step runs on the stream that the
        first of them names (or torch's current one), and the host does not wait for it.
    """,
    "lr": """
    lr : float or callable, default {default}
        Learning rate, or a callable ``lr(step)``; steps count from 1. See `fastadam.schedules`.
    """,
    "betas": """
    betas : pair of float, default (0.9, 0.999)
        Decay rates of the moving averages of the gradient and its square, in [0, 1).
    """,
    "eps": """
    eps : float, default 1e-8
        Added to the denominator.
    """,
    "l2": """
    weight_decay : float, default 0
        L2 penalty: ``weight_decay * p`` is added to the gradient.
    """,
    "amsgrad": """
    amsgrad : bool, default False
        Divide by the largest second moment so far instead of the present one.
    """,
    "common": r"""
    maximize : bool, default False
        Go up the gradient instead of down.
    nonfinite : {"propagate", "raise", "skip"}, default "propagate"
        What a step does about NaN or infinity in a gradient: use it, raise ValueError, or do
        nothing. The last two look at all gradients before anything is written; the host waits
        for a GPU to do so.
    threads : int, optional
        1 for the serial loop, more for the parallel one on so many threads. By default whichever
        is faster, by timing them. The results are the same to the last bit. Not for a GPU.
    clip_norm : float, optional
        Where the 2-norm of all gradients together is above it, they are scaled down to it: by
        ``clip_norm / (norm + 1e-6)``, as `torch.nn.utils.clip_grad_norm_` does. `grad_norm` then
        tells the norm; for that alone the host waits for a GPU.
    clip_value : float, optional
        Each element of a gradient is brought into ``[-clip_value, clip_value]``.
    average : float or "equal", optional
        Average the parameters over the steps, in the same pass over memory; see `averaged`. A
        number is the decay :math:`d` of an exponential average, in [0, 1), which at its
        :math:`n`-th step is :math:`\min(d, (1 + n) / (10 + n))`; "equal" gives every step the
        same weight.
    sparse : {"lazy", "exact"}, default "lazy"
        What becomes of the rows without a gradient where one is of some rows only: nothing, or
        what gradient 0 makes of them. See `step_rows`. "exact" is not for `NAdam` and others that
        hand on more than their state from step to step.
    state_dtype : {"bfloat16", "uint8"}, optional
        Keep the state in fewer bits, for float32 parameters, or for bfloat16 ones (of the package
        ml_dtypes, or torch's on a GPU; their state is float32 by default): 16 bits, or 8 with a
        scale for each 512 elements. Both are rounded at random, so that their means are right, the
        same in each run. With bfloat16, steps of arrays that do not fit in cache take less time;
        with uint8, more where the memory is fast.
    overrides : mapping of str to mapping, optional
        Hyper-parameters (and ``"frozen"``) that hold for some arrays of `params`, whose structure
        gradients keep: ``{"*b": {"weight_decay": 0.0}, "layers/1/*": {"lr": 1e-4}}``. A key is a
        pattern, as of `fnmatch`, for the paths of arrays: their keys and indices with "/" between
        them. Where several fit an array, all hold, the later ones above the earlier. Arrays that
        the same ones fit are a group of `param_groups`, which are in the order of their first
        arrays.

    Raises
    ------
    TypeError, ValueError
        For an argument of the wrong kind or out of range, for arrays that cannot be updated in
        place (another dtype, read-only, masked) or that share memory.
    """,
    "example": """
    Examples
    --------
    >>> import numpy as np
    >>> import fastadam
    >>> x = np.array([1.0, -2.0])
    >>> optimizer = fastadam.{class}(x, lr=0.1)
    >>> for _ in range(3):
    ...     optimizer.step(2 * x)  # the gradient of x @ x
    >>> x.round(3)
    """,
}

Class = TypeVar("Class", bound=type)


def sharing(shared: Mapping[str, str]) -> Callable[[Class], Class]:
    """Make what replaces ``{params}``, ``{lr: 1e-3}`` and the like by what they stand for."""

    def replace(cls: Class) -> Class:
        if cls.__doc__ is None:  # python -OO
            return cls

        def expand(line: re.Match[str]) -> str:
            name, default = line.groups()
            text = inspect.cleandoc(shared[name])
            return text.replace("{default}", str(default)).replace("{class}", cls.__name__)

        # From Python 3.13 on docstrings come without their indentation: nowhere do they have it.
        doc = inspect.cleandoc(cls.__doc__)
        cls.__doc__ = re.sub(r"^{(\w+)(?:: (.+))?}$", expand, doc, flags=re.MULTILINE) + "\n"
        return cls

    return replace


with_shared_parameters = sharing(SHARED)
