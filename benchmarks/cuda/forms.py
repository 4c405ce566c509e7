"""What a step of Adam on a GPU costs that clips the gradient to a norm, or keeps a narrow state."""

from __future__ import annotations

from functools import partial
from typing import Any

from ..harness.report import Options, SuiteResult
from ..harness.watch import watched
from .compare import compare_on_device
from .contenders import OURS, Peer, fastadam_step
from .parts import Case
from .patterns import ADAM
from .steps import LARGE_EFFORT, QUICK_LARGE_EFFORT
from .timing import DeviceEffort

SIZE, QUICK_SIZE = 100_000_000, 4_000_000

CLIPPED, BFLOAT16, UINT8 = (
    "fastadam, clip_norm",
    "fastadam, bfloat16 state",
    "fastadam, uint8 state",
)
#: The norm is far above the limit in each step. A moment that is rounded to 8 bits, or to a byte
#: for 512 elements, is off by a hundredth, or by more, each time in another direction.
FORMS = {
    OURS: ADAM,
    CLIPPED: ADAM._replace(keywords={**ADAM.keywords, "clip_norm": 1.0}),
    BFLOAT16: ADAM._replace(keywords={**ADAM.keywords, "state_dtype": "bfloat16"}, slack=500.0),
    UINT8: ADAM._replace(keywords={**ADAM.keywords, "state_dtype": "uint8"}, slack=5e3),
}
#: Bytes that a step moves for each parameter, with another pass over the gradient, or less state.
BYTES = {OURS: 28, CLIPPED: 32, BFLOAT16: 20, UINT8: 16}
#: How much longer than by their bytes they may take.
ALLOWED = 1.1


def cases(options: Options) -> list[Case]:
    """Return the one case."""
    size, effort = (QUICK_SIZE, QUICK_LARGE_EFFORT) if options.quick else (SIZE, LARGE_EFFORT)
    return [Case(f"{size:,} parameters, other forms of a step", partial(forms, size, effort))]


@watched
def forms(size: int, effort: DeviceEffort, gpu: Any) -> SuiteResult:
    """Time them beside a plain step."""
    what = f"{size:,} parameters on a GPU, a step of another form"
    chosen = {
        name: Peer(partial(fastadam_step, gpu.arrays, stepped), stepped.bytes)
        for name, stepped in FORMS.items()
    }
    details = {"parameters": size}
    comparison = compare_on_device(gpu, what, chosen, size, gpu.device_clock, effort, details)
    result = comparison.result(OURS)
    result.verdicts = [
        comparison.verdict(
            f"{size:,} parameters on a GPU, {name} / plain",
            ALLOWED * BYTES[name] / BYTES[OURS],
            name,
            OURS,
        )
        for name in FORMS
        if name != OURS
    ]
    gpu.release()
    return result
