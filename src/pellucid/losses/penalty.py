"""A penalty adds the size of the weights to the objective, so that training prefers small ones."""

from __future__ import annotations

import numpy as np

from pellucid.domains import Number
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
