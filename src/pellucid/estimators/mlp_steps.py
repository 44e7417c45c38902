"""The steps of a drop-in estimator: an epoch over rows in a given order, or loss and slopes of all rows at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.engine.native import Library, library
from pellucid.engine.plan import Plan, plan_training
from pellucid.engine.trainer import Trainer
from pellucid.estimators.mlp_network import dense_rows
from pellucid.estimators.mlp_objective import Objective
from pellucid.estimators.mlp_watch import Watch
from pellucid.layers.base import NO_RATES, Array
from pellucid.losses import Penalty
from pellucid.losses.base import added
from pellucid.network import Network
from pellucid.optimizers import Optimizer
from pellucid.random import Random
from pellucid.schedules import Schedule
from pellucid.training.history import TrainingState
from pellucid.training.objective import BatchObjective
from pellucid.training.samples import Samples


class Steps:
    """Changes the network in place; natively, or by the NumPy classes, and ``engine`` then says why.

    x : (n_rows, n_inputs), an array or a SciPy sparse table, of which some batches at a time are made dense
    y : (n_rows, n_outputs), y as the estimator has it
    weight : (n_rows,) or None
    alpha : scikit-learn's strength of the penalty, which it divides by the sum of a batch's weights
    state : that of the training, changed in place
    schedule : of the learning rate, over ``n_epochs``
    """

    def __init__(
        self,
        network: Network,
        objective: Objective,
        x: Any,
        y: Array,
        weight: Array | None,
        *,
        batch_size: int,
        alpha: float,
        optimizer: Optimizer,
        state: TrainingState,
        schedule: Schedule | None = None,
        n_epochs: int = 1,
    ) -> None:
        self.network, self._objective, self._batch_size = network, objective, batch_size
        self._optimizer, self._state, self._schedule = optimizer, state, schedule
        self._l2 = alpha / objective.slope_factor
        self._x: Any = np.ascontiguousarray(x, network.dtype) if isinstance(x, np.ndarray) else x
        self._target = objective.target(y, network.n_outputs, network.dtype)
        self._weight = _as(weight, network.dtype)
        self.n_rows = len(self._target)
        self._total_steps = n_epochs * -(-self.n_rows // batch_size)
        self._at_once = dense_rows(x, batch_size)
        self._held = self._dense() if isinstance(x, np.ndarray) else self._empty()
        native = self._native()
        self._trainer = None if isinstance(native, str) else native
        self.engine = f"numpy: {native}" if isinstance(native, str) else "native"

    def _dense(self) -> Samples:
        return Samples(self._x, self._target, self._weight)

    def _empty(self) -> Samples:
        """Return memory for the rows of a sparse table that are dense at the moment."""
        like = [self._target, *([] if self._weight is None else [self._weight])]
        target, *weight = (np.empty((self._at_once, *array.shape[1:]), array.dtype) for array in like)
        x = np.empty((self._at_once, self.network.n_inputs), self.network.dtype)
        return Samples(x, target, weight[0] if weight else None)

    def _native(self) -> Trainer | str:
        """Return what takes the steps natively, or why nothing does."""
        loaded = library()
        if not isinstance(loaded, Library):
            return loaded
        network, held = self.network, self._held
        size, penalty = min(self._batch_size, len(held)), Penalty(l2=self._l2)
        loss = self._objective.loss
        plan = plan_training(network, size, loss, held.target, self._optimizer, penalty, divided_penalty=True)
        if not isinstance(plan, Plan):
            return "; ".join(plan)
        schedules = {} if self._schedule is None else {"learning_rate": self._schedule}
        return Trainer(loaded, plan, network, held, size, schedules, self._total_steps, unchecked=True)

    def epoch(self, order: Array | None, learning_rate: float, watch: Watch) -> tuple[float, int]:
        """Visit the rows in this order, or in the table's; return the epoch's loss as scikit-learn reports it, and how
        many rows were visited: fewer than all where the watch ends training.

        Every batch's loss counts with its number of rows, whatever their weights.
        """
        losses, n_visited = [], 0
        for rows in self._blocks(order):
            n_rows = self.n_rows if rows is None else len(rows)
            given = self._load(rows)
            with np.errstate(over="ignore", invalid="ignore"):
                values, penalties = self._take(given, n_rows, learning_rate, watch)
            n_rows = min(n_rows, len(values) * self._batch_size)
            losses.append(self._reported(rows, n_rows, values, penalties))
            n_visited += n_rows
            if watch.ends:
                break
        return added(losses) / n_visited, n_visited

    def _take(self, rows: Array | None, n_rows: int, learning_rate: float, watch: Watch) -> Array:
        """Take the steps over ``rows`` of those held and return ``(2, n_steps)``, their losses and penalties."""
        taken = np.empty((2, -(-n_rows // self._batch_size)))
        if self._trainer is None:
            visited = np.arange(n_rows) if rows is None else rows
            for number, first in enumerate(range(0, n_rows, self._batch_size)):
                batch = self._held[visited[first : first + self._batch_size]]
                taken[:, number] = self._numpy_step(batch, learning_rate)
                watch.after_step()
                if watch.ends:
                    return taken[:, : number + 1]
            return taken
        self._trainer.set_learning_rate(learning_rate)
        orders = None if rows is None else np.ascontiguousarray(rows, np.int64)[None, :]
        batch_number = 0
        while True:  # a call comes back after a while, so that an interrupt is answered
            each_step = taken[:, batch_number:]
            got = self._trainer.train(orders, 1, self._state, batch_number, watch.idle_seconds(), each_step=each_step)
            watch.after_step()
            if got.epochs:
                return taken
            if watch.ends:
                return taken[:, : got.batch]
            batch_number = got.batch

    def _numpy_step(self, batch: Samples, learning_rate: float) -> tuple[float, float]:
        """Take one step by the NumPy classes; return loss and penalty."""
        network, configured = self.network, getattr(self._optimizer, "learning_rate", 0.0)
        factor = learning_rate / configured if configured else 0.0
        if self._schedule is not None:
            factor *= self._schedule.factor(min(self._state.step, self._total_steps - 1), self._total_steps)
        found = self._step(batch)
        self._optimizer.step(network.parameters, network.gradients, self._state.optimizer, {"learning_rate": factor})
        self._state.step += 1
        return found

    def _step(self, batch: Samples) -> tuple[float, float]:
        """Compute slopes in NumPy; return loss and penalty."""
        network, weight, state = self.network, batch.total_weight, self._state
        objective = BatchObjective(network, self._objective.loss, None)
        objective.at(batch, Random(state.seed, step=state.step) if network.chain.draws else None, NO_RATES)
        value = objective()
        penalty = Penalty(l2=self._l2 / weight if weight > 0 else 0.0)
        extra, gradient = penalty.value_and_gradient(network.parameters, network.weight_decay_factor)
        network.gradients += gradient
        return value, extra

    def _reported(self, rows: Array | None, n_rows: int, values: Array, penalties: Array) -> float:
        objective, starts = self._objective, np.arange(0, n_rows, self._batch_size)
        counts = np.diff(starts, append=n_rows)
        losses = objective.value_factor * values + objective.slope_factor * penalties
        if objective.constant is not None:
            chosen = slice(n_rows) if rows is None else rows[:n_rows]
            weight = np.ones(self.n_rows) if self._weight is None else self._weight
            totals = np.add.reduceat(weight[chosen], starts)
            constants = np.add.reduceat((weight * objective.constant)[chosen], starts)
            losses = losses + constants / np.where(totals > 0, totals, 1)
        return added((losses * counts).tolist())

    def loss_and_slopes(self) -> tuple[float, Array]:
        """Return scikit-learn's loss over all rows and its slopes, ``(n_parameters,)``, for an ``alpha`` of 0."""
        objective, network = self._objective, self.network
        value, slopes, total = 0.0, np.zeros_like(network.parameters), 0.0
        for rows in self._blocks(None):
            n_rows = self.n_rows if rows is None else len(rows)
            self._load(rows)
            held = self._held if rows is None else self._held[np.arange(n_rows)]
            weight = held.total_weight
            with np.errstate(over="ignore", invalid="ignore"):
                native = self._trainer
                loss = self._step(held)[0] if native is None else native.evaluate(self._state, n_rows)
            value += loss * weight
            slopes += network.gradients * weight
            total += weight
        return objective.value_factor * value / total + objective.mean_constant(self._weight), slopes * (
            objective.slope_factor / total
        )

    def _blocks(self, order: Array | None) -> list[Array | None]:
        """Return the rows in their order, cut into what is dense at once."""
        if self._held.x is self._x:
            return [order]
        rows = np.arange(self.n_rows) if order is None else order
        return [rows[start : start + self._at_once] for start in range(0, self.n_rows, self._at_once)]

    def _load(self, rows: Array | None) -> Array | None:
        """Make these rows dense, if they are not, and return where they are held."""
        held = self._held
        if held.x is self._x or rows is None:
            return rows
        n = len(rows)
        held.x[:n] = self._x[rows].toarray()
        held.target[:n] = self._target[rows]
        if held.weight is not None and self._weight is not None:
            held.weight[:n] = self._weight[rows]
        return np.arange(n)


def _as(weight: Array | None, dtype: Any) -> Array | None:
    return None if weight is None else np.ascontiguousarray(weight, dtype)
