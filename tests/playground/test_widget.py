"""The notebook widget: its Python side driven by messages, and its page in a browser with those messages between."""

from __future__ import annotations

import json
import queue
import time
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("anywidget")
from pellucid.playground import Experiment
from pellucid.playground.widget import MOST_UNREAD, STATIC, Widget
from tests.playground.conftest import PATIENCE, wait

ROWS = b"size,kind\n" + b"".join(b"%d,%s\n" % (i % 7, b"plum" if i % 7 < 3 else b"pear") for i in range(50))


class Cell:
    """A notebook's cell that keeps what the widget sends."""

    def __init__(self) -> None:
        self.widget = Widget(Experiment())
        self.sent: queue.Queue[dict[str, Any]] = queue.Queue()
        self.widget.send = lambda content, buffers=None: self.sent.put(content)

    def hear(self, content: dict[str, Any], buffers: list[Any] | None = None) -> None:
        self.widget._handle_custom_msg(content, buffers or [])

    def frame(self, *, read: bool = True) -> dict[str, Any]:
        frame: dict[str, Any] = json.loads(self.sent.get(timeout=PATIENCE)["frame"])
        if read:
            self.hear({"read": True})
        return frame

    def ask(self, command: str, id: int, **fields: Any) -> dict[str, Any]:
        self.hear({"text": json.dumps({"command": command, "id": id, **fields})})
        while (frame := self.frame()).get("id") != id:
            pass
        return frame


@pytest.fixture
def cell() -> Iterator[Cell]:
    made = Cell()
    yield made
    made.widget.close()
    made.widget._worker.join(10)
    assert not made.widget._worker.is_alive()


def test_a_page_is_greeted_and_answered(cell: Cell) -> None:
    cell.hear({"hello": True})
    assert [cell.frame()["frame"] for _ in range(4)] == ["options", "experiment", "data", "progress"]
    assert cell.ask("step_batch", 5, count=3)["step"] == 3
    assert cell.ask("fly", 6)["frame"] == "error"
    for text in ("{", "[]", '{"id": NaN}', None, 7):
        cell.hear({"text": text})
        assert cell.frame()["frame"] == "error"


def test_a_page_that_does_not_read_gets_no_more_and_then_the_latest(cell: Cell) -> None:
    cell.ask("play", 1)
    wait(lambda: cell.sent.qsize() == MOST_UNREAD, "not so many frames")
    time.sleep(0.6)
    assert cell.sent.qsize() == MOST_UNREAD
    epoch = [cell.frame(read=False)["epoch"] for _ in range(MOST_UNREAD)][-1]
    cell.hear({"read": True})
    assert cell.frame()["epoch"] > epoch + 10


def test_a_table_is_taken_in_by_a_message(cell: Cell) -> None:
    cell.hear({"upload": "table", "name": "../fruit.csv", "id": -1}, [memoryview(ROWS)])
    frame = cell.frame()
    assert frame["frame"] == "table" and frame["id"] == -1 and "/" not in frame["name"]
    cell.hear({"upload": "model", "name": "a.pellucid", "id": -2}, [memoryview(ROWS)])
    assert cell.frame()["frame"] == "error"


def test_the_page_is_given_whole(cell: Cell) -> None:
    cell.hear({"want": "page"})
    page = cell.sent.get(timeout=PATIENCE)["page"]
    assert page["body"].startswith("<body>") and "page.js" in page["modules"] and "widget.js" not in page["modules"]


def test_the_page_learns_in_a_cell(cell: Cell, browser: Any) -> None:
    wrong: list[str] = []

    def heard(content: dict[str, Any]) -> None:
        buffers = [bytes(each) for each in content.pop("buffers", [])]
        cell.hear(content, buffers)

    page = browser.new_page(viewport={"width": 1300, "height": 950}, locale="en-US")
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type in ("error", "warning") else None)
    page.expose_function("toPython", heard)
    page.route("**/*", lambda route: route.fulfill(body="<!doctype html><main></main>", content_type="text/html"))
    page.goto("http://notebook.test/")
    source = (STATIC / "widget.js").read_text(encoding="utf-8")
    page.evaluate(
        """async (source) => {
          const listeners = [];
          const bytes = (buffers) => (buffers ?? []).map((each) => [...new Uint8Array(each)]);
          window.told = (content) => listeners.forEach((each) => each(content));
          const send = (content, _, buffers) => void window.toPython({ ...content, buffers: bytes(buffers) });
          const model = { send, on: (_, listener) => listeners.push(listener), off: () => undefined };
          const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
          (await import(address)).default.render({ model, el: document.querySelector("main") });
        }""",
        source,
    )

    def until(found: Any) -> None:
        """Carry what the widget sends into the page, until it shows what is looked for."""
        end = time.monotonic() + PATIENCE
        while not found():
            assert time.monotonic() < end, wrong
            while not cell.sent.empty():
                page.evaluate("content => window.told(content)", cell.sent.get())
            page.wait_for_timeout(20)

    shown = page.frame_locator("iframe")
    until(lambda: shown.locator("#neuron-1-0").count() and shown.locator("#train-loss").count())
    shown.locator("#batch").click()
    until(lambda: "+ 1" in shown.locator("#clock").text_content())
    loss = Experiment().do({"command": "step_batch"})["train"]["loss"]
    assert float(shown.locator("#train-loss").text_content()) == pytest.approx(loss, rel=5e-4)  # four digits
    assert not shown.locator("#share").is_visible()
    assert shown.locator("html").get_attribute("data-theme") == "light"
    page.evaluate("document.body.style.background = '#111'")
    until(lambda: shown.locator("html").get_attribute("data-theme") == "dark")
    given = {"name": "fruit.csv", "mimeType": "text/csv", "buffer": ROWS}
    shown.locator("#upload").set_input_files(given)
    until(lambda: shown.locator("#kind-table:checked").count())
    shown.locator("#tab-take_out").click()
    taken: list[Any] = []
    page.on("download", lambda download: taken.append(download))
    shown.locator("#take-configuration").click()
    until(lambda: taken)
    assert taken[0].suggested_filename == "configuration.json"
    page.close()
    assert wrong == []
