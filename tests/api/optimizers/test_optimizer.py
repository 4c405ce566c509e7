"""The optimiser object: structures, groups, memory layouts, hyper-parameters, steps."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastadam

pytestmark = pytest.mark.smoke

NAMES = ["Adam", "AdamW", "NAdam", "RAdam", "Adamax", "RMSprop", "SGD"]


def make(name, params, **keywords):
    if name == "SGD":
        keywords = {"momentum": 0.9, **keywords}
    return getattr(fastadam, name)(params, **keywords)


def expected(name, p, gradients, **keywords):
    """Return what plain contiguous copies of the parameters become."""
    p = np.ascontiguousarray(p).copy()
    optimizer = make(name, p, **keywords)
    for g in gradients:
        optimizer.step(np.ascontiguousarray(g))
    return p


# ---------------------------------------------------------------------------------------------
# Structures
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_all_structures_give_the_same(name):
    rng = np.random.default_rng(0)
    w, b = rng.standard_normal((3, 4)), rng.standard_normal(5)
    gw, gb = rng.standard_normal((3, 4)), rng.standard_normal(5)
    expected_w, expected_b = expected(name, w, [gw, gw]), expected(name, b, [gb, gb])

    def check(params, grads):
        arrays = {"w": w.copy(), "b": b.copy()}
        optimizer = make(name, params(arrays))
        for _ in range(2):
            assert optimizer.step(grads) is None
        assert optimizer.step_count == 2
        np.testing.assert_array_equal(arrays["w"], expected_w)
        np.testing.assert_array_equal(arrays["b"], expected_b)

    check(lambda a: [a["w"], a["b"]], [gw, gb])
    check(lambda a: (a["w"], a["b"]), (gw, gb))
    check(lambda a: a, {"b": gb, "w": gw})
    check(lambda a: a.values(), [gw, gb])
    check(lambda a: iter([a["w"], a["b"]]), [gw, gb])
    check(lambda a: [{"params": a["w"]}, {"params": [a["b"]]}], [gw, [gb]])
    check(lambda a: [{"params": a}], [{"w": gw, "b": gb}])


def test_groups_have_their_own_hyper_parameters():
    w, b = np.ones(3), np.ones(2, np.float32)
    gw, gb = np.full(3, 0.5), np.full(2, 0.5, np.float32)
    optimizer = fastadam.Adam(
        [{"params": w, "lr": 0.1, "amsgrad": True}, {"params": [b], "weight_decay": 0.2}], lr=0.01
    )
    optimizer.step([gw, [gb]])
    np.testing.assert_array_equal(w, expected("Adam", np.ones(3), [gw], lr=0.1, amsgrad=True))
    np.testing.assert_array_equal(
        b, expected("Adam", np.ones(2, np.float32), [gb], lr=0.01, weight_decay=0.2)
    )
    assert optimizer.lr == [0.1, 0.01]
    assert optimizer.param_groups[1]["weight_decay"] == 0.2
    optimizer.lr = 0.3
    assert optimizer.lr == 0.3


def test_lists_are_not_held_by_reference():
    params = [np.ones(2)]
    optimizer = fastadam.Adam(params)
    params.append(np.ones(3))
    optimizer.step([np.ones(2)])
    assert optimizer.step_count == 1


# ---------------------------------------------------------------------------------------------
# Memory
# ---------------------------------------------------------------------------------------------


def layouts(shape, dtype=np.float64):
    """Return arrays of one shape in various memory layouts, by name."""
    big = np.zeros([3 * n + 1 for n in shape], dtype)
    unaligned = np.zeros(int(np.prod(shape)) * dtype().itemsize + 1, np.uint8)[1:]
    return {
        "C": np.zeros(shape, dtype),
        "Fortran": np.zeros(shape, dtype, order="F"),
        "permuted": np.zeros(shape[1:] + shape[:1], dtype).transpose(-1, *range(len(shape) - 1)),
        "strided": big[tuple(slice(1, 3 * n, 3) for n in shape)],
        "reversed": np.zeros(shape, dtype)[::-1],
        "unaligned": unaligned.view(dtype).reshape(shape),
    }


@pytest.mark.parametrize("layout", layouts((2, 3, 4)))
@pytest.mark.parametrize("gradient_layout", layouts((2, 3, 4)))
def test_any_layout_is_updated_in_place(layout, gradient_layout):
    rng = np.random.default_rng(3)
    p, g = layouts((2, 3, 4))[layout], layouts((2, 3, 4))[gradient_layout]
    p[...], g[...] = rng.standard_normal((2, 2, 3, 4))
    base = p.base if p.base is not None else p
    result = expected("Adam", p, [g, g, g])
    optimizer = fastadam.Adam([p])
    for _ in range(3):
        optimizer.step([g])
    np.testing.assert_array_equal(p, result)
    assert np.shares_memory(p, base)


@given(
    shape=st.lists(st.integers(0, 4), min_size=1, max_size=3),
    steps=st.lists(st.sampled_from([-2, -1, 1, 3]), min_size=3, max_size=3),
    axes=st.permutations(range(3)),
    data=st.data(),
)
@settings(deadline=None, max_examples=150)
def test_any_view_is_updated_in_place(shape, steps, axes, data):
    whole = np.zeros([3 * n for n in shape])
    view = whole[tuple(np.s_[::step] for step in steps[: len(shape)])]
    view = view[tuple(np.s_[:n] for n in shape)].transpose([a for a in axes if a < len(shape)])
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    view[...] = rng.standard_normal(view.shape)
    outside = whole.sum() - view.sum()
    g = rng.standard_normal(view.shape)
    result = expected("NAdam", view, [g, g])
    optimizer = fastadam.NAdam(view)
    optimizer.step(g)
    optimizer.step(g)
    np.testing.assert_array_equal(view, result)
    assert whole.sum() - view.sum() == pytest.approx(outside)


@pytest.mark.parametrize("shape", [(), (0,), (1,), (3, 0, 2)])
@pytest.mark.parametrize("nonfinite", ["propagate", "raise", "skip"])
def test_small_and_empty_arrays(shape, nonfinite):
    p = np.ones(shape, np.float32)
    optimizer = fastadam.Adam(p, nonfinite=nonfinite)
    optimizer.step(np.ones(shape, np.float32))
    assert optimizer.step_count == 1
    np.testing.assert_allclose(p, np.full(shape, 0.999, np.float32), rtol=1e-6)


def test_gradients_may_be_read_only():
    p, g = np.ones(1000), np.ones(1000)
    g.flags.writeable = False
    optimizer = fastadam.Adam(p)
    optimizer.step(g)
    np.testing.assert_allclose(p, 0.999)


def test_a_memory_map_is_updated_on_disk(tmp_path):
    p = np.memmap(tmp_path / "p", np.float32, "w+", shape=(4, 3))
    fastadam.Adam(p).step(np.ones((4, 3), np.float32))
    p.flush()
    np.testing.assert_allclose(np.fromfile(tmp_path / "p", np.float32), -1e-3, rtol=1e-6)


def test_a_gradient_in_the_parameters_memory_is_read_before_it_changes():
    x, y = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    expected_x, expected_y = expected("SGD", x, [y.copy()]), expected("SGD", y, [x.copy()])
    make("SGD", [x, y]).step([y, x])  # of x @ y
    np.testing.assert_array_equal(x, expected_x)
    np.testing.assert_array_equal(y, expected_y)

    buffer = np.arange(10.0)
    p, shifted = buffer[:9], buffer[1:]
    result = expected("Adam", p, [shifted.copy()])
    fastadam.Adam(p).step(shifted)
    np.testing.assert_array_equal(p, result)


@pytest.mark.parametrize("nonfinite", ["propagate", "raise"])
@pytest.mark.parametrize("name", NAMES)
def test_a_step_allocates_nothing_that_grows(name, nonfinite):
    size = 300_000
    p, g = np.ones(size, np.float32), np.ones(size, np.float32)
    optimizer = make(name, p, nonfinite=nonfinite)
    for _ in range(6):  # both loops are loaded by now
        optimizer.step(g)
    tracemalloc.start()
    try:
        for _ in range(3):
            optimizer.step(g)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20_000


# ---------------------------------------------------------------------------------------------
# Hyper-parameters
# ---------------------------------------------------------------------------------------------


def test_lr_may_be_a_callable_of_the_step():
    seen = []

    def lr(step):
        seen.append(step)
        return 0.1 / step

    p, q = np.ones(3), np.ones(3)
    optimizer, manual = fastadam.Adam(p, lr=lr), fastadam.Adam(q, lr=1.0)
    for step in range(1, 5):
        optimizer.step(p.copy())
        manual.lr = 0.1 / step
        manual.step(q.copy())
    assert seen == [1, 2, 3, 4]
    assert optimizer.lr is lr
    np.testing.assert_array_equal(p, q)


@pytest.mark.fault(number=20)
def test_the_rate_in_force_is_told_and_the_schedule_asked_once_a_step():
    asked = []

    def halving(step):
        asked.append(step)
        return 0.5**step

    w, b = np.ones(2), np.ones(3)
    grads = [np.ones(2), np.ones(3)]
    optimizer = fastadam.Adam([{"params": w}, {"params": b, "lr": 0.3}], lr=halving)
    assert optimizer.current_lr == [0.5, 0.3]  # of the first step
    asked.clear()
    for step in (1, 2, 3):
        optimizer.step(grads)
        assert optimizer.current_lr == [0.5**step, 0.3]
    with pytest.raises(ValueError, match="must be finite"):
        optimizer.param_groups[1]["lr"] = np.nan
    optimizer._nonfinite = "raise"
    with pytest.raises(ValueError, match="must be finite"):
        optimizer.step([np.array([1.0, np.nan]), np.ones(3)])
    assert optimizer.current_lr == [0.125, 0.3]
    assert asked == [1, 2, 3]

    optimizer.lr = 0.75
    assert optimizer.current_lr == 0.75
    optimizer.lr = lambda step: 1.0 / step
    assert optimizer.current_lr == 1 / 3  # of the last step

    resumed = fastadam.Adam([{"params": w}, {"params": b}], lr=halving)
    resumed.load_state_dict(optimizer.state_dict())
    assert resumed.current_lr == 0.125
    resumed.load_state_dict({**optimizer.state_dict(), "group0/lr": 0.1, "group1/lr": 0.1})
    assert resumed.current_lr == 0.1


@pytest.mark.fault(number=20)
def test_a_refused_step_does_not_change_the_rate_in_force():
    """Even if its schedule gives another rate at each look."""
    rates = iter([0.5, 0.25, 0.125])
    fails = iter([0.1, -1.0, -1.0])
    params = [{"params": np.ones(2), "lr": lambda step: next(rates)}]
    params.append({"params": np.ones(2), "lr": lambda step: next(fails)})
    optimizer = fastadam.SGD(params)
    optimizer.step([np.ones(2)] * 2)
    for _ in range(2):
        with pytest.raises(ValueError, match="lr"):
            optimizer.step([np.ones(2)] * 2)
        assert optimizer.current_lr == [0.5, 0.1]


def test_hyper_parameters_can_be_set_between_steps():
    p = np.ones(3)
    optimizer = fastadam.Adam(p)
    group = optimizer.param_groups[0]
    group["betas"] = (0.0, 0.0)
    group.update(lr=0.5, eps=0.0)
    optimizer.step(np.full(3, -7.0))
    np.testing.assert_array_equal(p, 1.5)
    assert dict(group)["lr"] == 0.5


@pytest.mark.parametrize("name", NAMES)
def test_maximize_is_minimising_the_negative(name):
    g = np.array([0.5, -1.0, 2.0])
    up = expected(name, np.ones(3), [g, g], maximize=True)
    np.testing.assert_array_equal(up, expected(name, np.ones(3), [-g, -g]))


def test_repr_tells_what_it_is():
    optimizer = fastadam.Adam({"w": np.ones((2, 3)), "b": np.ones(4)}, lr=0.25)
    optimizer.step({"w": np.ones((2, 3)), "b": np.ones(4)})
    text = repr(optimizer)
    for part in ("Adam(", "10 parameters", "2 array", "lr=0.25", "betas=(0.9, 0.999)", "count=1"):
        assert part in text
    assert "lr=0.5" in repr(fastadam.SGD([{"params": np.ones(1), "lr": 0.5}]))


def test_the_public_names_are_those_of_the_package():
    for name in fastadam.__all__:
        assert hasattr(fastadam, name)
    assert set(NAMES) < set(fastadam.__all__)


# ---------------------------------------------------------------------------------------------
# Gradients that are not finite
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", NAMES)
def test_skip_changes_nothing(name, bad, snapshot):
    arrays = [np.ones(3), np.ones(4)]
    optimizer = make(name, arrays, nonfinite="skip")
    optimizer.step([np.ones(3), np.ones(4)])
    before = snapshot(optimizer, arrays)
    optimizer.step([np.ones(3), np.array([1.0, 1.0, bad, 1.0])])
    before.assert_unchanged()
    optimizer.step([np.ones(3), np.ones(4)])
    assert optimizer.step_count == 2


def test_raise_names_the_gradient(snapshot):
    arrays = {"w": np.ones((2, 2)), "b": np.ones(2)}
    optimizer = fastadam.Adam(arrays, nonfinite="raise")
    before = snapshot(optimizer, list(arrays.values()))
    with pytest.raises(ValueError, match=r"grads\['b'\] must be finite, got -inf"):
        optimizer.step({"w": np.ones((2, 2)), "b": np.array([0.0, -np.inf])})
    before.assert_unchanged()


# ---------------------------------------------------------------------------------------------
# Saving and resuming
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("amsgrad", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_resuming_is_bit_exact(name, amsgrad, tmp_path):
    keywords = {"amsgrad": amsgrad} if name.startswith("Adam") and name != "Adamax" else {}
    rng = np.random.default_rng(0)
    gradients = [{"w": rng.standard_normal((3, 2)), "s": rng.standard_normal(())} for _ in range(9)]

    def fresh():
        return {"w": np.ones((3, 2), order="F"), "s": np.array(2.0)}

    whole = fresh()
    optimizer = make(name, whole, lr=0.1, **keywords)
    for g in gradients:
        optimizer.step(g)

    params = fresh()
    first = make(name, params, lr=0.1, **keywords)
    for g in gradients[:4]:
        first.step(g)
    np.savez(tmp_path / "state.npz", **first.state_dict())
    second = make(name, params, lr=0.9, **keywords)
    with np.load(tmp_path / "state.npz", allow_pickle=False) as saved:
        second.load_state_dict(saved)
    assert second.step_count == 4
    assert second.lr == 0.1
    for g in gradients[4:]:
        second.step(g)
    for key in whole:
        assert params[key].tobytes() == whole[key].tobytes()


def test_a_state_dict_is_a_copy_of_plain_things():
    p = np.ones((2, 3))
    optimizer = fastadam.NAdam([p])
    optimizer.step([np.ones((2, 3))])
    saved = optimizer.state_dict()
    assert {key: saved[key] for key in ("rule", "step_count", "group0/lr")} == {
        "rule": "NAdam",
        "step_count": 1,
        "group0/lr": 2e-3,
    }
    assert saved["group0/0/m"].shape == (2, 3)
    assert 0 < saved["group0/mu_product"] < 1
    saved["group0/0/m"][:] = 5.0
    assert (optimizer.state_dict()["group0/0/m"] != 5.0).all()


@pytest.mark.fault(number=34)
def test_the_largest_step_count_is_one_that_can_be_gone_on_from():
    p = np.ones(2)
    optimizer = fastadam.SGD(p, lr=0.25)
    optimizer.load_state_dict({**optimizer.state_dict(), "step_count": np.array(2**63 - 2)})
    optimizer.step(np.ones(2))
    assert optimizer.step_count == 2**63 - 1
    np.testing.assert_array_equal(p, 0.75)


def test_a_callable_lr_is_not_saved_and_is_kept():
    p = np.ones(2)
    optimizer = fastadam.Adam(p, lr=lambda step: 0.1 / step)
    optimizer.step(p.copy())
    saved = optimizer.state_dict()
    assert "group0/lr" not in saved
    optimizer.load_state_dict(saved)
    assert callable(optimizer.lr)
    with pytest.raises(ValueError, match="saved with a callable lr"):
        fastadam.Adam(p).load_state_dict(saved)


def test_a_state_dict_is_read_once_and_before_anything_is_written(snapshot):
    """A file that `numpy.load` opened is read at each look, and reading may fail."""
    p = np.ones(2)
    optimizer = fastadam.Adam(p)
    optimizer.step(np.ones(2))
    reads = []

    class File(dict):
        def __getitem__(self, key):
            reads.append(key)
            if reads.count(key) > 1 or key == failing:
                raise OSError(f"cannot read {key}")
            return super().__getitem__(key)

    saved = {
        key: value * 2 if "/0/" in key else value for key, value in optimizer.state_dict().items()
    }
    before = snapshot(optimizer, [p])
    failing = "group0/0/v"
    with pytest.raises(OSError, match="group0/0/v"):
        optimizer.load_state_dict(File(saved))
    before.assert_unchanged()
    failing = None
    reads.clear()
    optimizer.load_state_dict(File(saved))
    np.testing.assert_array_equal(optimizer.state_dict()["group0/0/v"], saved["group0/0/v"])
