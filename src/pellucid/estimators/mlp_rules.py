"""How a drop-in estimator goes down the slope: sgd and adam with the rate of the moment, and L-BFGS-B of SciPy."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from pellucid.estimators.mlp_steps import Steps
from pellucid.layers.base import Array
from pellucid.network import Network
from pellucid.optimizers import SGD, Adam, AdamW, RMSprop
from pellucid.training.history import TrainingState

_SMALLEST_RATE = 1e-6  # at which scikit-learn's adaptive rate gives up


Rule = SGD | Adam | AdamW | RMSprop


class Descent:
    """The rule of ``sgd``, with momentum that sums steps: the rate stands inside the velocity.

    ``slope_factor`` is how many times scikit-learn's slopes are ours: the rate carries it. ``state`` is what training
    needs to go on; ``seed`` is that of dropout.
    """

    def __init__(self, options: Any, network: Network, slope_factor: float, seed: int = 0) -> None:
        self._options = {name: getattr(options, name) for name in ("learning_rate", "learning_rate_init", "power_t")}
        self._slope_factor = slope_factor
        self.optimizer: Rule = self._optimizer(options)
        self.state = TrainingState(seed, options.max_iter, optimizer=self.optimizer.start(network.parameters))
        self._rate = float(options.learning_rate_init)

    def _optimizer(self, options: Any) -> Rule:
        return SGD(
            learning_rate=float(options.learning_rate_init) * self._slope_factor,
            momentum=float(options.momentum),
            nesterov=bool(options.nesterovs_momentum),
            rate="inside",
        )

    @property
    def learning_rate(self) -> float:
        """The rate of the moment, by scikit-learn's slopes."""
        return self._rate

    @property
    def step_rate(self) -> float:
        """The rate of the moment, by ours."""
        return self._rate * self._slope_factor

    def after_epoch(self, n_seen: int) -> None:
        """Move the rate: ``invscaling`` divides it by a power of the number of rows seen so far."""
        if self._options["learning_rate"] == "invscaling":
            self._rate = float(self._options["learning_rate_init"]) / (n_seen + 1) ** self._options["power_t"]

    def on_plateau(self) -> str:
        """Return what is said where progress ended, and take a fifth of the rate where it is adaptive."""
        if self._options["learning_rate"] != "adaptive":
            return "Stopping."
        if self._rate <= _SMALLEST_RATE:
            return "Learning rate too small. Stopping."
        self._rate /= 5
        return f"Setting learning rate to {self._rate:f}"


class Moments(Descent):
    """The rule of ``adam``: the start at zero is corrected in the rate, so epsilon is not scaled by it.

    The quotient of the moments does not change with the size of the slopes; what carries ``slope_factor`` is epsilon.
    None of scikit-learn's schedules acts on it. With ``weight_decay`` the rule is AdamW's.
    """

    def _optimizer(self, options: Any) -> Rule:
        given: dict[str, float] = {
            "learning_rate": float(options.learning_rate_init),
            "beta1": float(options.beta_1),
            "beta2": float(options.beta_2),
            "epsilon": float(options.epsilon) / self._slope_factor,
        }
        if options.weight_decay:
            return AdamW(**given, weight_decay=float(options.weight_decay))
        return Adam(**given, correction="rate")

    @property
    def learning_rate(self) -> float:
        """The corrected rate of the last step."""
        powers = [float(self.state.optimizer[name]) for name in ("beta1_power", "beta2_power")]
        return self._rate if powers == [1, 1] else self._rate * math.sqrt(1 - powers[1]) / (1 - powers[0])

    @property
    def step_rate(self) -> float:
        """The rate before its correction."""
        return self._rate

    def after_epoch(self, n_seen: int) -> None:
        """The rate stays."""

    def on_plateau(self) -> str:
        """Return what is said where progress ended."""
        return "Stopping."


class Chosen(Descent):
    """The rule of an optimizer of this library, whose steps are those for scikit-learn's slopes.

    Where it divides by the size of the slopes, that is its epsilon divided by ``slope_factor``, else its rate times it.
    """

    def __init__(self, options: Any, network: Network, slope_factor: float, seed: int = 0) -> None:
        super().__init__(options, network, slope_factor, seed)
        self._rate = float(options.optimizer.learning_rate)

    def _optimizer(self, options: Any) -> Rule:
        optimizer: Rule = copy.copy(options.optimizer)
        if isinstance(optimizer, SGD):
            optimizer.learning_rate *= self._slope_factor
        else:
            optimizer.epsilon /= self._slope_factor
        return optimizer

    @property
    def step_rate(self) -> float:
        """The rate by this library's slopes."""
        return float(self.optimizer.learning_rate)

    def on_plateau(self) -> str:
        """Return what is said where progress ended."""
        return "Stopping."


def search(
    network: Network,
    steps: Steps,
    after_step: Callable[[int], None],
    *,
    alpha: float,
    total_weight: float,
    options: dict[str, Any],
) -> Any:
    """Minimize the loss over all rows by L-BFGS-B; leave the weights in the network and return SciPy's result.

    ``steps`` computes loss and slopes, the penalty is added here, as it belongs to all rows once; ``after_step`` is
    called with the number of steps taken, the weights reached being in the network.
    """
    import scipy.optimize

    strength, penalized = alpha / total_weight, network.weight_decay_factor

    def loss_and_slopes(parameters: Array) -> tuple[float, Array]:
        network.parameters[...] = parameters
        loss, slopes = steps.loss_and_slopes()
        shrunk = penalized * parameters
        return loss + strength / 2 * float(np.dot(shrunk, shrunk)), slopes + strength * shrunk

    n_steps = itertools.count(1)

    def reached(parameters: Array) -> None:
        network.parameters[...] = parameters
        after_step(next(n_steps))

    found = scipy.optimize.minimize(
        loss_and_slopes, network.parameters.copy(), method="L-BFGS-B", jac=True, options=options, callback=reached
    )
    network.parameters[...] = found.x
    return found
