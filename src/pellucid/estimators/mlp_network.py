"""The network of a drop-in estimator: scikit-learn's first weights and its four losses, in this library's terms."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.engine.evaluator import evaluator
from pellucid.layers import Dense
from pellucid.layers.base import Array
from pellucid.losses import BinaryCrossEntropy, CrossEntropy, Loss, Poisson, SquaredError
from pellucid.network import Network

ACTIVATIONS = {"identity": "identity", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}
"""scikit-learn's names of activations, with this library's."""

_DENSE_NUMBERS = 2**20  # numbers of a sparse table that are made dense at a time


@dataclass(frozen=True)
class Objective:
    """What scikit-learn makes small, written with a loss of this library.

    For weights w of a batch's rows that sum to W and strength alpha, scikit-learn's slopes are those of
    ``Σ w ℓ / W + alpha Σ W² / (2 W)``, with ℓ a *sum* over a row's outputs where the losses here are a mean. Its
    slopes are therefore ``slope_factor`` times ours. Its reported loss is ``value_factor`` times ours, plus
    ``constant`` per row, which is not the same factor for the squared error: there it reports half the mean over
    outputs and goes down the slope of half their sum. (With several outputs, alpha then weighs in the slopes n times
    less than the reported loss would have it.)
    """

    loss: Loss
    slope_factor: float
    value_factor: float
    constant: Array | None = None

    def link(self, outputs: Array) -> Array:
        """Return predictions, (n_rows, n_outputs), of raw outputs."""
        return self.loss.predict(outputs)


def objective_for(out_activation: str, n_outputs: int, y: Array | None = None) -> Objective:
    """Return the objective that belongs to the output activation, for targets ``y : (n_rows, n_outputs)``."""
    n = float(n_outputs)
    if out_activation == "softmax":
        return Objective(CrossEntropy(), 1.0, 1.0)
    if out_activation == "logistic":
        return Objective(BinaryCrossEntropy(), n, n)
    if out_activation == "exp":
        constant = None if y is None else (y * np.log(np.where(y > 0, y, 1)) - y).sum(axis=1)
        return Objective(Poisson(), n, n, constant)
    return Objective(SquaredError(), n / 2, 0.5)


def draw_weights(sizes: Sequence[int], activation: str, random: Any, dtype: Any) -> tuple[list[Array], list[Array]]:
    """Return the first weights and biases, layer by layer.

    Both are uniform up to ``sqrt(6 / (n_inputs + n_outputs))`` (Glorot & Bengio 2010), with 2 in place of 6 for the
    logistic function: as scikit-learn draws them, and in its order.
    """
    weights, biases = [], []
    for n_inputs, n_outputs in itertools.pairwise(sizes):
        bound = math.sqrt((2.0 if activation == "logistic" else 6.0) / (n_inputs + n_outputs))
        weights.append(random.uniform(-bound, bound, (n_inputs, n_outputs)).astype(dtype, copy=False))
        biases.append(random.uniform(-bound, bound, n_outputs).astype(dtype, copy=False))
    return weights, biases


def build_network(weights: Sequence[Array], biases: Sequence[Array], activation: str, dtype: Any) -> Network:
    """Return a network with these weights and biases; its output layer is linear, as the loss owns the link."""
    layers: list[Any] = []
    for bias in biases:
        layers += [Dense(len(bias), weight_initializer="zeros"), ACTIVATIONS[activation]]
    network = Network(layers[:-1], weights[0].shape[0], dtype=dtype)
    views = iter(network.named_parameters.values())
    for weight, bias in zip(weights, biases, strict=True):
        next(views)[...] = weight
        next(views)[...] = bias
    return network


def read_network(network: Network) -> tuple[list[Array], list[Array]]:
    """Return copies of the weights and of the biases, layer by layer."""
    views = [view.copy() for view in network.named_parameters.values()]
    return views[::2], views[1::2]


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
