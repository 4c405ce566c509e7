"""What a batch takes beside its input: memory for rows, and for threads.

Each figure is how far the peak of a fresh process rises during the call. Before it, all is compiled
and one thread has run. Ballast then fills what was once in use, so that the peak is where the
process is. Each row has data of its own, 24 numbers: they would show if they were copied.
"""

from __future__ import annotations

import sys

from ..harness.processes import run_fresh
from ..harness.progress import say
from ..harness.report import OK, WRONG, Options, Row, SuiteResult, Verdict
from ..harness.timing import Record, Summary
from ..harness.watch import watched

#: Memory asked for is in proportion to the rows: for so many times the rows, how many times as
#: much, the rest being what a page more or less makes.
MORE, GROWTH_LIMIT = 4, 4.4
#: A fixed amount for each thread (MB), at any number of rows.
THREAD_LIMIT = 1.0

ROWS, QUICK_ROWS = 100_000, 50_000
VARIABLES = (3, 30)
THREADS = 16

PROGRAM = """
import resource
from time import perf_counter
import numba, numpy as np
from fastadam import minimize_batch

@numba.njit(error_model="numpy")
def misfit(p, g, t, y):
    f = 0.0
    for i in range(p.size):
        g[i] = 0.0
    for i in range(t.size):
        r = p[i % p.size] - y[i]
        f += r * r
        g[i % p.size] += 2.0 * r
    return f

def solve(x0, y, threads):
    return minimize_batch(misfit, x0, args=(t,), batch_args=(y,), jac="in-place",
                          options=dict(lr=0.1, gtol=0.0, maxiter=3, threads=threads))

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

t = np.zeros(24)
x0, y = np.full(({rows}, {variables}), 0.5), np.full(({rows}, 24), 1.0)
solve(x0[:1000], y[:1000], 1)
ballast, highest = [], peak()
while peak() < highest + 1024:
    ballast.append(np.ones(2**17))
before = peak()
start = perf_counter()
result = solve(x0, y, {threads})
seconds = perf_counter() - start
right = bool((result.nit == 3).all() and (result.status == 1).all())
print("[%r, %r, %s]" % (seconds, peak() - before, str(right).lower()))
"""
#: What the peak is counted in, in bytes.
UNIT = 1 if sys.platform == "darwin" else 1024

#: Variables, rows and threads.
Setting = tuple[int, int, int]


def settings(rows: int) -> list[Setting]:
    """List what is measured."""
    few = VARIABLES[0]
    return [
        *((n, size, 1) for n in VARIABLES for size in (rows, MORE * rows)),
        (few, rows, THREADS),
        (few, MORE * rows, THREADS),
    ]


@watched
def memory(options: Options) -> SuiteResult:
    """Measure the memory that calls take, in fresh processes."""
    try:
        import resource  # noqa: F401 - not on Windows
    except ImportError as error:
        return SuiteResult(notes=[f"memory left out: {error}"])
    rows, rounds = (QUICK_ROWS, 1) if options.quick else (ROWS, 2)
    chosen = settings(rows)
    taken: dict[Setting, list[float]] = {setting: [] for setting in chosen}
    records = {setting: Record() for setting in chosen}
    wrong: set[Setting] = set()
    for round_ in range(rounds):
        say(f"memory of fresh processes, round {round_ + 1} of {rounds}")
        for n, size, threads in chosen:
            program = PROGRAM.format(rows=size, variables=n, threads=threads, unit=UNIT)
            seconds, more, right = run_fresh(program, {})
            records[n, size, threads].add(round_, seconds)
            taken[n, size, threads].append(UNIT * more)
            if not right:
                wrong.add((n, size, threads))
    result = SuiteResult()
    for setting in chosen:
        n, size, threads = setting
        summary = Summary.of(taken[setting])
        details = {
            "variables": n,
            "rows": size,
            "threads": threads,
            "bytes_beside_the_input": summary.as_dict(),
        }
        contender = f"{size:,} rows, n = {n}, {threads} thread{'s' if threads > 1 else ''}"
        if setting in wrong:
            details["error"] = "wrong result"
            result.rows.append(Row("memory: a call", contender, None, WRONG, details=details))
            continue
        result.rows.append(
            Row("memory: a call", contender, records[setting].summary, OK, {}, details)
        )
        result.notes.append(
            f"memory beside the input, {contender}: {summary.median / 1e6:.1f} MB, "
            f"{summary.median / size:.0f} bytes a row; x0 has {8 * n}, the data {8 * 24}"
        )
    result.verdicts += verdicts(taken, rows, wrong)
    return result


def verdicts(taken: dict[Setting, list[float]], rows: int, wrong: set[Setting]) -> list[Verdict]:
    """Judge how the memory grows with the rows, and with the threads at either number of them."""
    found = []
    for n in VARIABLES:
        small, large = (n, rows, 1), (n, MORE * rows, 1)
        growth = Summary.of(b / a for a, b in zip(taken[small], taken[large], strict=True))
        what = f"memory beside the input, n = {n}, {MORE * rows:,} rows / {rows:,}"
        found.append((what, GROWTH_LIMIT, growth, "", {small, large}))
    for size in (rows, MORE * rows):
        one, many = (VARIABLES[0], size, 1), (VARIABLES[0], size, THREADS)
        each = Summary.of(
            (b - a) / (THREADS - 1) / 1e6 for a, b in zip(taken[one], taken[many], strict=True)
        )
        what = f"memory of one more thread, {size:,} rows"
        found.append((what, THREAD_LIMIT, each, " MB", {one, many}))
    return [
        Verdict(
            what,
            limit,
            None if used & wrong else measured,
            unit,
            note="wrong result" if used & wrong else "",
            failed=bool(used & wrong),
        )
        for what, limit, measured, unit, used in found
    ]
