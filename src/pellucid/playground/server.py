"""The server carries commands and frames between a page and the experiment, and takes in tables and models."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pellucid.errors import DataError, PellucidError, require
from pellucid.playground.experiment import Experiment
from pellucid.playground.gate import LARGEST_BODY, Application, Gate
from pellucid.playground.state import read_json
from pellucid.playground.worker import Worker

STATIC = Path(__file__).parent / "static"
LARGEST_MESSAGE = 2**20
MESSAGES_A_SECOND = 200
MOST_WAITING = 200
MOST_CELLS = 20_000_000  # of a table
LONGEST_NAME = 200
EXPORTS = {"script.py": "script", "numpy.py": "numpy", "network.svg": "svg", "configuration.json": "configuration"}


class Page:
    """What is to be sent to a page: answers in their order, and of other frames the latest of each kind."""

    def __init__(self) -> None:
        self._answers: list[dict[str, Any]] = []
        self._latest: dict[str, dict[str, Any]] = {}
        self._filled = asyncio.Event()
        self._left = False

    def leave(self) -> None:
        """Let nothing more be sent: another page takes the place."""
        self._left = True
        self._filled.set()

    def put(self, frame: dict[str, Any]) -> None:
        """Take a frame; an older one of its kind, which was not sent yet, gives way."""
        kind = frame["frame"]
        older = self._latest.pop(kind, None) if kind == "progress" or "id" not in frame else None
        if older is not None and kind == "progress":
            frame = {**frame, "curve": _joined(older["curve"], frame["curve"])}
        if "id" in frame:
            self._answers.append(frame)
        else:
            self._latest[kind] = frame
        self._filled.set()

    async def next(self) -> dict[str, Any] | None:
        """Return the frame to send next; None where the page was left."""
        while not (self._answers or self._latest or self._left):
            self._filled.clear()
            await self._filled.wait()
        if self._left:
            return None
        if self._answers:
            return self._answers.pop(0)
        return self._latest.pop(next(iter(self._latest)))

    @property
    def waiting(self) -> int:
        """How many answers are not sent yet."""
        return len(self._answers)


def _joined(older: dict[str, Any], newer: dict[str, Any]) -> dict[str, Any]:
    """Return the rows of two pieces of the curve, where the page has seen neither."""
    if newer["from"] < older["from"]:
        return newer
    kept = older["rows"][: newer["from"] - older["from"]]
    return {"from": older["from"], "rows": [*kept, *newer["rows"]]}


class Server:
    """The application behind the gate, and the worker; `serve` runs it."""

    def __init__(self, experiment: Experiment, port: int) -> None:
        require("websockets", extra="playground", purpose="the playground")
        require("uvicorn", extra="playground", purpose="the playground")
        require("starlette", extra="playground", purpose="the playground")
        self.worker = Worker(experiment)
        self.gate = Gate(self._application(), port)
        self.port = port
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
        from starlette.routing import Mount, Route, WebSocketRoute
        from starlette.staticfiles import StaticFiles

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
            Route("/export/{name}", self._export, methods=["GET"]),
            Mount("/static", StaticFiles(directory=STATIC)),
        ]
        return Starlette(routes=routes, lifespan=lifespan)

    def _tell(self, loop: asyncio.AbstractEventLoop, frame: dict[str, Any]) -> None:
        page = self._page
        if page is not None:
            loop.call_soon_threadsafe(page.put, frame)

    async def _index(self, request: Any) -> Any:
        from starlette.responses import FileResponse

        return FileResponse(STATIC / "index.html")

    async def _experiment(self, websocket: Any) -> None:
        """Serve a page; one that comes later takes its place."""
        await websocket.accept()
        if self._page is not None:
            self._page.leave()
        page = self._page = Page()
        greeting = await self._ask(lambda e: [e.options(), e.experiment(), e.data(), e.do({"command": "look"})])
        for frame in greeting:
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
            page.put(await self._answered(message.get("text")))

    async def _answered(self, text: str | None) -> dict[str, Any]:
        try:
            message = read_json(text or "")
        except (ValueError, RecursionError) as error:
            return {"frame": "error", "message": f"the message is no JSON: {str(error)[:80]}.", "id": None}
        if not isinstance(message, dict) or type(message.get("id")) is not int:
            return {"frame": "error", "message": "a message is an object with a command and a whole id.", "id": None}
        try:
            answer: dict[str, Any] = await self._ask(lambda experiment: experiment.do(message))
        except Exception as error:
            said = f"internal error ({type(error).__name__}: {str(error)[:200]})."
            answer = {"frame": "error", "message": said, "id": message["id"]}
        return answer

    async def _table(self, request: Any) -> Any:
        return await self._taken(request, _parsed, lambda experiment: experiment.add_table)

    async def _model(self, request: Any) -> Any:
        from pellucid.model import load

        return await self._taken(request, load, lambda experiment: experiment.add_model)

    async def _taken(self, request: Any, read: Callable[[str, bytes], Any], adder: Callable[[Experiment], Any]) -> Any:
        """Take in an uploaded file: ``read`` makes of its name and bytes what the experiment is given."""
        from starlette.responses import JSONResponse

        content = bytearray()
        async for chunk in request.stream():
            content += chunk
            if len(content) > LARGEST_BODY:
                return JSONResponse({"frame": "error", "message": "a file may have 64 MB."}, 413)
        name = request.query_params.get("name", "")[:LONGEST_NAME].replace("/", "_").replace("\\", "_")
        try:
            found = await asyncio.get_running_loop().run_in_executor(None, read, name, bytes(content))
            frame = await self._ask(lambda experiment: adder(experiment)(name, found))
        except PellucidError as error:
            return JSONResponse({"frame": "error", "message": str(error)}, 422)
        return JSONResponse(frame)

    async def _export(self, request: Any) -> Any:
        from starlette.responses import PlainTextResponse, Response

        name = request.path_params["name"]
        if name not in EXPORTS:
            return PlainTextResponse("there is no such file\n", 404)
        command = {"command": "export", "format": EXPORTS[name]}
        frame = await self._ask(lambda experiment: experiment.do(command))
        if frame["frame"] == "error":
            return PlainTextResponse(frame["message"] + "\n", 409)
        headers = {"content-disposition": f'attachment; filename="{frame["name"]}"'}
        return Response(frame["text"], media_type=frame["type"], headers=headers)

    async def _ask(self, task: Any) -> Any:
        return await asyncio.wrap_future(self.worker.ask(task))


def _parsed(name: str, content: bytes) -> Any:
    """Return the table that a file's bytes hold; `DataError` for what is none, or too large."""
    import io

    import polars

    from pellucid.tabular.reading import parse_table

    if name.lower().endswith(".parquet"):  # packed: a small file may hold a table beyond all memory
        try:
            reading = polars.scan_parquet(io.BytesIO(content))
            n_rows, n_columns = reading.select(polars.len()).collect().item(), len(reading.collect_schema())
        except polars.exceptions.PolarsError as error:
            raise DataError(f"{name} cannot be read: {str(error).splitlines()[0]}.") from error
        _refuse_large(name, n_rows, n_columns)
    table = parse_table(name, content)
    _refuse_large(name, table.height, table.width)
    return table


def _refuse_large(name: str, n_rows: int, n_columns: int) -> None:
    if n_rows * n_columns > MOST_CELLS:
        raise DataError(
            f"{name} has {n_rows:,} rows and {n_columns:,} columns; at most {MOST_CELLS:,} cells are taken."
        )


def bound_socket(port: int) -> socket.socket:
    """Return a socket on the loopback address; port 0 takes a free one."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
    except OSError:
        listening.close()
        raise
    return listening
