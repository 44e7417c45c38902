"""The command line: a table goes in, a model comes out, and every error is one line."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence

from pellucid.cli.termination import Terminated, stopped, terminable
from pellucid.errors import listed

__all__ = ["main"]

PACKAGES = ("narwhals", "polars", "rich", "sklearn", "typer")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    0: done; 1: an error in data, model or environment; 2: wrong usage; 130: interrupted with Ctrl-C; 143: ended by
    SIGTERM.

    arguments : the words after ``pellucid``; by default those of this process
    """
    lacking = [package for package in PACKAGES if importlib.util.find_spec(package) is None]
    if lacking:
        noun = "package" if len(lacking) == 1 else "packages"
        print(
            f"pellucid: error: the command line needs the {noun} {listed(lacking)}: pip install 'pellucid[standard]'",
            file=sys.stderr,
        )
        return 1
    try:
        with terminable():
            from pellucid.cli.application import run

            return run(list(sys.argv[1:] if arguments is None else arguments))
    except (KeyboardInterrupt, Terminated) as ended:  # before a command has begun, or after it has ended
        return stopped(ended)
