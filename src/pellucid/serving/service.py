"""The service is an ASGI application for one model, and the running of it on a port."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable
from types import FrameType
from typing import TYPE_CHECKING, Any

from pellucid.errors import OptionError, require

if TYPE_CHECKING:
    from starlette.applications import Starlette

MAX_ROWS = 10_000
MAX_MEGABYTES = 16
BACKLOG = 1024  # connections that the system holds until they are taken up
SECONDS_TO_END = 10  # for requests that are being answered when the service is told to end


def application(
    estimator: Any, *, name: str = "model", max_rows: int = MAX_ROWS, max_megabytes: int = MAX_MEGABYTES
) -> Starlette:
    """Return an ASGI application that predicts with a fitted `TabularClassifier` or `TabularRegressor`.

    ``POST /predict`` takes ``{"rows": [{column: value, ...}, ...]}`` or an Arrow IPC stream, ``GET /schema`` is its
    OpenAPI document, ``GET /health`` what it did so far. A prediction has the bits that the estimator's own methods
    return for the row, whichever rows were predicted with it.

    Parameters
    ----------
    name : what ``/health`` and ``/schema`` call the model
    max_rows : of a request; with more it is refused
    max_megabytes : of a request's body, also once an Arrow table is decompressed; a megabyte is 1,000,000 bytes

    Raises
    ------
    MissingExtraError : if starlette is not installed
    """
    require("starlette", extra="serve", purpose="serving a model")
    from starlette.applications import Starlette
    from starlette.exceptions import HTTPException
    from starlette.routing import Route

    from pellucid.estimators.cores import limited_cores
    from pellucid.estimators.ensembles import cores_for
    from pellucid.serving.endpoints import Endpoints

    endpoints = Endpoints(estimator, name=name, max_rows=max_rows, max_bytes=max_megabytes * 1_000_000)

    @contextlib.asynccontextmanager
    async def cores_are_limited(_: Starlette) -> AsyncIterator[None]:
        with limited_cores(cores_for(estimator.n_jobs)):  # once, rather than in each prediction
            yield

    return Starlette(
        routes=[
            Route("/predict", endpoints.predict, methods=["POST"]),
            Route("/schema", endpoints.schema),
            Route("/health", endpoints.health),
        ],
        exception_handlers={HTTPException: endpoints.refuse},
        lifespan=cores_are_limited,
    )


def serve(app: Starlette, *, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Answer requests until the process gets SIGINT (Ctrl-C) or SIGTERM; those under way are answered first.

    port : 0 for one that is free
    ready : called with the service's address once it listens

    Raises
    ------
    OptionError : if nothing can listen on this host and port
    MissingExtraError : if uvicorn is not installed
    """
    uvicorn = require("uvicorn", extra="serve", purpose="serving a model")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio lets a small answer leave at once (TCP_NODELAY) rather than 40 ms later.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # where an address is not taken for a minute after a server on it has ended
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except (OSError, UnicodeError) as error:
        listening.close()
        reason = getattr(error, "strerror", None) or error
        raise OptionError(
            f"cannot listen on {host}:{port}: {reason}. Give another --port (0 for one that is free), or --host."
        ) from error
    server = uvicorn.Server(
        uvicorn.Config(
            app, access_log=False, log_config=None, log_level="error", timeout_graceful_shutdown=SECONDS_TO_END
        )
    )

    def end(number: int, frame: FrameType | None) -> None:
        server.should_exit = True

    # The server raises each signal again when it has ended, for the handlers that were there before it: these.
    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    with listening:
        try:
            listening.listen(BACKLOG)
            gc.collect()
            gc.freeze()  # what is loaded by now stays; to go through it again would hold up all requests of a moment
            ready(f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}")
            server.run(sockets=[listening])
        finally:
            gc.unfreeze()
            for number, handler in before.items():
                signal.signal(number, handler)
