"""Callbacks of a drop-in estimator, told of its steps and epochs as `pellucid.train` would."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

from pellucid.network import Network
from pellucid.training import Callback, History, ProgressBar, Run
from pellucid.training.callbacks import as_callbacks
from pellucid.training.history import TrainingState


class Watch:
    """Some callbacks with the run that they see; ``history`` has the columns of an epoch's ``row``."""

    def __init__(
        self, callbacks: Any, network: Network, state: TrainingState, n_epochs: int, engine: str, *, bar: str | None
    ) -> None:
        self._watchers = as_callbacks(callbacks) + ([] if bar is None else [ProgressBar(description=bar)])
        stepwise = [type(watcher).after_step is not Callback.after_step for watcher in self._watchers]
        self._stepwise = [watcher for watcher, sees in zip(self._watchers, stepwise, strict=True) if sees]
        name, _, reason = engine.partition(": ")
        self._run = Run(network, History(state, name, reason), epochs=state.epoch + n_epochs)
        self._began = time.monotonic()

    def begin(self, *, anew: bool) -> None:
        """Training starts ``anew``, or goes on."""
        for watcher in self._watchers:
            watcher.state = {} if anew else watcher.state
            watcher.begin(self._run)

    def idle_seconds(self) -> float:
        """Return how long nobody needs to see a step."""
        return min((watcher.idle_seconds() for watcher in self._stepwise), default=math.inf)

    def after_step(self) -> None:
        """The weights were updated."""
        for watcher in self._stepwise:
            watcher.after_step(self._run)

    def after_epoch(self, row: Mapping[str, float]) -> None:
        """An epoch brought these figures."""
        state = self._run.history.state
        state.epoch += 1
        if self._watchers:
            self._run.history.append({"epoch": state.epoch, **row, "seconds": time.monotonic() - self._began})
        for watcher in self._watchers:
            watcher.after_epoch(self._run)

    def end(self) -> None:
        """Training is over."""
        for watcher in self._watchers:
            watcher.end(self._run)

    @property
    def ends(self) -> str:
        """Why a callback ends training, or nothing."""
        return self._run.stopped_by
