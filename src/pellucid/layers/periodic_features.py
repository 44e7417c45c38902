"""Periodic features hand each column on as itself and its waves, which start silent and come in as far as they help."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from pellucid.formulas import Explanation, Index, LayerCall, Placed, sum_over
from pellucid.layers.base import NO_RATES, Array, Forward, Rates, Shape, on_numpy
from pellucid.layers.periodic import Periodic, waves
from pellucid.random import Random


class PeriodicFeatures(Periodic):
    """``[x, e]`` with ``e_jk = a_jk h_jk + s_jk``: the waves h of each column j, each with a factor and a shift.

    ``h_jk = cos(2π (x_j f_jk + c_jk))``. Learned are ``frequency, phase, factor, shift``, each
    ``(n_inputs * n_frequencies,)``, column by column. Factors and shifts start at 0, so at first the layer hands on x
    beside zeros. From the formula, and through the waves as `Periodic` says, with sums over the rows i::

        da_jk = Σ_i de_ijk h_ijk       ds_jk = Σ_i de_ijk       dh_ijk = de_ijk a_jk

    The light form of `PeriodicEmbedding`: nothing is mixed before the next layer (arXiv 2607.05380).

    >>> import numpy as np
    >>> from pellucid import Network
    >>> Network([PeriodicFeatures(n_frequencies=2)], n_inputs=1, rng=0).predict(np.array([[7.0]])).tolist()
    [[7.0, 0.0, 0.0]]
    """

    letters: ClassVar[Mapping[str, str]] = {"y": "P", "frequency": "f", "phase": "c", "factor": "a", "shift": "s"}

    def output_size(self, n_inputs: int) -> int:
        """Return n_inputs * (n_frequencies + 1)."""
        return n_inputs * (self.n_frequencies + 1)

    def parameter_shapes(self, n_inputs: int) -> dict[str, Shape]:
        """Return the shapes of ``frequency``, ``phase``, ``factor`` and ``shift``."""
        shapes = super().parameter_shapes(n_inputs)
        return {**shapes, "factor": shapes["phase"], "shift": shapes["phase"]}

    def initialize(self, rng: Random, x: Array | None = None, forward: Forward = on_numpy) -> None:
        """Draw frequencies and phases; factors and shifts start at 0."""
        super().initialize(rng, x, forward)
        self.parameters["factor"][...] = 0
        self.parameters["shift"][...] = 0

    def forward(
        self, x: Array, *, training: bool = False, rng: Random | None = None, rates: Rates = NO_RATES
    ) -> tuple[Array, tuple[Array, Array, Array]]:
        """Return y and the cache (x, h, sines)."""
        h, sine = waves(x, self.parameters["frequency"], self.parameters["phase"])
        y = np.concatenate([x, h * self.parameters["factor"] + self.parameters["shift"]], axis=1)
        return y, (x, h, sine)

    def backward(self, dy: Array, cache: tuple[Array, Array, Array], *, input_gradient: bool = True) -> Array | None:
        """Write all gradients, return dx."""
        x, h, sine = cache
        de = dy[:, x.shape[1] :]
        (de * h).sum(axis=0, out=self.gradients["factor"])
        de.sum(axis=0, out=self.gradients["shift"])
        dx = self.through_waves(de * self.parameters["factor"], sine, x, input_gradient)
        return None if dx is None else dy[:, : x.shape[1]] + dx

    def explain(self, call: LayerCall) -> Explanation:
        """Return the waves, what becomes of them, y, and the slopes of all on the way back."""
        n_inputs, a, s = call.x.shape[1], call.parameters["factor"], call.parameters["shift"]
        places, made = self.explain_waves(call)
        same, _, h = made
        i, j, t = call.rows(), call.columns(), Index("t", h.shape[1])
        e = call.step("Ẽ", (i, t), h[i, t] * a[t] + s[t], "waves, each with a factor and a shift")
        y = call.y.equals((i, j), Placed(((0, same), (n_inputs, e)), (i, j)), "the columns, and their waves")
        de = call.slope(e, (i, t), call.dy[i, t + n_inputs])
        da = call.gradients["factor"].equals((t,), sum_over(i, de[i, t] * h[i, t]))
        ds = call.gradients["shift"].equals((t,), sum_over(i, de[i, t]))
        return [*places, *made, e, y], [de, da, ds, *self.explain_back(call, places, made, (i, t), de[i, t] * a[t])]
