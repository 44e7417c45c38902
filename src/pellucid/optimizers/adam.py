"""Adam: momentum, divided by the recent size of the slope, with both corrected for their start at zero."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from pellucid.domains import Choice, Number
from pellucid.formulas import Constant, Entry, Expression, OptimizerCall, Update, function
from pellucid.layers.base import NO_RATES, Array, Rates
from pellucid.optimizers.base import Optimizer, State
from pellucid.options import option


class _Moments(Optimizer):
    """What Adam and AdamW share: running means of the slope and of its square, and their corrected quotient."""

    letters: ClassVar[Mapping[str, str]] = {
        "mean": "m",
        "mean_square": "s",
        "beta1_power": "B₁",
        "beta2_power": "B₂",
    }

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

    def explain(self, call: OptimizerCall) -> list[Entry]:
        """Return the powers of beta1 and beta2, and then the moments and new parameters array by array."""
        powers = []
        for name, beta in (("beta1", Constant(self.beta1, "β₁")), ("beta2", Constant(self.beta2, "β₂"))):
            power = call.common[f"{name}_power"].scalar * beta
            powers.append(call.new_common[f"{name}_power"].equals((), power, f"{name} to the number of the step"))
        return [*powers, *super().explain(call)]

    def _explain_quotient(self, update: Update, correction: str) -> tuple[list[Entry], Expression]:
        """Return the moments and the formula of their corrected quotient."""
        at, g = update.at, update.gradient[update.at]
        old, new = update.state, update.new_state
        beta1, beta2, epsilon = Constant(self.beta1, "β₁"), Constant(self.beta2, "β₂"), Constant(self.epsilon, "ε")
        m = new["mean"].equals(at, beta1 * old["mean"][at] + (1 - beta1) * g)
        s = new["mean_square"].equals(at, beta2 * old["mean_square"][at] + (1 - beta2) * g**2)
        correction1, correction2 = 1 - new["beta1_power"].scalar, 1 - new["beta2_power"].scalar
        if correction == "moments":
            return [m, s], (m[at] / correction1) / (function("sqrt", s[at] / correction2) + epsilon)
        factor = function("sqrt", correction2) / correction1
        return [m, s], factor * (m[at] / (function("sqrt", s[at]) + epsilon))


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

    def explain_update(self, update: Update) -> list[Entry]:
        """Return the moments and the new parameters."""
        at = update.at
        moments, quotient = self._explain_quotient(update, self.correction)
        learning_rate = update.rate("learning_rate", "η", self.learning_rate, at)
        return [*moments, update.new.equals(at, update.parameter[at] - learning_rate * quotient)]


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

    def explain_update(self, update: Update) -> list[Entry]:
        """Return the moments and the new parameters."""
        at, p = update.at, update.parameter[update.at]
        moments, quotient = self._explain_quotient(update, "moments")
        learning_rate = update.rate("learning_rate", "η", self.learning_rate, at)
        decay = update.rate("weight_decay", "λ", self.weight_decay, at)
        decayed = p if isinstance(decay, Constant) and decay.value == 0 else p - learning_rate * decay * p
        return [*moments, update.new.equals(at, decayed - learning_rate * quotient)]
