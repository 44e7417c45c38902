"""The playground as a notebook widget: the same page and the same experiment, joined by the widget's messages."""

from __future__ import annotations

import json
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from pellucid.errors import PellucidError, require
from pellucid.playground.experiment import Experiment
from pellucid.playground.messages import answered
from pellucid.playground.outbox import Outbox
from pellucid.playground.uploads import READERS, shown_name
from pellucid.playground.worker import Worker

require("anywidget", extra="notebook", purpose="the playground in a notebook")

import anywidget  # noqa: E402

STATIC = Path(__file__).parent / "static"
MOST_UNREAD = 4  # frames that the page has not acknowledged


class Widget(anywidget.AnyWidget):
    """An experiment in a notebook's cell; commands and frames are those of docs/explanation/playground-protocol.md.

    experiment : the one to show; without it, one of the circle

    Training runs in a thread beside the kernel's, so it goes on while cells run; but a notebook hands the page's
    commands to the kernel only between cells. `close` ends it.

    >>> widget = Widget(Experiment(data={"kind": "xor"}))
    >>> widget.experiment.do({"command": "step_epoch"})["epoch"]
    1
    >>> widget.close()
    """

    _esm = STATIC / "widget.js"

    def __init__(self, experiment: Experiment | None = None) -> None:
        super().__init__()
        self.experiment = experiment or Experiment()
        self._outbox, self._unread, self._lock = Outbox(), 0, threading.Lock()
        self._worker = Worker(lambda: self.experiment)
        self._worker.tell = self._put
        self._worker.start()
        self.on_msg(self._hear)

    def close(self) -> None:
        """End the training and the widget."""
        self._worker.stop()
        super().close()

    def _hear(self, _: Any, content: dict[str, Any], buffers: list[Any]) -> None:
        """Take a message of the page: that it is there, that it read a frame, an upload, or a command."""
        if "want" in content:
            self.send({"page": _page()})
        elif "hello" in content:
            with self._lock:
                self._outbox, self._unread = Outbox(), 0
            self._worker.ask(_greet).add_done_callback(self._greeted)
        elif "read" in content:
            with self._lock:
                self._unread = max(0, self._unread - 1)
            self._send_on()
        elif "upload" in content:
            self._take_in(content, bytes(buffers[0]))
        else:
            text = content.get("text")
            self._worker.ask(lambda experiment: answered(experiment, text)).add_done_callback(self._answer)

    def _take_in(self, content: dict[str, Any], given: bytes) -> None:
        name, kind = shown_name(str(content.get("name"))), str(content["upload"])
        try:
            found = READERS[kind](name, given)
            add = Experiment.add_model if kind == "model" else Experiment.add_table
            self._worker.ask(lambda e: {**add(e, name, found), "id": content["id"]}).add_done_callback(self._answer)
        except PellucidError as error:
            self._put({"frame": "error", "message": str(error), "id": content["id"]})

    def _greeted(self, future: Future[Any]) -> None:
        for frame in future.result():
            self._put(frame)

    def _answer(self, future: Future[Any]) -> None:
        self._put(future.result())

    def _put(self, frame: dict[str, Any]) -> None:
        with self._lock:
            self._outbox.put(frame)
        self._send_on()

    def _send_on(self) -> None:
        with self._lock:
            while self._unread < MOST_UNREAD and (frame := self._outbox.take()) is not None:
                self._unread += 1
                self.send({"frame": json.dumps(frame, allow_nan=False)})


def _greet(experiment: Experiment) -> list[dict[str, Any]]:
    return experiment.greeting()


def _page() -> dict[str, Any]:
    """Return the page's files: its body, its style, and its modules by name."""
    html = (STATIC / "index.html").read_text(encoding="utf-8")
    modules = {path.name: path.read_text(encoding="utf-8") for path in STATIC.glob("*.js") if path.name != "widget.js"}
    body = html[html.index("<body>") : html.index("</html>")]
    return {"body": body, "style": (STATIC / "style.css").read_text(encoding="utf-8"), "modules": modules}
