"""Interleaved timing: rounds, medians with quartiles, and ratios taken round by round.

A machine drifts (clock, neighbours, temperature), so contenders are not timed one after the
other but in rounds, each round visiting every contender in a new random order. A ratio of two
contenders is taken within each round, where the drift is the same for both, and only then
summarised.
"""

from __future__ import annotations

import gc
import math
import random
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import repeat
from time import perf_counter

Call = Callable[[], object]
#: Called with the contender's name, untimed, right before each of its calls.
Prepare = Callable[[str], object]

#: A sample shorter than this (seconds) would be of the order of timer and scheduler noise:
#: shorter calls are repeated within a sample.
MIN_SAMPLE = 1e-3

#: Seconds of untimed calls of the same contender before its samples of a round.
#:
#: Numba, torch and scikit-learn each keep OpenMP workers that spin on a core for some
#: milliseconds after a parallel call. Measured (2 cores): after 10 ms of somebody else's calls
#: they are all asleep. Sleeping instead of calling is not fairer but worse: after a sleep of
#: 50 ms the scheduler may wake two workers on one core, and a parallel call that takes 20 us
#: then takes 4 to 8 ms, a torch step 110 us instead of 65.
SETTLE = 0.02

#: Calls that take longer than this (seconds) need no settling.
LONG_CALL = 0.2

#: However slow a contender is, it takes part in this many rounds. Fewer values have no quartiles
#: to speak of.
MIN_ROUNDS = 5


@dataclass(frozen=True)
class Summary:
    """Median, quartiles, extremes and mean of a set of values.

    The quartiles are None where there are fewer than `MIN_ROUNDS` values.
    """

    median: float
    q1: float | None
    q3: float | None
    min: float
    mean: float
    n: int

    @classmethod
    def of(cls, values: Iterable[float]) -> Summary:
        """Summarise ``values`` (at least one)."""
        ordered = sorted(values)
        quartiles: list[float] | list[None] = [None] * 3
        if len(ordered) >= MIN_ROUNDS:
            quartiles = statistics.quantiles(ordered, n=4, method="inclusive")
        return cls(
            median=statistics.median(ordered),
            q1=quartiles[0],
            q3=quartiles[2],
            min=ordered[0],
            mean=statistics.fmean(ordered),
            n=len(ordered),
        )

    @property
    def quartiles(self) -> tuple[float, float] | None:
        """The first and the third, where there are enough values."""
        return None if self.q1 is None or self.q3 is None else (self.q1, self.q3)

    def around(self, value: float, n: int) -> Summary:
        """Return the spread of these resamples around what was found in `n` runs, if these do."""
        q1, q3 = (self.q1, self.q3) if n >= MIN_ROUNDS else (None, None)
        return replace(self, median=value, q1=q1, q3=q3, n=n)

    def as_dict(self) -> dict[str, float | None]:
        """Plain numbers, for JSON."""
        return asdict(self)


@dataclass
class Record:
    """Seconds per call of one contender, by round, and how often it was called in all."""

    rounds: dict[int, list[float]] = field(default_factory=dict)
    calls: int = 0

    def add(self, round_: int, seconds: float) -> None:
        """Note one sample."""
        self.rounds.setdefault(round_, []).append(seconds)

    @property
    def summary(self) -> Summary:
        """The summary over all samples of all rounds."""
        return Summary.of(x for samples in self.rounds.values() for x in samples)


def pairwise(ours: Record, theirs: Record) -> Summary:
    """Take the ratio of two contenders round by round, then summarise it.

    Parameters
    ----------
    ours, theirs : Record
        Records of one `interleave`. Rounds in which only one took part are left out.

    Returns
    -------
    Summary
        Of median(ours) / median(theirs) over the common rounds.

    Raises
    ------
    ValueError
        If the two have no round in common.
    """
    common = ours.rounds.keys() & theirs.rounds.keys()
    if not common:
        raise ValueError("the two contenders have no round in common")
    return Summary.of(
        statistics.median(ours.rounds[r]) / statistics.median(theirs.rounds[r])
        for r in sorted(common)
    )


def ratio_of_means(ours: Record, theirs: Record, resamples: int = 200) -> Summary:
    """Take the ratio of two contenders' means over all samples of their common rounds.

    A median hides what is rare, such as a trial of a slower loop; a mean does not. Its spread
    is that of the ratio over resampled rounds.
    """
    common = sorted(ours.rounds.keys() & theirs.rounds.keys())

    def ratio(rounds: Sequence[int]) -> float:
        totals = [
            statistics.fmean(x for r in rounds for x in record.rounds[r])
            for record in (ours, theirs)
        ]
        return totals[0] / totals[1]

    choose = random.Random(0)
    spread = Summary.of(ratio(choose.choices(common, k=len(common))) for _ in range(resamples))
    return spread.around(ratio(common), len(common))


@dataclass(frozen=True)
class Effort:
    """How much to measure.

    Parameters
    ----------
    rounds : int
        Rounds of a fast contender.
    samples : int
        Samples of a contender in a round.
    budget : float
        Seconds that one contender may take in all; a slow one takes part in every second,
        fourth, ... round, but in at least `MIN_ROUNDS`.
    """

    rounds: int
    samples: int
    budget: float


@dataclass(frozen=True)
class _Schedule:
    settle: int  # untimed calls before the samples of a round
    inner: int  # calls in a sample
    samples: int
    stride: int  # takes part in every stride-th round


def _time_calls(call: Call, count: int) -> float:
    start = perf_counter()
    for _ in repeat(None, count):
        call()
    return (perf_counter() - start) / count


def _schedule(seconds: float, effort: Effort, prepared: bool) -> _Schedule:
    """Decide how to time a call that takes about ``seconds``."""
    samples = effort.samples if seconds < LONG_CALL else 1
    if prepared:
        # Each sample is one call right after its preparation; the first two pairs of a round see
        # what the contender before left behind, and are not timed.
        settle, inner = 2, 1
    else:
        settle = max(1, math.ceil(SETTLE / seconds)) if seconds < LONG_CALL else 0
        inner = max(1, math.ceil(MIN_SAMPLE / seconds))
    cost = seconds * (settle + inner * samples)
    stride = 1
    # Powers of two, so that any two contenders meet in all rounds of the slower one.
    while (
        cost * math.ceil(effort.rounds / stride) > effort.budget
        and effort.rounds // (2 * stride) >= MIN_ROUNDS
    ):
        stride *= 2
    return _Schedule(settle, inner, samples, stride)


def interleave(
    calls: Mapping[str, Call],
    effort: Effort,
    *,
    prepare: Prepare | None = None,
    warmup: int = 3,
    seed: int = 0,
) -> dict[str, Record]:
    """Time several contenders in interleaved rounds.

    Parameters
    ----------
    calls : mapping of str to callable
        What to time, by name.
    effort : Effort
        How much to measure.
    prepare : callable, optional
        Called with the contender's name, untimed, right before each timed and each untimed
        call; a sample is then a single call.
    warmup : int
        Untimed calls of each contender before the first round; the fastest of them tells how
        many calls make a sample. With 0, a sample is one call, as of those that take long.
    seed : int
        Seed of the order of contenders within the rounds.

    Returns
    -------
    dict of str to Record
        Seconds per call.
    """

    def sample(name: str, count: int) -> float:
        if prepare is not None:
            prepare(name)
        records[name].calls += count
        return _time_calls(calls[name], count)

    order = random.Random(seed)
    records = {name: Record() for name in calls}
    schedules = {}
    collecting = gc.isenabled()
    gc.collect()  # the large arrays of the case before
    gc.disable()  # a collection would hit one contender and not another
    try:
        for name in calls:
            seconds = min((sample(name, 1) for _ in range(warmup)), default=LONG_CALL)
            schedules[name] = _schedule(max(seconds, 1e-7), effort, prepare is not None)
        for round_ in range(effort.rounds):
            names = [name for name in calls if round_ % schedules[name].stride == 0]
            order.shuffle(names)
            for name in names:
                schedule = schedules[name]
                for _ in range(schedule.settle):
                    sample(name, 1)
                for _ in range(schedule.samples):
                    records[name].add(round_, sample(name, schedule.inner))
    finally:
        if collecting:
            gc.enable()
    return records
