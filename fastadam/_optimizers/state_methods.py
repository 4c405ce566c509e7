"""What optimisers do to resume from later."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from .. import _validate as checks
from .._checkpoint.files import StrPath
from .._uninterrupted import Call
from . import state_dict as saved
from .averaging import Averaging
from .captured import CapturedSteps
from .saving import save


class StateMethods(CapturedSteps, ABC):
    """The part of `Optimizer` that is about its state."""

    _averaging: Averaging | None

    @abstractmethod
    def catch_up(self, rows: Any = None) -> None:
        """Bring rows up to date that have missed steps."""

    def _require_ready(self, name: str) -> None:
        """Require that the parameters are those to train, for a method of this name."""
        if self._averaging:
            self._averaging.require_own_parameters(name)

    def state_dict(self) -> dict[str, Any]:
        """Return everything but the parameters, to resume from later.

        Returns
        -------
        dict of str to NumPy array or scalar
            One level deep, so that ``numpy.savez(file, **optimizer.state_dict())`` saves it and
            ``optimizer.load_state_dict(numpy.load(file))`` resumes. The arrays are copies. The
            keys are ``"rule"``, ``"step_count"``, ``"group0/lr"`` and so on for the
            hyper-parameters, ``"group0/w/m"`` and so on for the state of the array named ``w``
            (``0``, ``1``, ... in a sequence; ``layers/0/w`` in a nested tree), and for groups that
            are frozen or missed steps ``"group0/frozen"`` and ``"group0/missed_steps"``. A
            callable ``lr`` is not saved: the optimiser that
            resumes brings its own.
        """
        self._require_ready("state_dict")
        self._read_counts()
        self.catch_up()
        rest = saved.list_rest(self._arrangement.groups)
        return {**self._state_scalars(), **rest, **saved.copy_arrays(self._backend.params)}

    def _state_scalars(self) -> dict[str, Any]:
        scalars: dict[str, Any] = {"rule": type(self).__name__, "step_count": self._step_count}
        if self._averaging:
            scalars["average_count"] = self._averaging.count
        return {**scalars, **saved.list_scalars(self._arrangement.groups)}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Resume from what `state_dict` returned.

        Parameters
        ----------
        state_dict : mapping of str to array or scalar
            Of an optimiser of this kind, for parameters of this structure, these shapes and
            dtypes, be they on a GPU or not. Scalars may have become arrays on the way.

        Raises
        ------
        TypeError, ValueError
            If it is of another rule, has other keys, or an array of another shape or dtype. The
            optimiser is then as before.
        """
        self._backend.run(self._make_load_calls(state_dict))

    def _make_load_calls(self, state_dict: Mapping[str, Any]) -> list[Call]:
        """Check a state dictionary, and make the calls that load it."""
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"state_dict must be a mapping, got {checks.describe(state_dict)}")
        saved.check_rule(state_dict, type(self).__name__)
        self._require_ready("load_state_dict")
        self._read_counts()
        scalars, groups = self._state_scalars(), self._arrangement.groups
        saved.check_keys(state_dict, scalars.keys(), self._backend.params, groups)
        step_count = saved.read_count(state_dict, "step_count")
        record: list[Call] = [(setattr, self, "_step_count", step_count)]
        if self._averaging:
            count = saved.read_count(state_dict, "average_count")
            record.append(self._averaging.make_count_call(count))
        record += self._backend.make_reset_calls(step_count)
        calls = saved.make_load_calls(state_dict, self._backend.params, groups, step_count)
        return self._with_writes([*calls, *record])

    def save(self, path: StrPath) -> None:
        """Write the parameters, the state and the step count to a file, to resume from later.

        `fastadam.load` reads it. It needs the extra ``checkpoints``.

        Parameters
        ----------
        path : str or path-like
            The file, in the format safetensors. It is replaced in one go, once all is on the disk:
            a process that is killed meanwhile leaves the one that was there.

        Raises
        ------
        OSError
            If the file cannot be written; the one that was there is then left.
        ImportError
            Without safetensors.
        TypeError, ValueError
            If the state of a schedule is no JSON; if what is at `path` is no file.

        Notes
        -----
        A schedule with the methods ``state_dict`` and ``load_state_dict``, as
        `fastadam.schedules.ReduceOnPlateau` has them, is saved with it. Other callables are not:
        the optimiser that resumes brings its own, and the step count says where they are.

        Examples
        --------
        >>> import os, tempfile
        >>> import numpy as np
        >>> import fastadam
        >>> w = np.ones(3)
        >>> optimizer = fastadam.Adam({"w": w})
        >>> optimizer.step({"w": w.copy()})
        >>> path = os.path.join(tempfile.mkdtemp(), "run.safetensors")
        >>> optimizer.save(path)
        >>> again = fastadam.Adam({"w": np.zeros(3)})
        >>> fastadam.load(path, again)
        >>> again.step_count, bool((again.param_groups[0]["params"]["w"] == w).all())
        (1, True)
        >>> fastadam.load(path)["w"]
        array([0.999, 0.999, 0.999])
        """
        save(self, path)
