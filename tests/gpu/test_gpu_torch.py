"""The bridge for PyTorch on a real GPU; skipped where there is none."""

from copy import deepcopy

import pytest

pytestmark = [pytest.mark.gpu, pytest.mark.usefixtures("cuda")]


@pytest.fixture
def torch(cuda):
    found = pytest.importorskip("torch", reason="needs torch")
    if not found.cuda.is_available():
        pytest.skip("needs torch with CUDA")
    return found


@pytest.fixture
def ours(torch):
    import fastadam.torch

    return fastadam.torch


OPTIMISERS = {
    "Adam": {"lr": 0.1, "weight_decay": 0.01, "amsgrad": True},
    "NAdam": {"lr": 0.1},
    "SGD": {"lr": 0.1, "momentum": 0.9},
}


def start(torch, dtype, *devices):
    """Make a matrix, one with its axes turned, a number and nothing, on each device in turn."""
    torch.manual_seed(0)
    shapes = (300, 500), (40, 30), (), (0, 2)
    params = [torch.randn(shape, dtype=dtype) for shape in shapes]
    params[1] = params[1].t()
    places = [devices[k % len(devices)] for k in range(len(shapes))]
    return [torch.nn.Parameter(p.to(at)) for p, at in zip(params, places, strict=True)]


def step(torch, optimizers, seed, absent=()):
    """Have a step taken by each, with the same gradients."""
    for optimizer in optimizers:
        torch.manual_seed(seed)
        for k, p in enumerate(optimizer.param_groups[0]["params"]):
            g = torch.randn(p.shape, dtype=p.dtype).to(p.device)
            p.grad = None if k in absent else g
        optimizer.step()


def assert_same(torch, one, other):
    for p, q in zip(*[each.param_groups[0]["params"] for each in (one, other)], strict=True):
        assert torch.equal(p.cpu(), q.cpu())
        assert one.state[p].keys() == other.state[q].keys()
        for key, value in one.state[p].items():
            assert torch.equal(value.cpu(), other.state[q][key].cpu())


@pytest.mark.parametrize("devices", [("cuda",), ("cuda", "cpu")], ids=["gpu", "mixed"])
@pytest.mark.parametrize("name", OPTIMISERS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_steps_and_state_dictionaries_have_the_bits_of_the_cpu(torch, ours, name, devices, dtype):
    make, options = getattr(ours, name), OPTIMISERS[name]
    cpu = make(start(torch, getattr(torch, dtype), "cpu"), **options)
    there = make(start(torch, getattr(torch, dtype), *devices), **options)
    step(torch, [cpu, there], 0, absent=[0])
    for seed in range(1, 5):
        step(torch, [cpu, there], seed, absent=[2] if seed == 3 else ())
    assert_same(torch, cpu, there)
    again = make(there.param_groups[0]["params"], **options)
    again.load_state_dict(deepcopy(cpu.state_dict()))
    cpu.load_state_dict(deepcopy(there.state_dict()))
    step(torch, [cpu, again], 5)
    assert_same(torch, cpu, again)
    on_cpu = ("step", "mu_product")
    for p in again.param_groups[0]["params"]:
        for key, value in again.state[p].items():
            assert value.device == (torch.device("cpu") if key in on_cpu else p.device)


def test_a_model_on_another_stream_trains_as_with_torchs(torch, ours):
    models = []
    for optim in (ours, torch.optim):
        torch.manual_seed(0)
        layers = torch.nn.Linear(8, 32), torch.nn.Tanh(), torch.nn.Linear(32, 1)
        model = torch.nn.Sequential(*layers).to("cuda", torch.float64)
        x = torch.randn(64, 8, device="cuda", dtype=torch.float64)
        optimizer = optim.Adam(model.parameters(), lr=1e-2)
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(50):
                optimizer.zero_grad()
                (model(x) - x.sum(1, keepdim=True)).square().mean().backward()
                optimizer.step()
        models.append(model)
    torch.cuda.synchronize()
    for one, other in zip(*[model.parameters() for model in models], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-8)
