"""What the commands that draw one picture share."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from .mnist.arguments import path
from .mnist.files import OutputError
from .mnist.plots import check_plottable


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
    try:
        check_plottable(options.output)
        work(options)
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130
    except ModuleNotFoundError as error:
        package = str(error.name).partition(".")[0]
        message = f"{package} is not installed: pip install -e '.[examples]'"
    except (OSError, OutputError) as error:
        message = str(error)
    else:
        return 0
    print(f"{parser.prog}: error: {' '.join(message.split())}", file=sys.stderr)
    return 1
