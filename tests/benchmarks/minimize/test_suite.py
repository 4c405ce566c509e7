"""The `minimize` suite in a hurry, and whether its checks can fail."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import OptimizeResult

from benchmarks.__main__ import main
from benchmarks.functions import FUNCTIONS
from benchmarks.harness.report import Options, Row, SuiteResult
from benchmarks.harness.timing import Summary
from benchmarks.minimize import convex as minimize_convex
from benchmarks.minimize import first_call as minimize_first_call
from benchmarks.minimize import minima as minimize_minima
from benchmarks.minimize import smooth as minimize_smooth
from benchmarks.minimize import solutions, speed, suite
from benchmarks.minimize import trials as lm
from fastadam import problems

QUICK = Options(quick=True)


@pytest.fixture
def short(monkeypatch):
    """Let loops make few iterations."""
    monkeypatch.setattr(speed, "FAST", 1_000)
    monkeypatch.setattr(speed, "SLOW", 500)
    monkeypatch.setattr(speed, "_ITERATIONS", {speed.NUMPY: 500, speed.TORCH: 500})


def test_quick_suite(tmp_path, capsys, monkeypatch, hasty, one_thread, short):
    # Processes take seconds, and what runs in them is tested below.
    monkeypatch.setattr(minimize_first_call, "run_fresh", lambda *_: [0.3, 0.2, 0.1, True])
    assert main(["--quick", "--suite", "minimize", "--output", str(tmp_path)]) == 0
    content = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    found = content["suites"]["minimize"]
    assert {row["status"] for row in found["rows"]} == {"ok"}
    assert {verdict["asked"] for verdict in found["verdicts"]} == {
        "<= 45 ns",
        "<= 75 ns",
        ">= 300",
        "<= 6 µs",
        "<= 0.3 s",
        ">= 92 %",
        "<= 1 %",
        "<= 2 %",
        "<= 500",
        "<= 2000",
        ">= 0 %",
        ">= 100 %",
        "<= 1.5",
    }
    few = [(v["asked"], v["note"].split(";")[0]) for v in found["verdicts"] if not v["measured"]]
    assert few == [
        *[(asked, "3 runs are too few to judge") for asked in (">= 92 %", "<= 1 %", "<= 2 %")],
        *[(asked, "3 runs are too few to judge") for asked in ("<= 500", "<= 2000", ">= 0 %")],
        *[(">= 100 %", "4 runs are too few to judge")] * 2,
    ]
    rows = {(row["case"], row["contender"]): row for row in found["rows"]}
    loop = rows[speed.COMPILED_CASE, speed.NUMPY]
    assert loop["ratios"].keys() == {"fastadam, jac='in-place' / it"}
    # The tuning part only.
    parts = {row["part"] for row in found["rows"] if "part" in row}
    assert parts == {minimize_minima.TUNING}
    methods = {row["contender"] for row in found["rows"] if "part" in row}
    assert methods == lm.METHODS.keys()
    accurate = [row for row in found["rows"] if "percent_flat" in row]
    assert len(accurate) == 2 * 2 * 3  # groups, with and without gradient, methods
    solved = rows["rosenbrock, n = 2, gradient given, to the end", solutions.COMPILED]
    assert solved["success"]
    assert solved["largest_gradient"] <= 1e-5
    printed = capsys.readouterr().out
    assert minimize_minima.HELD_OUT not in printed
    assert "NaN" not in printed
    assert not (tmp_path / "minimize.png").exists()  # of three runs on three functions


def test_the_picture(tmp_path):
    times = Summary.of([1e-7] * 5)
    share = {"median": 90.0, "q1": 80.0, "q3": 95.0}
    details = {"part": minimize_minima.TUNING, "percent_at_a_local_minimum": share}
    rows = [Row(speed.COMPILED_CASE, "a", times), Row("quality", "a", times, details=details)]
    (path,) = suite.draw(SuiteResult(rows), tmp_path)
    assert path.read_bytes().startswith(b"\x89PNG")
    few = Row("quality", "a", Summary.of([1e-7] * 3), details=details)
    assert suite.draw(SuiteResult([rows[0], few]), tmp_path) == []


def test_parts_are_disjoint_and_complete():
    tuning, held_out = map(minimize_minima.select_functions, minimize_minima.PARTS)
    assert {f.name for f in tuning} | {f.name for f in held_out} == {f.name for f in FUNCTIONS}
    assert len(tuning) + len(held_out) == len(FUNCTIONS)
    assert not any(f.held_out for f in tuning)


# ---------------------------------------------------------------------------------------------
# Speed
# ---------------------------------------------------------------------------------------------


def test_loops_agree_and_a_wrong_one_is_found(short):
    loops, _ = speed.rosenbrock_loops()
    honest = loops[speed.NUMPY]
    loops["other lr"] = speed.numpy_loop(problems.rosenbrock(2).fun_and_jac, 1.001 * speed.LR)
    loops["other end"] = lambda x, n: honest(x, n) + 1e-5 * (n > speed.CHECKED)
    loops["stops early"] = lambda x, n: np.full(2, np.nan)
    start = problems.rosenbrock(2).x0
    wrong = speed.find_wrong(loops, start, dict.fromkeys(loops, 1_000), speed.FLOOR)
    assert {name: text.split("after ")[1] for name, text in wrong.items()} == {
        "other lr": "500 iterations",
        "other end": "1,000 iterations",
        "stops early": "500 iterations",
    }


def test_a_loop_that_stops_early_gives_nan():
    problem = problems.booth()
    early = speed.fastadam_loop(problem.in_place, "in-place")
    assert np.all(np.isnan(early(problem.minimizers[0], 10)))


@pytest.mark.slow
def test_wrong_loop_fails_the_verdicts(monkeypatch, hasty, short):
    monkeypatch.setattr(speed, "fastadam_loop", lambda fun, jac: lambda x, n: x)
    for measure in (speed.compiled, speed.overhead):
        result = measure(QUICK)
        assert {verdict.reached for verdict in result.verdicts} == {False}
        ours = [row for row in result.rows if row.contender.startswith("fastadam")]
        assert {(row.status, row.timing) for row in ours} == {("WRONG", None)}


@pytest.mark.parametrize("form", minimize_first_call.FORMS)
def test_first_call_program(form):
    parameters, returned, handed = minimize_first_call.FORMS[form]
    program = minimize_first_call.PROGRAM.format(
        parameters=parameters, returned=returned, handed=handed
    )
    printed = []
    exec(program, {"print": printed.append})
    imported, first, second, right = json.loads(printed[-1])
    assert right
    assert min(imported, first, second) > 0


def test_wrong_first_call_fails_the_verdict(monkeypatch):
    monkeypatch.setattr(minimize_first_call, "run_fresh", lambda *_: [0.1, 0.1, 0.1, False])
    result = minimize_first_call.first_call(QUICK)
    assert [verdict.reached for verdict in result.verdicts] == [False]


# ---------------------------------------------------------------------------------------------
# Quality
# ---------------------------------------------------------------------------------------------


def valley(x):
    return float(100.0 * (x[1] - x[0] ** 2) ** 2 + (1.0 - x[0]) ** 2)


@pytest.mark.parametrize(
    ("fun", "x", "verdict"),
    [
        (valley, [1.0, 1.0], True),
        (valley, [1.001, 1.002001], True),  # 1e-6 above
        (valley, [1.01, 1.0201], False),  # 1e-4 above
        (valley, [-1.2, 1.0], False),
        (lambda x: 1e3 + valley(x), [1.01, 1.0201], True),  # relative to f
        (lambda x: abs(float(x[0])), [0.0], True),  # BFGS ends at once, Nelder-Mead looks
        (lambda x: abs(float(x[0])), [0.1], False),
        (lambda x: np.nan, [0.0], False),
        (lambda x: -np.inf, [0.0], False),
        (lambda x: np.nan if x[0] < 0 else float(x[0]), [0.0], True),  # NaN is no improvement
    ],
)
def test_local_minimum(fun, x, verdict):
    assert lm.is_local_minimum(fun, np.array(x)) is verdict


def test_random_starts_are_in_the_box_and_nested():
    function = minimize_minima.select_functions(minimize_minima.TUNING)[0]
    starts = lm.random_starts(function, 5)
    assert np.all((function.lower <= starts) & (starts <= function.upper))
    np.testing.assert_array_equal(lm.random_starts(function, 2), starts[:2])


def claim(shift=0.0, f=0.0):
    """Return a method that goes elsewhere, or claims another value."""
    return lambda fun, x: lm.End(x + shift, float(fun(x + shift)) + f, 1, True)


@pytest.mark.parametrize(
    ("method", "error"),
    [(claim(), ""), (claim(f=-1e-3), "not"), (claim(shift=1e3), "at the start")],
)
def test_false_claims_are_found(method, error):
    function = minimize_minima.select_functions(minimize_minima.TUNING)[0]
    start = lm.random_starts(function, 1)[0]
    assert error in lm.find_error(function.fun, start, method(function.fun, start))


def test_false_claim_fails_the_verdict(monkeypatch):
    methods = {lm.OURS: claim(f=-1e-3), "textbook": claim(), "SciPy": claim(f=-1e-3)}
    monkeypatch.setattr(minimize_minima, "METHODS", methods)
    functions = minimize_minima.select_functions(minimize_minima.TUNING)[:1]
    found = [[lm._try(*item, functions[0], functions[0].lower) for item in methods.items()]]
    monkeypatch.setattr(minimize_minima, "trials", lambda functions, starts: found)
    result = minimize_minima.try_part(minimize_minima.TUNING, functions, 1)
    assert [row.status for row in result.rows] == ["WRONG", "ok", "ok"]
    assert {verdict.reached for verdict in result.verdicts} == {False}
    assert ["1 wrong results" in note for note in result.notes] == [True, False, True]


def runs(*outcomes):
    """Return runs of one evaluation on functions "a", "b" ...: at a minimum?, success?"""
    return [
        lm.Trial("m", name, 1.0, 1, at_minimum, success)
        for name, (at_minimum, success) in zip("aabbccdd", outcomes, strict=False)
    ]


def test_shares_count_every_function_alike():
    done = runs((True, True), (False, True), (True, False))
    assert minimize_minima.share_at_minimum(done).median == 75.0
    assert minimize_minima.share_false(done).median == 25.0
    assert minimize_minima.share_unsure(done).median == 50.0


@pytest.mark.parametrize(
    ("outcomes", "evaluations", "reached"),
    [
        ([(True, True)] * 8, 500, [True] * 5),
        ([(False, True)] * 8, 500, [False, False, True, True, True]),
        ([(True, False)] * 8, 501, [True, True, False, False, True]),
        ([(False, False)] * 8, 2_001, [False, True, True, False, False]),
        ([(True, True)] * 4, 500, [None] * 5),
    ],
)
def test_what_ours_says_and_takes_is_judged(outcomes, evaluations, reached):
    done = [replace(run, evaluations=evaluations) for run in runs(*outcomes)]
    assert [v.reached for v in minimize_minima.judge("part", done)] == reached


OWN = [
    minimize_smooth.linear_model("logistic", minimize_smooth.logistic),
    minimize_smooth.linear_model("Huber", minimize_smooth.huber),
    minimize_smooth.linear_model("log-cosh", minimize_smooth.log_cosh),
    minimize_smooth.log_sum_exp(),
    minimize_smooth.logarithmic_bowl(),
]


@pytest.mark.parametrize("problem", OWN, ids=lambda p: p.name)
def test_gradients_of_smooth_problems(problem):
    def value(x):
        return problem.in_place.py_func(x, np.empty(x.size))

    x = problem.x0 + 0.1
    gradient = np.empty(x.size)
    problem.in_place.py_func(x, gradient)
    for i, step in enumerate(1e-5 * np.eye(x.size)):
        slope = (value(x + step) - value(x - step)) / 2e-5
        assert gradient[i] == pytest.approx(slope, rel=1e-5, abs=1e-6 * np.abs(gradient).max())


def test_steep_ends_and_false_values_fail_the_verdicts(monkeypatch):
    def stay(problem, start, given):
        return OptimizeResult(x=start, fun=problem.fun(start), nfev=1)

    def lie(problem, start, given):
        return OptimizeResult(x=start, fun=-1.0, nfev=1)

    own = minimize_smooth.smooth_problems(quick=True)[:1]
    for method, status in ((stay, "ok"), (lie, "WRONG")):
        given = minimize_convex.DIFFERENCES
        ends = list(minimize_convex.endings(method, own[0], given, 5))
        found = {minimize_convex.OURS: ends}
        result = minimize_convex._compare(minimize_smooth.CONVEX, given, found)
        assert [row.status for row in result.rows] == [status]
        assert [verdict.reached for verdict in result.verdicts] == [False]
        assert own[0].name in result.verdicts[0].note


@pytest.mark.parametrize(
    ("ours", "error", "reached"), [(15, "", True), (16, "", False), (15, "wrong f", False)]
)
def test_evaluations_are_compared_run_by_run(ours, error, reached):
    theirs = [minimize_convex.Ending("p", 1.0, 0.0, 10 * k) for k in range(1, 8)]
    mine = [minimize_convex.Ending("p", 1.0, 0.0, ours * k, error) for k in range(1, 8)]
    verdict = minimize_convex.compare_evaluations(mine, theirs)
    assert verdict.reached is reached
    assert minimize_convex.compare_evaluations(mine[:3], theirs[:3]).reached is (
        False if error else None
    )


def test_false_solutions_are_found():
    problem = problems.booth()
    start, elsewhere = problem.x0, problem.x0 + 100.0
    for x, f, error in (
        (start, problem.fun(start), ""),
        (start, problem.fun(start) - 1.0, "not"),
        (elsewhere, problem.fun(elsewhere), "more than at the start"),
        (start, np.nan, "not"),
    ):
        assert error in solutions.find_error(problem, OptimizeResult(x=x, fun=f)), x
