"""The rows by which a drop-in estimator is judged after each epoch, and their loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.engine.evaluator import Evaluator, evaluator
from pellucid.estimators.mlp_network import dense_rows
from pellucid.estimators.mlp_objective import Objective
from pellucid.layers.base import Array
from pellucid.network import Network


@dataclass(frozen=True)
class Validation:
    """``X : (n_rows, n_features)``, dense or sparse, ``y : (n_rows, n_outputs)``, ``weight : (n_rows,)`` or None."""

    X: Any
    y: Array
    weight: Array | None


class Judge:
    """Called, it returns raw outputs (n_rows, n_outputs) and their loss ``Σ w ℓ / Σ w``, without the penalty.

    The weights are those that the network has at the moment. A sparse table is made dense in blocks.
    """

    def __init__(self, network: Network, objective: Objective, rows: Validation) -> None:
        self.rows, self._network, self._objective, self._x = rows, network, objective, rows.X
        self._target = objective.target(rows.y, network.n_outputs, network.dtype)
        self._weight = None if rows.weight is None else rows.weight.astype(network.dtype, copy=False)
        self._size = dense_rows(rows.X)
        self._whole = self._evaluator(slice(None)) if isinstance(rows.X, np.ndarray) else None

    def __call__(self) -> tuple[Array, float]:
        objective = self._objective
        found, losses, totals = [], [], []
        for start in range(0, self._x.shape[0], self._size):
            rows = slice(start, start + self._size)
            weight = None if self._weight is None else self._weight[rows]
            with np.errstate(over="ignore", invalid="ignore"):
                outputs, loss = self._block(rows)
            found.append(outputs)
            losses.append(loss)
            totals.append(float(len(outputs)) if weight is None else float(weight.sum()))
        loss = objective.loss.combine(losses, totals)
        return np.concatenate(found), objective.value_factor * loss + objective.mean_constant(self._weight)

    def _block(self, rows: slice) -> tuple[Array, float]:
        native = self._evaluator(rows) if self._whole is None else self._whole
        x = self._x[rows] if isinstance(self._x, np.ndarray) else self._x[rows].toarray()
        if isinstance(native, Evaluator):
            return native.loss(x)
        outputs = self._network.predict(x)
        weight = None if self._weight is None else self._weight[rows]
        return outputs, self._objective.loss.value_and_gradient(outputs, self._target[rows], weight)[0]

    def _evaluator(self, rows: slice) -> Evaluator | str:
        weight = None if self._weight is None else self._weight[rows]
        return evaluator(self._network, self._objective.loss, self._target[rows], weight)
