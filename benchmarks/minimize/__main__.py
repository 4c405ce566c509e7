"""Published functions only: ``python -m benchmarks.minimize``, without the held-out part.

For whoever changes a default: the held-out part is for ``python -m benchmarks --suite minimize``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ..harness.report import Options, SuiteResult, format_rows, format_verdicts
from .budget import budget
from .minima import TUNING, local_minima
from .suite import draw


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the tuning part, print what was found, draw the curve."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.minimize",
        description="Minimise the published functions that defaults are chosen on.",
    )
    parser.add_argument("--quick", action="store_true", help="a few functions, one start")
    parser.add_argument("--output", type=Path, default=Path("results"), help="folder (results)")
    options = parser.parse_args(arguments)
    folder: Path = options.output
    folder.mkdir(parents=True, exist_ok=True)
    result = SuiteResult()
    for measure in (budget, local_minima):
        result.extend(measure(Options(options.quick), (TUNING,)))
    print(format_rows(result.rows))
    for note in result.notes:
        print(f"note: {note}")
    print(f"\n{format_verdicts(result.verdicts)}\n\nwritten:", *draw(result, folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
