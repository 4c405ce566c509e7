"""The command line: ``python -m benchmarks``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

from .harness.machine import describe, headline
from .harness.report import Options, SuiteResult, as_json, format_rows, format_verdicts, write_json
from .suites import SUITES


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the chosen suites; print tables, write JSON and pictures."""
    options = build_parser().parse_args(arguments)
    names = [name for name in SUITES if name in (options.suite or SUITES)]
    folder: Path = options.output
    folder.mkdir(parents=True, exist_ok=True)
    begin = perf_counter()
    machine = describe()
    print(headline(machine), flush=True)

    results: dict[str, SuiteResult] = {}
    files = []
    for name in names:
        print(f"\n{name}", flush=True)
        result = SUITES[name].run(Options(options.quick, options.sizes))
        results[name] = result
        print(format_rows(result.rows))
        for note in result.notes:
            print(f"note: {note}")
        files += SUITES[name].draw(result, folder)
        # After each suite: what was measured is kept if a later one is interrupted.
        machine["seconds"] = perf_counter() - begin
        write_json(folder / "results.json", as_json(machine, results))

    if options.quick:
        print("\n--quick shows that everything works: these figures are of too little to rely on")
    verdicts = [verdict for result in results.values() for verdict in result.verdicts]
    if verdicts:
        print(f"\n{format_verdicts(verdicts)}")
    print(f"\n{machine['seconds']:.0f} s; written: {folder / 'results.json'}", *files, sep=", ")
    return 0


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Time fastadam beside its peers; every timed result is checked, too.",
    )
    parser.add_argument(
        "--quick", action="store_true", help="less of everything: shows that it works"
    )
    parser.add_argument(
        "--suite",
        action="append",
        choices=SUITES,
        metavar="NAME",
        help=f"{', '.join(SUITES)}; may be given several times (all)",
    )
    parser.add_argument(
        "--sizes",
        type=sizes,
        metavar="N,N",
        help="numbers of parameters for the step suite, such as 1e3,1e5",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        default=Path("results"),
        help="folder for JSON and pictures (results)",
    )
    return parser


def sizes(text: str) -> tuple[int, ...]:
    """Parse numbers of parameters, such as ``1e3,1e5``."""
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if not values or not all(value >= 1 and value.is_integer() for value in values):
        raise argparse.ArgumentTypeError(f"expected whole numbers from 1, got {text!r}")
    return tuple(int(value) for value in values)


if __name__ == "__main__":
    sys.exit(main())
