"""An ensemble is several networks whose predictions are averaged, each with a weight."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from pellucid.engine.evaluator import Evaluator, evaluator
from pellucid.engine.native import engine_setting
from pellucid.layers.base import Array
from pellucid.losses import Loss
from pellucid.network import Network

BLOCK = 8192  # rows, as many as `Network.predict` computes at a time


@dataclass(frozen=True)
class Ensemble:
    """The networks with their weights, which have a sum of 1, and the loss whose link makes predictions of outputs.

    ``p = Σ_k w_k link(network_k(x))``, in float64 and in this order, so that the bits do not depend on threads.
    """

    networks: tuple[Network, ...]
    weights: tuple[float, ...]
    loss: Loss
    _made: dict[str, tuple[Evaluator | str, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __reduce__(self) -> tuple[type[Self], tuple[Any, ...]]:
        """Leave out the evaluators: they hold addresses in this process."""
        return type(self), (self.networks, self.weights, self.loss)

    @property
    def evaluators(self) -> tuple[Evaluator | str, ...]:
        """What evaluates each network, or why NumPy does; made once, as planning takes longer than a row."""
        setting = engine_setting()
        if setting not in self._made:
            self._made[setting] = tuple(map(evaluator, self.networks))
        return self._made[setting]

    @property
    def is_native(self) -> bool:
        """Whether no network is NumPy's to compute."""
        return all(isinstance(each, Evaluator) for each in self.evaluators)

    def predict(self, rows: Array) -> Array:
        """Return probabilities or means, (n_rows, n_outputs) float64, for encoded rows (n_rows, n_inputs).

        A block of rows goes through all networks, and then all of their outputs through the link at once.
        """
        n_outputs, count = self.networks[0].n_outputs, len(self.networks)
        predictions = np.empty((len(rows), n_outputs))
        for start in range(0, len(rows), BLOCK):
            block = rows[start : start + BLOCK]
            outputs = np.empty((count, len(block), n_outputs))
            for place, (network, found) in enumerate(zip(self.networks, self.evaluators, strict=True)):
                outputs[place] = found.outputs(block) if isinstance(found, Evaluator) else network.predict(block)
            linked = self.loss.predict(outputs.reshape(-1, n_outputs)).reshape(outputs.shape)
            predictions[start : start + BLOCK] = self._mean(linked)
        return predictions

    def _mean(self, linked: Array) -> Array:
        if len(linked) == 1:
            return linked[0]
        mean = np.zeros(linked.shape[1:])
        for weight, each in zip(self.weights, linked, strict=True):
            mean += weight * each
        return mean

    @property
    def strongest(self) -> Network:
        """The network of the largest weight, the first among equals."""
        return self.networks[self.weights.index(max(self.weights))]

    @property
    def size(self) -> int:
        """The number of parameters of all networks."""
        return sum(network.parameters.size for network in self.networks)
