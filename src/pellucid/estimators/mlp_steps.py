"""The steps of a drop-in estimator: an epoch over rows in a given order, or loss and slopes of all rows at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.engine.native import Library, library
from pellucid.engine.plan import Plan, plan_training
from pellucid.engine.trainer import Trainer
from pellucid.estimators.mlp_network import Objective, dense_rows
from pellucid.layers.base import NO_RATES, Array
from pellucid.losses import Penalty
from pellucid.losses.base import added
from pellucid.network import Network
from pellucid.optimizers import Optimizer
from pellucid.training.history import TrainingState
from pellucid.training.objective import BatchObjective
from pellucid.training.samples import Samples


class Steps:
    """Changes the network in place; natively, or, where there is no native library, by the NumPy classes.

    x : (n_rows, n_inputs), an array or a SciPy sparse table, of which some batches at a time are made dense
    y : (n_rows, n_outputs), y as the estimator has it
    weight : (n_rows,) or None
    alpha : scikit-learn's strength of the penalty, which it divides by the sum of a batch's weights
    state : the optimizer's, changed in place
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
        state: dict[str, Array],
    ) -> None:
        self._network, self._objective, self._batch_size = network, objective, batch_size
        self._optimizer, self._state = optimizer, TrainingState(0, 1, optimizer=state)
        self._l2 = alpha / objective.slope_factor
        self._x: Any = np.ascontiguousarray(x, network.dtype) if isinstance(x, np.ndarray) else x
        target = _codes(y) if objective.loss.link == "softmax" else y
        target = objective.loss.check_target(target, network.n_outputs, network.dtype)
        self._target, self._weight = np.ascontiguousarray(target), _as(weight, network.dtype)
        self.n_rows = len(target)
        self._at_once = dense_rows(x, batch_size)
        self._held = self._dense() if isinstance(x, np.ndarray) else self._empty()
        self._trainer = self._native()

    def _dense(self) -> Samples:
        return Samples(self._x, self._target, self._weight)

    def _empty(self) -> Samples:
        """Return memory for the rows of a sparse table that are dense at the moment."""
        like = [self._target, *([] if self._weight is None else [self._weight])]
        target, *weight = (np.empty((self._at_once, *array.shape[1:]), array.dtype) for array in like)
        x = np.empty((self._at_once, self._network.n_inputs), self._network.dtype)
        return Samples(x, target, weight[0] if weight else None)

    def _native(self) -> Trainer | None:
        loaded = library()
        if not isinstance(loaded, Library):
            return None
        network, held = self._network, self._held
        size, penalty = min(self._batch_size, len(held)), Penalty(l2=self._l2)
        loss = self._objective.loss
        plan = plan_training(network, size, loss, held.target, self._optimizer, penalty, divided_penalty=True)
        assert isinstance(plan, Plan), plan  # every layer, loss and optimizer of these estimators has a native form
        return Trainer(loaded, plan, network, held, size, {}, 1, unchecked=True)

    def epoch(self, order: Array | None, learning_rate: float) -> float:
        """Visit the rows in this order, or in the table's, and return the epoch's loss as scikit-learn reports it.

        Every batch's loss counts with its number of rows, whatever their weights.
        """
        losses = []
        for rows in self._blocks(order):
            n_rows = self.n_rows if rows is None else len(rows)
            given = self._load(rows)
            with np.errstate(over="ignore", invalid="ignore"):
                values, penalties = self._take(given, n_rows, learning_rate)
            losses.append(self._reported(rows, n_rows, values, penalties))
        return added(losses) / self.n_rows

    def _take(self, rows: Array | None, n_rows: int, learning_rate: float) -> Array:
        """Take the steps over ``rows`` of those held and return ``(2, n_steps)``, their losses and penalties."""
        taken = np.empty((2, -(-n_rows // self._batch_size)))
        if self._trainer is None:
            network, visited = self._network, np.arange(n_rows) if rows is None else rows
            rates = {"learning_rate": learning_rate / self._optimizer.learning_rate}  # type: ignore[attr-defined]
            for number, first in enumerate(range(0, n_rows, self._batch_size)):
                taken[:, number] = self._step(self._held[visited[first : first + self._batch_size]])
                self._optimizer.step(network.parameters, network.gradients, self._state.optimizer, rates)
            return taken
        self._trainer.set_learning_rate(learning_rate)
        done, batch, orders = 0, 0, None if rows is None else np.ascontiguousarray(rows, np.int64)[None, :]
        while not done:  # a call comes back after a while, so that an interrupt is answered
            got = self._trainer.train(orders, 1, self._state, batch, each_step=taken[:, batch:])
            done, batch = got.epochs, got.batch
        return taken

    def _step(self, batch: Samples) -> tuple[float, float]:
        """Compute slopes in NumPy; return loss and penalty."""
        network, weight = self._network, batch.total_weight
        objective = BatchObjective(network, self._objective.loss, None)
        objective.at(batch, None, NO_RATES)
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
            chosen = slice(None) if rows is None else rows
            weight = np.ones(self.n_rows) if self._weight is None else self._weight
            totals = np.add.reduceat(weight[chosen], starts)
            constants = np.add.reduceat((weight * objective.constant)[chosen], starts)
            losses = losses + constants / np.where(totals > 0, totals, 1)
        return added((losses * counts).tolist())

    def loss_and_slopes(self) -> tuple[float, Array]:
        """Return scikit-learn's loss over all rows and its slopes, ``(n_parameters,)``, for an ``alpha`` of 0."""
        objective, network = self._objective, self._network
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
        constant = 0.0
        if objective.constant is not None:
            constant = float(np.average(objective.constant, weights=self._weight))
        return objective.value_factor * value / total + constant, slopes * (objective.slope_factor / total)

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


def _codes(y: Array) -> Array:
    return y.argmax(axis=1)


def _as(weight: Array | None, dtype: Any) -> Array | None:
    return None if weight is None else np.ascontiguousarray(weight, dtype)
