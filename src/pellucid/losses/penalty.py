"""A penalty adds the size of the weights to the objective, so that training prefers small ones."""

from __future__ import annotations

import numpy as np

from pellucid.domains import Number
from pellucid.formulas import (
    Constant,
    Entry,
    Explanation,
    PenaltyCall,
    Symbol,
    added,
    derived,
    function,
    product,
    sum_over,
)
from pellucid.layers.base import Array
from pellucid.options import Configurable, option


class Penalty(Configurable):
    """``l1 Σ|w| + ½ l2 Σw²`` over the weights; biases, factors and shifts are not penalized.

    Each weight counts with its ``weight_decay_factor`` (1 for weights, 0 for the others, unless set otherwise). The
    gradient is ``l1 sign(w) + l2 w``. The strength does not depend on the batch size.

    >>> import numpy as np
    >>> Penalty(l2=0.1).value_and_gradient(np.array([3.0, 5.0]), np.array([1.0, 0.0]))[0]
    0.45
    """

    l1: float = option(Number(0), "Strength of the sum of absolute weights.", default=0.0)
    l2: float = option(Number(0), "Strength of half the sum of squared weights.", default=0.0)

    def value_and_gradient(self, parameters: Array, factor: Array) -> tuple[float, Array]:
        """Return the penalty and its gradient for ``parameters`` and ``factor``, both ``(n_parameters,)``."""
        value = self.l1 * (np.abs(parameters) * factor).sum() + self.l2 / 2 * (np.square(parameters) * factor).sum()
        return float(value), factor * (self.l1 * np.sign(parameters) + self.l2 * parameters)

    def explain(self, call: PenaltyCall) -> Explanation:
        """Return the penalty of each array and of all, the objective, and its slopes."""
        shares, slopes = [], []
        for w, factor, gradient, slope in zip(call.parameters, call.factors, call.gradients, call.slopes, strict=True):
            at = w.indices("kj" if w.value.ndim == 2 else "j")
            if not factor.any():
                slopes.append(slope.equals(at, gradient[at], "not penalized"))
                continue
            f = Entry(Symbol.of("c").belonging_to(w.symbol), factor, meaning="how much each weight counts")
            counts = [] if (factor == 1).all() else [f[at]]
            size = [Constant(self.l1, "λ₁") * function("abs", w[at])] if self.l1 else []
            size += [Constant(self.l2, "λ₂") / 2 * w[at] ** 2] if self.l2 else []
            pull = [Constant(self.l1, "λ₁") * function("sign", w[at])] if self.l1 else []
            pull += [Constant(self.l2, "λ₂") * w[at]] if self.l2 else []
            body = product(*counts, added(*size))
            for index in reversed(at):
                body = sum_over(index, body)
            shares.append(derived(Symbol.of("Ω").belonging_to(w.symbol), (), body, f"penalty of {w.symbol}"))
            slopes.append(slope.equals(at, gradient[at] + product(*counts, added(*pull)), "slope of the objective"))
        value = call.value.equals((), added(*(share.scalar for share in shares)), "penalty")
        objective = call.objective.equals((), call.loss.scalar + value.scalar, "objective: loss and penalty")
        return [*shares, value, objective], slopes
