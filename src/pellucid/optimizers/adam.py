"""Adam: momentum, divided by the recent size of the slope, with both corrected for their start at zero."""

from __future__ import annotations

import math

import numpy as np

from pellucid.domains import Choice, Number
from pellucid.layers.base import NO_RATES, Array, Rates
from pellucid.optimizers.base import Optimizer, State
from pellucid.options import option


class _Moments(Optimizer):
    """What Adam and AdamW share: running means of the slope and of its square, and their corrected quotient."""

    learning_rate: float = option(Number(0), "Step size.", default=0.001)
    beta1: float = option(Number(0, 1, open="high"), "Share of the mean slope kept from step to step.", default=0.9)
    beta2: float = option(Number(0, 1, open="high"), "Share of the mean square kept from step to step.", default=0.999)
    epsilon: float = option(
        Number(0, open="low"), "Added to the root, so that a slope of 0 divides by no zero.", default=1e-8
    )

    def start(self, parameters: Array) -> State:
        """Return moments of 0, and the powers of beta1 and beta2 at t = 0."""
        moments = {"mean": np.zeros_like(parameters), "mean_square": np.zeros_like(parameters)}
        return {**moments, "beta1_power": np.array(1.0), "beta2_power": np.array(1.0)}

    def _quotient(self, gradients: Array, state: State, correction: str) -> Array:
        """Update the moments and return their corrected quotient."""
        mean, mean_square = state["mean"], state["mean_square"]
        mean *= self.beta1
        mean += (1 - self.beta1) * gradients
        mean_square *= self.beta2
        mean_square += (1 - self.beta2) * np.square(gradients)
        # powers by repeated products, each correctly rounded: the same bits everywhere, unlike a library's power
        state["beta1_power"] *= self.beta1
        state["beta2_power"] *= self.beta2
        correction1, correction2 = 1 - float(state["beta1_power"]), 1 - float(state["beta2_power"])
        quotient = np.sqrt(mean_square)  # from here on in place: the root, the divisor, the quotient
        if correction == "moments":
            quotient /= math.sqrt(correction2)
            factor = 1 / correction1
        else:
            factor = math.sqrt(correction2) / correction1
        quotient += self.epsilon
        np.divide(mean, quotient, out=quotient)
        quotient *= factor
        return quotient


class Adam(_Moments):
    """Adam (Kingma & Ba 2015, arXiv 1412.6980). With t the number of the step::

        m ← beta1 m + (1 - beta1) g
        s ← beta2 s + (1 - beta2) g²

    and with ``correction="moments"`` (their algorithm 1; PyTorch)::

        p ← p - learning_rate * (m / (1 - beta1ᵗ)) / (√(s / (1 - beta2ᵗ)) + epsilon)

    or with ``correction="rate"`` (the end of their section 2; scikit-learn, TensorFlow), where epsilon is not scaled::

        p ← p - learning_rate * √(1 - beta2ᵗ) / (1 - beta1ᵗ) * m / (√s + epsilon)

    >>> p, g = np.array([1.0]), np.array([0.5])
    >>> adam = Adam(learning_rate=0.1)
    >>> adam.step(p, g, adam.start(p)); round(float(p[0]), 6)
    0.9
    """

    name = "adam"
    correction: str = option(Choice(("moments", "rate")), "Where the start at zero is corrected.", default="moments")

    def step(self, parameters: Array, gradients: Array, state: State, rates: Rates = NO_RATES) -> None:
        """Apply the rule."""
        parameters -= self._rate("learning_rate", rates) * self._quotient(gradients, state, self.correction)


class AdamW(_Moments):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019, arXiv 1711.05101)::

        p ← p - learning_rate * weight_decay * p
        p ← p - learning_rate * (m / (1 - beta1ᵗ)) / (√(s / (1 - beta2ᵗ)) + epsilon)

    with m and s as in `Adam`. The decay acts on weights only, by the network's ``weight_decay_factor``, and a schedule
    may drive it by name.
    """

    name = "adamw"
    weight_decay: float = option(
        Number(0), "Pull of the weights towards zero, relative to the learning rate.", default=0.01
    )

    def step(self, parameters: Array, gradients: Array, state: State, rates: Rates = NO_RATES) -> None:
        """Apply the rule."""
        decay = self._rate("learning_rate", rates) * self._rate("weight_decay", rates)
        if np.any(decay):
            parameters -= decay * parameters
        parameters -= self._rate("learning_rate", rates) * self._quotient(gradients, state, "moments")
