"""The application is the list of commands, and what becomes of words that fit none of them."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from pellucid import __version__
from pellucid.cli.command import command, complain
from pellucid.cli.demo import demo
from pellucid.cli.diff import diff
from pellucid.cli.doctor import doctor
from pellucid.cli.eject import eject
from pellucid.cli.evaluate import evaluate
from pellucid.cli.explain import explain
from pellucid.cli.export import export
from pellucid.cli.info import info
from pellucid.cli.playground import playground
from pellucid.cli.predict import predict
from pellucid.cli.serve import serve
from pellucid.cli.trace import trace
from pellucid.cli.train import train
from pellucid.cli.verify import verify
from pellucid.errors import listed, near_miss


def run(words: Sequence[str]) -> int:
    """Run the command that the words name and return its exit code."""
    application = typer.main.get_command(build(next(iter(words), "")))
    try:
        status = application.main(args=list(words) or ["--help"], prog_name="pellucid", standalone_mode=False)
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at the end of the process
        if not isinstance(error, BrokenPipeError):  # whoever read the output, such as head, has seen enough
            complain(f"the output cannot be written: {error.strerror or error}.")
        return 1
    except Exception as error:
        if not hasattr(error, "format_message"):  # the mark of Click's own errors, which typer hands on
            raise
        complain(_usage(error))
        return 2
    return int(status or 0)


def build(asked: str) -> typer.Typer:
    """Return the application; the recipe's options are looked up only where the command that has them is asked for."""
    application = typer.Typer(
        help="Neural networks for tables that you can see through: train, predict, evaluate, and look inside.",
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100},
    )
    application.callback()(_root)
    recipe = []
    if asked == "train":
        from pellucid.cli.recipe import parameters

        recipe = parameters()
    application.command("train")(command(train, recipe))
    shown = (predict, evaluate, explain, info, verify, diff, trace, doctor, eject, export, serve, playground, demo)
    for function in shown:
        application.command(function.__name__)(command(function))
    return application


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"pellucid {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    pass


def _usage(error: Exception) -> str:
    """Return the line for words that are no valid command."""
    message = str(error.format_message()).strip()  # type: ignore[attr-defined]
    name, near = getattr(error, "option_name", ""), getattr(error, "possibilities", None)
    if near:
        message = f"no such option: {name}{near_miss(name, near) or f'; did you mean {listed(near)}?'}"
    unknown = re.match(r"No such command '(.*?)'", message)
    context = getattr(error, "ctx", None)
    if unknown:
        names = getattr(context.command, "commands", ()) if context is not None else ()
        message = f"no such command {unknown[1]!r}{near_miss(unknown[1], names) or f'; there are {listed(names)}'}"
    end = "" if message.endswith((".", "?")) else "."
    path = context.command_path if context is not None else "pellucid"
    return f"{message[:1].lower()}{message[1:]}{end} See {path} --help."
