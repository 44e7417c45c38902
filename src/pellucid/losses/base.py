"""A loss says how far a network's outputs are from the target, in one number, and which way they should move."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from pellucid.activations import sigmoid, softmax
from pellucid.elementary import exponential
from pellucid.errors import ShapeError, TargetError
from pellucid.formulas import Constant, Entry, Explanation, Expression, Index, LossCall, sum_over
from pellucid.layers.base import Array
from pellucid.options import Configurable


class Loss(Configurable):
    """The interface of every loss.

    A loss works on a network's raw outputs and owns its link, the function that turns them into predictions, so that
    value and gradient are computed from the pair in an exact form: probabilities are never formed and clipped.

    `per_row` holds the formula ℓ_i of one row, averaged over its targets; a batch's loss is ``Σ w_i ℓ_i / Σ w_i``,
    reduced here and nowhere else. A batch whose weights are all zero has loss 0 and gradient 0.
    """

    name: ClassVar[str]
    link: ClassVar[str] = "identity"
    domain: ClassVar[str] = "any finite number"

    @abstractmethod
    def per_row(self, outputs: Array, target: Array) -> tuple[Array, Array]:
        """Return each row's loss ``(n_rows,)`` and its gradient ``(n_rows, n_outputs)`` with respect to the outputs."""

    @abstractmethod
    def best_constant(self, target: Array, sample_weight: Array | None = None) -> Array:
        """Return the raw outputs ``(n_outputs,)`` that fit the target best when they may not depend on the row."""

    def value_and_gradient(
        self, outputs: Array, target: Array, sample_weight: Array | None = None
    ) -> tuple[float, Array]:
        """Return the batch's loss and ``d_outputs : (n_rows, n_outputs)``.

        Parameters
        ----------
        outputs : (n_rows, n_outputs) raw outputs of the network
        target : as `check_target` returns it
        sample_weight : (n_rows,) at least 0, or None for equal weights
        """
        losses, gradient = self.per_row(outputs, target)
        if sample_weight is None:
            factor = gradient.dtype.type(1 / max(len(losses), 1))
            return float(losses.sum() * factor), gradient * factor
        total = float(sample_weight.sum())
        share = (sample_weight / total if total else np.zeros_like(sample_weight)).astype(gradient.dtype, copy=False)
        return float((losses * share).sum()), gradient * share[:, None]

    def explain_row(self, call: LossCall, i: Index, j: Index) -> tuple[list[Entry], Expression, Expression] | None:
        """Return what `per_row` has on the way, ℓ_i, and ∂ℓ_i/∂o_ij; None where the class does not say."""
        return None

    def explain(self, call: LossCall) -> Explanation:
        """Return the rows' losses and the batch's, and the slope of the outputs."""
        said = self.explain_row(call, i := call.rows(), j := call.columns())
        if said is None:
            return [call.per_row, call.value], [call.slope]
        steps, loss, slope = said
        per_row = call.per_row.equals((i,), loss, "the loss of each row")
        batch_loss, row_slope = self._reduce(call, i, per_row[i], slope)
        value = call.value.equals((), batch_loss, "the loss")
        return [*steps, per_row, value], [call.slope.equals((i, j), row_slope)]

    def _reduce(self, call: LossCall, i: Index, loss: Expression, slope: Expression) -> tuple[Expression, Expression]:
        """Return the batch's loss, and a row's slope as it counts in the batch."""
        if call.weight is None:
            return sum_over(i, loss) / i.size, slope / i.size
        k, weight = Index("k", i.size), call.weight
        if not weight.value.any():
            return Constant(0), Constant(0)
        everything = sum_over(k, weight[k])
        return sum_over(i, weight[i] * loss) / everything, weight[i] / everything * slope

    def combine(self, losses: list[float], weights: list[float]) -> float:
        """Return the loss of several batches together, from each one's loss and its sum of weights."""
        total = added(weights)
        return added(loss * weight for loss, weight in zip(losses, weights, strict=True)) / total if total else 0.0

    def predict(self, outputs: Array) -> Array:
        """Return the link of the raw outputs, what the loss takes as the prediction, by exact operations."""
        if self.link == "exp":
            return exponential(outputs)
        if self.link == "identity":
            return outputs.copy()
        return {"sigmoid": sigmoid, "softmax": softmax}[self.link](outputs, exponential)

    def n_outputs(self, target: Array) -> int:
        """Return how many outputs a network needs for this target."""
        return target.shape[1]

    def check_target(self, target: Any, n_outputs: int, dtype: Any = np.float64) -> Array:
        """Return the target as an array that fits ``n_outputs``, or raise `ShapeError` or `TargetError`.

        A one-dimensional target is a column. The result is ``(n_rows, n_targets)`` in ``dtype``.
        """
        array = np.asarray(target)
        if array.dtype.kind not in "fiub":
            raise TargetError(f"{self!r} got a target of {array.dtype}; it expects numbers: {self.domain}.")
        array = array.astype(dtype, copy=False)
        array = array[:, None] if array.ndim == 1 else array
        if array.ndim != 2 or self.n_outputs(array) != n_outputs:
            raise ShapeError(
                f"{self!r} got a target of shape {np.shape(target)} for a network with {n_outputs} outputs. "
                f"{self._shape_fix(array, n_outputs)}"
            )
        refuse(self, array, ~np.isfinite(array))
        return array

    def _shape_fix(self, target: Array, n_outputs: int) -> str:
        if target.ndim != 2:
            return "It expects one row of target per row of X: (n_rows,) or (n_rows, n_targets)."
        return f"End the network with Dense({self.n_outputs(target)}), or give {n_outputs} target columns."


def refuse(loss: Loss, target: Array, wrong: Array) -> None:
    """Raise `TargetError` for the first entry that is marked wrong."""
    if wrong.any():
        row = int(np.argwhere(wrong)[0][0])
        raise TargetError(f"{loss!r} got {target[wrong][0]} in row {row} of the target; it expects {loss.domain}.")


def added(numbers: Iterable[float]) -> float:
    """Return the sum, added one after another: what `sum` makes of floats changed with Python 3.12."""
    total = 0.0
    for number in numbers:
        total += number
    return total


def weighted_mean(values: Array, sample_weight: Array | None) -> Array:
    """Return the mean over rows, ``(n_columns,)``."""
    return np.asarray(np.average(values, axis=0, weights=sample_weight))


def weighted_quantile(values: Array, level: float, sample_weight: Array | None) -> Array:
    """Return, per column, the smallest value at which the weights reach a share ``level`` of their sum."""
    weights = np.ones(len(values)) if sample_weight is None else sample_weight
    found = []
    for column in values.T:
        order = np.argsort(column, kind="stable")
        reached = np.cumsum(weights[order])
        index = min(int(np.searchsorted(reached, level * reached[-1])), len(column) - 1)
        found.append(column[order][index])
    return np.array(found)
