"""A member is one configuration with its networks, one for each fold, which are trained rung by rung."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pellucid.engine.native import limited_threads
from pellucid.errors import DivergenceError
from pellucid.layers.base import Array
from pellucid.losses import Loss
from pellucid.network import Network
from pellucid.optimizers import AdamW
from pellucid.population.configuration import Configuration
from pellucid.population.ensemble import Ensemble
from pellucid.population.plan import PopulationPlan
from pellucid.random import Purpose, Random
from pellucid.training import Callback, History, Run, train


@dataclass(frozen=True)
class Fold:
    """Rows to learn from, and rows to judge by: their numbers among all rows that are judged."""

    x: Array
    target: Array
    weight: Array | None
    held: Array
    judged: Array


Build = Callable[[Configuration, Fold, Random], Network]
"""Makes a network of a configuration for the training rows of a fold, at an address."""


class Cancelled(Exception):
    """Training was told to stop in the middle of a rung."""


class _Cancel(Callback):
    """Stops a training within a fifth of a second after the event is set."""

    def watch(self, event: threading.Event) -> _Cancel:
        self._event = event
        return self

    def after_step(self, run: Run) -> None:
        if self._event.is_set():
            run.stop("cancelled")

    def idle_seconds(self) -> float:
        return 0.2


@dataclass
class Member:
    """A configuration, its networks and histories by fold, and what it was worth after each rung.

    n_bytes : of the weights and buffers of one of its networks
    """

    number: int
    configuration: Configuration
    n_bytes: int
    values: list[float] = field(default_factory=list)
    stopped_by: str = ""
    networks: dict[int, Network] = field(default_factory=dict)
    histories: dict[int, History] = field(default_factory=dict)

    def advance(
        self, k: int, fold: Fold, to_epoch: int, plan: PopulationPlan, build: Build, loss: Loss, seed: int, event: Any
    ) -> tuple[Array, tuple[Array, Array]] | DivergenceError:
        """Train on fold ``k`` up to an epoch, on one thread.

        Returns the predictions of the rows to judge by, (n_held, n_outputs) float64, and copies of the weights and
        buffers; or the error, if the network diverged. Raises `Cancelled` if the event is set meanwhile.
        """
        own_seed = int(Random(seed).at(purpose=Purpose.SAMPLE, layer=1 + k, step=self.number).words(1)[0])
        if k not in self.networks:
            self.networks[k] = build(self.configuration, fold, Random(own_seed))
        network, history = self.networks[k], self.histories.get(k)
        given = self.configuration
        try:
            with limited_threads(1):
                history = train(
                    network,
                    fold.x,
                    fold.target,
                    loss=loss,
                    optimizer=AdamW(learning_rate=given.learning_rate, weight_decay=given.weight_decay, beta2=0.95),
                    epochs=to_epoch - (0 if history is None else history.state.epoch),
                    total_epochs=plan.epochs,
                    batch_size=plan.batch_size,
                    sample_weight=fold.weight,
                    rng=own_seed,
                    schedules=plan.schedules(dropout=given.dropout > 0 and len(given.hidden_layer_sizes) > 0),
                    callbacks=[_Cancel().watch(event)],
                    resume=history,
                )
                if history.stopped_by:
                    raise Cancelled
                self.histories[k] = history
                predictions = Ensemble((network,), (1.0,), loss).predict(fold.held)
        except DivergenceError as error:
            return error
        if not np.isfinite(predictions).all():
            return DivergenceError(f"member {self.number} predicts numbers that are not finite.")
        return predictions, (network.parameters.copy(), network.buffers.copy())

    def seconds(self, since: int) -> float:
        """Return how long training has taken since the end of an epoch, summed over the folds."""
        columns = [history["seconds"] for history in self.histories.values()]
        return sum(column[-1] - (column[since - 1] if since else 0.0) for column in columns)

    def forget(self) -> None:
        """Give up what only further training needs."""
        self.networks.clear()
        self.histories.clear()
