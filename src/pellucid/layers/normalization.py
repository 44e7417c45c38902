"""Normalization brings values to mean 0 and deviation 1: over each row's columns, or over each column's batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from pellucid.domains import Number
from pellucid.formulas import Constant, Entry, Explanation, Index, LayerCall, function, mean_over, sum_over
from pellucid.layers.base import NO_RATES, Array, Forward, Layer, Rates, Shape, on_numpy
from pellucid.options import option
from pellucid.random import Random


class _Normalization(Layer):
    """What both share: ``y = n * scale + shift`` with ``scale, shift : (n_inputs,)``, starting at 1 and 0."""

    letters: ClassVar[Mapping[str, str]] = {"y": "N", "scale": "γ", "shift": "β", "mean": "M", "variance": "V"}

    epsilon: float = option(
        Number(0, open="low"), "Added to the variance, so that a constant divides by no zero.", default=1e-5
    )

    def parameter_shapes(self, n_inputs: int) -> dict[str, Shape]:
        """Return the shapes of ``scale`` and ``shift``."""
        return {"scale": (n_inputs,), "shift": (n_inputs,)}

    def initialize(self, rng: Random, x: Array | None = None, forward: Forward = on_numpy) -> None:
        """Start with the normalized values themselves."""
        self.parameters["scale"][...] = 1
        self.parameters["shift"][...] = 0

    def _scaled(self, normalized: Array) -> Array:
        return normalized * self.parameters["scale"] + self.parameters["shift"]

    def _write_gradients(self, dy: Array, normalized: Array) -> None:
        (dy * normalized).sum(axis=0, out=self.gradients["scale"])
        dy.sum(axis=0, out=self.gradients["shift"])


class LayerNorm(_Normalization):
    """``n = (x - mean) / sqrt(variance + epsilon)`` over the columns of each row (Ba et al. 2016).

    With r = 1/sqrt(variance + ε) and dn = dy * scale, every x of a row moves its mean and variance, which gives
    ``dx = r (dn - mean(dn) - n mean(dn * n))``, means over the row's columns.

    >>> import numpy as np
    >>> from pellucid import Network
    >>> print(Network([LayerNorm()], n_inputs=4).predict([[1.0, 2.0, 3.0, 6.0]]).round(3))
    [[-1.069 -0.535  0.     1.604]]
    """

    def forward(
        self, x: Array, *, training: bool = False, rng: Random | None = None, rates: Rates = NO_RATES
    ) -> tuple[Array, tuple[Array, Array]]:
        """Return y and the cache (n, r)."""
        centered = x - x.mean(axis=1, keepdims=True)
        r = 1 / np.sqrt(np.square(centered).mean(axis=1, keepdims=True) + x.dtype.type(self.epsilon))
        normalized = centered * r
        return self._scaled(normalized), (normalized, r)

    def backward(self, dy: Array, cache: tuple[Array, Array], *, input_gradient: bool = True) -> Array | None:
        """Write the gradients of scale and shift, return dx."""
        normalized, r = cache
        self._write_gradients(dy, normalized)
        return _through_statistics(dy * self.parameters["scale"], normalized, r, axis=1)

    def explain(self, call: LayerCall) -> Explanation:
        """Return the row's statistics, n and y, and the slopes of scale, shift, n and x."""
        i, k = call.rows(), Index("k", call.x.shape[1])
        center = call.step("μ", (i,), mean_over(k, call.x[i, k]), "mean of each row")
        variance = call.step("v", (i,), mean_over(k, (call.x[i, k] - center[i]) ** 2), "variance of each row")
        forward, back = _explanation(call, center, variance, call.cache[1][:, 0], self.epsilon, axis=1)
        return [center, variance, *forward], back


class BatchNorm(_Normalization):
    """``n = (x - mean) / sqrt(variance + epsilon)`` over the rows of a batch (Ioffe & Szegedy 2015).

    While training the statistics are the batch's, and running ones, the buffers ``mean, variance : (n_inputs,)``, move
    towards them by ``momentum`` of the way. The running variance takes the unbiased estimate of n rows,
    ``Σ (x - mean)² / (n - 1)``; a batch of one row has none and leaves it. Otherwise the running statistics are used,
    and then a row's output does not depend on the other rows. Backward through the batch's statistics is `LayerNorm`'s
    with means over the rows; through running ones it is ``dx = r dy scale``.
    """

    momentum: float = option(
        Number(0, 1), "Share of the way from the running statistics to the batch's, per step.", default=0.1
    )

    def buffer_shapes(self, n_inputs: int) -> dict[str, Shape]:
        """Return the shapes of the running ``mean`` and ``variance``."""
        return {"mean": (n_inputs,), "variance": (n_inputs,)}

    def initialize(self, rng: Random, x: Array | None = None, forward: Forward = on_numpy) -> None:
        """Start with mean 0 and variance 1."""
        super().initialize(rng, x, forward)
        self.buffers["mean"][...] = 0
        self.buffers["variance"][...] = 1

    def forward(
        self, x: Array, *, training: bool = False, rng: Random | None = None, rates: Rates = NO_RATES
    ) -> tuple[Array, tuple[Array, Array, dict[str, Array]]]:
        """Return y and the cache (n, r, new running statistics; none where the running ones were used)."""
        if training and len(x):  # no rows have no statistics
            mean = x.mean(axis=0)
            variance = np.square(x - mean).mean(axis=0)
            unbiased = variance * (len(x) / (len(x) - 1)) if len(x) > 1 else self.buffers["variance"]
            step = x.dtype.type(self.momentum)
            running = {
                name: old + step * (new.astype(x.dtype) - old)
                for (name, old), new in zip(self.buffers.items(), (mean, unbiased), strict=True)
            }
        else:
            mean, variance, running = self.buffers["mean"], self.buffers["variance"], {}
        r = 1 / np.sqrt(variance + x.dtype.type(self.epsilon))
        normalized = (x - mean) * r
        return self._scaled(normalized), (normalized, r, running)

    def backward(self, dy: Array, cache: tuple[Array, Array, Any], *, input_gradient: bool = True) -> Array | None:
        """Write the gradients of scale and shift, return dx."""
        normalized, r, running = cache
        self._write_gradients(dy, normalized)
        d_normalized = dy * self.parameters["scale"]
        return _through_statistics(d_normalized, normalized, r, axis=0) if running else d_normalized * r

    def buffer_updates(self, cache: tuple[Array, Array, dict[str, Array]]) -> dict[str, Array]:
        """Return the new running statistics."""
        return cache[2]

    def explain(self, call: LayerCall) -> Explanation:
        """Return the batch's statistics (or the running ones), n and y, the running ones' move, and the slopes."""
        running_mean, running_variance = call.buffers["mean"], call.buffers["variance"]
        _, r, updates = call.cache
        if not updates:
            return _explanation(call, running_mean, running_variance, r, self.epsilon, axis=None)
        j, k = call.columns(), Index("k", call.x.shape[0])
        center = call.step("μ", (j,), mean_over(k, call.x[k, j]), "mean of each column")
        variance = call.step("v", (j,), mean_over(k, (call.x[k, j] - center[j]) ** 2), "variance of each column")
        forward, back = _explanation(call, center, variance, r, self.epsilon, axis=0)
        step = Constant(self.momentum, "m")
        unbiased = variance[j] * k.size / (k.size - 1) if k.size > 1 else running_variance[j] + 0
        moves = [
            call.new_buffers[name].equals((j,), old[j] + step * (new - old[j]))
            for name, old, new in (("mean", running_mean, center[j]), ("variance", running_variance, unbiased))
        ]
        return [center, variance, *forward, *moves], back


def _explanation(
    call: LayerCall, center: Entry, variance: Entry, r: Array, epsilon: float, axis: int | None
) -> Explanation:
    """Return all but the statistics: these stand one per row (axis 1) or column; with axis None they are constants."""
    i, j = call.rows(), call.columns()
    x, dy, scale, shift = call.x, call.dy, call.parameters["scale"], call.parameters["shift"]
    one = (i if axis == 1 else j,)
    rate = call.value("r", r, "one over the deviation")
    rate.equals(one, 1 / function("sqrt", variance[one] + Constant(epsilon, "ε")))
    n = call.value("X̂", call.cache[0], "normalized").equals((i, j), (x[i, j] - center[one]) * rate[one])
    y = call.y.equals((i, j), n[i, j] * scale[j] + shift[j], "scaled and shifted")
    back = [
        call.gradients["scale"].equals((j,), sum_over(i, dy[i, j] * n[i, j])),
        call.gradients["shift"].equals((j,), sum_over(i, dy[i, j])),
    ]
    if call.dx is not None:
        dn = call.slope(n, (i, j), dy[i, j] * scale[j])
        if axis is None:
            dx = rate[one] * dn[i, j]
        else:
            k = Index("k", x.shape[axis])
            other = (i, k) if axis == 1 else (k, j)
            pull = mean_over(k, dn[other]) + n[i, j] * mean_over(k, dn[other] * n[other])
            dx = rate[one] * (dn[i, j] - pull)
        back += [dn, call.dx.equals((i, j), dx)]
    return [rate, n, y], back


def _through_statistics(dn: Array, n: Array, r: Array, axis: int) -> Array:
    """Return dx for n = (x - mean) r, where mean and r are taken over ``axis`` of x itself."""
    return r * (dn - dn.mean(axis=axis, keepdims=True) - n * (dn * n).mean(axis=axis, keepdims=True))
