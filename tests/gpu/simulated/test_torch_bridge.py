"""The bridge for PyTorch on tensors in host memory that say that they are on a GPU."""

from contextlib import nullcontext
from copy import deepcopy
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch")

import fastadam.torch as ours  # noqa: E402

GPU = torch.device("cuda:0")
STREAM = 0x7F10


class OnGpu(torch.Tensor):
    """A tensor that is on a GPU, by what it says; what is made of it says so, too."""

    device = GPU
    is_cuda, is_cpu = True, False


class Pretending(torch.overrides.TorchFunctionMode):
    """Has PyTorch put on the host, by a copy, what is asked for on the GPU, and the other way."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        device = kwargs.pop("device", None)
        if device is None:
            return function(*args, **kwargs)
        made = function(*args, **kwargs, device="cpu").as_subclass(torch.Tensor).clone()
        return made.as_subclass(OnGpu) if device == GPU else made


@pytest.fixture(autouse=True)
def gpu(gpu, monkeypatch):
    """Have the simulator in the GPU's place, with a current stream."""
    from fastadam.torch import _launches

    monkeypatch.setattr(_launches, "find_gpu", lambda pointer: gpu)
    monkeypatch.setattr(torch.cuda, "device", lambda device: nullcontext())
    stream = SimpleNamespace(cuda_stream=STREAM)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: stream)
    with Pretending():
        yield gpu


def on_gpu(tensor):
    return tensor.detach().clone().as_subclass(OnGpu)


def bits(tensor):
    return tensor.detach().as_subclass(torch.Tensor).numpy().tobytes()


def start(dtype, *, move=lambda tensor: tensor):
    """Make a matrix, one with its axes turned, a number and nothing."""
    shapes = (3, 5), (4, 3), (), (0, 2)
    torch.manual_seed(0)
    params = [move(torch.randn(shape, dtype=dtype)) for shape in shapes]
    params[1] = params[1].t()
    return [torch.nn.Parameter(p) for p in params]


def step(optimizers, seed, absent=()):
    """Have a step taken by each, with the same gradients."""
    for optimizer in optimizers:
        torch.manual_seed(seed)
        for k, p in enumerate(optimizer.param_groups[0]["params"]):
            g = torch.randn(p.shape, dtype=p.dtype)
            p.grad = None if k in absent else on_gpu(g) if p.is_cuda else g
        optimizer.step()


def assert_same(one, other):
    for p, q in zip(*[each.param_groups[0]["params"] for each in (one, other)], strict=True):
        assert bits(p) == bits(q)
        assert one.state[p].keys() == other.state[q].keys()
        for key, value in one.state[p].items():
            assert bits(value) == bits(other.state[q][key])


MAKERS = {
    "adam": lambda params: ours.Adam(params, lr=0.1, weight_decay=0.01, amsgrad=True),
    "nadam": lambda params: ours.NAdam(params, lr=0.1),
    "momentum": lambda params: ours.SGD(params, lr=0.1, momentum=0.9, dampening=0.1),
    "sgd": lambda params: ours.SGD(params, lr=0.1),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", MAKERS)
def test_steps_have_the_bits_of_the_cpu(gpu, name, dtype):
    cpu = MAKERS[name](start(dtype))
    there = MAKERS[name](start(dtype, move=on_gpu))
    step([cpu, there], 0, absent=[0])  # which is then a step behind
    gpu.events.clear()
    gpu.waits = 0
    for seed in range(1, 5):
        step([cpu, there], seed, absent=[2] if seed == 3 else ())
    assert gpu.events == [("launch", STREAM)] * 11
    assert gpu.waits == 0
    assert_same(cpu, there)


@pytest.mark.parametrize("name", ["adam", "nadam", "momentum"])
def test_state_dictionaries_go_both_ways(name):
    cpu = MAKERS[name](start(torch.float64))
    there = MAKERS[name](start(torch.float64, move=on_gpu))
    step([there], 0, absent=[1])
    with torch.no_grad():
        for p, q in zip(*[each.param_groups[0]["params"] for each in (cpu, there)], strict=True):
            p.copy_(q)
    cpu.load_state_dict(deepcopy(there.state_dict()))
    step([cpu, there], 1)
    assert_same(cpu, there)
    again = MAKERS[name](there.param_groups[0]["params"])
    again.load_state_dict(deepcopy(cpu.state_dict()))
    step([cpu, again], 2)
    assert_same(cpu, again)
    (p, *_) = again.param_groups[0]["params"]
    assert [key for key, value in again.state[p].items() if not value.is_cuda] == [
        key for key in again.state[p] if key in ("step", "mu_product")
    ]


def test_one_optimiser_may_have_tensors_on_both_sides():
    mixed = [
        q if k % 2 else p
        for k, (p, q) in enumerate(
            zip(start(torch.float32), start(torch.float32, move=on_gpu), strict=True)
        )
    ]
    one, other = ours.Adam(mixed, lr=0.1), ours.Adam(start(torch.float32), lr=0.1)
    for seed in range(3):
        step([one, other], seed)
    assert_same(one, other)


def test_a_step_that_is_refused_changes_nothing(gpu):
    p, q = (torch.nn.Parameter(on_gpu(torch.ones(4))) for _ in range(2))
    optimizer = ours.Adam([p, q])
    p.grad, q.grad = on_gpu(torch.ones(4)), on_gpu(torch.ones(4))
    q.data = p.data[1:]
    q.grad = on_gpu(torch.ones(3))
    with pytest.raises(ValueError, match=r"params'\]\[0\] and .*params'\]\[1\] share memory"):
        optimizer.step()
    assert bits(p) == np.ones(4, np.float32).tobytes()
    assert optimizer.state[p]["step"] == 0
    assert gpu.events == []
