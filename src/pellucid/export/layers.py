"""What each layer becomes in the export graph, when a network predicts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pellucid.errors import OptionError, listed
from pellucid.export.building import Builder
from pellucid.export.graph import (
    Activate,
    Affine,
    Blend,
    Curves,
    GroupedAffine,
    Join,
    Lookup,
    Normalize,
    Scale,
    Select,
    Sum,
    Waves,
)
from pellucid.layers import (
    ActivationLayer,
    BatchNorm,
    Chain,
    Columns,
    Dense,
    Dropout,
    Embedding,
    Layer,
    LayerNorm,
    PeriodicEmbedding,
    PeriodicFeatures,
    PiecewiseLinearEmbedding,
    Residual,
)
from pellucid.layers import Scale as ScaleLayer
from pellucid.layers.base import Array
from pellucid.layers.piecewise_linear_embedding import rates_of
from pellucid.network import Network

PARAMETERS = {"leaky_relu": "slope", "elu": "alpha"}  # the option of an activation that is a number of its formula


def add_network(builder: Builder, network: Network, x: str, dtype: str) -> str:
    """Add a network's operations on ``x : (n_rows, n_inputs)``, a value of ``dtype``; return the outputs' name.

    Raises `OptionError` for a layer or an activation that has no operation.
    """
    return _Lowering(builder, network.dtype.name, dtype).layer(network.chain, x, network.n_inputs)[0]


class _Lowering:
    """One network on its way into a graph; each method takes a layer, a value and its columns, and returns these."""

    def __init__(self, builder: Builder, own_dtype: str, dtype: str) -> None:
        self.builder, self.own_dtype, self.dtype = builder, own_dtype, dtype

    def layer(self, layer: Layer, x: str, n: int) -> tuple[str, int]:
        if type(layer) not in LAYERS:
            known = listed(sorted(cls.__name__ for cls in LAYERS))
            raise OptionError(f"export: the layer {layer!r} cannot be exported; these can: {known}.")
        return LAYERS[type(layer)](self, layer, x, n)

    def add(self, kind: type[Any], size: int, *arguments: Any, **named: Any) -> str:
        given = [self.cast(value) if isinstance(value, np.ndarray) else value for value in arguments]
        named = {key: self.cast(value) if isinstance(value, np.ndarray) else value for key, value in named.items()}
        return self.builder.add(kind, size, self.dtype, *given, **named)

    def cast(self, array: Array) -> Array:
        """Return a copy in the network's own dtype, then in the graph's; what is beyond its range, as its largest."""
        for dtype in (self.own_dtype, self.dtype):
            most = np.finfo(dtype).max
            array = np.array(np.where(np.isfinite(array), np.clip(array, -most, most), array), dtype=dtype)
        return array

    def chain(self, layer: Chain, x: str, n: int) -> tuple[str, int]:
        for inner in layer.layers:
            x, n = self.layer(inner, x, n)
        return x, n

    def residual(self, layer: Residual, x: str, n: int) -> tuple[str, int]:
        change, _ = self.chain(layer, x, n)
        return self.add(Sum, n, (x, change), (1.0, 1.0)), n

    def columns(self, layer: Columns, x: str, n: int) -> tuple[str, int]:
        parts, sizes = [], []
        for start, stop, inner in layer.parts.values():
            part = x if (start, stop) == (0, n) else self.add(Select, stop - start, x, start)
            value, size = self.layer(inner, part, stop - start)
            parts.append(value)
            sizes.append(size)
        return (parts[0] if len(parts) == 1 else self.add(Join, sum(sizes), tuple(parts))), sum(sizes)

    def dense(self, layer: Dense, x: str, n: int) -> tuple[str, int]:
        weight = layer.parameters["weight"]
        size = weight.shape[1]
        bias = layer.parameters.get("bias", np.zeros(size))
        return self.add(Affine, size, x, weight, bias), size

    def activation(self, layer: ActivationLayer, x: str, n: int) -> tuple[str, int]:
        function = layer.function
        if function.name == "identity":
            return x, n
        if function.name not in ACTIVATIONS:
            raise OptionError(
                f"export: the activation {function!r} cannot be exported; these can: {listed(sorted(ACTIVATIONS))}."
            )
        name = PARAMETERS.get(function.name)
        value = self.add(Activate, n, x, function.name, 0.0 if name is None else float(getattr(function, name)))
        return (self.add(Blend, n, x, value, layer.parameters["blend"]) if layer.parametric else value), n

    def dropout(self, layer: Dropout, x: str, n: int) -> tuple[str, int]:
        return x, n

    def scale(self, layer: ScaleLayer, x: str, n: int) -> tuple[str, int]:
        return self.add(Scale, n, x, layer.parameters["factor"], np.zeros(n)), n

    def batch_norm(self, layer: BatchNorm, x: str, n: int) -> tuple[str, int]:
        mean, variance = (layer.buffers[name].astype(np.float64) for name in ("mean", "variance"))
        factor = layer.parameters["scale"] / np.sqrt(variance + layer.epsilon)
        return self.add(Scale, n, x, factor, layer.parameters["shift"] - mean * factor), n

    def layer_norm(self, layer: LayerNorm, x: str, n: int) -> tuple[str, int]:
        normalized = self.add(Normalize, n, x, float(layer.epsilon))
        return self.add(Scale, n, normalized, layer.parameters["scale"], layer.parameters["shift"]), n

    def embedding(self, layer: Embedding, x: str, n: int) -> tuple[str, int]:
        return self.add(Lookup, layer.size, x, layer.parameters["weight"]), layer.size

    def curves(self, layer: PiecewiseLinearEmbedding, x: str, n: int) -> tuple[str, int]:
        size, bins = layer.n_outputs, np.arange(layer.n_bins)
        edges = layer.buffers["edges"].astype(np.float64)
        rate, last = rates_of(edges)
        rises = layer.parameters["weight"].astype(np.float64).reshape(-1, n, size).transpose(1, 0, 2)
        rises = np.where(rate[:, :, None] > 0, rises, 0.0)
        start = layer.parameters["bias"].astype(np.float64).reshape(n, 1, size)
        knots = start + np.concatenate([np.zeros((n, 1, size)), np.cumsum(rises, axis=1)[:, :-1]], axis=1)
        reached = np.where(bins <= last[:, None], edges[:, :-1], np.inf)
        return self.add(Curves, n * size, x, reached, knots, rises * rate[:, :, None]), n * size

    def periodic_embedding(self, layer: PeriodicEmbedding, x: str, n: int) -> tuple[str, int]:
        size = layer.n_outputs
        weight = layer.parameters["weight"].reshape(n, -1, size)
        mixed = self.add(
            GroupedAffine, n * size, self.waves(layer, x, n), weight, layer.parameters["bias"].reshape(n, size)
        )
        return self.add(Join, n * (size + 1), (x, mixed)), n * (size + 1)

    def periodic_features(self, layer: PeriodicFeatures, x: str, n: int) -> tuple[str, int]:
        size = n * layer.n_frequencies
        factor, shift = layer.parameters["factor"], layer.parameters["shift"]
        return self.add(Join, n + size, (x, self.add(Scale, size, self.waves(layer, x, n), factor, shift))), n + size

    def waves(self, layer: PeriodicEmbedding | PeriodicFeatures, x: str, n: int) -> str:
        frequency, phase = (layer.parameters[name].reshape(n, -1) for name in ("frequency", "phase"))
        return self.add(Waves, frequency.size, x, frequency, phase)


LAYERS: dict[type[Layer], Callable[[_Lowering, Any, str, int], tuple[str, int]]] = {
    ActivationLayer: _Lowering.activation,
    BatchNorm: _Lowering.batch_norm,
    Chain: _Lowering.chain,
    Columns: _Lowering.columns,
    Dense: _Lowering.dense,
    Dropout: _Lowering.dropout,
    Embedding: _Lowering.embedding,
    LayerNorm: _Lowering.layer_norm,
    PeriodicEmbedding: _Lowering.periodic_embedding,
    PeriodicFeatures: _Lowering.periodic_features,
    PiecewiseLinearEmbedding: _Lowering.curves,
    Residual: _Lowering.residual,
    ScaleLayer: _Lowering.scale,
}
ACTIVATIONS = (
    "sigmoid",
    "tanh",
    "relu",
    "leaky_relu",
    "elu",
    "selu",
    "gelu",
    "silu",
    "mish",
    "softplus",
    "softmax",
)
