"""The objective is what training makes small: a batch's loss plus the penalty, as a function of the parameters."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.errors import DivergenceError
from pellucid.layers.base import NO_RATES, Rates
from pellucid.losses import Loss, Penalty
from pellucid.network import Network
from pellucid.random import Random
from pellucid.training.samples import Samples


class BatchObjective:
    """Called, it runs forward and backward on a batch; `value`, `cache` and the network's gradients are the batch's."""

    def __init__(self, network: Network, loss: Loss, penalty: Penalty | None) -> None:
        self.network, self.loss, self.penalty = network, loss, penalty
        self.value = float("nan")
        self.cache: list[Any] = []
        self._batch: tuple[Samples, Random | None, Rates] | None = None

    def at(self, batch: Samples, rng: Random | None, rates: Rates) -> None:
        """Choose the batch, the address of its random numbers (None where no layer draws) and the step's factors."""
        self._batch = (batch, rng, rates)

    def __call__(self) -> float:
        assert self._batch is not None
        batch, rng, rates = self._batch
        outputs, self.cache = self.network.chain.forward(batch.x, training=True, rng=rng, rates=rates)
        self.value, d_outputs = self.loss.value_and_gradient(outputs, batch.target, batch.weight)
        self.network.chain.backward(d_outputs, self.cache, input_gradient=False)
        if self.penalty is not None:
            network = self.network
            extra, gradient = self.penalty.value_and_gradient(network.parameters, network.weight_decay_factor)
            self.value += extra
            network.gradients += gradient
        return self.value

    def require_finite(self, epoch: int, number: int, learning_rate: float) -> None:
        """Raise `DivergenceError` with a diagnosis if the value is NaN or infinite; epoch and batch count from 0."""
        if np.isfinite(self.value):
            return
        assert self._batch is not None
        x = self._batch[0].x
        culprit = "every layer's output is finite, so the loss itself overflowed"
        with np.errstate(all="ignore"):
            for index, layer in enumerate(self.network.layers):
                if not all(np.isfinite(view).all() for view in layer.parameters.values()):
                    culprit = f"layer {index} ({layer!r}) has weights that are not finite"
                    break
                x, _ = layer.forward(x, rates=NO_RATES)
                if not np.isfinite(x).all():
                    culprit = f"layer {index} ({layer!r}) is the first whose output is not finite"
                    break
        raise DivergenceError(
            f"Training diverged: the loss is {self.value} in epoch {epoch + 1}, batch {number + 1}; {culprit}. The "
            f"learning rate was {learning_rate:g}: try a tenth of it, scale the inputs, or pass gradient_clip=1.0."
        )
