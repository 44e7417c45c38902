"""Losses for classes: cross-entropy between a target distribution and the network's, for two classes or many."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.activations import Sigmoid, Softplus
from pellucid.domains import Number
from pellucid.elementary import logarithm
from pellucid.errors import ShapeError
from pellucid.formulas import (
    Constant,
    Entry,
    Expression,
    Index,
    LossCall,
    Place,
    choose,
    function,
    max_over,
    mean_over,
    same,
    sum_over,
)
from pellucid.layers.base import Array
from pellucid.losses.base import Loss, refuse, weighted_mean
from pellucid.options import option


class BinaryCrossEntropy(Loss):
    """``ℓ = mean_j t_j softplus(-o_j) + (1 - t_j) softplus(o_j)``: the negative log-likelihood of yes (1) and no (0).

    With p = sigmoid(o), -log p = softplus(-o) and -log(1 - p) = softplus(o), so the loss grows linearly with o and is
    exact where p rounds to 0 or 1. The gradient is ``sigmoid(o_j) - t_j``. Several columns are several labels. With
    label smoothing s the target is ``(1 - s) t + s / 2``, that of `CrossEntropy` for two classes.

    >>> import numpy as np
    >>> round(BinaryCrossEntropy().value_and_gradient(np.array([[100.0]]), np.array([[0.0]]))[0], 6)
    100.0
    """

    name = "binary_cross_entropy"
    link = "sigmoid"
    domain = "probabilities from 0 to 1"
    label_smoothing: float = option(
        Number(0, 1, open="high"), "Share of each target that is spread evenly over yes and no.", default=0.0
    )

    def per_row(self, outputs: Array, target: Array) -> tuple[Array, Array]:
        """Return ℓ and its gradient, per row."""
        smoothing = outputs.dtype.type(self.label_smoothing)
        target = target * (1 - smoothing) + smoothing / 2
        softplus = Softplus().value
        losses = target * softplus(-outputs) + (1 - target) * softplus(outputs)
        gradient = (Sigmoid().value(outputs) - target) / outputs.dtype.type(target.shape[1])
        return losses.mean(axis=1), gradient

    def explain_row(self, call: LossCall, i: Index, j: Index) -> tuple[list[Entry], Expression, Expression]:
        """Return the probabilities, ℓ_i and its slope."""
        o, t = call.outputs[i, j], call.target[i, j]
        steps = []
        if self.label_smoothing:
            s = Constant(self.label_smoothing, "s")
            steps = [call.step("T̃", (i, j), t * (1 - s) + s / 2, "the target, smoothed")]
            t = steps[0][i, j]
        p = call.step("P", (i, j), Sigmoid().formulas(o, o)[0], "probabilities")
        no = Softplus().formulas(o, o)[0]
        yes = Softplus().formulas(-o, o)[0]
        return [*steps, p], mean_over(j, t * yes + (1 - t) * no), (p[i, j] - t) / j.size

    def best_constant(self, target: Array, sample_weight: Array | None = None) -> Array:
        """Return the log-odds of the smoothed mean; with one kind only, those of half a row of the other."""
        half_row = 0.5 / max(len(target), 1)
        mean = np.clip(weighted_mean(target, sample_weight), half_row, 1 - half_row)
        mean = mean * (1 - self.label_smoothing) + self.label_smoothing / 2
        return np.array([logarithm(odds) for odds in (mean / (1 - mean)).tolist()])

    def check_target(self, target: Any, n_outputs: int, dtype: Any = np.float64) -> Array:
        """As `Loss.check_target`, and nothing outside [0, 1]."""
        array = super().check_target(target, n_outputs, dtype)
        refuse(self, array, (array < 0) | (array > 1))
        return array


class CrossEntropy(Loss):
    """``ℓ = log Σ_k exp(o_k) - Σ_k t_k o_k``: the negative log-likelihood of the class with p = softmax(o).

    The target is a column of class codes 0 ... n_outputs - 1, or a distribution over the classes per row. With label
    smoothing s the target is ``(1 - s) t + s / n_classes`` (Szegedy et al. 2016). The largest output is subtracted
    before the exponential, which changes nothing and cannot overflow. The gradient is ``softmax(o) - t``.

    >>> import numpy as np
    >>> round(CrossEntropy().value_and_gradient(np.array([[0.0, 0.0, 0.0, 0.0]]), np.array([2]))[0], 4)
    1.3863
    """

    name = "cross_entropy"
    link = "softmax"
    domain = "class codes 0 ... n_classes - 1, or a distribution over the classes per row"
    label_smoothing: float = option(
        Number(0, 1, open="high"), "Share of each target that is spread evenly over the classes.", default=0.0
    )

    def per_row(self, outputs: Array, target: Array) -> tuple[Array, Array]:
        """Return ℓ and its gradient, per row."""
        distribution = self._distribution(target, outputs)
        shifted = outputs - outputs.max(axis=1, keepdims=True)
        exponentials = np.exp(shifted)
        total = exponentials.sum(axis=1, keepdims=True)
        losses = np.log(total[:, 0]) - (distribution * shifted).sum(axis=1)
        return losses, exponentials / total - distribution

    def explain_row(self, call: LossCall, i: Index, j: Index) -> tuple[list[Entry], Expression, Expression]:
        """Return the target as a distribution, the row's largest output, the probabilities, ℓ_i and its slope."""
        o, y, k = call.outputs, call.target, Index("k", j.size)
        t = y if y.value.ndim == 2 else call.step("T", (i, j), choose(same(y[i], Place(j)), 1, 0), "1 for the class")
        steps = [] if t is y else [t]
        if self.label_smoothing:
            s = Constant(self.label_smoothing, "s")
            t = call.step("T̃", (i, j), t[i, j] * (1 - s) + s / j.size, "the target, smoothed")
            steps.append(t)
        top = call.step("M", (i,), max_over(j, o[i, j]), "each row's largest output")
        exponentials = sum_over(k, function("exp", o[i, k] - top[i]))
        p = call.step("P", (i, j), function("exp", o[i, j] - top[i]) / exponentials, "probabilities")
        loss = function("log", exponentials) - sum_over(k, t[i, k] * (o[i, k] - top[i]))
        return [*steps, top, p], loss, p[i, j] - t[i, j]

    def best_constant(self, target: Array, sample_weight: Array | None = None) -> Array:
        """Return the logarithm of the classes' smoothed shares; a class without rows counts as half a row."""
        if target.ndim == 1:
            counts = np.bincount(target, weights=sample_weight)
        else:
            counts = weighted_mean(target, sample_weight) * len(target)
        shares = np.maximum(counts, 0.5) / max(counts.sum(), 0.5)
        smoothed = (1 - self.label_smoothing) * shares + self.label_smoothing / len(shares)
        return np.array([logarithm(share) for share in smoothed.tolist()])

    def n_outputs(self, target: Array) -> int:
        """Return the number of classes."""
        return int(target.max()) + 1 if target.ndim == 1 else target.shape[1]

    def check_target(self, target: Any, n_outputs: int, dtype: Any = np.float64) -> Array:
        """Return codes as integers ``(n_rows,)``, or distributions ``(n_rows, n_outputs)`` in ``dtype``."""
        array = np.asarray(target)
        if array.ndim == 2 and array.shape[1] == n_outputs and n_outputs > 1:
            distribution = super().check_target(array, n_outputs, dtype)
            sums = distribution.sum(axis=1, keepdims=True)
            tolerance = n_outputs * 4 * np.finfo(dtype).eps
            refuse(self, distribution, (distribution < 0) | (np.abs(sums - 1) > tolerance))
            return distribution
        return class_codes(self, array, n_outputs, binary="BinaryCrossEntropy")

    def _distribution(self, target: Array, outputs: Array) -> Array:
        n_classes = outputs.shape[1]
        if target.ndim == 1:
            distribution = np.zeros_like(outputs)
            distribution[np.arange(len(target)), target] = 1
        else:
            distribution = target
        if self.label_smoothing == 0:
            return distribution
        smoothing = outputs.dtype.type(self.label_smoothing)
        return distribution * (1 - smoothing) + smoothing / n_classes


def class_codes(loss: Loss, array: Array, n_outputs: int, *, binary: str) -> Array:
    """Return codes of classes as integers ``(n_rows,)``; ``binary`` is the loss that takes one output for two."""
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1 or n_outputs < 2:
        raise ShapeError(
            f"{loss!r} got a target of shape {array.shape} for a network with {n_outputs} outputs. It expects "
            f"one code per row, (n_rows,), or (n_rows, n_outputs), and an output per class: two classes need "
            f"Dense(2), or Dense(1) with {binary}."
        )
    refuse(loss, array, ~(np.isin(array, np.arange(n_outputs))))
    return array.astype(np.int64)
