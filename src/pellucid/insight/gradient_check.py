"""A gradient check holds backpropagation against the definition of the derivative."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.errors import OptionError
from pellucid.insight.differences import STEP, TOLERANCE, central_difference, step_for
from pellucid.layers.base import Array
from pellucid.losses import Loss, Penalty
from pellucid.network import Network
from pellucid.random import Purpose, Random


@dataclass(frozen=True)
class GradientCheck:
    """The verdict: ``errors`` holds, by parameter name, the largest error relative to the gradient's scale.

    ``direction_error`` is the same figure for the slope along one random direction through all parameters.
    """

    errors: dict[str, float]
    direction_error: float
    tolerance: float

    @property
    def passed(self) -> bool:
        """Whether every error is within the tolerance."""
        return all(error <= self.tolerance for error in (*self.errors.values(), self.direction_error))

    def __bool__(self) -> bool:
        return self.passed

    def __repr__(self) -> str:
        lines = [f"GradientCheck: {'passed' if self.passed else 'FAILED'} (tolerance {self.tolerance:.1e})"]
        rows = {**self.errors, "(random direction)": self.direction_error}
        lines += [
            f"  {name:<24}{error:>10.1e}{'' if error <= self.tolerance else '  <-'}" for name, error in rows.items()
        ]
        return "\n".join(lines)


def gradient_check(
    network: Network,
    loss: Loss,
    X: Any,
    y: Any,
    *,
    sample_weight: Any = None,
    penalty: Penalty | None = None,
    training: bool = True,
    rng: Random | None = None,
    tolerance: float = TOLERANCE,
) -> GradientCheck:
    """Compare `Network.loss_and_gradient` with central differences, parameter by parameter.

    ``(L(p + h) - L(p - h)) / 2h`` with h = ε^(1/3) max(1, |p|) errs by about ε^(2/3) = 4e-11 of the loss's scale where
    the loss is smooth (ε = 2.2e-16); ``tolerance`` leaves room for curvature. At a kink (ReLU at 0) it can be far off.
    With ``training=True`` dropout uses the same mask throughout, and normalization the batch's statistics.

    X, y, sample_weight : (n_rows, n_inputs), the target as the loss describes it, and (n_rows,)
    rng : the address of dropout's random numbers
    tolerance : largest error, relative to the largest slope, that passes

    Raises `OptionError` for a network that is not in float64. Parameters are left as they were.

    >>> import numpy as np
    >>> from pellucid import Dense, Network, Sigmoid, SquaredError, gradient_check
    >>> X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    >>> gradient_check(Network([Dense(3), Sigmoid(), Dense(1)], n_inputs=2), SquaredError(), X, y).passed
    True
    """
    if network.dtype != np.float64:
        raise OptionError(
            f"gradient_check got a network in {network.dtype}; differences need float64: Network(..., dtype='float64')."
        )
    address = rng or Random(0, Purpose.DROPOUT)

    def objective() -> float:
        value, _ = network.loss_and_gradient(
            X, y, loss, sample_weight=sample_weight, penalty=penalty, training=training, rng=address
        )
        return value

    before = network.parameters.copy()
    value = objective()
    analytic = network.gradients.copy()

    def slope(direction: Array, size: float) -> float:
        def value_at(distance: float) -> float:
            network.parameters[...] = before + distance * direction
            return objective()

        return central_difference(value_at, size)

    try:
        numeric = np.empty_like(analytic)
        for index in range(analytic.size):
            numeric[index] = slope(np.eye(1, analytic.size, index)[0], step_for(before[index]))
        direction = Random(address.seed, Purpose.SAMPLE).normal(analytic.size)
        direction /= max(float(np.linalg.norm(direction)), 1.0)
        along = slope(direction, STEP)
    finally:
        network.parameters[...] = before
        network.gradients[...] = analytic
    # differences of the loss are rounded in proportion to the loss: below 1e-4 of it, a slope cannot be told from zero
    largest = max(float(np.abs(slopes[np.isfinite(slopes)]).max(initial=0)) for slopes in (analytic, numeric))
    scale = max(largest, 1e-4 * abs(value)) or 1.0
    difference = network.views(np.abs(analytic - numeric) / scale)
    errors = {name: float(view.max()) for name, view in difference.items()}
    return GradientCheck(errors, float(abs(analytic @ direction - along)) / scale, tolerance)
