"""Adam: momentum, divided by the recent size of the slope, with both corrected for their start at zero."""

from __future__ import annotations

import math

import numpy as np

from pellucid.layers.base import NO_RATES, Array, Rates
from pellucid.optimizers.base import Optimizer, State
from pellucid.options import Choice, Number, option


class Adam(Optimizer):
    """Adam (Kingma & Ba 2015, arXiv 1412.6980). With t the number of the step::

        m ← beta1 m + (1 - beta1) g
        s ← beta2 s + (1 - beta2) g²

    and with ``correction="moments"`` (their algorithm 1; PyTorch)::

        p ← p - learning_rate * (m / (1 - beta1ᵗ)) / (√(s / (1 - beta2ᵗ)) + epsilon)

    or with ``correction="rate"`` (the end of their section 2; scikit-learn, TensorFlow), where epsilon is not scaled::

        p ← p - learning_rate * √(1 - beta2ᵗ) / (1 - beta1ᵗ) * m / (√s + epsilon)
    """

    name = "adam"
    learning_rate: float = option(Number(0), "Step size.", default=0.001)
    beta1: float = option(Number(0, 1, open="high"), "Share of the mean slope kept from step to step.", default=0.9)
    beta2: float = option(Number(0, 1, open="high"), "Share of the mean square kept from step to step.", default=0.999)
    epsilon: float = option(
        Number(0, open="low"), "Added to the root, so that a slope of 0 divides by no zero.", default=1e-8
    )
    correction: str = option(Choice(("moments", "rate")), "Where the start at zero is corrected.", default="moments")

    def start(self, parameters: Array) -> State:
        """Return moments of 0, and the powers of beta1 and beta2 at t = 0."""
        moments = {"mean": np.zeros_like(parameters), "mean_square": np.zeros_like(parameters)}
        return {**moments, "beta1_power": np.array(1.0), "beta2_power": np.array(1.0)}

    def step(self, parameters: Array, gradients: Array, state: State, rates: Rates = NO_RATES) -> None:
        """Apply the rule."""
        parameters -= self._rate("learning_rate", rates) * self._direction(gradients, state)

    def _direction(self, gradients: Array, state: State) -> Array:
        """Update the moments and return their corrected quotient."""
        mean, mean_square = state["mean"], state["mean_square"]
        mean *= self.beta1
        mean += (1 - self.beta1) * gradients
        mean_square *= self.beta2
        mean_square += (1 - self.beta2) * np.square(gradients)
        # powers by repeated products: the same bits wherever multiplication is exact to the last place
        state["beta1_power"] *= self.beta1
        state["beta2_power"] *= self.beta2
        correction1, correction2 = 1 - float(state["beta1_power"]), 1 - float(state["beta2_power"])
        root = np.sqrt(mean_square)
        if self.correction == "moments":
            root /= math.sqrt(correction2)
            root += self.epsilon
            np.divide(mean, root, out=root)
            root /= correction1
        else:
            root += self.epsilon
            np.divide(mean, root, out=root)
            root *= math.sqrt(correction2) / correction1
        return root


class AdamW(Optimizer):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019, arXiv 1711.05101)::

        p ← p - learning_rate * weight_decay * p - learning_rate * (Adam's quotient)

    The decay acts on weights only, by the network's ``weight_decay_factor``, and a schedule may drive it by name.
    """

    name = "adamw"
    learning_rate: float = option(Number(0), "Step size.", default=0.001)
    weight_decay: float = option(
        Number(0), "Pull of the weights towards zero, relative to the learning rate.", default=0.01
    )
    beta1: float = option(Number(0, 1, open="high"), "Share of the mean slope kept from step to step.", default=0.9)
    beta2: float = option(Number(0, 1, open="high"), "Share of the mean square kept from step to step.", default=0.999)
    epsilon: float = option(
        Number(0, open="low"), "Added to the root, so that a slope of 0 divides by no zero.", default=1e-8
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self._adam = Adam(learning_rate=self.learning_rate, beta1=self.beta1, beta2=self.beta2, epsilon=self.epsilon)

    def start(self, parameters: Array) -> State:
        """Return Adam's state."""
        return self._adam.start(parameters)

    def step(self, parameters: Array, gradients: Array, state: State, rates: Rates = NO_RATES) -> None:
        """Apply the rule."""
        decay = self._rate("learning_rate", rates) * self._rate("weight_decay", rates)
        if np.any(decay):
            parameters -= decay * parameters
        self._adam.step(parameters, gradients, state, rates)
