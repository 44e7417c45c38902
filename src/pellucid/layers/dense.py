"""A dense layer: every output is a weighted sum of all inputs, plus a bias."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from pellucid.domains import Boolean, Choice, Either, Integer, Nothing
from pellucid.errors import ShapeError
from pellucid.formulas import Constant, Explanation, Index, LayerCall, sum_over
from pellucid.initializers import Initializer, initializer
from pellucid.layers.base import INITIALIZER, NO_RATES, Array, Forward, Layer, Rates, Shape, on_numpy, wrong_columns
from pellucid.options import option
from pellucid.random import Random


class Dense(Layer):
    """``z = x W + b``, or with ``parametrization="ntk"`` ``z = x W / sqrt(n_inputs) + b``.

    Parameters named ``weight : (n_inputs, n_outputs)`` and ``bias : (n_outputs,)``.

    With s = 1, or 1/sqrt(n_inputs) in the NTK form (Jacot et al. 2018), z_ij = s Σ_k x_ik W_kj + b_j. So
    ∂z_ij/∂W_kj = s x_ik, ∂z_ij/∂b_j = 1 and ∂z_ij/∂x_ik = s W_kj, and by the chain rule, summed over the rows i::

        dW = s xᵀ dz        db = Σ_i dz_i        dx = s dz Wᵀ

    >>> import numpy as np
    >>> from pellucid import Network
    >>> network = Network([Dense(1, weight_initializer=[[2.0], [3.0]], bias_initializer=[1.0])], n_inputs=2)
    >>> float(network.predict(np.array([[10.0, 100.0]]))[0, 0])
    321.0
    """

    n_outputs: int = option(Integer(1), "Number of neurons: columns that come out.", kw_only=False)
    n_inputs: int | None = option(
        Either(Integer(1), Nothing("as many as come in")), "Number of columns that come in.", default=None
    )
    bias: bool = option(Boolean(), "Add a bias to each neuron.", default=True)
    parametrization: str = option(
        Choice(("standard", "ntk")),
        "'ntk' divides the weighted sum by the root of the number of inputs.",
        default="standard",
    )
    weight_initializer: Any = option(INITIALIZER, "How the weights start.", default="glorot")
    bias_initializer: Any = option(INITIALIZER, "How the biases start.", default="zeros")

    penalized = ("weight",)
    letters: ClassVar[Mapping[str, str]] = {"y": "Z", "weight": "W", "bias": "b"}

    def __post_init__(self) -> None:
        super().__post_init__()
        self._initializers: dict[str, Initializer] = {
            "weight": initializer(self.weight_initializer),
            "bias": initializer(self.bias_initializer),
        }

    def output_size(self, n_inputs: int) -> int:
        """Return ``n_outputs``, after a check of ``n_inputs``."""
        if self.n_inputs is not None and self.n_inputs != n_inputs:
            fix = (
                f"Give the layer before it {self.n_inputs} outputs, or write n_inputs={n_inputs} here, or leave it out."
            )
            raise wrong_columns(self, self.n_inputs, n_inputs, fix)
        return self.n_outputs

    def parameter_shapes(self, n_inputs: int) -> dict[str, Shape]:
        """Return the shapes of ``weight`` and, if there is one, ``bias``."""
        shapes: dict[str, Shape] = {"weight": (n_inputs, self.n_outputs)}
        return {**shapes, "bias": (self.n_outputs,)} if self.bias else shapes

    @property
    def needs_rows(self) -> bool:
        """Whether the weights or biases start from the rows that enter."""
        return any(self._initializers[name].needs_rows for name in ("weight", "bias")[: 1 + self.bias])

    def initialize(self, rng: Random, x: Array | None = None, forward: Forward = on_numpy) -> None:
        """Draw the weights and biases, each from an address of its own.

        Weights that look at rows see them with the factor of the NTK form, and biases the sums that they are added to.
        """
        rows = x * self._ntk_factor(x) if x is not None and self.parametrization == "ntk" else x
        for index, (name, view) in enumerate(self.parameters.items()):
            chosen = self._initializers[name]
            if name == "bias" and x is not None and chosen.needs_rows:
                view[...] = 0
                rows = forward(self, x)
            try:
                view[...] = chosen.draw(view.shape, rng.at(step=index), view.dtype, rows)
            except ShapeError as error:
                raise ShapeError(f"{self!r}: {name}: {error}") from None

    def forward(
        self, x: Array, *, training: bool = False, rng: Random | None = None, rates: Rates = NO_RATES
    ) -> tuple[Array, Array]:
        """Return z and the cache, which is x."""
        z = x @ self.parameters["weight"]
        if self.parametrization == "ntk":
            z *= self._ntk_factor(x)
        if self.bias:
            z += self.parameters["bias"]
        return z, x

    def backward(self, dz: Array, x: Array, *, input_gradient: bool = True) -> Array | None:
        """Write dW and db, return dx."""
        if self.bias:
            dz.sum(axis=0, out=self.gradients["bias"])
        if self.parametrization == "ntk":
            dz = dz * self._ntk_factor(x)
        (x.T).dot(dz, out=self.gradients["weight"])
        return dz @ self.parameters["weight"].T if input_gradient else None

    def explain(self, call: LayerCall) -> Explanation:
        """Return z, and the slopes of weight, bias and x."""
        x, W, dz = call.x, call.parameters["weight"], call.dy
        i, j, k = call.rows(), call.columns(), Index("k", x.shape[1])
        s = Constant(float(self._ntk_factor(x.value)), "s") if self.parametrization == "ntk" else None
        z = sum_over(k, x[i, k] * W[k, j])
        dW = sum_over(i, x[i, k] * dz[i, j])
        dx = sum_over(j, dz[i, j] * W[k, j])
        if s is not None:
            z, dW, dx = s * z, s * dW, s * dx
        back = [call.gradients["weight"].equals((k, j), dW)]
        if self.bias:
            z = z + call.parameters["bias"][j]
            back.append(call.gradients["bias"].equals((j,), sum_over(i, dz[i, j])))
        back += [entry.equals((i, k), dx) for entry in call.input_slope()]
        return [call.y.equals((i, j), z, "weighted sums")], back

    @staticmethod
    def _ntk_factor(x: Array) -> Any:
        return x.dtype.type(1 / math.sqrt(x.shape[1]))
