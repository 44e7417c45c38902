"""Ctrl-C during training: the first stops it and keeps what was reached, the second ends at once."""

from __future__ import annotations

import math
import signal
import sys
import threading
from types import FrameType
from typing import Any, Self

from pellucid.population.population import PopulationRun
from pellucid.training import Callback, Run


class Interruption(Callback):
    """Turns the first interrupt signal into a stop of the run; from `begin` until the ``with`` block ends,
    which is after the model is saved.

    Before training has begun there is nothing to keep, so Python's own handler ends the program.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self.happened = False
        self._previous: Any = None
        self._run: Run | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)
            self._previous = None

    def begin(self, run: Run) -> None:
        """Take over the signal, once."""
        if self._previous is None and threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGINT, self._note)
        self._run = run
        self.after_step(run)

    def after_step(self, run: Run) -> None:
        """Stop the run if the signal came."""
        if self.happened:
            run.stop("Ctrl-C")

    def idle_seconds(self) -> float:
        """Any time: Python notes a signal between two calls of the native engine, which are short."""
        return math.inf

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.happened:
            raise KeyboardInterrupt
        self.happened = True
        if not isinstance(self._run, PopulationRun):
            where = "stopping after this step"
        elif len(self._run.history):
            where = f"stopping; the ensemble of epoch {self._run.epoch} is kept"
        else:
            where = "stopping as soon as there is an ensemble to keep, after the first rung"
        print(f"pellucid: {where}; Ctrl-C again ends at once, without saving", file=sys.stderr)
