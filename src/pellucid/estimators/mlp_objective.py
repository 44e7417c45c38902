"""What a drop-in estimator makes small: scikit-learn's four losses in this library's terms, and this library's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.errors import OptionError
from pellucid.layers.base import Array
from pellucid.losses import (
    AbsoluteError,
    BinaryCrossEntropy,
    BinaryFocal,
    CrossEntropy,
    Focal,
    Huber,
    Loss,
    Poisson,
    Quantile,
    SquaredError,
)

LINKS: dict[str, Loss] = {
    "identity": SquaredError(),
    "exp": Poisson(),
    "logistic": BinaryCrossEntropy(),
    "softmax": CrossEntropy(),
}
"""scikit-learn's names of output activations, each with a loss that owns the function."""

OF_LINK = {loss.link: name for name, loss in LINKS.items()}
REGRESSION = {"huber": Huber(), "absolute_error": AbsoluteError(), "quantile": Quantile()}
CLASSIFICATION = {("focal", "logistic"): BinaryFocal(), ("focal", "softmax"): Focal()}


@dataclass(frozen=True)
class Objective:
    """What becomes small, written with a loss of this library.

    For weights w of a batch's rows that sum to W and strength alpha, scikit-learn's slopes are those of
    ``Σ w ℓ / W + alpha Σ W² / (2 W)``, with ℓ a *sum* over a row's outputs where the losses here are a mean. Its
    slopes are therefore ``slope_factor`` times ours. Its reported loss is ``value_factor`` times ours, plus
    ``constant`` per row, which is not the same factor for the squared error: there it reports half the mean over
    outputs and goes down the slope of half their sum. (With several outputs, alpha then weighs in the slopes n times
    less than the reported loss would have it.) Losses that scikit-learn lacks are taken as they are: both factors 1.
    """

    loss: Loss
    slope_factor: float = 1.0
    value_factor: float = 1.0
    constant: Array | None = None

    def target(self, y: Array, n_outputs: int, dtype: Any) -> Array:
        """Return y : (n_rows, n_outputs), as the estimator has it, as the loss takes it."""
        codes_or_numbers = y.argmax(axis=1) if self.loss.link == "softmax" else y
        return np.ascontiguousarray(self.loss.check_target(codes_or_numbers, n_outputs, dtype))

    def mean_constant(self, weight: Array | None) -> float:
        """Return the constant's mean over the rows, of weight : (n_rows,)."""
        return 0.0 if self.constant is None else float(np.average(self.constant, weights=weight))


def objective_for(given: str | Loss, out_activation: str, n_outputs: int, y: Array | None = None) -> Objective:
    """Return the objective of an option ``loss`` for targets ``y : (n_rows, n_outputs)``.

    Raises `OptionError` for a loss that does not fit the outputs.
    """
    n = float(n_outputs)
    if isinstance(given, Loss):
        return Objective(_fitting(given, out_activation))
    if given in REGRESSION:
        return Objective(REGRESSION[given])
    if (given, out_activation) in CLASSIFICATION:
        return Objective(CLASSIFICATION[given, out_activation])
    if given == "poisson":
        constant = None if y is None else (y * np.log(np.where(y > 0, y, 1)) - y).sum(axis=1)
        return Objective(Poisson(), n, n, constant)
    if given == "squared_error":
        return Objective(SquaredError(), n / 2, 0.5)
    return Objective(CrossEntropy()) if out_activation == "softmax" else Objective(BinaryCrossEntropy(), n, n)


def _fitting(loss: Loss, out_activation: str) -> Loss:
    """Return the loss, if it goes with the output activation and means one thing for any number of rows."""
    wanted = LINKS[out_activation].link
    if loss.link != wanted:
        fix = "one output and BinaryCrossEntropy or BinaryFocal" if wanted == "sigmoid" else "CrossEntropy or Focal"
        kind = "two classes, or several labels, have" if wanted == "sigmoid" else "more than two classes need"
        raise OptionError(f"loss got {loss!r}, whose link is {loss.link!r}; {kind} {fix}.")
    if isinstance(loss, Quantile) and len(loss.levels) != 1:
        raise OptionError(
            f"loss got {loss!r}; an estimator predicts one number per target: give one level, such as "
            f"Quantile(levels=({loss.levels[-1]},)), and fit an estimator for each."
        )
    if getattr(loss, "reduction", "mean") != "mean":
        raise OptionError(f"loss got {loss!r}, which grows with the batch; it expects a mean over rows.")
    return loss
