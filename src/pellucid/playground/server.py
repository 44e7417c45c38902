"""The server carries commands and frames between a page and the experiment, and takes in tables and models."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pellucid.errors import PellucidError, require
from pellucid.playground.gate import LARGEST_BODY, Application, Gate
from pellucid.playground.messages import answered
from pellucid.playground.outbox import Outbox
from pellucid.playground.uploads import READERS, shown_name
from pellucid.playground.worker import Worker

if TYPE_CHECKING:
    from pellucid.playground.experiment import Experiment

STATIC = Path(__file__).parent / "static"
TYPES = {".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".svg": "image/svg+xml"}
LARGEST_MESSAGE = 2**20
MESSAGES_A_SECOND = 200
MOST_WAITING = 200


class Page(Outbox):
    """What is to be sent to a page, and the wait for it."""

    def __init__(self) -> None:
        super().__init__()
        self._filled = asyncio.Event()
        self._left = False

    def leave(self) -> None:
        """Let nothing more be sent: another page takes the place."""
        self._left = True
        self._filled.set()

    def put(self, frame: dict[str, Any]) -> None:
        """Take a frame."""
        super().put(frame)
        self._filled.set()

    async def next(self) -> dict[str, Any] | None:
        """Return the frame to send next; None where the page was left."""
        while not self._left:
            frame = self.take()
            if frame is not None:
                return frame
            self._filled.clear()
            await self._filled.wait()
        return None


class Server:
    """The application behind the gate, and the worker; `serve` runs it.

    begin : makes the experiment, while the page is already served
    """

    def __init__(self, begin: Callable[[], Experiment], port: int) -> None:
        require("websockets", extra="playground", purpose="the playground")
        require("uvicorn", extra="playground", purpose="the playground")
        require("starlette", extra="playground", purpose="the playground")
        self.worker = Worker(begin)
        self.gate = Gate(self._application(), port)
        self.port = port
        self._files = {path.name for path in STATIC.iterdir()}
        self._page: Page | None = None

    @property
    def link(self) -> str:
        """The address to open; its token is good for one opening."""
        return f"http://127.0.0.1:{self.port}/?token={self.gate.token}"

    def serve(self, listening: socket.socket) -> None:
        """Serve on a bound socket until it is interrupted."""
        import uvicorn

        config = uvicorn.Config(
            self.gate,
            log_level="error",
            access_log=False,  # the link's token would stand in it
            ws="websockets-sansio",
            ws_max_size=LARGEST_MESSAGE,
            server_header=False,
            proxy_headers=False,
            lifespan="on",
            timeout_graceful_shutdown=1,
        )
        uvicorn.Server(config).run(sockets=[listening])

    def _application(self) -> Application:
        from starlette.applications import Starlette
        from starlette.routing import Route, WebSocketRoute

        @contextlib.asynccontextmanager
        async def lifespan(_: Any) -> Any:
            loop = asyncio.get_running_loop()
            self.worker.tell = lambda frame: self._tell(loop, frame)
            self.worker.start()
            yield
            self.worker.stop()

        routes = [
            Route("/", self._index, methods=["GET"]),
            WebSocketRoute("/experiment", self._experiment),
            Route("/table", self._table, methods=["POST"]),
            Route("/model", self._model, methods=["POST"]),
            Route("/static/{name}", self._static, methods=["GET"]),
        ]
        return Starlette(routes=routes, lifespan=lifespan)

    def _tell(self, loop: asyncio.AbstractEventLoop, frame: dict[str, Any]) -> None:
        page = self._page
        if page is not None:
            loop.call_soon_threadsafe(page.put, frame)

    async def _index(self, request: Any) -> Any:
        return self._file("index.html")

    async def _static(self, request: Any) -> Any:
        return self._file(request.path_params["name"])

    def _file(self, name: str) -> Any:
        """Answer with one of the page's files: small ones, read at once rather than in a thread."""
        from starlette.responses import Response

        if name not in self._files:
            return Response("Not Found", 404, media_type="text/plain")
        path = STATIC / name
        return Response(path.read_bytes(), media_type=TYPES[path.suffix])

    async def _experiment(self, websocket: Any) -> None:
        """Serve a page; one that comes later takes its place."""
        await websocket.accept()
        if self._page is not None:
            self._page.leave()
        page = self._page = Page()
        for frame in await self._ask(lambda experiment: experiment.greeting()):
            page.put(frame)
        reading = asyncio.create_task(self._read(websocket, page))
        writing = asyncio.create_task(self._write(websocket, page))
        _, pending = await asyncio.wait([reading, writing], return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(reading, writing, return_exceptions=True)
        if self._page is page:
            self._page = None

    async def _write(self, websocket: Any, page: Page) -> None:
        while (frame := await page.next()) is not None:
            await websocket.send_text(json.dumps(frame, allow_nan=False, separators=(",", ":")))
        await websocket.close(4000, "the playground was opened elsewhere")

    async def _read(self, websocket: Any, page: Page) -> None:
        allowance, counted_at = float(MESSAGES_A_SECOND), time.monotonic()
        while True:
            message = await websocket.receive()
            if message["type"] != "websocket.receive":
                return
            now = time.monotonic()
            allowance = min(MESSAGES_A_SECOND, allowance + (now - counted_at) * MESSAGES_A_SECOND)
            counted_at = now
            if allowance < 1 or page.waiting > MOST_WAITING:
                await websocket.close(1008, "too many messages")
                return
            allowance -= 1
            text = message.get("text")
            page.put(await self._ask(lambda experiment, text=text: answered(experiment, text)))

    async def _table(self, request: Any) -> Any:
        return await self._taken(request, "table", lambda experiment, *given: experiment.add_table(*given))

    async def _model(self, request: Any) -> Any:
        return await self._taken(request, "model", lambda experiment, *given: experiment.add_model(*given))

    async def _taken(self, request: Any, kind: str, add: Callable[..., Any]) -> Any:
        """Take in an uploaded file."""
        from starlette.responses import JSONResponse

        content = bytearray()
        async for chunk in request.stream():
            content += chunk
            if len(content) > LARGEST_BODY:
                return JSONResponse({"frame": "error", "message": "a file may have 64 MB."}, 413)
        name = shown_name(request.query_params.get("name", ""))
        try:
            found = await asyncio.get_running_loop().run_in_executor(None, READERS[kind], name, bytes(content))
            frame = await self._ask(lambda experiment: add(experiment, name, found))
        except PellucidError as error:
            return JSONResponse({"frame": "error", "message": str(error)}, 422)
        return JSONResponse(frame)

    async def _ask(self, task: Any) -> Any:
        return await asyncio.wrap_future(self.worker.ask(task))


def bound_socket(port: int) -> socket.socket:
    """Return a socket on the loopback address; port 0 takes a free one."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        listening.listen()  # who opens the link at once waits, and is not turned away
    except OSError:
        listening.close()
        raise
    return listening
