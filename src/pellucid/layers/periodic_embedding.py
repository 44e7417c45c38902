"""A periodic embedding hands each column on as itself and a few learned mixtures of learned waves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from pellucid.domains import Integer
from pellucid.formulas import Explanation, Index, LayerCall, Lookup, Placed, sum_over
from pellucid.layers.base import NO_RATES, Array, Forward, Rates, Shape, on_numpy
from pellucid.layers.periodic import Periodic, positions, waves
from pellucid.options import option
from pellucid.random import Random


class PeriodicEmbedding(Periodic):
    """``[x, e]`` with ``e_jd = Σ_k h_jk V_jkd + b_jd``: n_outputs mixtures of the waves h of each column j.

    ``h_jk = cos(2π (x_j f_jk + c_jk))``. Learned are ``frequency, phase : (n_inputs * n_frequencies,)``,
    ``weight : (n_inputs * n_frequencies, n_outputs)`` and ``bias : (n_inputs * n_outputs,)``, each column by column.
    Out come the n_inputs columns as they are, then n_outputs mixtures of the first column, and so on. From the formula,
    and through the waves as `Periodic` says, with sums over the rows i::

        dV_jkd = Σ_i h_ijk de_ijd      db_jd = Σ_i de_ijd      dh_ijk = Σ_d de_ijd V_jkd

    Frequencies start from N(0, deviation²), phases from U(-½, ½) turns, weights and biases from U(-r, r) with
    r = 1/√n_frequencies. It is the embedding "PBLD" of RealMLP (Holzmüller et al. 2024, arXiv 2407.04491), after
    Gorishniy et al. 2022 (arXiv 2203.05556).

    >>> import numpy as np
    >>> from pellucid import Network
    >>> network = Network([PeriodicEmbedding(n_outputs=2)], n_inputs=3, rng=0)
    >>> network.n_outputs, network.predict(np.array([[1.0, 2.0, 3.0]]))[0, :3].tolist()
    (9, [1.0, 2.0, 3.0])
    """

    n_outputs: int = option(Integer(1), "Number of mixtures that come out for each column.", default=3)

    penalized = ("weight",)
    letters: ClassVar[Mapping[str, str]] = {"y": "P", "frequency": "f", "phase": "c", "weight": "V", "bias": "b"}

    def output_size(self, n_inputs: int) -> int:
        """Return n_inputs * (n_outputs + 1)."""
        return n_inputs * (self.n_outputs + 1)

    def parameter_shapes(self, n_inputs: int) -> dict[str, Shape]:
        """Return the shapes of ``frequency``, ``phase``, ``weight`` and ``bias``."""
        shapes = super().parameter_shapes(n_inputs)
        return {**shapes, "weight": (*shapes["phase"], self.n_outputs), "bias": (n_inputs * self.n_outputs,)}

    def initialize(self, rng: Random, x: Array | None = None, forward: Forward = on_numpy) -> None:
        """Draw all parameters."""
        super().initialize(rng, x, forward)
        end = 1 / math.sqrt(self.n_frequencies)
        for step, name in ((2, "weight"), (3, "bias")):
            view = self.parameters[name]
            view[...] = rng.at(step=step).uniform(view.shape, -end, end)

    def forward(
        self, x: Array, *, training: bool = False, rng: Random | None = None, rates: Rates = NO_RATES
    ) -> tuple[Array, tuple[Array, Array, Array]]:
        """Return y and the cache (x, h, sines)."""
        h, sine = waves(x, self.parameters["frequency"], self.parameters["phase"])
        mixtures = np.einsum("ijk,jkd->ijd", self._by_column(h, x), self._weight(x))
        y = np.concatenate([x, mixtures.reshape(-1, x.shape[1] * self.n_outputs) + self.parameters["bias"]], axis=1)
        return y, (x, h, sine)

    def backward(self, dy: Array, cache: tuple[Array, Array, Array], *, input_gradient: bool = True) -> Array | None:
        """Write all gradients, return dx."""
        x, h, sine = cache
        de = dy[:, x.shape[1] :]
        de.sum(axis=0, out=self.gradients["bias"])
        de = de.reshape(-1, x.shape[1], self.n_outputs)
        dV = np.einsum("ijk,ijd->jkd", self._by_column(h, x), de)
        self.gradients["weight"][...] = dV.reshape(-1, self.n_outputs)
        dh = np.einsum("ijd,jkd->ijk", de, self._weight(x)).reshape(h.shape)
        dx = self.through_waves(dh, sine, x, input_gradient)
        return None if dx is None else dy[:, : x.shape[1]] + dx

    def explain(self, call: LayerCall) -> Explanation:
        """Return the waves, their mixtures and y, and the slopes of all on the way back."""
        n_inputs, size = call.x.shape[1], self.n_outputs
        V, b = call.parameters["weight"], call.parameters["bias"]
        places, made = self.explain_waves(call)
        (_, wave), (same, _, h) = places, made
        i, j, t = call.rows(), call.columns(), Index("t", h.shape[1])
        o, k, d = Index("o", n_inputs * size), Index("k", self.n_frequencies), Index("d", size)
        outputs = np.arange(o.size)
        of = positions(call, "λ", outputs // size, "o", "column of each mixture, from 0")
        which = positions(call, "δ", outputs % size, "o", "which of its column's mixtures each is, from 0")
        mixtures = positions(
            call, "θ", np.repeat(outputs.reshape(-1, size), k.size, axis=0), "td", "mixtures of each wave, from 0"
        )
        own = Lookup(wave[Lookup(of[o]), k])
        e = call.step("Ẽ", (i, o), sum_over(k, h[i, own] * V[own, Lookup(which[o])]) + b[o], "mixtures of waves")
        y = call.y.equals((i, j), Placed(((0, same), (n_inputs, e)), (i, j)), "the columns, and mixtures of waves")
        de = call.slope(e, (i, o), call.dy[i, o + n_inputs])
        at = Lookup(mixtures[t, d])
        back = self.explain_back(call, places, made, (i, t), sum_over(d, de[i, at] * V[t, d]))
        dV = call.gradients["weight"].equals((t, d), sum_over(i, h[i, t] * de[i, at]))
        db = call.gradients["bias"].equals((o,), sum_over(i, de[i, o]))
        return [*places, of, which, mixtures, *made, e, y], [de, dV, db, *back]

    def _by_column(self, h: Array, x: Array) -> Array:
        return h.reshape(-1, x.shape[1], self.n_frequencies)

    def _weight(self, x: Array) -> Array:
        return self.parameters["weight"].reshape(x.shape[1], self.n_frequencies, self.n_outputs)
