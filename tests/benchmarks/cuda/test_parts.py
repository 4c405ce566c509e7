"""The parts of the `cuda` suite: one after the other, each in its time, whatever fails."""

from benchmarks.cuda.parts import Case, Part, measure_parts
from benchmarks.harness.report import Options, SuiteResult


class Clock:
    """The clock, and cases that let it go on."""

    def __init__(self):
        self.time = 0.0
        self.measured = []

    def __call__(self):
        return self.time

    def part(self, name, seconds, *lengths):
        def measure(case, length, gpu):
            self.time += length
            self.measured.append((case, gpu))
            return SuiteResult(notes=[case])

        cases = [
            Case(f"{name}{i}", lambda gpu, i=i, length=length: measure(f"{name}{i}", length, gpu))
            for i, length in enumerate(lengths)
        ]
        return Part(name, lambda options: cases, seconds)


def test_no_case_begins_when_the_time_is_over():
    clock = Clock()
    parts = [
        clock.part("a", 10.0, 2.0, 2.0),  # leaves 6
        clock.part("b", 5.0, 6.0, 9.0, 1.0, 1.0),  # has 11, and takes 15
        clock.part("c", 5.0, 1.0, 3.0),  # still has 5, but there are only 3 of 22
        clock.part("d", 2.0, 1.0),
    ]
    result = measure_parts(parts, "a GPU", Options(), clock)
    names = ["a0", "a1", "b0", "b1", "c0", "c1"]
    assert clock.measured == [(name, "a GPU") for name in names]
    assert [note for note in result.notes if note in names] == names
    left_out = [note for note in result.notes if "left out" in note]
    assert left_out == [
        *(f"cuda, {name}: left out, the time of b is over" for name in ("b2", "b3")),
        "cuda, d0: left out, the time of d is over",
    ]
    took = "cuda took 23 s: a 4 s of 10, b 15 s of 5, c 4 s of 5, d 0 s of 2"
    assert result.notes[-1] == took


def test_an_error_ends_its_case_alone(capsys):
    def broken(gpu):
        raise ArithmeticError("what a\n  pity")

    clock = Clock()
    other = clock.part("a", 1.0, 0.0)
    parts = [Part("b", lambda options: [Case("broken", broken), *other.cases(options)], 1.0)]
    result = measure_parts(parts, None, Options(), clock)
    (failed,) = result.verdicts
    assert (failed.what, failed.reached) == ("cuda, broken: errors", False)
    assert failed.note == "ArithmeticError: what a pity"
    assert clock.measured == [("a0", None)]
    assert "in broken" in capsys.readouterr().err
