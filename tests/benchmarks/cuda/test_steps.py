"""Steps in the `cuda` suite, over NumPy: wrong ones fail, and what does not fit is told."""

from functools import partial

import numpy as np
import pytest

import fastadam
from benchmarks.cuda import arrays as cuda_arrays
from benchmarks.cuda import compare as cuda_compare
from benchmarks.cuda import contenders as cuda_peers
from benchmarks.cuda import forms as cuda_forms
from benchmarks.cuda import lists as cuda_lists
from benchmarks.cuda import steps as cuda_steps
from benchmarks.cuda.compare import compare_on_device, largest
from benchmarks.cuda.contenders import COPY, CUPY, ON_CUPY, OURS, TORCH, beside_copy
from benchmarks.cuda.lists import REPLAYED, TORCH_REPLAYED
from benchmarks.cuda.patterns import ADAM
from benchmarks.harness.report import OK, WRONG, Options, format_rows
from fastadam._rules.table import RULES
from tests.benchmarks.cuda.stand_in import HASTY, StandIn, make_small

QUICK = Options(quick=True)


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    make_small(monkeypatch)


@pytest.fixture
def gpu():
    return StandIn()


def large_step(gpu):
    return cuda_steps.large_cases(QUICK)[0].measure(gpu)


def enqueued_steps(gpu):
    return cuda_steps.enqueue_cases(QUICK)[0].measure(gpu)


def test_every_rule_has_a_case(monkeypatch):
    monkeypatch.undo()
    names = cuda_steps.rules()
    assert {stepped.group.rule for stepped in names.values()} | {ADAM.group.rule} == set(RULES)
    cases = [case.name for case in cuda_steps.rule_cases(Options())]
    sizes = "1,000,000,000", "100,000,000"
    assert cases == [f"{name}, {size} parameters" for size in sizes for name in names]


def test_a_wrong_step_fails_its_verdicts(monkeypatch, gpu):
    make = cuda_peers.fastadam_step

    def with_another_rate(arrays, stepped, size):
        contender = make(arrays, stepped, size)
        contender.step.func.__self__.lr = 1.1e-3
        return contender

    monkeypatch.setattr(cuda_peers, "fastadam_step", with_another_rate)
    large, small = large_step(gpu), enqueued_steps(gpu)
    for result, names in ((large, {OURS}), (small, {OURS, ON_CUPY})):
        wrong = {row.contender: row for row in result.rows if row.status == WRONG}
        assert wrong.keys() == names
        assert wrong[OURS].timing is None
        assert "after 4 steps" in wrong[OURS].details["error"]
        assert "after 4 steps" in format_rows(result.rows)
        assert not result.rows[0].ratios
    share = large.verdicts[0]
    assert (share.reached, share.measured, share.note) == (False, None, f"{OURS} is WRONG")


def test_a_step_that_goes_wrong_while_it_is_timed_fails(monkeypatch, gpu):
    make = cuda_peers.fastadam_step

    def forgetful(arrays, stepped, size):
        contender = make(arrays, stepped, size)
        step, taken = contender.step, []

        def step_less():
            taken.append(None)
            if len(taken) <= 6:
                step()

        contender.step = step_less
        return contender

    monkeypatch.setattr(cuda_peers, "fastadam_step", forgetful)
    share, _ = large_step(gpu).verdicts
    assert share.reached is False


def test_an_error_of_one_contender_leaves_the_others(monkeypatch, gpu):
    def refuse(*arguments):
        raise ValueError("not for params")

    def fail(*arguments):
        raise RuntimeError("the driver reports\n something")

    monkeypatch.setattr(cuda_peers, "cupy_textbook", refuse)
    result = large_step(gpu)
    assert any(note.endswith(f"{CUPY} left out: not for params") for note in result.notes)
    monkeypatch.setattr(cuda_peers.Copier, "begin", fail)
    result = large_step(gpu)
    errors = {row.contender: row.details.get("error") for row in result.rows}
    assert errors == {OURS: None, COPY: "RuntimeError: the driver reports something"}
    assert result.verdicts[0].note == f"{COPY} is WRONG"


def test_wrong_copies_give_no_share(gpu):
    gpu.arrays.assign = lambda to, source: (
        to[...].fill(0.0) if len(to) == 7_000 else np.copyto(to, source)
    )
    result = large_step(gpu)
    assert {row.contender for row in result.rows if row.status == WRONG} == {COPY}
    share = result.verdicts[0]
    assert (share.reached, share.note) == (None, f"{COPY} is WRONG")


def test_the_share_is_that_of_the_copy(gpu):
    comparison = compare_on_device(
        gpu, "", beside_copy(gpu, ADAM), 1_000, gpu.device_clock, HASTY, {"bytes": 28 * 10**12}
    )
    for name, seconds in ((OURS, 5.0), (COPY, 4.0)):
        comparison.records[name].rounds = {0: [seconds]}
    verdict = cuda_steps.share_verdict(comparison, "")
    assert (verdict.measured.median, verdict.reached) == (0.8, False)
    assert verdict.note == f"{OURS} 5.6, {COPY} 7 TB/s"
    comparison.records[OURS].rounds = {0: [4.1]}
    assert cuda_steps.share_verdict(comparison, "").reached is True


def test_what_does_not_fit_is_left_out_and_told():
    ours, copy, textbook = 16 * 2_000, 8 * 7_000, 36 * 2_000
    gpu = StandIn(free=int((ours + copy + textbook) / cuda_compare.SHARE) - 100)
    result = large_step(gpu)
    assert {row.contender for row in result.rows} == {OURS, COPY}
    assert any(f"{CUPY} left out: needs 0.0 GB" in note for note in result.notes)
    gpu.free = (ours + copy) // 2
    result = large_step(gpu)
    size = result.rows[0].details["parameters"]
    assert size == largest(beside_copy(gpu, ADAM), gpu, 2_000) == 940
    assert all("2,000 do not fit into" in verdict.note for verdict in result.verdicts)
    gpu.free = 100
    (verdict,) = large_step(gpu).verdicts
    assert verdict.reached is None
    assert "2,000 do not fit" in verdict.note


def test_torch_is_judged(monkeypatch, gpu, one_thread):
    module = pytest.importorskip("torch", reason="needs torch")
    on_host = partial(cuda_arrays.TorchArrays, "cpu")
    monkeypatch.setattr(cuda_peers, "TorchArrays", on_host)
    result = large_step(gpu)
    (torch,) = (row for row in result.rows if row.contender == TORCH)
    assert torch.status == OK
    assert result.verdicts[1].measured.median == torch.ratios[OURS].median
    monkeypatch.setattr(module.cuda, "is_available", lambda: False)
    with pytest.raises(ImportError, match="cannot use this GPU"):
        cuda_arrays.TorchArrays()


@pytest.mark.slow
def test_other_forms_are_judged_by_the_bytes_that_they_move(monkeypatch, gpu):
    monkeypatch.setattr(cuda_forms, "FORMS", FORMS)
    (case,) = cuda_forms.cases(QUICK)
    result = case.measure(gpu)
    assert {row.contender: row.status for row in result.rows} == dict.fromkeys(FORMS, OK)
    limits = [verdict.limit for verdict in result.verdicts]
    assert limits == pytest.approx([1.1 * moved / 28 for moved in (32, 20, 16)])

    def forgetful(params, clip_norm=None, **more):
        return fastadam.Adam(params, **more)

    forgetful.__name__ = "Adam"
    clipped = FORMS[cuda_forms.CLIPPED]._replace(make=forgetful)
    monkeypatch.setattr(cuda_forms, "FORMS", {**FORMS, cuda_forms.CLIPPED: clipped})
    wrong = {row.contender for row in case.measure(gpu).rows if row.status == WRONG}
    assert wrong == {cuda_forms.CLIPPED}


FORMS = cuda_forms.FORMS


class Graph:
    """A graph of torch that replays what was captured."""

    def __init__(self, graph=None):
        self.graph = graph

    def __enter__(self):
        """Let the next step be kept."""
        steps.clear()

    def __exit__(self, *error):
        self.graph.replay = steps[0]


steps = []


@pytest.mark.slow
def test_replayed_lists_are_judged(monkeypatch, gpu, one_thread):
    """One contender after the other: what is captured is a step that is not taken."""
    module = pytest.importorskip("torch", reason="needs torch")
    adam = module.optim.Adam

    class Capturable(adam):
        def __init__(self, params, capturable=False, **more):
            super().__init__(params, **more)  # which is for GPUs only

    def captured(arrays, step):
        return cuda_lists_capture(arrays, lambda: steps.append(step))

    class OnHost(cuda_arrays.TorchArrays):
        def __init__(self):
            super().__init__("cpu")

        def send(self, array):
            return array.copy() if ours else super().send(array)

        def assign(self, to, source):
            to[...] = source

        def fetch(self, array):
            return array.copy() if isinstance(array, np.ndarray) else super().fetch(array)

    def fastadam_list(*given):
        nonlocal ours
        ours = True
        try:
            return make(*given)
        finally:
            ours = False

    ours, make, cuda_lists_capture = False, cuda_lists.fastadam_list, cuda_lists.capture
    monkeypatch.setattr(module.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(module.cuda, "graph", Graph)
    monkeypatch.setattr(module.optim, "Adam", Capturable)
    monkeypatch.setattr(cuda_lists, "capture", captured)
    monkeypatch.setattr(cuda_lists, "TorchArrays", OnHost)
    monkeypatch.setattr(cuda_lists, "fastadam_list", fastadam_list)
    *_, replayed = cuda_lists.cases(QUICK)
    result = replayed.measure(gpu)
    rows = {row.contender: row.status for row in result.rows}
    assert rows == dict.fromkeys((REPLAYED, TORCH_REPLAYED, TORCH), OK)
    assert result.verdicts[0].measured is not None
