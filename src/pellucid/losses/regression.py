"""Losses for numbers: squared, absolute and Huber's error, quantiles, and counts."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from pellucid.domains import Choice, Number, Several
from pellucid.elementary import logarithm
from pellucid.formulas import (
    Constant,
    Entry,
    Expression,
    Index,
    Lookup,
    LossCall,
    Symbol,
    choose,
    function,
    mean_over,
    sum_over,
)
from pellucid.layers.base import Array
from pellucid.losses.base import Loss, added, refuse, weighted_mean, weighted_quantile
from pellucid.options import option

Explained: TypeAlias = tuple[list[Entry], Expression, Expression]


class SquaredError(Loss):
    """``ℓ = mean_j (o_j - t_j)²`` over a row's targets; the gradient is ``2 (o_j - t_j) / n_targets``.

    ``reduction="half_sum"`` is the tutorials' rule, half the sum over all rows and targets, ``½ Σ_ij (o_ij - t_ij)²``
    with gradient ``o - t``: its learning rate then depends on the number of rows.

    >>> import numpy as np
    >>> SquaredError().value_and_gradient(np.array([[1.0], [4.0]]), np.array([[1.0], [2.0]]))[0]
    2.0
    """

    name = "squared_error"
    reduction: str = option(
        Choice(("mean", "half_sum")), "Mean over rows and targets, or half their sum.", default="mean"
    )

    def per_row(self, outputs: Array, target: Array) -> tuple[Array, Array]:
        """Return ℓ and its gradient, per row."""
        difference = outputs - target
        if self.reduction == "half_sum":
            return np.square(difference).sum(axis=1) / 2, difference
        n_targets = target.shape[1]
        return np.square(difference).sum(axis=1) / n_targets, difference * outputs.dtype.type(2 / n_targets)

    def value_and_gradient(
        self, outputs: Array, target: Array, sample_weight: Array | None = None
    ) -> tuple[float, Array]:
        """Return the batch's loss and ``d_outputs``; the half-sum is weighted but not divided by the weights."""
        if self.reduction == "mean":
            return super().value_and_gradient(outputs, target, sample_weight)
        losses, gradient = self.per_row(outputs, target)
        if sample_weight is None:
            return float(losses.sum()), gradient
        factor = sample_weight.astype(gradient.dtype, copy=False)
        return float((losses * factor).sum()), gradient * factor[:, None]

    def explain_row(self, call: LossCall, i: Index, j: Index) -> Explained:
        """Return ℓ_i and its slope."""
        difference = call.outputs[i, j] - call.target[i, j]
        if self.reduction == "half_sum":
            return [], sum_over(j, difference**2) / 2, difference
        return [], sum_over(j, difference**2) / j.size, 2 * difference / j.size

    def _reduce(self, call: LossCall, i: Index, loss: Expression, slope: Expression) -> tuple[Expression, Expression]:
        if self.reduction == "mean":
            return super()._reduce(call, i, loss, slope)
        if call.weight is None:
            return sum_over(i, loss), slope
        return sum_over(i, call.weight[i] * loss), call.weight[i] * slope

    def combine(self, losses: list[float], weights: list[float]) -> float:
        """Return the mean of the batches' losses, or their sum for the half-sum."""
        return added(losses) if self.reduction == "half_sum" else super().combine(losses, weights)

    def best_constant(self, target: Array, sample_weight: Array | None = None) -> Array:
        """Return the mean."""
        return weighted_mean(target, sample_weight)


class AbsoluteError(Loss):
    """``ℓ = mean_j |o_j - t_j|``; the gradient is ``sign(o_j - t_j) / n_targets``, and 0 where they are equal."""

    name = "absolute_error"

    def per_row(self, outputs: Array, target: Array) -> tuple[Array, Array]:
        """Return ℓ and its gradient, per row."""
        difference = outputs - target
        return np.abs(difference).mean(axis=1), np.sign(difference) / outputs.dtype.type(target.shape[1])

    def best_constant(self, target: Array, sample_weight: Array | None = None) -> Array:
        """Return the median."""
        return weighted_quantile(target, 0.5, sample_weight)

    def explain_row(self, call: LossCall, i: Index, j: Index) -> Explained:
        """Return ℓ_i and its slope."""
        difference = call.outputs[i, j] - call.target[i, j]
        return [], mean_over(j, function("abs", difference)), function("sign", difference) / j.size


class Huber(Loss):
    """``ℓ = mean_j h(o_j - t_j)``, with ``h(e) = ½ e²`` up to |e| = delta and ``delta (|e| - ½ delta)`` beyond.

    From Huber 1964. Squared error for small errors, absolute for large ones; ``h'(e) = e`` clipped to ±delta.
    """

    name = "huber"
    delta: float = option(Number(0, open="low"), "The error at which the square turns into a line.", default=1.0)

    def per_row(self, outputs: Array, target: Array) -> tuple[Array, Array]:
        """Return ℓ and its gradient, per row."""
        difference = outputs - target
        slope = np.clip(difference, -self.delta, self.delta)
        losses = slope * (difference - slope / 2)  # ½e² inside, δ|e| − ½δ² outside
        return losses.mean(axis=1), slope / outputs.dtype.type(target.shape[1])

    def explain_row(self, call: LossCall, i: Index, j: Index) -> Explained:
        """Return the errors cut to ±delta, ℓ_i and its slope."""
        difference = call.outputs[i, j] - call.target[i, j]
        delta = Constant(self.delta, "δ")
        cut = call.step("c", (i, j), function("max", -delta, function("min", difference, delta)), "errors, cut to ±δ")
        return [cut], mean_over(j, cut[i, j] * (difference - cut[i, j] / 2)), cut[i, j] / j.size

    def best_constant(self, target: Array, sample_weight: Array | None = None) -> Array:
        """Return where the slope ``Σ w clip(c - t, ±delta)`` is 0: it rises in lines between the points t ± delta."""
        weights = np.ones(len(target)) if sample_weight is None else sample_weight
        changes = np.concatenate([weights, -weights])  # of the slope's steepness, at t - delta and at t + delta
        found = []
        for column in target.T.astype(np.float64):
            points = np.concatenate([column - self.delta, column + self.delta])
            order = np.argsort(points, kind="stable")
            points, steepness = points[order], np.cumsum(changes[order])[:-1]
            slopes = np.cumsum(np.append(-self.delta * weights.sum(), steepness * np.diff(points)))
            last = max(int(np.argmax(slopes >= 0)), 1)  # the zero lies on the line that ends here
            (low, high), (start, stop) = slopes[last - 1 : last + 1], points[last - 1 : last + 1]
            found.append(start if low >= 0 else start - low * ((stop - start) / (high - low)))
        return np.array(found)


class Quantile(Loss):
    """``ℓ = mean_jq max(q e, (q - 1) e)`` with ``e = t_j - o_jq``, for several levels q at once.

    From Koenker & Bassett 1978. The outputs are ordered target by target, each with all its levels,
    ``(n_rows, n_targets * n_levels)``. The
    gradient with respect to o is ``-q`` where o is below t, ``1 - q`` where it is above, and 0 where they are equal.
    """

    name = "quantile"
    levels: tuple[float, ...] = option(
        Several(Number(0, 1, open="low high"), at_least=1), "The quantiles, such as (0.05, 0.5, 0.95).", default=(0.5,)
    )

    def per_row(self, outputs: Array, target: Array) -> tuple[Array, Array]:
        """Return ℓ and its gradient, per row."""
        levels = np.tile(np.asarray(self.levels, dtype=outputs.dtype), target.shape[1])
        error = np.repeat(target, len(self.levels), axis=1) - outputs
        losses = np.maximum(levels * error, (levels - 1) * error).mean(axis=1)
        gradient = np.where(error > 0, -levels, np.where(error < 0, 1 - levels, 0))
        return losses, gradient.astype(outputs.dtype, copy=False) / outputs.dtype.type(outputs.shape[1])

    def explain_row(self, call: LossCall, i: Index, j: Index) -> Explained:
        """Return the levels and the errors, one for each output, ℓ_i and its slope."""
        n_targets, dtype = call.target.shape[1], call.outputs.value.dtype
        q = Entry(Symbol.of("q"), np.tile(np.asarray(self.levels, dtype), n_targets), meaning="level of each output")
        of = np.repeat(np.arange(n_targets), len(self.levels))
        c = Entry(Symbol.of("c"), of.astype(dtype), meaning="target of each output, from 0")
        t = call.target[i, Lookup(c[j]) if n_targets > 1 else 0]
        e = call.step("e", (i, j), t - call.outputs[i, j], "errors")
        loss = function("max", q[j] * e[i, j], (q[j] - 1) * e[i, j])
        slope = choose(e[i, j] > 0, -q[j], choose(e[i, j] < 0, 1 - q[j], 0))
        return [q, *([c] if n_targets > 1 else []), e], mean_over(j, loss), slope / j.size

    def n_outputs(self, target: Array) -> int:
        """Return the number of targets times the number of levels."""
        return target.shape[1] * len(self.levels)

    def best_constant(self, target: Array, sample_weight: Array | None = None) -> Array:
        """Return the quantiles."""
        return np.stack([weighted_quantile(target, level, sample_weight) for level in self.levels], axis=1).ravel()


class Poisson(Loss):
    """``ℓ = mean_j exp(o_j) - t_j o_j``, the negative log-likelihood of counts with mean exp(o), without its constant.

    The gradient is ``exp(o_j) - t_j``. Targets are counts or rates, at least 0.
    """

    name = "poisson"
    link = "exp"
    domain = "numbers of at least 0"

    def per_row(self, outputs: Array, target: Array) -> tuple[Array, Array]:
        """Return ℓ and its gradient, per row."""
        mean = self.predict(outputs)
        return (mean - target * outputs).mean(axis=1), (mean - target) / outputs.dtype.type(target.shape[1])

    def explain_row(self, call: LossCall, i: Index, j: Index) -> Explained:
        """Return the predicted means, ℓ_i and its slope."""
        o, t = call.outputs[i, j], call.target[i, j]
        p = call.step("P", (i, j), function("exp", o), "predicted means")
        return [p], mean_over(j, p[i, j] - t * o), (p[i, j] - t) / j.size

    def best_constant(self, target: Array, sample_weight: Array | None = None) -> Array:
        """Return the logarithm of the mean."""
        means = np.maximum(weighted_mean(target, sample_weight), np.finfo(float).tiny)
        return np.array([logarithm(mean) for mean in means.tolist()])

    def check_target(self, target: Any, n_outputs: int, dtype: Any = np.float64) -> Array:
        """As `Loss.check_target`, and nothing below 0."""
        array = super().check_target(target, n_outputs, dtype)
        refuse(self, array, array < 0)
        return array
