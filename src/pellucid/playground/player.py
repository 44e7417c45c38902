"""The player lets a run train by itself: at a speed, up to a step, until the run's rule to stop holds."""

from __future__ import annotations

import time

from pellucid.errors import DivergenceError
from pellucid.playground.run import Run

FIRST_RATE = 100.0  # epochs a second, until one was measured


class Player:
    """``speed`` is in epochs a second, or None for as fast as it goes; ``stopped_by`` says what ended the play."""

    def __init__(self) -> None:
        self.speed: float | None = None
        self.rest()

    def rest(self) -> None:
        """Stand still at the beginning of a run."""
        self.playing, self.stopped_by = False, ""
        self.until: int | None = None
        self._due, self.rate = 0.0, FIRST_RATE

    def play(self, until: int | None) -> None:
        """Let `advance` train from now on, up to a step if one is given."""
        self.playing, self.until, self.stopped_by, self._due = True, until, "", 0.0

    def stop(self, why: str = "") -> None:
        """Let it train no more."""
        self.playing, self.stopped_by = False, why

    def advance(self, run: Run, seconds: float) -> None:
        """Train for about so long, and end where play is to end."""
        try:
            self._advance(run, seconds)
        except DivergenceError as error:
            self.stop(str(error))

    def _advance(self, run: Run, seconds: float) -> None:
        timeline, stop = run.timeline, run.configuration.stop
        if self.speed is None:
            count = max(1, int(self.rate * seconds))
        else:
            self._due += self.speed * seconds
            count = min(int(self._due), max(1, int(self.rate * seconds)))
            self._due = min(self._due - count, 1.0)
            if not count:
                return
        goal = (timeline.epoch + count) * timeline.batches
        if stop["epoch"] is not None and goal >= stop["epoch"] * timeline.batches:
            goal = max(timeline.step, stop["epoch"] * timeline.batches)
            self.stop(f"epoch {stop['epoch']:,} is reached")
        if self.until is not None and goal >= self.until:
            goal, self.playing = max(timeline.step, self.until), False
        began, first = time.monotonic(), timeline.epoch + (timeline.batch > 0)
        losses = timeline.go_to(goal)
        trained = timeline.epoch - first
        if trained > 0:
            self.rate = max(1.0, 0.5 * (self.rate + trained / max(time.monotonic() - began, 1e-6)))
        if stop["loss"] is not None:
            reached = next((index for index, loss in enumerate(losses) if loss <= stop["loss"]), None)
            if reached is not None:
                timeline.go_to((first + reached + 1) * timeline.batches)
                self.stop(f"the loss is at most {stop['loss']:g}")
        if not self.playing:
            run.note()
