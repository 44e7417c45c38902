"""An ensemble is several networks whose predictions are averaged, each with a weight."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Self

import numpy as np

from pellucid.engine.evaluator import Evaluator, evaluator
from pellucid.layers.base import Array
from pellucid.losses import Loss
from pellucid.network import Network


@dataclass(frozen=True)
class Ensemble:
    """The networks with their weights, which have a sum of 1, and the loss whose link makes predictions of outputs.

    ``p = Σ_k w_k link(network_k(x))``, in float64 and in this order, so that the bits do not depend on threads.
    ``evaluators`` are those of an ensemble that is `prepared`.
    """

    networks: tuple[Network, ...]
    weights: tuple[float, ...]
    loss: Loss
    evaluators: tuple[Evaluator | str, ...] | None = None

    def prepared(self) -> Self:
        """Return the ensemble with what evaluates its networks made once, to predict often in one thread at a time."""
        return dataclasses.replace(self, evaluators=tuple(map(evaluator, self.networks)))

    def predict(self, rows: Array) -> Array:
        """Return probabilities or means, (n_rows, n_outputs) float64, for encoded rows (n_rows, n_inputs)."""
        evaluators = self.evaluators or (None,) * len(self.networks)
        if len(self.networks) == 1:
            return linked(self.loss, self.networks[0], rows, evaluators[0])
        mean = np.zeros((len(rows), self.networks[0].n_outputs))
        for network, weight, found in zip(self.networks, self.weights, evaluators, strict=True):
            mean += weight * linked(self.loss, network, rows, found)
        return mean

    @property
    def strongest(self) -> Network:
        """The network of the largest weight, the first among equals."""
        return self.networks[self.weights.index(max(self.weights))]

    @property
    def size(self) -> int:
        """The number of parameters of all networks."""
        return sum(network.parameters.size for network in self.networks)


def linked(loss: Loss, network: Network, rows: Array, found: Evaluator | str | None = None) -> Array:
    """Return the predictions of one network, (n_rows, n_outputs) float64; ``found`` is its evaluator, if it is made."""
    found = found or evaluator(network)
    outputs = found.outputs(rows) if isinstance(found, Evaluator) else network.predict(rows)
    return np.asarray(loss.predict(outputs.astype(np.float64)))
