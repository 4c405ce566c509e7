"""`Optimizer.save` and `load`: all of a run in a file, and nothing changes if it does not fit."""

import os

import numpy as np
import pytest

import fastadam
from fastadam import CheckpointError
from fastadam.schedules import Cosine, ReduceOnPlateau, Warmup
from tests.api.optimizers.optimizers import NAMES, make

RNG = np.random.default_rng(0)
GRADIENTS = [{"w": RNG.standard_normal((3, 2)), "s": RNG.standard_normal(())} for _ in range(9)]


def fresh(fill=1.0):
    return {"w": np.full((3, 2), fill, order="F"), "s": np.array(2.0 * fill)}


@pytest.mark.parametrize("name", NAMES)
def test_what_is_loaded_goes_on_bit_for_bit(name, tmp_path):
    whole, params = fresh(), fresh()
    optimizer, first = make(name, whole, lr=0.1), make(name, params, lr=0.1)
    for k, grads in enumerate(GRADIENTS):
        optimizer.step(grads)
        if k < 4:
            first.step(grads)
    first.save(tmp_path / "run")
    resumed = fresh(7.0)
    second = make(name, resumed, lr=0.9)
    assert fastadam.load(tmp_path / "run", second) is None
    assert (second.step_count, second.lr) == (4, 0.1)
    for key, array in fastadam.load(tmp_path / "run").items():
        assert array.tobytes() == resumed[key].tobytes() == params[key].tobytes()
        assert array.flags.writeable
    for grads in GRADIENTS[4:]:
        second.step(grads)
    for key in whole:
        assert resumed[key].tobytes() == whole[key].tobytes()


def test_weights_without_an_optimizer_have_the_names_of_the_groups(tmp_path):
    a, b = np.ones(2), np.arange(6, dtype=np.float32).reshape(2, 3)[:, ::2]
    fastadam.Adam([{"params": [a]}, {"params": {"b": b}, "lr": 0.5}]).save(tmp_path / "groups")
    weights = fastadam.load(tmp_path / "groups")
    np.testing.assert_equal(weights, {"group0/0": a, "group1/b": b})
    fastadam.Adam(b).save(tmp_path / "one")
    np.testing.assert_equal(fastadam.load(tmp_path / "one"), {"0": b})


def plateau():
    return ReduceOnPlateau(0.1, factor=0.5, patience=1, cooldown=1)


@pytest.mark.parametrize("wrap", [lambda schedule: schedule, lambda schedule: Warmup(3, schedule)])
def test_a_plateau_goes_on_where_it_was(wrap, tmp_path):
    metrics = [3.0, 2.0, 2.0, 2.0, 2.5, 2.0, 1.0, 2.0, 2.0]

    def train(schedule, optimizer, rows):
        for k in rows:
            optimizer.step(GRADIENTS[k])
            schedule.report(metrics[k])

    whole, params, resumed = fresh(), fresh(), fresh(5.0)
    schedules = [plateau() for _ in range(3)]
    optimizers = [
        fastadam.Adam(each, lr=wrap(schedule))
        for each, schedule in zip((whole, params, resumed), schedules, strict=True)
    ]
    train(schedules[0], optimizers[0], range(9))
    train(schedules[1], optimizers[1], range(5))
    assert schedules[1].rate < 0.1
    optimizers[1].save(tmp_path / "run")
    fastadam.load(tmp_path / "run", optimizers[2])
    assert schedules[2].state_dict() == schedules[1].state_dict()
    train(schedules[2], optimizers[2], range(5, 9))
    assert schedules[2] == schedules[0]
    for key in whole:
        assert resumed[key].tobytes() == whole[key].tobytes()


def test_other_schedules_are_the_optimizers_own(tmp_path):
    fastadam.Adam(np.ones(2), lr=Cosine(1.0, 10)).save(tmp_path / "run")
    optimizer = fastadam.Adam(np.zeros(2), lr=lambda step: 0.5)
    fastadam.load(tmp_path / "run", optimizer)
    assert optimizer.current_lr == 0.5


class Refusing(ReduceOnPlateau):
    """A schedule that says no, once."""

    refuses = True

    def load_state_dict(self, state):
        super().load_state_dict(state)
        if self.refuses:
            self.refuses = False
            raise ValueError("not this one")


NAN_PLATEAU = {"rate": 0.5, "best": 1.0, "worse": 0, "cooling": -1}
#: What does not fit a file of ``Adam(fresh(), lr=0.1)``, and how the error says so.
MISFITS = {
    "kind": (lambda: fastadam.SGD(fresh()), "'SGD', got 'Adam'"),
    "state": (lambda: fastadam.Adam(fresh(), amsgrad=True), "lacks the keys .*v_max"),
    "names": (lambda: fastadam.Adam({"w": np.ones((3, 2))}), r"unknown ones \['group0/s'\]"),
    "shape": (
        lambda: fastadam.Adam({"w": np.ones((2, 3)), "s": np.array(1.0)}),
        r"weights 'group0/w' must be .* shape \(2, 3\)",
    ),
    "dtype": (
        lambda: fastadam.Adam({"w": np.ones((3, 2), np.float32), "s": np.array(1.0)}),
        "weights 'group0/w' must be of dtype float32",
    ),
}


@pytest.mark.parametrize("name", MISFITS)
def test_what_does_not_fit_changes_nothing(name, tmp_path, snapshot):
    make_optimizer, words = MISFITS[name]
    saved = fastadam.Adam(fresh(3.0), lr=0.1)
    saved.step(GRADIENTS[0])
    saved.save(tmp_path / "run")
    optimizer = make_optimizer()
    before = snapshot(optimizer, list(optimizer.param_groups[0]["params"].values()))
    with pytest.raises(ValueError, match=f"run does not fit the optimizer: .*{words}"):
        fastadam.load(tmp_path / "run", optimizer)
    before.assert_unchanged()


def test_schedules_that_do_not_fit_change_nothing(tmp_path, snapshot):
    path = tmp_path / "run"
    saved = fastadam.Adam(fresh(3.0), lr=plateau())
    saved.lr.report(2.0)
    saved.save(path)
    for lr, words in (
        (Cosine(1.0, 10), r"unknown ones \['group0/lr'\]"),
        (Warmup(2, plateau()), r"lacks .* \['group0/lr.then'\]"),
        (0.5, "saved with a callable lr"),
        (Refusing(0.1), "does not fit group0/lr: not this one"),
    ):
        params = fresh()
        optimizer = fastadam.Adam(params, lr=lr)
        before, rate = snapshot(optimizer, list(params.values())), repr(lr)
        with pytest.raises(ValueError, match=words):
            fastadam.load(path, optimizer)
        before.assert_unchanged()
        assert repr(lr) == rate
    fastadam.Adam(fresh(), lr=0.25).save(path)  # a number takes the place of a schedule
    optimizer = fastadam.Adam(fresh(), lr=plateau())
    fastadam.load(path, optimizer)
    assert optimizer.lr == 0.25


@pytest.mark.parametrize("state", [{}, NAN_PLATEAU, {**NAN_PLATEAU, "best": np.nan}, None])
def test_a_plateau_refuses_what_is_not_its_state(state):
    schedule = plateau()
    with pytest.raises(ValueError, match="state_dict"):
        schedule.load_state_dict(state)
    assert schedule == plateau()


def test_read_only_parameters_and_damaged_files_change_nothing(tmp_path, snapshot):
    path = tmp_path / "run"
    fastadam.Adam(fresh(3.0)).save(path)
    params = fresh()
    optimizer = fastadam.Adam(params)
    before = snapshot(optimizer, list(params.values()))
    params["s"].flags.writeable = False
    with pytest.raises(ValueError, match="'s'] is read-only"):
        fastadam.load(path, optimizer)
    before.assert_unchanged()
    params["s"].flags.writeable = True
    data = bytearray(path.read_bytes())
    data[-3] ^= 4
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match="run is damaged"):
        fastadam.load(path, optimizer)
    before.assert_unchanged()


def test_bad_arguments(tmp_path):
    with pytest.raises(FileNotFoundError):
        fastadam.load(tmp_path / "missing")
    with pytest.raises(TypeError, match="optimizer must be an Optimizer"):
        fastadam.load(tmp_path / "missing", np.ones(2))
    optimizer = fastadam.Adam(np.ones(2))
    with pytest.raises(TypeError):
        optimizer.save(None)
    with pytest.raises(FileNotFoundError):
        optimizer.save(tmp_path / "no folder" / "run")
    with pytest.raises(ValueError, match="is not a file"):
        optimizer.save(tmp_path)

    class Unsayable(ReduceOnPlateau):
        def state_dict(self):
            return {"what": object()}

    with pytest.raises(TypeError, match="schedules cannot be saved as JSON"):
        fastadam.Adam(np.ones(2), lr=Unsayable(1.0)).save(tmp_path / "run")
    assert os.listdir(tmp_path) == []
