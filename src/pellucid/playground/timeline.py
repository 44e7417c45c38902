"""A timeline is a training that can be stopped at every step and taken up again at any: the same bits each time.

Whole epochs and single batches are trained by `train` itself. Checkpoints are kept at some epochs' ends, and what was
edited by hand is kept with its step, so that whoever goes back and forth finds the same weights.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from pellucid.engine.evaluator import forward as natively_forward
from pellucid.errors import DivergenceError, OptionError
from pellucid.layers.base import Array
from pellucid.losses import Loss, Penalty
from pellucid.network import Network
from pellucid.optimizers import Optimizer, SearchingOptimizer
from pellucid.random import Random
from pellucid.schedules import ConstantRate, Schedule
from pellucid.training import History, train
from pellucid.training.batches import batch_count, row_order
from pellucid.training.history import TrainingState

MOST_CHECKPOINTS = 64


@dataclass(frozen=True)
class Edit:
    """A change by hand after a step, ``fields`` being those of its command."""

    step: int
    command: str
    fields: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return step, command and fields as one object."""
        return {"step": self.step, "command": self.command, **self.fields}


@dataclass
class Recipe:
    """How the network is trained."""

    loss: Loss
    optimizer: Optimizer
    schedule: Schedule
    penalty: Penalty | None
    batch_size: int | None
    epochs: int
    seed: int


@dataclass(frozen=True)
class Checkpoint:
    """All that is needed to go on from a step."""

    state: TrainingState
    applied: int
    learning_rate_factor: Array


@dataclass
class Timeline:
    """The training of a network on rows.

    apply : what makes an edit, called with it; it may change parameters and learning rate factors
    edits : those of the run, by step; those beyond the present step are made when it is reached

    ``seconds`` and ``cpu_seconds`` are what training took so far, also of steps that were gone back from.
    """

    network: Network
    X: Array
    target: Array
    recipe: Recipe
    apply: Callable[[Edit], None]
    edits: list[Edit] = field(default_factory=list)

    def __post_init__(self) -> None:
        recipe, network = self.recipe, self.network
        if not network.initialized:
            network.initialize(self.X, forward=natively_forward)
        size = recipe.batch_size
        if isinstance(recipe.optimizer, SearchingOptimizer) and (
            network.chain.draws or (size is not None and size < len(self.X))
        ):
            raise OptionError(
                f"{recipe.optimizer!r} needs all rows in each step: set batch_size to null, without dropout."
            )
        self.batch_size = None if size is None or size >= len(self.X) else size
        self.order = row_order(None, len(self.X), self.batch_size, Random(recipe.seed))
        self.batches = batch_count(self.order(0), self.batch_size)
        self.state = TrainingState(
            recipe.seed,
            recipe.epochs,
            optimizer=recipe.optimizer.start(network.parameters),
            parameters=network.parameters.copy(),
            buffers=network.buffers.copy(),
        )
        self.applied = 0
        self.furthest = 0
        self.seconds = self.cpu_seconds = 0.0
        self.engine = ""
        self._interval = 1  # epochs from a checkpoint to the next
        self._checkpoints = [self._checkpoint()]

    @property
    def step(self) -> int:
        """The number of steps that were taken."""
        return self.state.step

    @property
    def epoch(self) -> int:
        """The number of whole epochs that were taken."""
        return self.state.step // self.batches

    @property
    def batch(self) -> int:
        """The number of the next batch in its epoch."""
        return self.state.step % self.batches

    @property
    def next_rows(self) -> Array:
        """The rows of the next batch, ``(n,)``."""
        rows = self.order(self.epoch)
        if rows is None or self.batch_size is None:
            return np.arange(len(self.X))
        return rows[self.batch * self.batch_size :][: self.batch_size]

    @property
    def schedules(self) -> dict[str, Schedule]:
        """What drives the learning rate, if anything does."""
        return {} if isinstance(self.recipe.schedule, ConstantRate) else {"learning_rate": self.recipe.schedule}

    def go_to(self, step: int) -> list[float]:
        """Go to a step, back or forward; return the mean loss of each whole epoch that was trained at one go."""
        if step < self.step:
            self._restore(next(kept for kept in reversed(self._checkpoints) if kept.state.step <= step))
        losses: list[float] = []
        self._make_edits()
        while self.step < step:
            ahead = [edit.step for edit in self.edits[self.applied :]]
            losses += self._advance(min([step, *ahead]))
            self._make_edits()
        self.furthest = max(self.furthest, self.step)
        return losses

    def edit(self, edit: Edit) -> None:
        """Make an edit at the present step, and forget those at later ones."""
        before, kept = self._checkpoint(), self.edits
        self.edits = [*self.edits[: self.applied], edit]
        try:
            self._make_edits()
        except Exception:
            self.edits = kept
            self._restore(before)
            raise
        self.furthest = self.step
        self._checkpoints = [kept for kept in self._checkpoints if kept.state.step <= self.step]

    def _make_edits(self) -> None:
        while self.applied < len(self.edits) and self.edits[self.applied].step <= self.step:
            self.apply(self.edits[self.applied])
            self.applied += 1
            self.state.parameters = self.network.parameters.copy()

    def _advance(self, step: int) -> list[float]:
        whole = (step - self.step) // self.batches
        if self.batch or not whole:
            rows = None if self.batches == 1 else self.next_rows
            self._train(1, rows, self.recipe.epochs * self.batches)
            return []
        whole = min(whole, self._interval - self.epoch % self._interval)
        try:
            losses = self._train(whole, None, self.recipe.epochs)
        except DivergenceError:
            if whole == 1:
                raise
            losses = []
            while True:  # to the last epoch before it
                losses += self._train(1, None, self.recipe.epochs)
        if self.epoch % self._interval == 0 and self._checkpoints[-1].state.step < self.step:
            self._checkpoints.append(self._checkpoint())
            if len(self._checkpoints) > MOST_CHECKPOINTS:
                self._interval *= 2
                self._checkpoints = self._checkpoints[::2]
        return losses

    def _train(self, epochs: int, rows: Array | None, total_epochs: int) -> list[float]:
        """Train whole epochs, or a batch of these rows as if it were an epoch; the schedules span as many steps."""
        recipe = self.recipe
        began, cpu_began = time.perf_counter(), time.process_time()
        begun = replace(self.state, epoch=self.epoch, total_epochs=total_epochs)
        try:
            history = train(
                self.network,
                self.X,
                self.target,
                loss=recipe.loss,
                optimizer=recipe.optimizer,
                epochs=epochs,
                batch_size=self.batch_size,
                rng=recipe.seed,
                order=rows,
                penalty=recipe.penalty,
                schedules=self.schedules,
                resume=History(begun, "", ""),
            )
        except BaseException:
            self.network.parameters[...] = self.state.parameters
            self.network.buffers[...] = self.state.buffers
            raise
        self.state, self.engine = history.state, history.engine
        self.seconds += time.perf_counter() - began
        self.cpu_seconds += time.process_time() - cpu_began
        return list(history["loss"]) if rows is None else []

    def _checkpoint(self) -> Checkpoint:
        return Checkpoint(copy.deepcopy(self.state), self.applied, self.network.learning_rate_factor.copy())

    def _restore(self, kept: Checkpoint) -> None:
        self.state, self.applied = copy.deepcopy(kept.state), kept.applied
        self.network.parameters[...] = self.state.parameters
        self.network.buffers[...] = self.state.buffers
        self.network.learning_rate_factor[...] = kept.learning_rate_factor
