"""What a step does beside the rule's update: clipped elements and averages, as on the CPU."""

import numpy as np
import pytest

import fastadam
from tests.gpu.family import gradients
from tests.gpu.host import HostArray

pytestmark = pytest.mark.usefixtures("gpu")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("options", [{"average": "equal"}, {"clip_value": 0.5, "average": 0.9}])
def test_clipped_and_averaged_steps_have_the_bits_of_the_cpu(options, dtype):
    shape = (5, 3)
    host, there = np.ones(shape, dtype), HostArray(np.ones(shape, dtype))
    cpu, gpu = fastadam.Adam(host, lr=0.1, **options), fastadam.Adam(there, lr=0.1, **options)
    for step in range(6):
        gradient = next(gradients(shape, dtype, 1, step))
        cpu.step(gradient)
        gpu.step(HostArray(gradient))
        if step == 2:
            cpu.restart_average()
            gpu.restart_average()
    assert there.array.tobytes() == host.tobytes()
    before = host.copy()
    with cpu.averaged(), gpu.averaged():
        assert there.array.tobytes() == host.tobytes() != before.tobytes()
    assert there.array.tobytes() == before.tobytes()
    state = gpu.state_dict()
    assert set(state) == set(cpu.state_dict())
    gpu.load_state_dict(cpu.state_dict())
    for key, value in gpu.state_dict().items():
        np.testing.assert_array_equal(value, state[key])


@pytest.mark.parametrize("options", [{"clip_norm": 1.0}, {"state_dtype": "uint8"}])
def test_what_is_for_the_cpu_alone(options):
    with pytest.raises(ValueError, match=f"{next(iter(options))}.*not for params, which is on a"):
        fastadam.Adam(HostArray(np.ones(2, np.float32)), **options)
