"""One step of Adam on a model in PyTorch: its own implementations, and fastadam's."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from ..harness.adam import BETA1, BETA2, EPS, LR, Array, Contender, Make
from ..harness.compare import compare
from ..harness.progress import say
from ..harness.report import Options, SuiteResult
from ..harness.timing import Effort
from ..harness.watch import watched
from ..step.contenders import torch_adam
from ..step.suite import start_and_gradient

OURS = "fastadam.torch"
FUSED = "torch fused"


def residual_sizes() -> list[int]:
    """Return the sizes of the 162 tensors of a residual network: 11.0 million numbers.

    26 residual blocks of two 3 x 3 convolutions, each with a scale and a shift for each channel,
    on 16 to 256 channels; where those change, a 1 x 1 convolution beside them.
    """
    widths = [16] * 6 + [32] * 6 + [128] * 6 + [256] * 8
    sizes, before = [3 * 9 * 16], 16
    for width in widths:
        sizes += [before * width * 9, width, width, width * width * 9, width, width]
        if width != before:
            sizes.append(before * width)
        before = width
    return [*sizes, 256 * 10, 10]


#: The figures asked for: fastadam at most so many times torch's fused Adam.
CASES = {
    "a residual network, 162 tensors": (residual_sizes(), 1.0),
    "200 tensors of 1,000": ([1_000] * 200, 0.5),
}


def fastadam_torch(params: list[Array], grads: list[Array]) -> Contender:
    """Step `fastadam.torch.Adam` on tensors that share the arrays' memory."""
    import torch

    from fastadam.torch import Adam

    tensors = [torch.nn.Parameter(torch.from_numpy(p)) for p in params]
    for tensor, g in zip(tensors, grads, strict=True):
        tensor.grad = torch.from_numpy(g)
    optimizer = Adam(tensors, lr=LR, betas=(BETA1, BETA2), eps=EPS)
    return Contender(optimizer.step, params, grads)


CONTENDERS: dict[str, Make] = {
    OURS: fastadam_torch,
    FUSED: partial(torch_adam, fused=True),
    "torch foreach": partial(torch_adam, foreach=True),
    "torch for-loop": partial(torch_adam, foreach=False),
}


def run(options: Options) -> SuiteResult:
    """Measure the cases."""
    effort = Effort(6, 2, 0.3) if options.quick else Effort(48, 3, 10.0)
    result = SuiteResult()
    for name, (sizes, limit) in CASES.items():
        result.extend(step(name, sizes, limit, effort))
    return result


@watched
def step(name: str, sizes: list[int], limit: float, effort: Effort) -> SuiteResult:
    """Step a model of so many tensors."""
    case = f"{name}, {sum(sizes):,} parameters"
    say(case)
    details = {"parameters": sum(sizes), "arrays": len(sizes)}
    comparison = compare(
        case, CONTENDERS, *start_and_gradient(sizes), effort, warmup=20, details=details
    )
    result = comparison.result(OURS)
    result.verdicts.append(comparison.verdict(f"{name} / {FUSED}", limit, OURS, FUSED))
    return result


def draw(result: SuiteResult, folder: Path) -> list[Path]:
    """Draw nothing: there are two cases."""
    return []
