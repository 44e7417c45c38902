"""The worker is the one thread that touches the experiment: it answers commands and trains in between."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from pellucid.playground.experiment import Experiment

SLICE = 0.008  # seconds of training between looks at the queue
FRAME = 1 / 30

Task: TypeAlias = "Callable[[Experiment], Any]"


class Worker(threading.Thread):
    """``tell`` is called, in this thread, with each frame that nobody asked for.

    begin : makes the experiment, in this thread: whoever asks meanwhile is answered afterwards
    """

    def __init__(self, begin: Callable[[], Experiment]) -> None:
        super().__init__(name="playground", daemon=True)
        self.tell: Callable[[dict[str, Any]], None] | None = None
        self._begin = begin
        self._tasks: queue.SimpleQueue[tuple[Task, Future[Any]] | None] = queue.SimpleQueue()

    def ask(self, task: Task) -> Future[Any]:
        """Let the thread call a function with the experiment, after what was asked before."""
        future: Future[Any] = Future()
        self._tasks.put((task, future))
        return future

    def stop(self) -> None:
        """Let the thread end after what was asked before."""
        self._tasks.put(None)

    def run(self) -> None:
        """Serve until `stop`; where there is no experiment to make, whoever asks is told why."""
        try:
            experiment = self._begin()
        except Exception as error:
            while (item := self._tasks.get()) is not None:
                if item[1].set_running_or_notify_cancel():
                    item[1].set_exception(error)
            return
        next_frame, wait = 0.0, None
        while True:
            try:
                item = self._tasks.get(timeout=wait) if wait != 0 else self._tasks.get_nowait()
            except queue.Empty:
                began = time.monotonic()
                was_playing = experiment.playing
                experiment.advance(SLICE)
                if was_playing and (time.monotonic() >= next_frame or not experiment.playing):
                    self._tell(experiment.progress())
                    next_frame = max(next_frame + FRAME, time.monotonic())
                left = SLICE - (time.monotonic() - began) if experiment.speed is not None else 0.0
                wait = max(0.0, left)
            else:
                if item is None:
                    return
                task, future = item
                if future.set_running_or_notify_cancel():  # not where a page has left before its turn
                    try:
                        future.set_result(task(experiment))
                    except Exception as error:  # whoever asked is told; the thread goes on
                        future.set_exception(error)
                wait = 0.0
            for frame in experiment.news():
                self._tell(frame)
            if not experiment.busy:
                wait = None

    def _tell(self, frame: dict[str, Any]) -> None:
        if self.tell is not None:
            self.tell(frame)
