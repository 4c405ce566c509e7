"""What optimisers do with the rows of their arrays."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from .._backend import Backend, Rows
from ..typing import Gradients
from .arrangement import Arrangement


class RowMethods(ABC):
    """The part of `Optimizer` that is about gradients of some rows."""

    _backend: Backend[Any]
    _arrangement: Arrangement

    @abstractmethod
    def step(self, grads: Gradients) -> None:
        """Update the parameters in place."""

    def step_rows(self, rows: Any, grads: Any) -> None:
        r"""Update some rows of the one parameter array in place.

        Short for ``step(fastadam.Rows(rows, grads))``, which also works for each of several arrays.

        Parameters
        ----------
        rows : array of int, shape (k,)
            The indices of the rows along the first axis, from 0. What is given of one row several
            times is summed, in the order given.
        grads : array, shape (k, ...)
            Their gradients, of the parameters' dtype. Of parameters on a GPU they are there too,
            and `rows` may be; these are copied to the host, which waits for them.

        Raises
        ------
        TypeError, ValueError
            As `step` does; if a row is out of range; if the optimiser has several arrays, or one
            that is not contiguous (C order); with `clip_norm`, `clip_value` or
            `average`. Parameters, state and step count are then as before.

        Notes
        -----
        Only the rows given are read and written, in time proportional to their number. What
        becomes of the others is told by the optimiser's `sparse`:

        - "lazy": nothing. The rule updates a row with the number of the optimiser's step as
          :math:`t`, however often the row had a gradient before, which is the convention of
          `torch.optim.SparseAdam`. That adds `eps` to :math:`\sqrt{v}`, where Adam adds it to
          :math:`\sqrt{v/(1-\beta_2^t)}`: the two moves differ by less than
          :math:`\epsilon/\sqrt{v}` of their size.
        - "exact": what a dense step with gradient 0 makes of them, later: before the row's next
          gradient and at `catch_up`. The steps that a row missed are taken one by one, with their
          own learning rates and to the same bits, until none that is left can change a parameter
          in its last bit. From there on parameters stay, and the state of n more steps is computed
          at once; it is within n roundings (a relative ``n * 2**-24`` in float32) of what n dense
          steps come to. Where there is weight decay, and for `RAdam`, all are taken one by one.
          On a GPU, which has another exponential function, that state may differ in the last bit.
          A change of a hyper-parameter other than `lr` brings all rows up to date first, and so
          does every 16,384th step.

        Examples
        --------
        >>> import numpy as np
        >>> import fastadam
        >>> table = np.zeros((1_000_000, 4), np.float32)
        >>> optimizer = fastadam.Adam(table, lr=0.1)
        >>> optimizer.step_rows([3, 14, 3], np.ones((3, 4), np.float32))
        >>> table[[3, 14, 15], 0].round(3)
        array([-0.1, -0.1,  0. ], dtype=float32)
        """
        count = len(self._backend.params)
        if count != 1:
            raise ValueError(
                f"step_rows is for an optimiser of one array, this one has {count}; give `step` "
                "a fastadam.Rows for each that has rows"
            )
        tree = self._arrangement.trees[0].build([Rows(rows, grads)])
        self.step([tree] if self._arrangement.has_list else tree)

    def catch_up(self, rows: Any = None) -> None:
        """Bring rows up to date that have missed steps, with ``sparse="exact"``.

        The parameters are then what dense steps would have made of them. `state_dict` does it too;
        before parameters are read or changed otherwise, it is for you to do.

        Parameters
        ----------
        rows : array of int, optional
            Indices of rows of the one parameter array, such as those that the next gradient will
            be computed from; by default all of all arrays.

        Raises
        ------
        TypeError, ValueError
            If a row is out of range; if `rows` are given for several arrays.

        Examples
        --------
        >>> import numpy as np
        >>> import fastadam
        >>> table = np.zeros((5, 2))
        >>> optimizer = fastadam.Adam(table, lr=0.1, sparse="exact")
        >>> optimizer.step_rows([0], np.ones((1, 2)))
        >>> optimizer.step_rows([1], np.ones((1, 2)))
        >>> table[0].round(3)  # after one step
        array([-0.1, -0.1])
        >>> optimizer.catch_up([0])
        >>> table[0].round(3)  # its velocity has moved it in the second
        array([-0.167, -0.167])
        """
        self._backend.run(self._backend.make_catch_up_calls(rows))
