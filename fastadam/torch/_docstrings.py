"""What the docstrings of the optimisers share, where it differs from those for NumPy's arrays."""

from __future__ import annotations

from .._optimizers.docstrings import SHARED, sharing

with_shared_parameters = sharing(
    {
        **SHARED,
        "params": """
    params : iterable of tensors, of (name, tensor) or of groups
        float32 or float64 tensors on the CPU or on NVIDIA GPUs that fill their memory without gaps,
        such as contiguous and ``channels_last`` ones. A group is a dict with the key ``"params"``
        and any of the hyper-parameters.
    """,
        "lr": """
    lr : float or tensor of one number, default {default}
        Learning rate.
    """,
        "maximize": """
    maximize : bool, default False
        Go up the gradient instead of down.
    """,
        "implementation": """
    foreach, fused, capturable, differentiable
        None or False: they choose among PyTorch's implementations. Not every class has them all.

    Raises
    ------
    TypeError, ValueError
        For an argument of the wrong kind or out of range, and for tensors of another dtype, on
        another device, sparse or with gaps.
    ImportError, RuntimeError
        For tensors on a GPU where numba-cuda, or what it needs, is missing.
    """,
        "example": """
    Examples
    --------
    >>> import torch
    >>> from fastadam.torch import {class}
    >>> x = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
    >>> optimizer = {class}([x], lr={default})
    >>> for _ in range(3):
    ...     optimizer.zero_grad()
    ...     (x @ x).backward()
    ...     optimizer.step()
    >>> x.data
    """,
    }
)
