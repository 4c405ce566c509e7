"""One parameter tensor as the kernels see it: addresses, with its state in one block."""

from __future__ import annotations

from collections.abc import Mapping
from operator import is_
from typing import Any

import numpy as np
import torch

from .._cuda.kernels import find_pitch
from .._numba.gpu import load_cuda
from .._rules.spec import Rule
from .._validate import describe

#: NumPy's names of the dtypes that there are kernels for.
DTYPES: dict[Any, np.dtype[Any]] = {
    torch.float32: np.dtype(np.float32),
    torch.float64: np.dtype(np.float64),
}


def check_parameter(name: str, p: Any) -> None:
    """Require a tensor that the kernels can update in place."""
    if p.layout is not torch.strided:
        raise TypeError(f"{name} must be dense, got a tensor of layout {p.layout}")
    if p.device.type not in ("cpu", "cuda"):
        raise TypeError(
            f"{name} must be on the CPU or on an NVIDIA GPU, got a tensor on {p.device}: "
            "fastadam.torch has no kernels there"
        )
    if p.dtype not in DTYPES:
        raise TypeError(f"{name} must be float32 or float64, got {p.dtype}")
    if not is_dense(p):
        raise ValueError(
            f"{name} must fill its memory without gaps or overlaps, got shape {tuple(p.shape)} "
            f"with strides {p.stride()}"
        )
    if p.device.type == "cuda":
        load_cuda()  # or say what is missing
        require_no_capture()


def require_no_capture() -> None:
    """Require that what the GPU is told is not only written down, in a CUDA graph."""
    if torch.cuda.is_current_stream_capturing():
        raise RuntimeError(
            "the steps of fastadam.torch are counted on the host and cannot be captured in a CUDA "
            "graph; those of fastadam.Adam and the others can, on the same tensors"
        )


def is_dense(tensor: Any) -> bool:
    """Tell whether a tensor is contiguous in some order of its axes (``channels_last`` is one)."""
    reach = 1
    for stride, length in sorted(_axes(tensor)):
        if stride != reach:
            return not tensor.numel()
        reach *= length
    return True


def _axes(tensor: Any) -> list[tuple[int, int]]:
    """List the strides and lengths of the axes; those of length 1 do not matter."""
    axes = zip(tensor.stride(), tensor.shape, strict=True)
    return [(stride, length) for stride, length in axes if length != 1]


class TensorParam:
    """A parameter tensor's layout, and its state as rows of one block.

    PyTorch's state of it, ``state``, gets tensors that show the block and the scalars, with the
    values of those that were there. ``names`` are PyTorch's of the rule's state arrays; without
    ``shows_step`` the step is none of the state (in SGD's).
    """

    __slots__ = (
        "_keys", "_shown", "addresses", "block", "device", "dtype", "rule", "scalars", "shape",
        "size", "stride",
    )  # fmt: skip

    def __init__(
        self, p: Any, state: dict[str, Any], rule: Rule, names: Mapping[str, str], shows_step: bool
    ) -> None:
        self.rule, self.dtype, self.device, self.size = rule, p.dtype, p.device, p.numel()
        self.shape, self.stride = p.shape, p.stride()
        if p.device.type == "cpu":
            # In NumPy's memory, which has huge pages, and torch's has none.
            block = np.zeros((len(rule.state), self.size), DTYPES[p.dtype])
            self.block = torch.from_numpy(block)
        else:
            pitch = find_pitch(self.size, DTYPES[p.dtype])
            self.block = p.detach().new_zeros((len(rule.state), pitch))
        pitch = self.block.shape[1]
        flat = self.block.view(-1)
        shown = {}
        for row, own in enumerate(rule.state):
            view = flat.as_strided(self.shape, self.stride, row * pitch)
            old = state.get(names[own])
            if old is not None:
                view.copy_(_of_shape(names[own], old, self.shape))
            shown[names[own]] = view
        # A buffer of SGD's that is there has been through its first step.
        begun = 0.0 if shows_step or any(state.get(key) is None for key in shown) else 1.0
        self.scalars = np.array([float(state.get("step", begun)), 0.0])
        step, carried = torch.from_numpy(self.scalars)
        if shows_step:
            shown["step"] = step
        for each in rule.carried:  # one at most
            self.scalars[1] = float(state.get(each.name, each.start))
            shown[each.name] = carried
        self._keys, self._shown = tuple(shown), tuple(shown.values())
        here = self.scalars.ctypes.data
        self.addresses = self.block.data_ptr(), here, here + self.scalars.itemsize
        state.update(shown)

    def fits(self, p: Any, state: Mapping[str, Any], rule: Rule) -> bool:
        """Tell whether the layout, the rule and all that is shown are still the same."""
        return (
            rule is self.rule
            and p.dtype is self.dtype
            and p.device == self.device
            and p.shape == self.shape
            and p.stride() == self.stride
            and all(map(is_, map(state.get, self._keys), self._shown))
        )

    def takes(self, gradient: Any) -> bool:
        """Tell whether a gradient can be used where it is: as most can."""
        return (
            gradient.dtype is self.dtype
            and gradient.layout is torch.strided
            and gradient.shape == self.shape
            and gradient.stride() == self.stride
            and gradient.device == self.device
        )

    def fit_gradient(self, name: str, gradient: Any) -> Any:
        """Check another gradient; return it, or a copy, with the layout of the parameters."""
        if gradient.layout is not torch.strided:
            raise TypeError(f"{name} must be dense, got a tensor of layout {gradient.layout}")
        if gradient.dtype is not self.dtype or gradient.device != self.device:
            raise TypeError(
                f"{name} must be {self.dtype} on {self.device} like its parameters, "
                f"got {gradient.dtype} on {gradient.device}"
            )
        _of_shape(name, gradient, self.shape)
        return gradient.new_empty_strided(self.shape, self.stride).copy_(gradient)


def _of_shape(name: str, value: Any, shape: Any) -> Any:
    """Require a tensor of the parameters' shape."""
    if not isinstance(value, torch.Tensor):
        raise TypeError(f"{name} must be a tensor, got {describe(value)}")
    if value.shape != shape:
        raise ValueError(
            f"{name} must have the shape {tuple(shape)} of its parameters, got {tuple(value.shape)}"
        )
    return value
