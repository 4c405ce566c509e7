"""What the first call with a new compiled function costs, in fresh processes.

The user's function is compiled before, by a call of its own; what is timed is all the rest of the
first call of `fastadam.minimize`. The compiled loops are on disk: a run that is not timed puts
them there.
"""

from __future__ import annotations

from ..harness.processes import run_fresh
from ..harness.progress import say
from ..harness.report import Options, SuiteResult, Verdict
from ..harness.rows import make_rows
from ..harness.timing import Record
from ..harness.watch import watched

LIMIT = 0.3
#: By form: what the functions take after x, what they return, what is handed over.
FORMS = {
    "no gradient": ("", "f", "jac=None"),
    "no gradient, args": (", a, b", "f", "jac=None, args=(2.0, np.ones(3))"),
    "jac=True": ("", "(f, g)", "jac=True"),
    "jac=True, args": (", a, b", "(f, g)", "jac=True, args=(2.0, np.ones(3))"),
}

PROGRAM = """
from time import perf_counter
import numba, numpy as np
start = perf_counter()
from fastadam import minimize
imported = perf_counter() - start

def make(power):
    @numba.njit
    def fun(x{parameters}):
        f, g = 0.0, np.empty(x.size)
        for i in range(x.size):
            f += (x[i] - i) ** power
            g[i] = power * (x[i] - i) ** (power - 1)
        return {returned}
    return fun

seconds, right = [], True
x0 = np.full(3, 5.0)
options = dict(maxiter=5)
for fun in (make(2), make(4)):
    args = dict({handed}).get("args", ())
    before = fun(x0, *args)
    start = perf_counter()
    result = minimize(fun, x0, {handed}, options=options)
    seconds.append(perf_counter() - start)
    value = fun(result.x, *args)
    value = value[0] if isinstance(value, tuple) else value
    right &= 0 < result.nit <= 5 and result.fun == value
print("[%r, %r, %r, %s]" % (imported, *seconds, str(bool(right)).lower()))
"""


@watched
def first_call(options: Options) -> SuiteResult:
    """Measure the first calls with two new functions, one after the other."""
    rounds = 1 if options.quick else 7
    forms = dict(list(FORMS.items())[:1]) if options.quick else FORMS
    records: dict[str, Record] = {}
    wrong: dict[str, str] = {}
    for round_ in range(-1, rounds):  # the first is not timed: it fills the cache
        say(f"first calls, round {round_ + 1} of {rounds}")
        for form, (parameters, returned, handed) in forms.items():
            program = PROGRAM.format(parameters=parameters, returned=returned, handed=handed)
            imported, first, second, right = run_fresh(program, {})
            if round_ < 0:
                continue
            for label, seconds in (
                ("from fastadam import minimize, after numba", imported),
                (f"first function, {form}", first),
                (f"second function, {form}", second),
            ):
                records.setdefault(label, Record()).add(round_, seconds)
            if not right:
                wrong[f"first function, {form}"] = "wrong result"
    case = "first call with a new compiled function, warm cache"
    result = SuiteResult(make_rows(case, records, wrong))
    for form in forms:
        label = f"first function, {form}"
        result.verdicts.append(
            Verdict(
                f"first call with a new compiled function, {form}",
                LIMIT,
                None if label in wrong else records[label].summary,
                " s",
                note=wrong.get(label, "beyond the function's own compilation"),
                failed=label in wrong,
            )
        )
    return result
