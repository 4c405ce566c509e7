"""The bridge for PyTorch on tensors in host memory that say that they are on a GPU."""

from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from tests.gpu.bridge import OPTIMISERS, Bridge

STREAM = 0x7F10


def make_pretence(torch):
    """Make a class of tensors on a GPU, and a mode that makes them of what is asked for there."""

    class OnGpu(torch.Tensor):
        """What is made of one is one, too."""

        device = torch.device("cuda:0")
        is_cuda, is_cpu = True, False

        def __deepcopy__(self, memo):
            return self.clone()

    class Pretending(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            kwargs = dict(kwargs or {})
            device = kwargs.pop("device", None)
            if device is None:
                return function(*args, **kwargs)
            made = function(*args, **kwargs, device="cpu").as_subclass(torch.Tensor).clone()
            return made.as_subclass(OnGpu) if device == OnGpu.device else made

    return OnGpu, Pretending


@pytest.fixture
def bridge(gpu, monkeypatch):
    """Have the simulator in the GPU's place, with a current stream."""
    torch = pytest.importorskip("torch", reason="needs torch")
    from fastadam.torch import _launches

    monkeypatch.setattr(_launches, "find_gpu", lambda pointer: gpu)
    monkeypatch.setattr(torch.cuda, "device", lambda device: nullcontext())
    monkeypatch.setattr(torch.cuda, "is_current_stream_capturing", lambda: False)
    stream = SimpleNamespace(cuda_stream=STREAM)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: stream)
    on_gpu, pretending = make_pretence(torch)
    with pretending():
        yield Bridge(
            torch,
            lambda tensor: tensor.clone().as_subclass(on_gpu),
            lambda tensor: tensor.as_subclass(torch.Tensor),
        )


@pytest.mark.parametrize("on_gpu", [(0, 1, 2, 3), (1, 2)], ids=["all", "mixed"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", OPTIMISERS)
def test_steps_and_state_dictionaries_have_the_bits_of_the_cpu(bridge, name, dtype, on_gpu):
    bridge.assert_same_steps_and_saves(name, dtype, on_gpu)


def test_a_step_is_one_launch_on_the_current_stream(gpu, bridge):
    optimizer = bridge.make("Adam", "float32", on_gpu=(0, 1, 2, 3))
    gpu.waits = 0
    for absent in ([2], []):
        bridge.step([optimizer], 0, absent)
    assert gpu.events == [("send", STREAM), ("launch", STREAM)] * 2
    assert gpu.waits == 0


def test_groups_share_a_launch_and_tensors_of_another_dtype_have_their_own(gpu, bridge):
    ones = bridge.torch.ones
    params = [bridge.torch.nn.Parameter(bridge.to_gpu(ones(n))) for n in (3, 40, 5)]
    wide = bridge.torch.nn.Parameter(bridge.to_gpu(ones(3, dtype=bridge.torch.float64)))
    groups = [{"params": params[:2]}, {"params": [params[2], wide], "lr": 0.5}]
    optimizer = bridge.ours.Adam(groups, lr=0.25)
    for _ in range(2):
        for p in (*params, wide):
            p.grad = p.detach().clone()
        gpu.events.clear()
        optimizer.step()
        assert gpu.events == [("send", STREAM), ("launch", STREAM)] * 2
    for p, lr in zip((*params, wide), (0.25, 0.25, 0.5, 0.5), strict=True):
        assert (p.detach() - (1.0 - 2.0 * lr)).abs().max() < 0.2 * lr


@pytest.mark.parametrize("steps", [0, 1])
def test_a_captured_step_is_refused(steps, gpu, bridge, monkeypatch):
    optimizer = bridge.make("Adam", "float32", on_gpu=(0, 1, 2, 3))
    for _ in range(steps):
        bridge.step([optimizer], 0)
    gpu.events.clear()
    monkeypatch.setattr(bridge.torch.cuda, "is_current_stream_capturing", lambda: True)
    with pytest.raises(RuntimeError, match="cannot be captured in a CUDA graph"):
        bridge.step([optimizer], 0)
    assert gpu.events == []
    assert any(optimizer.state.values()) == bool(steps)


def test_what_keeps_no_state(bridge):
    p, q = (bridge.torch.nn.Parameter(move(bridge.torch.ones(3))) for move in (bridge.to_gpu, abs))
    for each in (p, q):
        each.grad = each.detach() / 3
        bridge.ours.SGD([each], lr=0.1).step()
    assert bridge.bits(p) == bridge.bits(q) != bridge.bits(bridge.torch.ones(3))


def test_a_step_that_is_refused_changes_nothing(gpu, bridge):
    ones = bridge.torch.ones
    p, q = (bridge.torch.nn.Parameter(bridge.to_gpu(ones(4))) for _ in range(2))
    optimizer = bridge.ours.Adam([p, q])
    p.grad, q.data = bridge.to_gpu(ones(4)), p.data[1:]
    q.grad = bridge.to_gpu(ones(3))
    with pytest.raises(ValueError, match=r"params'\]\[0\] and .*params'\]\[1\] share memory"):
        optimizer.step()
    assert bridge.bits(p) == bridge.bits(ones(4))
    assert optimizer.state[p]["step"] == 0
    assert gpu.events == []
