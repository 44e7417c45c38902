"""``pellucid serve``: a model behind HTTP, on this machine unless told otherwise."""

from __future__ import annotations

import ipaddress
from typing import Annotated

import typer

from pellucid.cli.arguments import Model


def serve(
    model: Model,
    host: Annotated[str, typer.Option("--host", metavar="ADDRESS", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", "-p", min=0, max=65535, help="The port; 0 takes a free one.")] = 8000,
    max_rows: Annotated[int, typer.Option("--max-rows", min=1, help="The most rows of a request.")] = 10_000,
    max_megabytes: Annotated[int, typer.Option("--max-megabytes", min=1, help="The largest body of a request.")] = 16,
) -> int:
    """Predict for other programs, over HTTP.

    POST /predict takes rows as JSON or Arrow; GET /schema says which columns, GET /health how the service fares.
    Ctrl-C ends it, once the requests under way are answered.
    """
    from pellucid.cli.display import note
    from pellucid.model import load
    from pellucid.serving import application
    from pellucid.serving import serve as run

    app = application(load(model), name=model.name, max_rows=max_rows, max_megabytes=max_megabytes)

    def ready(address: str) -> None:
        note(f"serving {model} on {address}: POST /predict, GET /schema, GET /health; Ctrl-C ends it")
        if not _is_loopback(host):
            note(f"note: {host} is open to others: whoever reaches this machine may ask, without a password")

    run(app, host=host, port=port, ready=ready)
    note("ended")
    return 0


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
