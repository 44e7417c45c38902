"""A trainer runs the steps of a plan natively: many epochs in one call, or one, or a single step."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pellucid.engine.native import Library, address, aligned, threads_for
from pellucid.engine.plan import Plan
from pellucid.engine.records import Status, TrainingRun
from pellucid.layers.base import Array
from pellucid.network import Network
from pellucid.schedules import Schedule

if TYPE_CHECKING:
    from pellucid.training.history import TrainingState
    from pellucid.training.samples import Samples

_SECONDS = 0.2  # a call returns after about that long, so that an interrupt is answered
_SLOTS = {"velocity": "slot1", "mean": "slot1", "mean_square": "slot2"}


@dataclass
class Epochs:
    """What the steps of some epochs brought.

    losses, norms, times : per epoch that is over: its loss, the norm of its last gradient, the seconds until then
    status : why the call came back
    epochs, batch : how many epochs are over, and steps of the one after them
    loss, loss_so_far : of the last step, and of the steps of the epoch that is not over
    """

    losses: Array
    norms: Array
    times: Array
    status: Status
    epochs: int
    batch: int
    loss: float
    loss_so_far: float


class Trainer:
    """Takes steps on the network and the state; memory is requested here, once.

    Where it is ``unchecked``, it goes on with a loss or weights that are not finite.
    """

    def __init__(
        self,
        library: Library,
        plan: Plan,
        network: Network,
        samples: Samples,
        batch_size: int,
        schedules: Mapping[str, Schedule],
        total_steps: int,
        *,
        unchecked: bool = False,
    ) -> None:
        self._library, self._plan, self._network = library, plan, network
        self._n_rows = len(samples)
        self._arrays = [
            None if array is None else np.ascontiguousarray(array)
            for array in (samples.x, samples.target, samples.weight)
        ]
        self._batch_size, self._schedules, self._total_steps = batch_size, schedules, total_steps
        self._seconds = float(os.environ.get("PELLUCID_CALL_SECONDS", _SECONDS))
        self._powers = np.ones(2)
        self._run = run = TrainingRun()
        self._workspace = aligned(plan.workspace, plan.dtype)
        run.threads = threads_for(plan)
        run.scratch_numbers = library.scratch(plan)
        self._scratch = aligned(run.scratch_numbers * run.threads, plan.dtype)
        run.parameters, run.gradients = address(network.parameters), address(network.gradients)
        run.buffers, run.workspace, run.scratch = (
            address(network.buffers),
            address(self._workspace),
            address(self._scratch),
        )
        run.x, run.target, run.weight = map(address, self._arrays)
        run.batch_size, run.unchecked = batch_size, unchecked
        self._factors = [
            None if (factor == 1).all() else np.ascontiguousarray(factor)
            for factor in (network.learning_rate_factor, network.weight_decay_factor)
        ]
        run.learning_rate_factor, run.weight_decay_factor = map(address, self._factors)

    def steps_of(self, n_rows: int) -> int:
        """Return the number of steps of an epoch that visits ``n_rows`` rows."""
        return -(-n_rows // self._batch_size)

    def train(
        self,
        orders: Array | None,
        n_epochs: int,
        state: TrainingState,
        batch: int = 0,
        seconds: float = math.inf,
        *,
        each_step: Array | None = None,
    ) -> Epochs:
        """Go on from this batch of the first of the epochs; ``orders : (n_epochs, n)``, or None for the table's order.

        Returns at a step's end when the epochs are done, after ``seconds`` (one step where they are 0 or less) or
        about 0.2 s, or where the loss (then before the update) or, at an epoch's end, a weight is not finite.
        Into ``each_step : (2, n_steps)``, if given, go the steps' losses without the penalty, and penalties.
        """
        run, library, plan = self._run, self._library, self._plan
        run.n_order = self._n_rows if orders is None else orders.shape[1]
        run.order, run.n_epochs = address(orders), n_epochs
        most = n_epochs * self.steps_of(run.n_order) - batch if seconds > 0 else 1
        table = np.empty((3, n_epochs))
        run.losses, run.norms, run.times = map(address, table)
        run.step_losses, run.step_penalties = map(address, (None, None) if each_step is None else each_step)
        rates = self._rates(state.step, most)
        run.rates = address(rates)
        run.most_steps, run.seconds = most, min(self._seconds, seconds)
        run.seed, run.step, run.epoch, run.batch = state.seed, state.step, 0, batch
        self._set_state(state)
        status = library.train(plan, run)
        state.step = run.step
        if "beta1_power" in state.optimizer:
            state.optimizer["beta1_power"][...], state.optimizer["beta2_power"][...] = self._powers
        done = run.epoch
        loss_so_far = float(table[0, done]) if run.batch else 0.0
        losses, norms, times = table if done == n_epochs else table[:, :done].copy()  # the whole would stay in memory
        return Epochs(losses, norms, times, status, done, run.batch, run.loss, loss_so_far)

    def set_learning_rate(self, rate: float) -> None:
        """Take the steps from here on with this rate."""
        self._plan.program.learning_rate = rate

    def evaluate(self, state: TrainingState, n_rows: int | None = None) -> float:
        """Return the objective over all rows, or the first ``n_rows``, and overwrite the network's gradients."""
        run = self._run
        losses = np.empty(1)
        rates = self._rates(state.step, 1)
        run.n_order, run.order, run.n_epochs, run.evaluate = n_rows or self._n_rows, None, 1, 1
        run.losses, run.rates = address(losses), address(rates)
        run.step_losses = run.step_penalties = None
        run.most_steps, run.seed, run.step, run.epoch, run.batch = 1, state.seed, state.step, 0, 0
        self._library.train(self._plan, run)
        run.evaluate = 0
        return float(run.loss)

    def _set_state(self, state: TrainingState) -> None:
        run = self._run
        for name, field in _SLOTS.items():
            if name in state.optimizer:
                setattr(
                    run,
                    "slot1" if name == "mean_square" and "mean" not in state.optimizer else field,
                    address(state.optimizer[name]),
                )
        if "beta1_power" in state.optimizer:
            self._powers[:] = state.optimizer["beta1_power"], state.optimizer["beta2_power"]
            run.powers = address(self._powers)
        run.averages = address(state.average)

    def _rates(self, first: int, steps: int) -> Array | None:
        """Return the factors of learning rate, weight decay and dropout of each step, or None where all are 1."""
        if not self._schedules:
            return None
        table = np.ones((steps, 3))
        for column, name in enumerate(("learning_rate", "weight_decay", "dropout_rate")):
            if name in self._schedules:
                factor = self._schedules[name].factor
                moments = (min(first + i, self._total_steps - 1) for i in range(steps))
                table[:, column] = [factor(moment, self._total_steps) for moment in moments]
        return table
