"""A piecewise linear embedding gives each column learned curves of its own: straight lines that bend at quantiles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from pellucid.domains import Integer
from pellucid.errors import DataError, NotInitializedError, OptionError, ShapeError
from pellucid.formulas import Explanation, Index, LayerCall, Lookup, Place, choose, same, sum_over
from pellucid.initializers import Initializer, initializer
from pellucid.layers.base import INITIALIZER, NO_RATES, Array, Forward, Layer, Rates, Shape, on_numpy
from pellucid.layers.periodic import positions
from pellucid.options import option
from pellucid.random import Random


def rates_of(edges: Array) -> tuple[Array, Array]:
    """Return 1 / width of each bin, 0 where it has none, and the number of each column's last bin, counted from 0."""
    width = np.diff(edges, axis=1)
    rate = np.divide(1, width, out=np.zeros_like(width), where=width > 0)
    return rate, np.where(rate > 0, np.arange(width.shape[1]), 0).max(axis=1)


def shares(x: Array, edges: Array) -> tuple[Array, Array, Array]:
    """Return how far each x is through each bin, the bin that it is in, and that bin's rate.

    x : (n_rows, n_inputs), edges : (n_inputs, n_bins + 1); the shares are (n_rows, n_inputs, n_bins)
    """
    rate, last = rates_of(edges)
    bins = np.arange(rate.shape[1])
    inner = np.where(bins[1:] <= last[:, None], edges[:, 1:-1], np.nan)  # nothing is at or above NaN
    own = (x[:, :, None] >= inner).sum(axis=2)
    column = np.arange(x.shape[1])
    slope = rate[column, own]
    share = (x - edges[column, own]) * slope
    return np.where(bins == own[:, :, None], share[:, :, None], bins < own[:, :, None]), own, slope


class PiecewiseLinearEmbedding(Layer):
    """``y_jd = Σ_t e_jt W_tjd + c_jd``: n_outputs piecewise linear curves of each column j, learned.

    ``e_jt`` is how far x_j is through bin t, which goes from edge b_jt to b_j(t+1): 0 before it, 1 after it, and
    ``(x_j - b_jt) / (b_j(t+1) - b_jt)`` in it; the first bin has no lower end and the last no upper one, so that a
    curve goes on straight beyond the edges. These are values that many rows have, and quantiles of the others, among
    the rows that `initialize` is given (`edges_of`): a column of few values has fewer bins, and a constant one none,
    which leaves y = c. They are kept as the buffer ``edges : (n_inputs, n_bins + 1)``, the last one repeated to the
    end, and not trained.

    Learned are ``weight : (n_bins, n_inputs * n_outputs)``, by how much each curve rises over each bin, and
    ``bias : (n_inputs * n_outputs,)``, each column by column, like y. With x in bin t and that bin's rate
    r_t = 1 / (b_(t+1) - b_t), and sums over the rows i::

        dW_tjd = Σ_i e_ijt dy_ijd      dc_jd = Σ_i dy_ijd      dx_ij = r_t Σ_d dy_ijd W_tjd

    Biases start at 0. Source: the piecewise linear encoding with a linear layer for each column, of Gorishniy, Rubachev
    and Babenko, "On embeddings for numerical features in tabular deep learning", NeurIPS 2022, arXiv 2203.05556.

    `initialize` raises `NotInitializedError` without rows, and `DataError` for none or for such as are not finite.

    >>> import numpy as np
    >>> from pellucid import Network
    >>> curve = PiecewiseLinearEmbedding(1, n_bins=2, weight_initializer=[[10.0], [1.0]])
    >>> network = Network([curve], n_inputs=1).initialize(np.array([[0.0], [1.0], [3.0]]))
    >>> network.predict(np.array([[-1.0], [0.5], [2.0], [5.0]]))[:, 0].tolist()
    [-10.0, 5.0, 10.5, 12.0]
    """

    n_outputs: int = option(Integer(1), "Number of curves of each column.", default=16, kw_only=False)
    n_bins: int = option(Integer(1), "Largest number of bins of a column.", default=48)
    weight_initializer: Any = option(INITIALIZER, "How the rises over the bins start.", default="lecun")

    penalized = ("weight",)
    letters: ClassVar[Mapping[str, str]] = {"y": "Y", "weight": "V", "bias": "c", "edges": "B"}

    def __post_init__(self) -> None:
        super().__post_init__()
        self._initializer: Initializer = initializer(self.weight_initializer)
        if self._initializer.needs_rows:
            raise OptionError(
                f"{type(self).__name__}: weight_initializer got {self.weight_initializer!r}, which looks at the rows "
                "that a layer multiplies; this one looks them up in bins. Use one that needs no rows, such as 'lecun'."
            )

    def output_size(self, n_inputs: int) -> int:
        """Return n_inputs * n_outputs."""
        return n_inputs * self.n_outputs

    def parameter_shapes(self, n_inputs: int) -> dict[str, Shape]:
        """Return the shapes of ``weight`` and ``bias``."""
        n = self.output_size(n_inputs)
        return {"weight": (self.n_bins, n), "bias": (n,)}

    def buffer_shapes(self, n_inputs: int) -> dict[str, Shape]:
        """Return the shape of ``edges``."""
        return {"edges": (n_inputs, self.n_bins + 1)}

    @property
    def needs_rows(self) -> bool:
        """The edges are quantiles of the rows."""
        return True

    def initialize(self, rng: Random, x: Array | None = None, forward: Forward = on_numpy) -> None:
        """Find the edges in the rows, draw the weights, and set the biases to 0."""
        if x is None:
            raise NotInitializedError(
                f"{self!r} takes its edges from the rows that reach it, and there are none yet. "
                "Call network.initialize(X) with the training rows first."
            )
        if not (len(x) and np.isfinite(x).all()):
            what = "NaN or infinity" if len(x) else "no rows"
            raise DataError(
                f"{self!r}: x has {what}; it expects rows of finite numbers. Fill or drop the others first."
            )
        for j, edges in enumerate(self.buffers["edges"]):
            found = edges_of(x[:, j], self.n_bins)
            edges[: len(found)], edges[len(found) :] = found, found[-1]
        weight = self.parameters["weight"]
        try:
            weight[...] = self._initializer.draw(weight.shape, rng, weight.dtype)
        except ShapeError as error:
            raise ShapeError(f"{self!r}: weight: {error}") from None
        self.parameters["bias"][...] = 0

    def forward(
        self, x: Array, *, training: bool = False, rng: Random | None = None, rates: Rates = NO_RATES
    ) -> tuple[Array, tuple[Array, Array, Array]]:
        """Return y and the cache (e, the bin of each x, its rate)."""
        e, own, slope = shares(x, self.buffers["edges"])
        y = np.einsum("ijt,tjd->ijd", e, self._weight(x.shape[1]))
        return y.reshape(-1, x.shape[1] * self.n_outputs) + self.parameters["bias"], (e, own, slope)

    def backward(self, dy: Array, cache: tuple[Array, Array, Array], *, input_gradient: bool = True) -> Array | None:
        """Write dW and dc, return dx."""
        e, own, slope = cache
        n_inputs = own.shape[1]
        dy.sum(axis=0, out=self.gradients["bias"])
        dy = dy.reshape(-1, n_inputs, self.n_outputs)
        np.einsum("ijt,ijd->tjd", e, dy, out=self.gradients["weight"].reshape(-1, n_inputs, self.n_outputs))
        if not input_gradient:
            return None
        rise = self._weight(n_inputs)[own, np.arange(n_inputs)]
        return np.asarray(slope * np.einsum("ijd,ijd->ij", dy, rise))

    def explain(self, call: LayerCall) -> Explanation:
        """Return the bins, the shares and y, and the slopes of weight, bias and x."""
        n_inputs, n_bins, size = call.x.shape[1], self.n_bins, self.n_outputs
        V, c, B = call.parameters["weight"], call.parameters["bias"], call.buffers["edges"]
        i, j, t, d = call.rows(), Index("j", n_inputs), Index("t", n_bins), Index("d", size)
        u, o, k = Index("u", n_inputs * n_bins), Index("o", n_inputs * size), Index("k", n_bins - 1)
        of = np.arange(u.size)
        last = positions(call, "ζ", rates_of(B.value)[1], "j", "last bin of each column, from 0")
        column = positions(call, "π", of // n_bins, "u", "column of each share, from 0")
        bin_ = positions(call, "σ", of % n_bins, "u", "bin of each share, from 0")
        by_output = np.repeat(of.reshape(n_inputs, n_bins), size, axis=0)
        of_output = positions(call, "χ", by_output, "ot", "shares of each output, from 0")
        of_column = positions(
            call, "ψ", np.arange(o.size).reshape(n_inputs, size), "jd", "outputs of each column, from 0"
        )
        given = [last, column, bin_, of_output, of_column]

        width = B[j, t + 1] - B[j, t]
        rate = call.step("ρ", (j, t), choose(width > 0, 1 / width, 0), "one over the width of each bin")
        reached = choose(call.x[i, j] < B[j, k + 1], 0, choose(last[j] > Place(k), 1, 0))
        own = call.step("ν", (i, j), sum_over(k, reached), "the bin that each number is in, from 0")
        at = Lookup(own[i, j])
        share = call.step("ξ", (i, j), (call.x[i, j] - B[j, at]) * rate[j, at], "how far it is through that bin")
        of_u = Lookup(column[u])
        whole = choose(bin_[u] < own[i, of_u], 1, 0)
        inside = choose(same(bin_[u], own[i, of_u]), share[i, of_u], whole)
        e = call.value("Ξ", call.cache[0].reshape(-1, u.size), "shares of all bins").equals((i, u), inside)
        from_ = e[i, Lookup(of_output[o, t])]
        rise = call.step("Ỹ", (i, o), sum_over(t, from_ * V[t, o]), "rises over the bins, so far")
        y = call.y.equals((i, o), rise[i, o] + c[o], "curves of each column")

        d_rise = call.slope(rise, (i, o), call.dy[i, o])
        dV = call.gradients["weight"].equals((t, o), sum_over(i, from_ * d_rise[i, o]))
        dc = call.gradients["bias"].equals((o,), sum_over(i, d_rise[i, o]))
        output = Lookup(of_column[j, d])
        dx = rate[j, at] * sum_over(d, d_rise[i, output] * V[at, output])
        back = [d_rise, dV, dc, *(entry.equals((i, j), dx) for entry in call.input_slope())]
        return [*given, rate, own, share, e, rise, y], back

    def _weight(self, n_inputs: int) -> Array:
        return self.parameters["weight"].reshape(self.n_bins, n_inputs, self.n_outputs)


def edges_of(x: Array, n_bins: int) -> Array:
    """Return at most n_bins + 1 edges for a column's numbers, in ascending order, each once.

    A value that more than 1 / n_bins of the rows have is an edge. The other edges are quantiles, evenly spaced, of the
    rows without such values: a column that is 0 nearly everywhere would otherwise have no bins for the rest.

    A quantile q of n sorted numbers stands at position h = q (n - 1): a + (h - floor h)(b - a), with a and b the
    numbers beside it. An edge closer to the one before than the smallest normal number is left out, as 1 / the width
    of the bin could be infinite.

    >>> edges_of(np.array([0.0] * 9 + [1.0, 2.0, 3.0]), 4).tolist(), edges_of(np.array([1.0, 2.0]), 4).tolist()
    ([0.0, 1.0, 1.6666666666666665, 2.333333333333333, 3.0], [1.0, 2.0])
    """
    values, counts = np.unique(x, return_counts=True)
    is_common = counts * n_bins > len(x)  # fewer than n_bins values are, so at least two edges are left for the others
    found = values[is_common].astype(np.float64)
    rest = np.repeat(values, counts * ~is_common).astype(np.float64)
    if len(rest):
        last = n_bins - len(found)
        place = np.arange(last + 1) * (len(rest) - 1) / last
        before = place.astype(np.intp)
        gap = rest[np.minimum(before + 1, len(rest) - 1)] - rest[before]
        found = np.sort(np.concatenate([found, rest[before] + (place - before) * gap]))
    edges = found.astype(x.dtype)
    return np.asarray(edges[np.diff(edges, prepend=-np.inf) >= np.finfo(x.dtype).tiny])
