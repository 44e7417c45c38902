"""The network of a drop-in estimator: scikit-learn's first weights, hidden layers, and how its rows are read."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from pellucid.activations import Activation, Identity, Sigmoid
from pellucid.engine.evaluator import evaluator
from pellucid.errors import OptionError
from pellucid.layers import Dense, Dropout
from pellucid.layers.base import Array
from pellucid.network import Network
from pellucid.options import registered

ACTIVATIONS = {"identity": "identity", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}
"""scikit-learn's names of activations, with this library's."""

OWN_ACTIVATIONS = {cls.name: cls for cls in registered(Activation).values()}  # type: ignore[type-abstract]

_DENSE_NUMBERS = 2**20  # numbers of a sparse table that are made dense at a time


def layer_activations(activation: Any, n_hidden: int) -> list[Activation]:
    """Return the activation of each hidden layer, and once more the last one, by which the output layer is drawn.

    activation : a name, an `Activation`, or a list of them, one per hidden layer
    """
    given = list(activation) if isinstance(activation, list | tuple) else [activation] * max(n_hidden, 1)
    if isinstance(activation, list | tuple) and len(given) != n_hidden:
        raise OptionError(
            f"activation got a list of {len(given)}, and hidden_layer_sizes has {n_hidden}; it expects one for each "
            "hidden layer, or a single one for all."
        )
    functions = [
        function if isinstance(function, Activation) else OWN_ACTIVATIONS[ACTIVATIONS.get(function, function)]()
        for function in given
    ]
    return [*functions[:n_hidden], functions[-1] if functions else Identity()]


def draw_weights(
    sizes: Sequence[int], functions: Sequence[Activation], random: Any, dtype: Any
) -> tuple[list[Array], list[Array]]:
    """Return the first weights and biases, layer by layer.

    Both are uniform up to ``sqrt(6 / (n_inputs + n_outputs))`` (Glorot & Bengio 2010), with 2 in place of 6 for the
    logistic function: as scikit-learn draws them, and in its order.
    """
    weights, biases = [], []
    for (n_inputs, n_outputs), function in zip(itertools.pairwise(sizes), functions, strict=True):
        bound = math.sqrt((2.0 if isinstance(function, Sigmoid) else 6.0) / (n_inputs + n_outputs))
        weights.append(random.uniform(-bound, bound, (n_inputs, n_outputs)).astype(dtype, copy=False))
        biases.append(random.uniform(-bound, bound, n_outputs).astype(dtype, copy=False))
    return weights, biases


def build_network(
    weights: Sequence[Array], biases: Sequence[Array], activation: Any, dtype: Any, dropout: float = 0.0
) -> Network:
    """Return a network with these weights and biases; its output layer is linear, as the loss owns the link."""
    layers: list[Any] = []
    for bias, function in zip(biases, layer_activations(activation, len(biases) - 1), strict=True):
        layers += [Dense(len(bias), weight_initializer="zeros"), function, *([Dropout(dropout)] if dropout else [])]
    n_last = 2 if dropout else 1  # activation and dropout are those of hidden layers
    network = Network(layers[:-n_last], weights[0].shape[0], dtype=dtype)
    views = iter(network.named_parameters.values())
    for weight, bias in zip(weights, biases, strict=True):
        next(views)[...] = weight
        next(views)[...] = bias
    return network


def read_network(network: Network) -> tuple[list[Array], list[Array]]:
    """Return copies of the weights and of the biases, layer by layer."""
    views = [view.copy() for view in network.named_parameters.values()]
    return views[::2], views[1::2]


def named_weights(network: Network) -> dict[str, list[Array]]:
    """Return copies of the weights and of the biases under the names of an estimator's attributes."""
    return dict(zip(("coefs_", "intercepts_"), read_network(network), strict=True))


def dense_rows(x: Any, rows_at_once: int | None = None) -> int:
    """Return how many rows of ``x`` are made dense at once, a multiple of ``rows_at_once``: all, if it is dense."""
    if isinstance(x, np.ndarray):
        return len(x)
    unit = rows_at_once or 1
    return min(unit * max(1, _DENSE_NUMBERS // (unit * max(x.shape[1], 1))), -(-x.shape[0] // unit) * unit)


def raw_outputs(network: Network, x: Any) -> Array:
    """Return the raw outputs ``(n_rows, n_outputs)``, natively where that can be; a sparse table goes in blocks."""
    native = evaluator(network)
    compute = network.predict if isinstance(native, str) else native.outputs
    if isinstance(x, np.ndarray):
        return compute(x)
    size = dense_rows(x)
    blocks = [compute(x[start : start + size].toarray()) for start in range(0, x.shape[0], size)]
    return np.concatenate(blocks) if blocks else np.empty((0, network.n_outputs), network.dtype)
