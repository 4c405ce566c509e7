"""Many arrays in one buffer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, ValuesView
from typing import Any, overload

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .._validate import describe
from ..typing import DeviceArray, Nested
from .backends import select_backend
from .trees import Structure

Array = NDArray[Any]


@overload
def pack(arrays: Array, dtype: DTypeLike | None = None) -> tuple[Array, Array]: ...
@overload
def pack(
    arrays: Mapping[str, Array], dtype: DTypeLike | None = None
) -> tuple[Array, dict[str, Array]]: ...
@overload
def pack(
    arrays: Sequence[Array] | Iterator[Array] | ValuesView[Array], dtype: DTypeLike | None = None
) -> tuple[Array, list[Array]]: ...
@overload
def pack(arrays: DeviceArray, dtype: DTypeLike | None = None) -> tuple[Any, Any]: ...
@overload
def pack(
    arrays: Mapping[str, DeviceArray], dtype: DTypeLike | None = None
) -> tuple[Any, dict[str, Any]]: ...
@overload
def pack(
    arrays: Sequence[DeviceArray] | Iterator[DeviceArray] | ValuesView[DeviceArray],
    dtype: DTypeLike | None = None,
) -> tuple[Any, list[Any]]: ...
@overload
def pack(arrays: Nested, dtype: DTypeLike | None = None) -> tuple[Any, Any]: ...
def pack(arrays: Any, dtype: DTypeLike | None = None) -> tuple[Any, Any]:
    """Copy arrays into one contiguous buffer and return views into it.

    A step of an optimiser costs about a microsecond an array besides the arithmetic. Pack the
    parameters of a model, and its gradients likewise, and the whole model is one array.

    Parameters
    ----------
    arrays : array, or nested sequences and mappings of arrays
        Of any shapes, memory layouts and real dtypes. Keys are strings. Arrays on a GPU have to be
        contiguous and of one dtype, float32 or float64.
    dtype : float32 or float64, optional
        The dtype of the buffer. By default the arrays' common dtype.

    Returns
    -------
    flat : array, shape (n,)
        The buffer: the arrays' elements in C order, one array after the other. Of arrays on a GPU
        it is a Numba device array there, and so are the views; ``cupy.asarray`` and
        ``torch.as_tensor`` take them without a copy.
    views : array, list of arrays, dict of str to array, or these nested
        C-ordered views into ``flat`` with the structure and the shapes of `arrays`. Mappings become
        dicts; named tuples stay what they are, and so do tuples that have more in them than arrays;
        all other sequences become lists.

    Raises
    ------
    TypeError
        If a leaf is no array, some are on a GPU and some are not, or the dtype is neither float32
        nor float64.
    ValueError
        If arrays on a GPU are not contiguous, or on several.

    Examples
    --------
    >>> import numpy as np
    >>> import fastadam
    >>> flat, views = fastadam.pack({"w": np.ones((2, 3)), "b": np.zeros(3)})
    >>> flat
    array([1., 1., 1., 1., 1., 1., 0., 0., 0.])
    >>> views["b"][:] = 7.0
    >>> flat[-3:]
    array([7., 7., 7.])
    """
    try:
        wanted = None if dtype is None else np.dtype(dtype)
    except Exception as error:  # of many kinds, from what has a dtype of its own
        raise TypeError(f"dtype must be float32 or float64, got {describe(dtype)}") from error
    structure, leaves = Structure.find("arrays", arrays)
    names = [f"arrays{label}" for label in structure.labels]
    flat, views = select_backend(leaves[0]).pack(names, leaves, wanted)
    return flat, structure.build(views)
