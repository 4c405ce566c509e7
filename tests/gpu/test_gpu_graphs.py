"""CUDA graphs on a real GPU; skipped where there is none."""

import numpy as np
import pytest

import fastadam

from .graphs import Walk, assert_replays_are_steps

pytestmark = [pytest.mark.gpu, pytest.mark.usefixtures("cuda")]

TOLERANCE = {np.float32: 2e-6, np.float64: 1e-12}

#: Rules whose coefficients the GPU computes with powers, exponentials, roots and what is carried.
KINDS = [
    ("adam_l2", np.float32),
    ("adam_amsgrad", np.float64),
    ("nadam", np.float64),
    ("radam", np.float32),
    ("adopt", np.float64),
    ("ademamix", np.float32),
    ("schedule_free_adamw", np.float64),
    ("sgd", np.float32),
]


def walk_of(kind, *functions):
    name, dtype = kind
    return Walk(name, dtype, *functions, tolerance=TOLERANCE[dtype])


@pytest.fixture
def torch():
    found = pytest.importorskip("torch", reason="needs torch")
    if not found.cuda.is_available():
        pytest.skip("needs torch with CUDA")
    return found


def torch_capture(torch):
    def capture(function):
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            function()
        return graph.replay

    return capture


@pytest.mark.parametrize("kind", KINDS)
def test_torchs_graphs(kind, torch):
    def write(there, array):
        there.copy_(torch.from_numpy(array))

    walk = walk_of(
        kind,
        lambda array: torch.from_numpy(array).cuda(),
        lambda there: there.cpu().numpy(),
        write,
        torch_capture(torch),
    )
    assert_replays_are_steps(walk)


@pytest.mark.parametrize("kind", KINDS[:3])
def test_cupys_graphs(kind):
    cupy = pytest.importorskip("cupy", reason="needs CuPy")
    stream = cupy.cuda.Stream(non_blocking=True)

    def capture(function):
        stream.begin_capture()
        try:
            function()
        finally:
            graph = stream.end_capture()
        return lambda: graph.launch(stream)

    def write(there, array):
        there.set(array)

    with stream:
        walk = walk_of(kind, cupy.asarray, lambda there: there.get(), write, capture)
        assert_replays_are_steps(walk)


@pytest.mark.parametrize("kind", KINDS[:3])
def test_the_drivers_graphs(kind, cuda):
    api = pytest.importorskip("cuda.bindings.driver", reason="needs cuda-bindings")
    stream = cuda.stream()

    def result(outcome):
        code, *values = outcome
        assert not code, code
        return values[0] if values else None

    def capture(function):
        handle = cuda.to_device(np.ones(1), stream=stream).__cuda_array_interface__["stream"]
        stream.synchronize()
        mode = api.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_GLOBAL
        result(api.cuStreamBeginCapture(handle, mode))
        try:
            function()
        finally:
            outcome = api.cuStreamEndCapture(handle)
        executable = result(api.cuGraphInstantiate(result(outcome), 0))
        return lambda: result(api.cuGraphLaunch(executable, handle))

    def to_host(there):
        array = there.copy_to_host(stream=stream)
        stream.synchronize()
        return array

    def write(there, array):
        there.copy_to_device(array, stream=stream)

    walk = walk_of(kind, lambda a: cuda.to_device(a, stream=stream), to_host, write, capture)
    assert_replays_are_steps(walk)


def test_a_whole_training_step_of_torchs_in_a_graph(torch):
    models, optimizers = [], []
    x = torch.linspace(-1, 1, 256, device="cuda", dtype=torch.float64).reshape(64, 4)
    y = x.square().sum(1, keepdim=True)
    for make in (fastadam.Adam, torch.optim.Adam):
        torch.manual_seed(0)
        layers = torch.nn.Linear(4, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1)
        model = torch.nn.Sequential(*layers).to("cuda", torch.float64)
        models.append(model)
        optimizers.append(make(list(model.parameters()), lr=0.01))
    ours, theirs = optimizers

    def compute_gradients(model):
        (model(x) - y).square().mean().backward()

    for _ in range(3):
        for model in models:
            model.zero_grad(set_to_none=False)
            compute_gradients(model)
        theirs.step()
        ours.step([p.grad for p in models[0].parameters()])

    def step():
        models[0].zero_grad(set_to_none=False)
        compute_gradients(models[0])
        ours.step([p.grad for p in models[0].parameters()])

    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):  # as PyTorch asks for before a capture
        step()
    torch.cuda.current_stream().wait_stream(side)
    replay = torch_capture(torch)(step)
    for _ in range(20):
        replay()
    for _ in range(21):
        theirs.zero_grad()
        compute_gradients(models[1])
        theirs.step()
    assert ours.step_count == 24
    for one, other in zip(*[model.parameters() for model in models], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-7, atol=1e-9)


def test_a_refused_capture_leaves_the_optimiser_as_it_was(torch):
    import fastadam.torch

    p = torch.nn.Parameter(torch.ones(3, device="cuda"))
    p.grad = torch.ones(3, device="cuda")
    bridged, skipping = fastadam.torch.Adam([p]), fastadam.Adam(p, nonfinite="skip")

    def capture(step):
        p.grad.add_(0.0)  # of an empty graph PyTorch warns
        step()

    with pytest.raises(RuntimeError, match="cannot be captured in a CUDA graph"):
        torch_capture(torch)(lambda: capture(bridged.step))
    with pytest.raises(ValueError, match="nonfinite='skip' cannot be captured"):
        torch_capture(torch)(lambda: capture(lambda: skipping.step(p.grad)))
    torch.cuda.synchronize()
    for step in (bridged.step, lambda: skipping.step(p.grad)):
        before = p.detach().clone()
        step()
        torch.testing.assert_close(p.detach(), before - 0.001)
