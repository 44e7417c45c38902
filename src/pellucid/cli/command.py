"""A command is a function whose errors become one line, and whose interruption becomes exit code 130."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from pellucid.errors import PellucidError

Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


def complain(message: str) -> None:
    """Print an error as one line on standard error."""
    print(f"pellucid: error: {' '.join(message.split())}", file=sys.stderr)


def command(function: Callable[..., int], more: Sequence[inspect.Parameter] = ()) -> Callable[..., int]:
    """Return the function as a command: with ``more`` parameters in the place of its ``**recipe``, and --debug."""

    def run(*, debug: bool, **given: Any) -> int:
        try:
            return function(**given)
        except (typer.Exit, typer.BadParameter, BrokenPipeError):
            raise
        except KeyboardInterrupt:
            print("pellucid: interrupted; nothing was saved", file=sys.stderr)
            return 130
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
        words = str(error)
        words = words.replace("use TabularRegressor", "write --task regression")
        return words.replace("use TabularClassifier", "write --task classification")
    if isinstance(error, MemoryError):
        return "there is not enough memory for this; try fewer rows or smaller layers."
    return f"internal error ({type(error).__name__}: {error}); run again with --debug to see where it comes from."
