"""Gradient descent: step against the slope, with momentum if wanted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from pellucid.domains import Boolean, Choice, Number
from pellucid.formulas import Constant, Entry, Update
from pellucid.layers.base import NO_RATES, Array, Rates
from pellucid.optimizers.base import Optimizer, State
from pellucid.options import option


class SGD(Optimizer):
    """Gradient descent, which is stochastic when each step sees a batch of the rows.

    Without momentum::

        p ← p - learning_rate * g

    With momentum m, the velocity v sums past gradients (``rate="outside"``, as in PyTorch)::

        v ← m v + g
        p ← p - learning_rate * v                      nesterov:  p ← p - learning_rate * (g + m v)

    or past steps (``rate="inside"``: Polyak 1964; Sutskever et al. 2013; scikit-learn)::

        v ← m v - learning_rate * g
        p ← p + v                                      nesterov:  p ← p + m v - learning_rate * g

    The two agree as long as the learning rate is constant.

    >>> import numpy as np
    >>> p, g = np.array([1.0]), np.array([0.5])
    >>> sgd = SGD(learning_rate=0.1)
    >>> sgd.step(p, g, sgd.start(p)); float(p[0])
    0.95
    """

    name = "sgd"
    letters: ClassVar[Mapping[str, str]] = {"velocity": "v"}
    learning_rate: float = option(Number(0), "Step size.", default=0.01)
    momentum: float = option(Number(0, 1), "Share of the velocity kept from step to step.", default=0.0)
    nesterov: bool = option(Boolean(), "Look ahead along the velocity (Nesterov 1983).", default=False)
    rate: str = option(
        Choice(("outside", "inside")), "Whether the velocity sums gradients, or steps.", default="outside"
    )

    def start(self, parameters: Array) -> State:
        """Return a velocity of 0."""
        return {"velocity": np.zeros_like(parameters)} if self.momentum else {}

    def step(self, parameters: Array, gradients: Array, state: State, rates: Rates = NO_RATES) -> None:
        """Apply the rule."""
        learning_rate = self._rate("learning_rate", rates)
        if not self.momentum:
            parameters -= learning_rate * gradients
            return
        velocity = state["velocity"]
        velocity *= self.momentum
        if self.rate == "inside":
            velocity -= learning_rate * gradients
            parameters += self.momentum * velocity - learning_rate * gradients if self.nesterov else velocity
        else:
            velocity += gradients
            parameters -= learning_rate * (gradients + self.momentum * velocity if self.nesterov else velocity)

    def explain_update(self, update: Update) -> list[Entry]:
        """Return the new velocity, if there is one, and the new parameters."""
        at, p, g = update.at, update.parameter[update.at], update.gradient[update.at]
        learning_rate = update.rate("learning_rate", "η", self.learning_rate, at)
        if not self.momentum:
            return [update.new.equals(at, p - learning_rate * g)]
        m, old, velocity = Constant(self.momentum, "m"), update.state["velocity"][at], update.new_state["velocity"]
        v = velocity[at]
        if self.rate == "inside":
            velocity.equals(at, m * old - learning_rate * g)
            new = p + m * v - learning_rate * g if self.nesterov else p + v
        else:
            velocity.equals(at, m * old + g)
            new = p - learning_rate * (g + m * v if self.nesterov else v)
        return [velocity, update.new.equals(at, new)]
