"""The `batch` suite in a hurry, and what becomes of wrong results."""

import json

import numpy as np
import pytest
from scipy.optimize import OptimizeResult, check_grad

from benchmarks.__main__ import main
from benchmarks.batch import bad_rows as bad
from benchmarks.batch import (
    fits,
    global_peers,
    inside,
    memory,
    multistart,
    peaks,
    snippet,
    starts,
    uneven,
)
from benchmarks.batch import fitters as fits_peers
from benchmarks.harness.report import OK, WRONG, Options, format_rows
from benchmarks.harness.rows import fraction, make_rows, speedup
from benchmarks.harness.timing import Record
from tests.rules import slow_if

QUICK = Options(quick=True)


@pytest.fixture
def small(monkeypatch):
    """Let everything be small; what runs in processes is tested elsewhere."""
    monkeypatch.setattr(starts, "QUICK_STARTS", 40)
    monkeypatch.setattr(starts, "QUICK_PEERS_STARTS", 10)
    monkeypatch.setattr(snippet, "QUICK_CURVES", 50)
    monkeypatch.setattr(fits_peers, "QUICK_CURVES", 500)
    monkeypatch.setattr(fits_peers, "QUICK_SAMPLE", 20)
    monkeypatch.setattr(uneven, "QUICK_SIZE", 400)
    monkeypatch.setattr(bad, "QUICK_CURVES", 600)
    monkeypatch.setattr(multistart, "QUICK_STRIDE", 29)
    monkeypatch.setattr(peaks, "QUICK_STARTS", 6)
    taken = iter(rows // 10 for _, rows, _ in memory.settings(memory.QUICK_ROWS))
    monkeypatch.setattr(memory, "run_fresh", lambda *_: [0.1, next(taken), True])


@pytest.mark.slow
def test_quick_suite(tmp_path, capsys, hasty, one_thread, small):
    assert main(["--quick", "--suite", "batch", "--output", str(tmp_path)]) == 0
    content = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    suite = content["suites"]["batch"]
    assert {row["status"] for row in suite["rows"]} == {OK}
    assert [verdict["asked"] for verdict in suite["verdicts"]] == [
        ">= 40 million/s",
        ">= 1.8",
        *["<= 0.15"] * 2,
        ">= 100",
        ">= 100",
        "<= 4 µs",
        "<= 15 µs",
        "<= 25",
        "<= 0.6",
        "<= 0.5 %",
        *["<= 1.1"] * 2,
        ">= 1.7",
        *["<= 4.4"] * 2,
        *["<= 1 MB"] * 2,
        "<= 0",
        *["<= 0.5 s"] * 2,
    ]
    missing = {v["asked"]: v["note"] for v in suite["verdicts"] if not v["measured"]}
    assert missing.keys() <= {"<= 0.6"}
    assert all("left out" in note for note in missing.values())
    rows = {row["contender"]: row for row in suite["rows"]}
    assert {starts.ALL, starts.NUMPY, fits.BOUNDED, fits.FREE, bad.WITH} <= rows.keys()
    assert rows[fits.BOUNDED]["ratios"].keys() == {f"{fits.OURS} / it"}
    assert rows[bad.WITH]["statuses"] == {"0": 583, "2": 2, "3": 4}
    assert rows.keys() >= multistart.METHODS.keys()
    assert "WRONG" not in capsys.readouterr().out
    assert rows[snippet.SHOWN]["fits"] == 50
    for name in (fits_peers.VALUES, fits_peers.ADAM):
        assert rows[name]["ratios"].keys() == {f"{fits.OURS} / it"}
    (tuned,) = (note for note in suite["notes"] if note.startswith(f"{fits.ADAM}: "))
    assert "lr=0.015, betas=(0.75, 0.999), within bounds, gradient by hand" in tuned
    assert (tmp_path / "batch.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_wrong_results_fail_the_verdicts(monkeypatch, hasty, one_thread, small):
    for module, name, measure, expected in (
        (starts, "find_wrong", starts.many_starts, {starts.ALL: "bad"}),
        (snippet, "find_wrong", snippet.snippet, {snippet.SHOWN: "bad", snippet.GIVEN: "bad"}),
        (fits, "find_wrong", fits.fits, {fits.OURS: "bad", fits.VALUES: "bad"}),
        (inside, "find_wrong", inside.inside, {inside.PRANGE: "bad", inside.PRANGE_VALUES: "bad"}),
        (uneven, "find_wrong", uneven.uneven, {uneven.ALL: "bad"}),
        (bad, "find_error", bad.bad_rows, "bad"),
    ):
        monkeypatch.setattr(module, name, lambda *_, expected=expected: expected)
        result = measure(QUICK)
        assert {verdict.reached for verdict in result.verdicts} == {False}, name
        assert {row.timing for row in result.rows if row.status == WRONG} == {None}
        count = len(expected) if isinstance(expected, dict) else 1
        assert sum(row.status == WRONG for row in result.rows) == count
        assert "bad" in format_rows(result.rows)


def test_wrong_result_in_a_process_fails_the_verdicts(monkeypatch):
    monkeypatch.setattr(memory, "run_fresh", lambda *_: [0.1, 100, False])
    result = memory.memory(QUICK)
    assert {row.status for row in result.rows} == {WRONG}
    assert {verdict.reached for verdict in result.verdicts} == {False}


def test_speedup_and_rows():
    records = {"a": Record({0: [1.0], 1: [1.0]}), "b": Record({0: [2.0], 1: [2.0]})}
    assert speedup("", 1.9, records, {}, "a", "b").reached is True
    assert speedup("", 2.1, records, {}, "a", "b").reached is False
    assert speedup("", 1.9, records, {"a": "bad"}, "a", "b").reached is False
    assert speedup("", 1.9, records, {"b": "bad"}, "a", "b").reached is None
    assert speedup("", 1.9, records, {}, "a", "c").note == "c: left out"
    assert fraction("", 0.5, records, {}, "a", "b").reached is True
    assert fraction("", 0.4, records, {}, "a", "b").reached is False
    assert fraction("", 0.5, records, {"a": "bad"}, "a", "b").reached is False
    assert fraction("", 0.5, records, {}, "a", "c").reached is None
    a, b = make_rows("case", records, {}, ("a",), {"a": {"key": 1}})
    assert (a.details, a.ratios, b.ratios["a"].median) == ({"key": 1}, {}, 0.5)


# ---------------------------------------------------------------------------------------------
# Global minima
# ---------------------------------------------------------------------------------------------

FUNCTION = multistart.FUNCTIONS[0]


def trial(method, f, **changes):
    return multistart.Trial(method, FUNCTION, f, 10, 0.1)._replace(**changes)


def test_the_lowest_value_counts_and_false_claims_do_not():
    trials = [
        trial("lowest", -5.0),
        trial("as low", -5.0 + 5e-5),
        trial("higher", -5.0 + 7e-5),
        trial("nothing", np.inf),
        trial("a lie", -9.0, error="f is 1, not -9"),
    ]
    assert multistart.found(trials) == [True, True, False, False, False]
    assert multistart.found(trials[3:]) == [False, False]
    result = multistart.summarise(trials, 1)
    assert [row.status for row in result.rows] == [OK] * 4 + [WRONG]
    assert [row.details["percent_global"] for row in result.rows] == [100, 100, 0, 0, 0]
    assert result.rows[2].details["not_found"] == [FUNCTION.name]


@pytest.mark.parametrize(
    ("shift", "lie", "error"), [(0.0, 0.0, ""), (0.0, 1e-3, "not"), (99.0, 0.0, "outside")]
)
def test_untrue_results_are_found(shift, lie, error):
    def method(fun, box, seed):
        x = FUNCTION.upper + shift
        return OptimizeResult(x=x, fun=fun(x) - lie, nfev=1)

    assert error in multistart.attempt("m", method, FUNCTION, 0).error
    assert bool(error) == bool(multistart.attempt("m", method, FUNCTION, 0).error)


def test_nothing_found_is_not_a_lie():
    def method(fun, box, seed):
        return OptimizeResult(x=None, fun=None, nfev=3)

    found = multistart.attempt("m", method, FUNCTION, 0)
    assert (found.f, found.evaluations, found.error) == (np.inf, 3, "")


# Each takes 3 s.
LATER = {"SciPy L-BFGS-B, 100 Sobol starts", "SciPy basinhopping, L-BFGS-B"}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=slow_if(name in LATER))
        for name in (*multistart.METHODS, *global_peers.MAKERS)
    ],
)
def test_every_method_keeps_its_word(name):
    methods, notes = multistart.contenders()
    if name not in methods:
        pytest.skip(next(note for note in notes if note.startswith(name)))
    # An easy function, so that whoever does not find its minimum is wrong.
    easy = next(f for f in multistart.FUNCTIONS if f.name == "giunta")
    with np.errstate(all="ignore"):
        done = [multistart.attempt(name, methods[name], easy, seed) for seed in (0, 1)]
    assert [trial.error for trial in done] == ["", ""]
    assert min(trial.f for trial in done) == pytest.approx(0.06447, abs=2e-2)
    assert min(trial.evaluations for trial in done) > 10


def test_packages_of_global_methods_that_are_missing_are_named(monkeypatch):
    def missing():
        raise ImportError("No module named 'cma'")

    monkeypatch.setattr(global_peers, "MAKERS", {"cma": missing})
    methods, notes = multistart.contenders()
    assert methods.keys() == multistart.METHODS.keys()
    assert notes == ["cma left out: No module named 'cma'"]


# ---------------------------------------------------------------------------------------------
# Two peaks from a hundred starts
# ---------------------------------------------------------------------------------------------


def test_gradient_of_the_peaks():
    x, y = peaks.make_data()
    p = peaks.TRUTH * 1.01
    assert (
        check_grad(
            lambda p: peaks.misfit_in_place.py_func(p, np.empty(8), x, y),
            lambda p: gradient_of(p, x, y),
            p,
        )
        < 1e-4 * np.abs(gradient_of(p, x, y)).max()
    )
    f = peaks.misfit_in_place.py_func(p, np.empty(8), x, y)
    assert peaks.misfit.py_func(p, x, y) == pytest.approx(f, rel=1e-12)
    assert f == pytest.approx(np.sum((peaks.model(x, *p) - y) ** 2), rel=1e-12)


def gradient_of(p, x, y):
    grad = np.empty(8)
    peaks.misfit_in_place.py_func(p, grad, x, y)
    return grad


def test_peaks_may_be_swapped_and_nothing_else():
    swapped = peaks.TRUTH[[3, 4, 5, 0, 1, 2, 6, 7]]
    wrong = peaks.TRUTH.copy()
    wrong[1] += 0.05
    found = {"right": peaks.TRUTH, "swapped": swapped, "wrong": wrong}
    assert peaks.find_wrong(found, peaks.TRUTH) == {"wrong": "not the peaks that are there"}


def test_peaks_from_few_starts(monkeypatch, hasty, one_thread):
    monkeypatch.setattr(peaks, "QUICK_STARTS", 6)
    result = peaks.two_peaks(QUICK)
    assert {row.status for row in result.rows} == {OK}
    assert len(result.rows) == 3
    assert [verdict.limit for verdict in result.verdicts] == [0.5, 0.5]
    monkeypatch.setattr(peaks, "find_wrong", lambda found, best: dict.fromkeys(found, "bad"))
    assert {verdict.reached for verdict in peaks.two_peaks(QUICK).verdicts} == {False}
