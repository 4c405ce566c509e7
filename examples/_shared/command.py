"""What the command lines share: types of arguments, and the commands that draw one picture."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .files import OutputError
from .plots import check_plottable

#: The largest integer of 64 bits with a sign: what a checkpoint has room for.
MOST_WHOLE = 2**63 - 1


def positive_int(text: str, most: int = MOST_WHOLE) -> int:
    """Parse an integer of 1 or more."""
    value = _parse(text, int, lambda value: value >= 1, "an integer of 1 or more")
    if value > most:
        raise argparse.ArgumentTypeError(f"expected at most {most:,}, got {text!r}")
    return value


def path(text: str) -> Path:
    """Parse the name of a file or a folder: one that can be printed."""
    return _parse(text, lambda text: Path(text.encode().decode()), bool, "a name in UTF-8")


def positive_float(text: str) -> float:
    """Parse a finite number above 0."""
    return _parse(text, float, lambda value: 0 < value < math.inf, "a finite number above 0")


def seed(text: str) -> int:
    """Parse an integer from 0 to `MOST_WHOLE`."""
    wanted = "an integer from 0 to 2**63 - 1"
    return _parse(text, int, lambda value: 0 <= value <= MOST_WHOLE, wanted)


def _parse(
    text: str, kind: Callable[[str], Any], is_valid: Callable[[Any], bool], wanted: str
) -> Any:
    """Convert the text of an argument, or say what it should have been."""
    try:
        value = kind(text)
    except ValueError:
        value = None
    if value is None or not is_valid(value):
        raise argparse.ArgumentTypeError(f"expected {wanted}, got {text!r}")
    return value


def picture_parser(name: str, description: str) -> argparse.ArgumentParser:
    """Return a parser of ``python -m examples.NAME [--output FILE]``."""
    parser = argparse.ArgumentParser(prog=f"python -m examples.{name}", description=description)
    parser.add_argument(
        "--output",
        type=path,
        metavar="FILE",
        default=Path(f"{name}.png"),
        help=f"the picture: .png, .pdf, ... ({name}.png)",
    )
    return parser


def run_command(
    parser: argparse.ArgumentParser,
    arguments: Sequence[str] | None,
    work: Callable[[argparse.Namespace], None],
) -> int:
    """Do the work that the arguments ask for; return the exit status, and say what went wrong."""
    options = parser.parse_args(arguments)

    def draw() -> None:
        check_plottable(options.output)
        work(options)

    return report_errors(parser, draw)


def report_errors(
    parser: argparse.ArgumentParser,
    work: Callable[[], None],
    expected: tuple[type[Exception], ...] = (),
    smaller: str = "problem",
) -> int:
    """Do some work; say in one line what went wrong, and return the exit status.

    Parameters
    ----------
    parser : ArgumentParser
        Knows the name of the program.
    work : callable
    expected : tuple of exception classes
        Whose text is for the user, beside those of files.
    smaller : str
        What to try a smaller one of where the memory does not suffice.
    """
    try:
        work()
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130
    except ModuleNotFoundError as error:
        package = str(error.name).partition(".")[0]
        extra = "tuning" if package == "optuna" else "examples"
        message = f"{package} is not installed: pip install -e '.[{extra}]'"
    except MemoryError as error:
        message = f"not enough memory ({error}): try a smaller {smaller}"
    except (OSError, OutputError) as error:
        message = str(error)
    except expected as error:
        message = str(error)
    else:
        return 0
    print(f"{parser.prog}: error: {' '.join(message.split())}", file=sys.stderr)
    return 1
