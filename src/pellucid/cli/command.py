"""A command is a function whose errors become one line, and whose interruption an exit code: 130, or 143 of SIGTERM."""

from __future__ import annotations

import errno
import functools
import inspect
import shlex
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pellucid.cli.termination import Terminated, stopped
from pellucid.errors import PellucidError

if TYPE_CHECKING:  # these rooms load NumPy, which the words of the command line can do without
    from pellucid.tabular.faults import CellError, Fix, TaskError

FLAGS = {"missing": "missing", "kinds": "kind", "task": "task"}  # of the options that a `Fix` can name

Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


def complain(message: str) -> None:
    """Print an error as one line on standard error."""
    line = " ".join(message.split())
    print(f"pellucid: error: {line}{'' if line.endswith(('.', '?')) else '.'}", file=sys.stderr)


def sentence_in_flags(error: CellError | TaskError) -> str:
    """Return what is wrong and what would mend it, as flags of the command line."""
    from pellucid.tabular.faults import sentence

    return sentence(error.problem, [_in_flags(fix) for fix in error.fixes])


def _in_flags(fix: Fix) -> str:
    value = f"{fix.column}={fix.value}" if fix.column else fix.value
    return f"{fix.condition}, write --{FLAGS[fix.option]} {shlex.quote(value)}"


def command(function: Callable[..., int], more: Sequence[inspect.Parameter] = ()) -> Callable[..., int]:
    """Return the function as a command: with ``more`` parameters in the place of its ``**recipe``, and --debug."""

    def run(*, debug: bool, **given: Any) -> int:
        try:
            return function(**given)
        except (typer.Exit, typer.BadParameter, BrokenPipeError):
            raise
        except (KeyboardInterrupt, Terminated) as ended:
            return stopped(ended, "; nothing was saved" if "output" in given else "")
        except Exception as error:
            if debug:
                raise
            complain(_described(error))
            return 1

    functools.update_wrapper(run, function)
    vars(run).pop("__wrapped__")  # typer would read the signature of what is wrapped
    own = inspect.signature(function, eval_str=True).parameters.values()
    kept = [parameter for parameter in own if parameter.kind is not inspect.Parameter.VAR_KEYWORD]
    debug = inspect.Parameter("debug", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Debug)
    parameters = [*kept, *more, debug]
    run.__signature__ = inspect.Signature(parameters, return_annotation=int)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def _described(error: Exception) -> str:
    if isinstance(error, PellucidError):
        return str(error)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
        return f"the output cannot be written: {error.strerror}."
    if isinstance(error, MemoryError):
        return "there is not enough memory for this; try fewer rows or smaller layers."
    return f"internal error ({type(error).__name__}: {error}); run again with --debug to see where it comes from."
