"""``pellucid playground``: a network that learns before one's eyes, in the browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from pellucid.playground import Experiment


def playground(
    subject: Annotated[
        Path | None,
        typer.Argument(
            metavar="[DATA|MODEL]",
            help="A table to learn: CSV, TSV, Parquet or JSON lines; or a model that pellucid train saved.",
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Argument(metavar="[DATA]", help="With a model: a table with its target column.", show_default=False),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option("--target", metavar="COLUMN", help="The column of DATA to learn.", show_default=False),
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option("--kind", metavar="COLUMN=KIND", help="A column of DATA is a number, category, boolean or date."),
    ] = None,
    port: Annotated[
        int,
        typer.Option("--port", metavar="INTEGER", min=0, max=65535, help="Where to serve.", show_default="a free one"),
    ] = 0,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")] = True,
) -> int:
    """Serve a page on this machine, on which a network learns and every number can be seen and changed.

    Of a model, the strongest network is shown on the rows of the table, and learns on from its saved weights.

    The link that is printed opens it, once; nobody without the link can, and nothing is sent anywhere else. Ctrl-C ends
    it.
    """
    import webbrowser

    from pellucid.cli.arguments import kinds_of
    from pellucid.errors import OutputError
    from pellucid.playground.server import Server, bound_socket

    if data is not None and target is not None:
        raise typer.BadParameter("a model knows its target; leave it out.", param_hint="--target")
    if data is None and (subject is None) != (target is None):
        missing, given = ("--target, or DATA after a model,", "DATA") if target is None else ("DATA", "--target")
        raise typer.BadParameter(f"it is needed beside {given}.", param_hint=missing)
    kinds = kinds_of(kind) if kind else {}
    if kinds and target is None:
        raise typer.BadParameter("it is of a column of DATA, and needs --target.", param_hint="--kind")
    begin = _circle
    if subject is not None and data is not None:
        begin = _of_model(subject, data)
    elif subject is not None and target is not None:
        begin = _of_table(subject, target, kinds)
    try:
        listening = bound_socket(port)
    except OSError as error:
        raise OutputError(f"port {port} cannot be served: {error.strerror}. Choose another with --port.") from error
    with listening:
        server = Server(begin, listening.getsockname()[1])
        print(f"The playground is at {server.link}\n(the link opens once; Ctrl-C ends it)", flush=True)
        if browser:
            webbrowser.open(server.link)
        server.serve(listening)
    return 0


def _circle() -> Experiment:
    """Return an experiment of drawn points; the library it needs is loaded while the browser fetches the page."""
    from pellucid.playground import Experiment

    return Experiment()


def _of_model(model: Path, data: Path) -> Callable[[], Experiment]:
    """Read a model and a table, and return what makes the experiment of both."""
    from pellucid.cli.rows import read_rows
    from pellucid.model import load
    from pellucid.playground import Experiment

    estimator = load(model)
    source = read_rows(estimator, data, with_target=True)
    section = {"kind": "model", "model": model.name, "table": data.name}
    with source.locating():
        experiment = Experiment({data.name: source.table}, {model.name: estimator}, data=section)
    return lambda: experiment


def _of_table(data: Path, target: str, kinds: dict[str, Any]) -> Callable[[], Experiment]:
    """Read a table, and return what makes the experiment of it."""
    from pellucid.cli.source import Source
    from pellucid.playground import Experiment

    source = Source.of_kinds(data, kinds)
    source.require([target], "which --target names")
    section: dict[str, Any] = {"kind": "table", "table": data.name, "target": target, "kinds": kinds}
    with source.locating():
        experiment = Experiment({data.name: source.table}, data=section)
    return lambda: experiment
