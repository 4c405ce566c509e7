"""PyTorch and the optimisers for it, in whose tests nothing is imported where it is missing."""

import pytest

from tests.api.torch.models import Models


@pytest.fixture(scope="session")
def torch():
    return pytest.importorskip("torch")


@pytest.fixture(scope="session")
def ours(torch):
    import fastadam.torch

    return fastadam.torch


@pytest.fixture
def models(torch):
    """Models whose scalars are float64, as those of the optimisers for NumPy are."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)  # NAdam's product has it
    yield Models(torch)
    torch.set_default_dtype(before)
