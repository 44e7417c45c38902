"""``pellucid playground``: a network that learns before one's eyes, in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def playground(
    data: Annotated[
        Path | None,
        typer.Argument(metavar="[DATA]", help="A table to learn: CSV, TSV, Parquet or JSON lines.", show_default=False),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option("--target", metavar="COLUMN", help="The column of DATA to learn.", show_default=False),
    ] = None,
    port: Annotated[
        int,
        typer.Option("--port", metavar="INTEGER", min=0, max=65535, help="Where to serve.", show_default="a free one"),
    ] = 0,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")] = True,
) -> int:
    """Serve a page on this machine, on which a network learns and every number can be seen and changed.

    The link that is printed opens it, once; nobody without the link can, and nothing is sent anywhere else. Ctrl-C ends
    it.
    """
    import webbrowser

    from pellucid.cli.source import Source
    from pellucid.errors import OutputError
    from pellucid.playground import Experiment
    from pellucid.playground.server import Server, bound_socket

    if (data is None) != (target is None):
        missing, given = ("--target", "DATA") if target is None else ("DATA", "--target")
        raise typer.BadParameter(f"it is needed beside {given}.", param_hint=missing)
    experiment = Experiment()
    if data is not None and target is not None:
        source = Source.read(data)
        source.require([target], "which --target names")
        section = {"kind": "table", "table": data.name, "target": target}
        with source.locating():
            experiment = Experiment({data.name: source.table}, data=section)
    try:
        listening = bound_socket(port)
    except OSError as error:
        raise OutputError(f"port {port} cannot be served: {error.strerror}. Choose another with --port.") from error
    with listening:
        server = Server(experiment, listening.getsockname()[1])
        print(f"The playground is at {server.link}\n(the link opens once; Ctrl-C ends it)", flush=True)
        if browser:
            webbrowser.open(server.link)
        server.serve(listening)
    return 0
