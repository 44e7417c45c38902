"""The server, as it really runs: commands and frames over a WebSocket, uploads, and a page that is slow."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest
import uvicorn
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

import pellucid
from pellucid.errors import DataError
from pellucid.model import save
from pellucid.playground import Experiment
from pellucid.playground.server import MESSAGES_A_SECOND, Page, Server, bound_socket
from pellucid.playground.worker import Worker
from tests.playground.conftest import PATIENCE, wait


class Visit:
    """A browser that opened the link."""

    def __init__(self, server: Server) -> None:
        self.host = f"127.0.0.1:{server.port}"
        self.client = httpx.Client(
            base_url=f"http://{self.host}", headers={"origin": f"http://{self.host}"}, timeout=30
        )
        answer = self.client.get(f"/?token={server.gate.token}")
        assert answer.status_code == 303
        self.cookie = answer.headers["set-cookie"].partition(";")[0]

    def connect(self, **headers: str) -> ClientConnection:
        given = {"cookie": self.cookie, **headers}
        return connect(f"ws://{self.host}/experiment", origin=f"http://{self.host}", additional_headers=given)  # type: ignore[arg-type]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    running: list[uvicorn.Server] = []
    started = uvicorn.Server.__init__

    def noted(self: uvicorn.Server, config: uvicorn.Config) -> None:
        started(self, config)
        running.append(self)

    monkeypatch.setattr(uvicorn.Server, "__init__", noted)
    with bound_socket(0) as listening:
        made = Server(Experiment, listening.getsockname()[1])
        thread = threading.Thread(target=made.serve, args=(listening,))
        thread.start()
        while not (running and running[0].started):
            time.sleep(0.01)
        yield made
        running[0].should_exit = True
        thread.join(20)
        made.worker.join(20)
    assert not thread.is_alive() and not made.worker.is_alive()


@pytest.fixture
def visit(server: Server) -> Iterator[Visit]:
    made = Visit(server)
    yield made
    made.client.close()


def closing_code(socket: ClientConnection) -> int:
    """Read on until the server closes the socket."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            socket.recv(timeout=PATIENCE)
    assert socket.close_code is not None
    return socket.close_code


def answer_to(socket: ClientConnection, id: int) -> dict[str, Any]:
    while True:
        frame: dict[str, Any] = json.loads(socket.recv(timeout=PATIENCE))
        if frame.get("id") == id:
            return frame


def test_a_page_is_greeted_and_answered(server: Server, visit: Visit) -> None:
    assert "<title>Pellucid" in visit.client.get("/").text
    with visit.connect() as socket:
        greeting = [json.loads(socket.recv(timeout=PATIENCE)) for _ in range(4)]
        assert [frame["frame"] for frame in greeting] == ["options", "experiment", "data", "progress"]
        socket.send(json.dumps({"command": "step_batch", "id": 5, "count": 3}))
        assert answer_to(socket, 5)["step"] == 3
        socket.send(json.dumps({"command": "fly", "id": 6}))
        assert answer_to(socket, 6)["frame"] == "error"
        for text in ("{", "[]", '{"command": "look"}', '{"id": 1e400}', "[" * 100_000, '{"id": 123456789012345678901}'):
            socket.send(text)
            assert answer_to(socket, None)["frame"] == "error"  # type: ignore[arg-type]
        socket.send(b"\xff")
        assert answer_to(socket, None)["frame"] == "error"  # type: ignore[arg-type]


def test_where_no_experiment_can_be_made_whoever_asks_is_told_why() -> None:
    def begin() -> Experiment:
        raise DataError("no rows")

    worker = Worker(begin)
    asked = [worker.ask(lambda experiment: experiment.progress()) for _ in range(2)]
    assert asked[1].cancel()  # a page that left
    worker.start()
    with pytest.raises(DataError, match="no rows"):
        asked[0].result(20)
    worker.stop()
    worker.join(20)
    assert not worker.is_alive()


def test_play_streams_frames_and_a_later_page_takes_over(server: Server, visit: Visit) -> None:
    with visit.connect() as socket:
        socket.send(json.dumps({"command": "play", "id": 1}))
        answer_to(socket, 1)
        epochs = [json.loads(socket.recv(timeout=PATIENCE))["epoch"] for _ in range(5)]
        assert epochs == sorted(epochs) and epochs[-1] > 0
        with visit.connect() as other:
            json.loads(other.recv(timeout=PATIENCE))
            assert closing_code(socket) == 4000
            other.send(json.dumps({"command": "pause", "id": 2}))
            assert answer_to(other, 2)["playing"] is False


def test_a_page_that_does_not_read_never_slows_training(server: Server, visit: Visit) -> None:
    with visit.connect() as socket:
        socket.send(json.dumps({"command": "play", "id": 1}))
        begun = answer_to(socket, 1)["epoch"]

        def trained() -> int:
            epoch: int = server.worker.ask(lambda experiment: experiment.timeline.epoch).result(PATIENCE)
            return epoch - begun

        wait(lambda: trained() > 300, "training stands still")


def test_of_frames_that_were_not_sent_the_latest_wins_and_the_curve_is_whole() -> None:
    page = Page()
    page.put({"frame": "progress", "step": 1, "curve": {"from": 0, "rows": ["a"]}})
    page.put({"frame": "progress", "step": 2, "curve": {"from": 1, "rows": ["b", "c"]}})
    page.put({"frame": "data"})
    page.put({"frame": "progress", "step": 1, "curve": {"from": 2, "rows": ["d"]}, "id": 4})
    import asyncio

    async def two() -> list[Any]:
        return [await page.next(), await page.next()]

    first, second = asyncio.run(two())
    assert first["id"] == 4 and first["curve"] == {"from": 0, "rows": ["a", "b", "d"]}
    assert second == {"frame": "data"}


def test_a_table_is_taken_in_and_learned(server: Server, visit: Visit) -> None:
    rows = "size,kind\n" + "".join(f"{i % 7},{'plum' if i % 7 < 3 else 'pear'}\n" for i in range(50))
    frame = visit.client.post("/table?name=../../fruit.csv", content=rows).json()
    assert frame["frame"] == "table" and "/" not in frame["name"] and frame["n_rows"] == 50
    for name, content, words in (
        ("a.csv", b"", "empty"),
        ("a.exe", b"MZ", "suffix"),
        ("a.csv.gz", b"\x1f\x8b", "packed"),
        ("a.parquet", b"PAR1junkPAR1", "cannot be read"),
        ("", b"a,b\n1,2\n", "suffix"),
    ):
        answer = visit.client.post(f"/table?name={name}", content=content)
        assert answer.status_code == 422 and words in answer.json()["message"], answer.text
    with visit.connect() as socket:
        section = {"kind": "table", "table": frame["name"], "target": "kind"}
        socket.send(json.dumps({"command": "set_data", "id": 1, "data": section}))
        assert answer_to(socket, 1)["classes"] == ["pear", "plum"]


def test_a_model_is_taken_in_and_damage_is_refused(server: Server, visit: Visit, tmp_path: Path) -> None:
    table = pl.DataFrame({"size": [float(i % 7) for i in range(60)], "kind": ["plum", "pear", "plum"] * 20})
    model = pellucid.TabularClassifier(members=1, epochs=1, random_state=0).fit(table.drop("kind"), table["kind"])
    path = tmp_path / "fruit.pellucid"
    save(model, path)
    content = path.read_bytes()
    frame = visit.client.post("/model?name=../fruit.pellucid", content=content).json()
    assert frame["frame"] == "model" and frame["columns"] == ["size"] and frame["targets"] == ["kind"]
    visit.client.post("/table?name=t.csv", content=table.write_csv().encode())
    with visit.connect() as socket:
        section = {"kind": "model", "table": "t.csv", "model": frame["name"]}
        socket.send(json.dumps({"command": "set_data", "id": 1, "data": section}))
        assert answer_to(socket, 1)["classes"] == ["pear", "plum"]
    for damaged in (content[:-1], b"", content[:-4] + bytes(4), b"PK" + content):
        answer = visit.client.post("/model?name=/etc/passwd", content=damaged)
        assert answer.status_code == 422 and "_etc_passwd" in answer.json()["message"]


def test_a_body_without_a_length_ends_at_the_cap(server: Server, visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pellucid.playground.server.LARGEST_BODY", 1000)
    answer = visit.client.post("/table?name=a.csv", content=iter([b"x" * 600, b"x" * 600]))
    assert answer.status_code == 413


def test_what_is_no_address_is_not_found(server: Server, visit: Visit) -> None:
    for path in ("/model.pellucid", "/static/..%2fgate.py", "/static/nothing"):
        assert visit.client.get(path).status_code == 404


def test_a_stranger_gets_nothing(server: Server, visit: Visit) -> None:
    assert httpx.get(f"http://{visit.host}/").status_code == 401
    with pytest.raises(InvalidStatus, match="403"):
        visit.connect(cookie="pellucid=guess")
    with pytest.raises(InvalidStatus, match="403"):
        connect(
            f"ws://{visit.host}/experiment", origin="http://evil.example", additional_headers={"cookie": visit.cookie}
        )  # type: ignore[arg-type]


def test_floods_and_long_messages_close_the_socket(server: Server, visit: Visit) -> None:
    for texts, code in ((["{}"] * (3 * MESSAGES_A_SECOND), 1008), (["x" * (2**20 + 1)], 1009)):
        with visit.connect() as socket:
            with contextlib.suppress(ConnectionClosed):
                for text in texts:
                    socket.send(text)
            assert closing_code(socket) == code


def test_a_page_that_leaves_before_its_turn_does_not_end_the_training_of_others() -> None:
    worker, held = Worker(Experiment), threading.Event()
    first = worker.ask(lambda experiment: held.wait(10))
    left = worker.ask(lambda experiment: experiment.timeline.step)
    assert left.cancel()
    worker.start()
    held.set()
    assert first.result(10)
    assert worker.ask(lambda experiment: experiment.timeline.step).result(10) == 0
    worker.stop()
    worker.join(10)
