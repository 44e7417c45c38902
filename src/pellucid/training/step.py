"""A training step: a batch goes forward, its slopes come back, and the optimizer moves the weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.formulas import Constant, Entry, Symbol, added, derived, function, sum_over
from pellucid.layers.base import Array
from pellucid.network import Network
from pellucid.optimizers import Optimizer, SearchingOptimizer
from pellucid.random import Random
from pellucid.schedules import Schedule
from pellucid.training.history import TrainingState
from pellucid.training.objective import BatchObjective
from pellucid.training.samples import Samples


@dataclass
class Step:
    """Called with a batch, it updates the network and the state; `rates` then holds the factors that were used."""

    network: Network
    objective: BatchObjective
    optimizer: Optimizer
    schedules: Mapping[str, Schedule]
    total_steps: int
    gradient_clip: float | None
    average: float | None

    def __post_init__(self) -> None:
        factors = {"learning_rate": self.network.learning_rate_factor, "weight_decay": self.network.weight_decay_factor}
        self._factors = {  # those that differ from parameter to parameter, where the optimizer has the rate they act on
            name: factor
            for name, factor in factors.items()
            if hasattr(self.optimizer, name) and not (factor == 1).all()
        }
        self.rates: dict[str, float] = {}
        self._draws = self.network.chain.draws

    def __call__(self, batch: Samples, state: TrainingState, number: int) -> None:
        """Take the step for the epoch's batch with this number, from 0."""
        network, objective, optimizer = self.network, self.objective, self.optimizer
        moment = min(state.step, self.total_steps - 1)  # beyond its span, a schedule stays where it ended
        self.rates = {name: schedule.factor(moment, self.total_steps) for name, schedule in self.schedules.items()}
        factors: dict[str, Any] = {
            **self.rates,
            **{name: own * self.rates.get(name, 1.0) for name, own in self._factors.items()},
        }
        objective.at(batch, Random(state.seed, step=state.step) if self._draws else None, self.rates)
        with np.errstate(over="ignore", invalid="ignore"):  # the objective says what overflowed, and where
            if isinstance(optimizer, SearchingOptimizer):
                optimizer.step(network.parameters, network.gradients, state.optimizer, factors, objective)
                objective.require_finite(state.epoch, number, self.learning_rate)
            else:
                objective()
                objective.require_finite(state.epoch, number, self.learning_rate)
                if self.gradient_clip is not None:
                    _clip(network.gradients, self.gradient_clip)
                optimizer.step(network.parameters, network.gradients, state.optimizer, factors)
        network.apply_buffer_updates(objective.cache)
        if state.average is not None and self.average is not None:
            decay = min(self.average, (1 + state.step) / (10 + state.step))
            state.average += (1 - decay) * (network.parameters - state.average)
        state.step += 1

    @property
    def gradient_norm(self) -> float:
        """The norm of the last step's gradient, after clipping."""
        with np.errstate(over="ignore"):
            return _norm(self.network.gradients)

    @property
    def learning_rate(self) -> float:
        """The learning rate of the last step."""
        return float(getattr(self.optimizer, "learning_rate", 0.0) * self.rates.get("learning_rate", 1.0))


def _clip(gradients: Array, largest: float) -> None:
    """Shorten the gradient to the norm ``largest`` if it is longer (Pascanu et al. 2013, arXiv 1211.5063)."""
    norm = _norm(gradients)
    if norm > largest:
        gradients *= largest / norm


def _norm(gradients: Array) -> float:
    return math.sqrt(float(np.square(gradients).sum()))


def explain_clip(gradients: list[Entry], clipped: list[Entry], largest: float) -> list[Entry]:
    """Return the norm of the gradient, the factor that shortens it, and the shortened slopes."""
    squares = []
    for gradient in gradients:
        at = gradient.indices("kj")
        body = gradient[at] ** 2
        for index in reversed(at):
            body = sum_over(index, body)
        squares.append(body)
    norm = derived(Symbol.of("‖g‖"), (), function("sqrt", added(*squares)), "length of the whole gradient")
    share = function("min", 1, Constant(largest, "g_max") / norm.scalar)
    factor = derived(Symbol.of("q"), (), share, "what shortens the gradient to at most g_max")
    for gradient, short in zip(gradients, clipped, strict=True):
        at = gradient.indices("kj")
        short.equals(at, factor.scalar * gradient[at], "shortened")
    return [norm, factor, *clipped]


def explain_average(old: Entry, weights: Entry, new: Entry, step: int, most: float) -> Entry:
    """Return the moving average of a parameter array after the step with this number, from 0."""
    at = old.indices("kj")
    t = Constant(step, "t")
    decay = function("min", Constant(most, "d"), (1 + t) / (10 + t))
    return new.equals(at, old[at] + (1 - decay) * (weights[at] - old[at]), "moving average of the weights")
