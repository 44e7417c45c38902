"""Focal losses: cross-entropy in which rows that are right already count for little, so that rare classes are heard."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.activations import Sigmoid, Softplus
from pellucid.domains import Number
from pellucid.errors import ShapeError
from pellucid.formulas import (
    Constant,
    Entry,
    Expression,
    Index,
    Lookup,
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
from pellucid.losses.classification import class_codes
from pellucid.options import option

GAMMA = "How much less a row counts the surer it is right; 0 is cross-entropy."


class BinaryFocal(Loss):
    """``ℓ = mean_j t_j f(o_j) + (1 - t_j) f(-o_j)`` with ``f(z) = -(1 - p)^gamma log p`` and p = sigmoid(z).

    From Lin et al. 2017 (arXiv 1708.02002, eq. 4). For z, the log-odds of what is right, let q = 1 - p = sigmoid(-z)
    and s = softplus(-z), which is -log p. Then f = q^gamma s, and as ds/dz = -q and dq/dz = -p q, the slope is
    ``f'(z) = -q^gamma (gamma p s + q)``. Nothing cancels where p rounds to 0 or 1: q^gamma is exp(-gamma softplus(z)).

    >>> import numpy as np
    >>> round(BinaryFocal().value_and_gradient(np.array([[0.0]]), np.array([[1.0]]))[0], 6)
    0.173287
    """

    name = "binary_focal"
    link = "sigmoid"
    domain = "probabilities from 0 to 1"
    gamma: float = option(Number(0), GAMMA, default=2.0)

    def per_row(self, outputs: Array, target: Array) -> tuple[Array, Array]:
        """Return ℓ and its gradient, per row."""
        yes, yes_slope = _focal(outputs, self.gamma)
        no, no_slope = _focal(-outputs, self.gamma)
        losses = target * yes + (1 - target) * no
        gradient = (target * yes_slope - (1 - target) * no_slope) / outputs.dtype.type(target.shape[1])
        return losses.mean(axis=1), gradient

    def explain_row(self, call: LossCall, i: Index, j: Index) -> tuple[list[Entry], Expression, Expression]:
        """Return the probabilities of yes and of no, ℓ_i and its slope."""
        o, t = call.outputs[i, j], call.target[i, j]
        p = call.step("P", (i, j), Sigmoid().formulas(o, o)[0], "probabilities of yes")
        q = call.step("Q", (i, j), Sigmoid().formulas(-o, o)[0], "probabilities of no")
        yes, no = Softplus().formulas(-o, o)[0], Softplus().formulas(o, o)[0]
        gamma = Constant(self.gamma, "γ")
        loss = t * q[i, j] ** gamma * yes + (1 - t) * p[i, j] ** gamma * no
        up = (1 - t) * p[i, j] ** gamma * (gamma * q[i, j] * no + p[i, j])
        down = t * q[i, j] ** gamma * (gamma * p[i, j] * yes + q[i, j])
        return [p, q], mean_over(j, loss), (up - down) / j.size

    def best_constant(self, target: Array, sample_weight: Array | None = None) -> Array:
        """Return the log-odds of the best probabilities; with one kind only, those of half a row of the other."""
        half_row = 0.5 / max(len(target), 1)
        mean = np.clip(weighted_mean(target, sample_weight), half_row, 1 - half_row)
        probabilities = np.array([_best_probabilities(np.array([1 - yes, yes]), self.gamma) for yes in mean])
        return np.log(probabilities[:, 1] / probabilities[:, 0])

    def check_target(self, target: Any, n_outputs: int, dtype: Any = np.float64) -> Array:
        """As `Loss.check_target`, and nothing outside [0, 1]."""
        array = super().check_target(target, n_outputs, dtype)
        refuse(self, array, (array < 0) | (array > 1))
        return array


class Focal(Loss):
    """``ℓ = -(1 - p_c)^gamma log p_c`` for the class c, with p = softmax(o).

    From Lin et al. 2017 (arXiv 1708.02002, eq. 4), for many classes. With z the log-odds of the class,
    ``z = o_c - log Σ_(k≠c) exp(o_k)``, p_c = sigmoid(z): that is `BinaryFocal`'s f(z). As dz/do_c = 1 and
    ``dz/do_j = -exp(o_j) / Σ_(k≠c) exp(o_k)``, the gradient is f'(z) for the class, and the others share
    its negative by their exponentials.

    >>> import numpy as np
    >>> round(Focal().value_and_gradient(np.array([[0.0, 0.0, 0.0, 0.0]]), np.array([2]))[0], 6)
    0.779791
    """

    name = "focal"
    link = "softmax"
    domain = "class codes 0 ... n_classes - 1"
    gamma: float = option(Number(0), GAMMA, default=2.0)

    def per_row(self, outputs: Array, target: Array) -> tuple[Array, Array]:
        """Return ℓ and its gradient, per row."""
        rows = np.arange(len(target))
        others = outputs.copy()
        others[rows, target] = -np.inf
        largest = others.max(axis=1)
        exponentials = np.exp(others - largest[:, None])
        total = exponentials.sum(axis=1)
        losses, slope = _focal((outputs[rows, target] - largest) - np.log(total), self.gamma)
        gradient = -slope[:, None] * (exponentials / total[:, None])
        gradient[rows, target] = slope
        return losses, gradient

    def explain_row(self, call: LossCall, i: Index, j: Index) -> tuple[list[Entry], Expression, Expression]:
        """Return the other classes' outputs and exponentials, the log-odds of the class, ℓ_i and its slope."""
        o, y, k = call.outputs, call.target, Index("k", j.size)
        right = same(y[i], Place(j))
        lowest = min(0.0, float(o.value.min(initial=0.0)))
        rest = call.step("R", (i, j), choose(right, lowest, o[i, j]), "outputs, the lowest in place of the class's own")
        top = call.step("M", (i,), max_over(j, rest[i, j]), "each row's largest of them")
        e = call.step("E", (i, j), choose(right, 0, function("exp", o[i, j] - top[i])), "exponentials of the others")
        total = call.step("Σ", (i,), sum_over(k, e[i, k]), "their sum")
        own = o[i, Lookup(y[i])] - top[i] - function("log", total[i])
        z = call.step("z", (i,), own, "log-odds of the class")
        p = call.step("p", (i,), Sigmoid().formulas(z[i], z[i])[0], "its probability")
        q = call.step("q", (i,), Sigmoid().formulas(-z[i], z[i])[0], "that of the others")
        s = call.step("s", (i,), Softplus().formulas(-z[i], z[i])[0], "-log p")
        gamma = Constant(self.gamma, "γ")
        slope = call.step("D", (i,), -(q[i] ** gamma) * (gamma * p[i] * s[i] + q[i]), "slope of z")
        each = choose(right, slope[i], -slope[i] * (e[i, j] / total[i]))
        return [rest, top, e, total, z, p, q, s, slope], q[i] ** gamma * s[i], each

    def best_constant(self, target: Array, sample_weight: Array | None = None) -> Array:
        """Return the logarithm of the best probabilities; a class without rows counts as half a row."""
        counts = np.bincount(target, weights=sample_weight).astype(np.float64)
        return np.log(_best_probabilities(np.maximum(counts, 0.5) / max(counts.sum(), 0.5), self.gamma))

    def n_outputs(self, target: Array) -> int:
        """Return the number of classes."""
        return int(target.max()) + 1

    def check_target(self, target: Any, n_outputs: int, dtype: Any = np.float64) -> Array:
        """Return codes as integers ``(n_rows,)``."""
        array = np.asarray(target)
        if array.ndim == 2 and array.shape[1] > 1:
            raise ShapeError(f"{self!r} got a target of shape {array.shape}; it expects one code per row, (n_rows,).")
        return class_codes(self, array, n_outputs, binary="BinaryFocal")


def _focal(z: Array, gamma: float) -> tuple[Array, Array]:
    """Return f and f' for the log-odds of what is right."""
    power = z.dtype.type(gamma)
    s, weight = Softplus().value(-z), np.exp(-power * Softplus().value(z))
    return weight * s, -weight * (power * Sigmoid().value(z) * s + Sigmoid().value(-z))


def _best_probabilities(shares: Array, gamma: float) -> Array:
    """Return the p of sum 1 that make ``Σ_c share_c ℓ(p_c)`` least, for ``ℓ(p) = -(1 - p)^gamma log p``.

    ℓ is convex in p, so where the slope ``share_c ℓ'(p_c)`` is the same -λ for all classes, the sum is least. Each p_c
    falls as λ rises: both are found by halving intervals.
    """

    def at(level: float) -> Array:
        low, high = np.zeros_like(shares), np.ones_like(shares)
        for _ in range(60):
            p = (low + high) / 2
            rest = np.maximum(1 - p, np.finfo(float).tiny)
            steep = shares * (rest**gamma / p - gamma * rest ** (gamma - 1) * np.log(p)) > level
            low, high = np.where(steep, p, low), np.where(steep, high, p)
        return (low + high) / 2

    low, high = -700.0, 700.0
    for _ in range(70):
        middle = (low + high) / 2
        low, high = (middle, high) if at(float(np.exp(middle))).sum() > 1 else (low, middle)
    found = at(float(np.exp((low + high) / 2)))
    return np.asarray(found / found.sum())
