"""The whole family of optimisers, and a walk on which two of them can be compared."""

import numpy as np

import fastadam

#: A name, the optimiser and its arguments: every rule, and every branch of a rule's update.
FAMILY = {
    "adam": (fastadam.Adam, {}),
    "adam_l2": (fastadam.Adam, {"weight_decay": 0.1, "maximize": True}),
    "adam_amsgrad": (fastadam.Adam, {"amsgrad": True, "betas": (0.5, 0.6)}),
    "adamw": (fastadam.AdamW, {"weight_decay": 0.3}),
    "adamw_amsgrad": (fastadam.AdamW, {"amsgrad": True}),
    "nadam": (fastadam.NAdam, {"weight_decay": 0.01}),
    "radam": (fastadam.RAdam, {"betas": (0.8, 0.9)}),
    "adamax": (fastadam.Adamax, {}),
    "rmsprop": (fastadam.RMSprop, {}),
    "rmsprop_momentum": (fastadam.RMSprop, {"momentum": 0.9}),
    "rmsprop_centered": (fastadam.RMSprop, {"centered": True}),
    "rmsprop_centered_momentum": (fastadam.RMSprop, {"centered": True, "momentum": 0.9}),
    "sgd": (fastadam.SGD, {"lr": 0.1, "weight_decay": 0.2}),
    "momentum": (fastadam.SGD, {"lr": 0.1, "momentum": 0.9}),
    "nesterov": (fastadam.SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    "lion": (fastadam.Lion, {"weight_decay": 0.1}),
    "adopt": (fastadam.ADOPT, {"weight_decay": 0.1}),
    "ademamix": (fastadam.AdEMAMix, {"warmup_steps": 4}),
    "schedule_free_adamw": (fastadam.ScheduleFreeAdamW, {"weight_decay": 0.1, "warmup_steps": 3}),
}


def gradients(shape, dtype, steps, seed=0):
    """Return gradients of very different sizes, with zeros, and one element that is always 0."""
    rng = np.random.default_rng(seed)
    for step in range(steps):
        g = rng.standard_normal(shape) * 10.0 ** rng.integers(-12, 6, shape)
        g = np.asarray(g, dtype)
        if g.size > 1:
            g.reshape(-1)[0] = 0.0
            g.reshape(-1)[-1] *= step % 3 != 2
        yield g


def start(shape, dtype):
    """Return the parameters to begin with."""
    return np.linspace(-3.0, 3.0, int(np.prod(shape))).reshape(shape).astype(dtype)


def assert_same_steps(name, dtype, shape, steps, on_gpu, from_gpu):
    """Take steps on the CPU and on a GPU, and compare parameters and state bit for bit.

    ``on_gpu`` and ``from_gpu`` turn a NumPy array into one on the GPU and back.
    """
    make, keywords = FAMILY[name]
    p = start(shape, dtype)
    q = on_gpu(p.copy())
    cpu, gpu = make(p, **keywords), make(q, **keywords)
    for g in gradients(shape, dtype, steps):
        cpu.step(g)
        gpu.step(on_gpu(g))
    assert from_gpu(q).tobytes() == p.tobytes()
    assert_same_state(gpu, cpu)
    assert np.isfinite(p).all()
    # Not all: in float32 a step that is small beside its parameter vanishes.
    assert np.mean(p.reshape(-1)[1:-1] != start(shape, dtype).reshape(-1)[1:-1]) > 0.9


#: Blocks that are whole, others, and where an element less or more makes a difference.
SIZES = 0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 255, 256, 257


def assert_same_at_offsets(name, dtype, sizes, steps, on_gpu, from_gpu):
    """Compare as above, where parameters or gradients begin in the midst of 16 bytes, and not.

    ``on_gpu(array, offset)`` puts an array so many elements behind where one can begin.
    """
    make, keywords = FAMILY[name]
    for size in sizes:
        for offset, shift in ((0, 0), (1, 0), (0, 1), (3, 2)):
            p = start((size,), dtype)
            q = on_gpu(p.copy(), offset)
            cpu, gpu = make(p, **keywords), make(q, **keywords)
            for g in gradients((size,), dtype, steps):
                cpu.step(g)
                gpu.step(on_gpu(g, shift))
            assert from_gpu(q).tobytes() == p.tobytes(), (size, offset, shift)
            assert_same_state(gpu, cpu)


def assert_same_lists(name, dtypes, place_gpu, from_gpu, steps=3, sizes=(17, 0, 1, 9, 8, 33, 2)):
    """Compare optimisers of many arrays: of two groups and some dtypes, some without gradients.

    Where parameters and gradients begin changes from array to array.
    """
    make, keywords = FAMILY[name]
    shapes = [(size, dtype) for dtype in dtypes for size in sizes]
    host = [start((size,), dtype) for size, dtype in shapes]
    there = [place_gpu(p.copy(), k % 4) for k, p in enumerate(host)]

    def in_groups(arrays):
        return [{"params": arrays[::2]}, {"params": arrays[1::2], "lr": 0.25, "maximize": True}]

    cpu, gpu = (make(in_groups(arrays), **keywords) for arrays in (host, there))
    each = [gradients((size,), dtype, steps, k) for k, (size, dtype) in enumerate(shapes)]
    for step, given in enumerate(zip(*each, strict=True)):
        grads = [None if (k + step) % 5 == 0 else g for k, g in enumerate(given)]
        cpu.step([grads[::2], grads[1::2]])
        moved = [g if g is None else place_gpu(g, (k + step) % 3) for k, g in enumerate(grads)]
        gpu.step([moved[::2], moved[1::2]])
    for p, q in zip(host, there, strict=True):
        assert from_gpu(q).tobytes() == p.tobytes()
    assert_same_state(gpu, cpu)


def assert_same_state(one, other):
    """Compare two state dictionaries bit for bit."""
    one, other = one.state_dict(), other.state_dict()
    assert one.keys() == other.keys()
    for key, value in one.items():
        if isinstance(value, np.ndarray):
            assert value.tobytes() == other[key].tobytes(), key
            assert value.shape == other[key].shape
        else:
            assert value == other[key]
