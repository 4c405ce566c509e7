"""The bridge for PyTorch on a real GPU; skipped where there is none."""

import pytest

from .bridge import OPTIMISERS, Bridge

pytestmark = [pytest.mark.gpu, pytest.mark.usefixtures("cuda")]


@pytest.fixture
def torch(cuda):
    found = pytest.importorskip("torch", reason="needs torch")
    if not found.cuda.is_available():
        pytest.skip("needs torch with CUDA")
    return found


@pytest.mark.parametrize("on_gpu", [(0, 1, 2, 3), (1, 2)], ids=["all", "mixed"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", OPTIMISERS)
def test_steps_and_state_dictionaries_have_the_bits_of_the_cpu(torch, name, dtype, on_gpu):
    bridge = Bridge(torch, torch.Tensor.cuda, torch.Tensor.cpu)
    bridge.assert_same_steps_and_saves(name, dtype, on_gpu)


def test_a_model_on_another_stream_trains_as_with_torchs(torch):
    import fastadam.torch

    models = []
    for optim in (fastadam.torch, torch.optim):
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
