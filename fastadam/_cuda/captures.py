"""Steps that are captured in a CUDA graph."""

from __future__ import annotations

from collections.abc import Sequence

from .._backend import StepExtras
from .._rules.spec import Floats
from .._uninterrupted import Call
from .arrays import DeviceParamArray, Gradient
from .clipping import Factor, Norms
from .counting import Counts
from .driver import Gpu
from .interface import BFLOAT16, find_stream
from .launches import Several, sort_by_kind
from .row_gradients import RowGradient


class CudaCaptures:
    """The part of `CudaBackend` that is `Captures`.

    Each captured step has tables of its own in the memory of the GPU, which are kept, and count on
    the addresses of all arrays to stay.
    """

    params: list[DeviceParamArray]
    _gpu: Gpu
    _stream: int
    is_counting = False
    _counts: Counts | None = None
    _captured: Sequence[Several | Norms] = ()  # in all captures
    _factor: Factor | None

    @property
    def captures(self) -> CudaCaptures:
        """These."""
        return self

    def begin_step(self) -> bool:
        """Find the stream that a step runs on, and tell whether it is captured."""
        self._gpu.require_current()
        self._stream = find_stream("params", self.params[0].spec.array) or 0
        # The default stream, 0 and 1, is none that can be captured; to ask takes 0.7 us.
        return self._stream > 1 and self._gpu.is_capturing(self._stream)

    def capture(
        self,
        gradients: Sequence[Gradient | None],
        total: int,
        groups: Sequence[tuple[int, Floats]],
        extras: StepExtras,
    ) -> None:
        """Capture a step, after so many of the optimiser and of each group."""
        gpu, stream, params = self._gpu, self._stream, self.params
        self._require_plain(gradients)
        rules = {
            param.spec.group: param.spec.rule
            for param, gradient in zip(params, gradients, strict=True)
            if self._require_own_stream(param, gradient)
        }
        if not rules:
            raise ValueError("grads must hold a gradient where a step is captured in a CUDA graph")
        launches: list[Several] = []
        calls: list[Call] = []
        kept = []  # until the calls were made
        beside = extras.clip_value, extras.average_weight
        with gpu.beside_capture():
            counts = self._counts or Counts(gpu)
            counts.add(rules, total, groups)
            norms, factor = self._make_norms(), self._factor.pointer if self._factor else 0
            if norms:
                norms.send(find_pointers(gradients))
            for places in sort_by_kind(params):
                if any(gradients[place] for place in places):
                    chosen = [params[place] for place in places]
                    launches.append(Several(gpu, places, chosen, factor))
                    launches[-1].send(gradients)
            for group in rules:
                targets = [0, 0]
                for launch in launches:
                    if group in launch.groups:
                        targets[launch.dtype.itemsize == 8] = launch.find_target(group)
                call, arguments = counts.make_launch_call(
                    group, not calls, (targets[0], targets[1]), beside, stream
                )
                calls.append(call)
                kept.append(arguments)
        if norms and extras.clip_norm is not None:
            calls += norms.make_launch_calls(extras.clip_norm, stream)
        gpu.run_all([*calls, *[launch.list.make_launch_call(stream) for launch in launches]])
        self._counts, self.is_counting = counts, True
        self._captured = [*self._captured, *launches, *([norms] if norms else [])]

    def _make_norms(self) -> Norms | None:
        """Make what computes the norms of gradients, where they are clipped."""
        if self._factor is None:
            return None
        sizes = [(param.size, param.dtype) for param in self.params]
        return Norms(self._gpu, sizes, self._factor)

    def _require_plain(self, gradients: Sequence[Gradient | RowGradient | None]) -> None:
        """Require what the kernels of a captured step can do."""
        refused = {
            "parameters of bfloat16": any(param.dtype == BFLOAT16 for param in self.params),
            "gradients of rows": any(isinstance(each, RowGradient) for each in gradients),
        }
        for option, is_there in refused.items():
            if is_there:
                raise ValueError(f"a step with {option} cannot be captured in a CUDA graph")

    def _require_own_stream(self, param: DeviceParamArray, gradient: Gradient | None) -> bool:
        """Tell whether there is a gradient, which has to be in the order of the step's stream."""
        if gradient is None:
            return False
        if gradient.stream not in (None, self._stream):
            raise ValueError(
                f"grads{param.spec.label} names the stream {gradient.stream}, and the step is "
                f"captured on the stream {self._stream}"
            )
        return True

    def read(self) -> tuple[int, dict[int, tuple[int, Floats]]]:
        """Read the optimiser's steps, and those of each group with its scalars."""
        self._require_none_now()
        assert self._counts is not None
        return self._counts.read()

    def make_write_calls(self, total: int, groups: Sequence[tuple[int, Floats]]) -> list[Call]:
        """Make the calls that write them."""
        self._require_none_now()
        assert self._counts is not None
        writes = self._counts.make_writes(total, groups)
        calls = [
            call for pointer, array in writes for call in self._gpu.make_write_calls(pointer, array)
        ]
        return [*calls, (id, writes)]  # which keeps them until then

    def _require_none_now(self) -> None:
        if self.begin_step():
            raise RuntimeError(
                "the steps of a captured optimiser are counted on the GPU, where nothing can be "
                "read or set while a CUDA graph is captured"
            )


def find_pointers(gradients: Sequence[Gradient | RowGradient | None]) -> list[int]:
    """Find the addresses of gradients, 0 where there is none."""
    return [0 if gradient is None else gradient.pointer for gradient in gradients]
