"""RMSprop: divide each slope by its recent size, so that every parameter moves at a similar pace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from pellucid.domains import Number
from pellucid.formulas import Constant, Entry, Update, function
from pellucid.layers.base import NO_RATES, Array, Rates
from pellucid.optimizers.base import Optimizer, State
from pellucid.options import option


class RMSprop(Optimizer):
    """RMSprop (Tieleman & Hinton 2012, Neural Networks for Machine Learning, lecture 6.5)::

    s ← decay * s + (1 - decay) * g²
    p ← p - learning_rate * g / (√s + epsilon)
    """

    name = "rmsprop"
    letters: ClassVar[Mapping[str, str]] = {"mean_square": "s"}
    learning_rate: float = option(Number(0), "Step size.", default=0.001)
    decay: float = option(Number(0, 1, open="high"), "Share of the mean square kept from step to step.", default=0.9)
    epsilon: float = option(
        Number(0, open="low"), "Added to the root, so that a slope of 0 divides by no zero.", default=1e-8
    )

    def start(self, parameters: Array) -> State:
        """Return a mean square of 0."""
        return {"mean_square": np.zeros_like(parameters)}

    def step(self, parameters: Array, gradients: Array, state: State, rates: Rates = NO_RATES) -> None:
        """Apply the rule."""
        mean_square = state["mean_square"]
        mean_square *= self.decay
        mean_square += (1 - self.decay) * np.square(gradients)
        parameters -= self._rate("learning_rate", rates) * (gradients / (np.sqrt(mean_square) + self.epsilon))

    def explain_update(self, update: Update) -> list[Entry]:
        """Return the new mean square and the new parameters."""
        at, p, g = update.at, update.parameter[update.at], update.gradient[update.at]
        decay, epsilon = Constant(self.decay, "ρ"), Constant(self.epsilon, "ε")
        s = update.new_state["mean_square"].equals(at, decay * update.state["mean_square"][at] + (1 - decay) * g**2)
        learning_rate = update.rate("learning_rate", "η", self.learning_rate, at)
        return [s, update.new.equals(at, p - learning_rate * (g / (function("sqrt", s[at]) + epsilon)))]
