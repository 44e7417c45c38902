"""A scale layer multiplies each column by a learned factor: it learns which inputs matter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pellucid.formulas import Explanation, LayerCall, sum_over
from pellucid.layers.base import NO_RATES, Array, Forward, Layer, Rates, Shape, on_numpy
from pellucid.random import Random


class Scale(Layer):
    """``y = x * factor`` with the parameter ``factor : (n_inputs,)``, which starts at 1.

    From y_ij = x_ij f_j follow ``dfactor = Σ_i dy_i x_i`` and ``dx = dy * factor``.
    """

    letters: ClassVar[Mapping[str, str]] = {"y": "S", "factor": "f"}

    def parameter_shapes(self, n_inputs: int) -> dict[str, Shape]:
        """Return the shape of ``factor``."""
        return {"factor": (n_inputs,)}

    def initialize(self, rng: Random, x: Array | None = None, forward: Forward = on_numpy) -> None:
        """Start as the identity."""
        self.parameters["factor"][...] = 1

    def forward(
        self, x: Array, *, training: bool = False, rng: Random | None = None, rates: Rates = NO_RATES
    ) -> tuple[Array, Array]:
        """Return y and the cache, which is x."""
        return x * self.parameters["factor"], x

    def backward(self, dy: Array, x: Array, *, input_gradient: bool = True) -> Array | None:
        """Write the factor's gradient, return dx."""
        (dy * x).sum(axis=0, out=self.gradients["factor"])
        return dy * self.parameters["factor"] if input_gradient else None

    def explain(self, call: LayerCall) -> Explanation:
        """Return y, and the slopes of factor and x."""
        x, f, dy = call.x, call.parameters["factor"], call.dy
        i, j = call.rows(), call.columns()
        df = call.gradients["factor"].equals((j,), sum_over(i, dy[i, j] * x[i, j]))
        y = call.y.equals((i, j), x[i, j] * f[j], "scaled columns")
        return [y], [df, *(dx.equals((i, j), dy[i, j] * f[j]) for dx in call.input_slope())]
