"""An ensemble is several networks whose predictions are averaged, each with a weight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pellucid.engine.evaluator import Evaluator, evaluator
from pellucid.layers.base import Array
from pellucid.losses import Loss
from pellucid.network import Network


@dataclass(frozen=True)
class Ensemble:
    """The networks with their weights, which have a sum of 1, and the loss whose link makes predictions of outputs.

    ``p = Σ_k w_k link(network_k(x))``, in float64 and in this order, so that the bits do not depend on threads.
    """

    networks: tuple[Network, ...]
    weights: tuple[float, ...]
    loss: Loss

    def predict(self, rows: Array) -> Array:
        """Return probabilities or means, (n_rows, n_outputs) float64, for encoded rows (n_rows, n_inputs)."""
        if len(self.networks) == 1:
            return linked(self.loss, self.networks[0], rows)
        mean = np.zeros((len(rows), self.networks[0].n_outputs))
        for network, weight in zip(self.networks, self.weights, strict=True):
            mean += weight * linked(self.loss, network, rows)
        return mean

    @property
    def strongest(self) -> Network:
        """The network of the largest weight, the first among equals."""
        return self.networks[self.weights.index(max(self.weights))]

    @property
    def size(self) -> int:
        """The number of parameters of all networks."""
        return sum(network.parameters.size for network in self.networks)


def linked(loss: Loss, network: Network, rows: Array) -> Array:
    """Return the predictions of one network, (n_rows, n_outputs) float64."""
    found = evaluator(network)
    outputs = found.outputs(rows) if isinstance(found, Evaluator) else network.predict(rows)
    return np.asarray(loss.predict(outputs.astype(np.float64)))
