"""The rows by which a drop-in estimator is judged after each epoch, and their loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.engine.evaluator import evaluator
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

    def outputs_and_loss(self, network: Network, objective: Objective) -> tuple[Array, float]:
        """Return raw outputs (n_rows, n_outputs) and their loss ``Σ w ℓ / Σ w``, without the penalty.

        A sparse table is made dense in blocks.
        """
        target = objective.target(self.y, network.n_outputs, network.dtype)
        weight = None if self.weight is None else self.weight.astype(network.dtype, copy=False)
        size, n_rows = dense_rows(self.X), self.X.shape[0]
        found, losses, totals = [], [], []
        for start in range(0, n_rows, size):
            rows = slice(start, start + size)
            x = self.X[rows] if isinstance(self.X, np.ndarray) else self.X[rows].toarray()
            own = None if weight is None else weight[rows]
            outputs, loss = _judged(network, objective, x, target[rows], own)
            found.append(outputs)
            losses.append(loss)
            totals.append(float(len(x)) if own is None else float(own.sum()))
        loss = objective.value_factor * objective.loss.combine(losses, totals) + objective.mean_constant(weight)
        return np.concatenate(found), loss


def _judged(network: Network, objective: Objective, x: Array, target: Array, weight: Array | None) -> Any:
    native = evaluator(network, objective.loss, target, weight)
    with np.errstate(over="ignore", invalid="ignore"):
        if not isinstance(native, str):
            return native.loss(x)
        outputs = network.predict(x)
        return outputs, objective.loss.value_and_gradient(outputs, target, weight)[0]
