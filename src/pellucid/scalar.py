"""Chapter one: a neural network in plain Python, one neuron at a time, with every derivative written out.

A neuron multiplies its inputs x by its weights w, adds its bias b, and bends the sum z into its output a:

    z = w_1 x_1 + ... + w_n x_n + b,        a = f(z)

A layer is neurons side by side that read the same inputs; a network is layers in a chain. To learn is to ask of each
weight "how does the loss change if this weight grows?" and to take a small step the other way. The answer is the
derivative dLoss/dw, here called ``dw``; in the same way ``da`` is dLoss/da, ``dz`` dLoss/dz and ``dx`` dLoss/dx.

Nothing is hidden on the way: `forward` returns all that `backward` needs, and `backward` returns the derivatives.

>>> rows, targets = [[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [0]]  # exclusive or
>>> network = Network.with_random_weights([2, 3, 1], random.Random(0))
>>> losses = [network.train_epoch(rows, targets, learning_rate=2.0) for epoch in range(1000)]
>>> print(f"loss {losses[0]:.3f}, after 1,000 epochs {losses[-1]:.3f}")
loss 0.543, after 1,000 epochs 0.002
>>> [round(outputs[0], 2) for *_, outputs in map(network.forward, rows)]
[0.03, 0.97, 0.97, 0.03]
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence, Sized
from itertools import pairwise
from typing import NamedTuple

from pellucid.errors import OptionError, ShapeError, listed, near_miss

Row = Sequence[float]  # one number per input, neuron or target


def sigmoid(z: float) -> float:
    """Return 1 / (1 + exp(-z)), a number from 0 to 1."""
    if z < 0:  # the same value, multiplied above and below by exp(z): exp(-z) would overflow far below zero
        return math.exp(z) / (1 + math.exp(z))
    return 1 / (1 + math.exp(-z))


# A function f, and its derivative f'(z) written with the output a = f(z), which is already at hand.
ACTIVATIONS: dict[str, tuple[Callable[[float], float], Callable[[float], float]]] = {
    "sigmoid": (sigmoid, lambda a: a * (1 - a)),
    "tanh": (math.tanh, lambda a: 1 - a * a),
    "relu": (lambda z: max(z, 0.0), lambda a: 1.0 if a > 0 else 0.0),  # max(0.0, z) would hide a NaN
    "identity": (lambda z: z, lambda a: 1.0),
}


def half_squared_error(outputs: Row, target: Row) -> float:
    """Return the loss of one row, ½ Σ (a - y)²; the half makes its derivative plainly a - y."""
    return 0.5 * sum((a - y) ** 2 for a, y in zip(outputs, target, strict=True))


class NeuronGradient(NamedTuple):
    """How the loss changes with each weight of a neuron, and with its bias."""

    dw: list[float]
    db: float


def summed(gradients: Sequence[NeuronGradient]) -> NeuronGradient:
    """Return the sum of one neuron's gradients over several rows."""
    dws, dbs = zip(*gradients, strict=True)
    return NeuronGradient([sum(parts) for parts in zip(*dws, strict=True)], sum(dbs))


class Neuron:
    """One weight per input, a bias (``None`` for a neuron without), and the name of an activation.

    >>> Neuron([0.5, -1.0], bias=0.25, activation="identity").forward([2.0, 1.0])
    0.25
    """

    def __init__(self, weights: Row, bias: float | None = 0.0, activation: str = "sigmoid") -> None:
        if activation not in ACTIVATIONS:
            hint = near_miss(activation, ACTIVATIONS)
            raise OptionError(f"Neuron: activation got {activation!r}; it expects one of {listed(ACTIVATIONS)}{hint}")
        self.weights = [float(w) for w in weights]
        self.bias = bias
        self.activation, self.derivative = ACTIVATIONS[activation]

    def forward(self, x: Row) -> float:
        """Return the output a = f(w · x + b)."""
        _check_length("Neuron: x", x, len(self.weights), "inputs")
        z = sum(w * x_i for w, x_i in zip(self.weights, x, strict=True))
        return self.activation(z if self.bias is None else z + self.bias)

    def backward(self, x: Row, a: float, da: float) -> tuple[list[float], NeuronGradient]:
        """Return ``dx`` and the neuron's gradient, given its inputs, its output, and dLoss/d(output)."""
        # Chain rule through a = f(z):  dLoss/dz = dLoss/da · da/dz  and  da/dz = f'(z).
        dz = da * self.derivative(a)
        # Chain rule through z = Σ w_i x_i + b:  dz/dw_i = x_i,  dz/db = 1,  dz/dx_i = w_i.
        dx = [dz * w for w in self.weights]
        return dx, NeuronGradient(dw=[dz * x_i for x_i in x], db=dz)

    def update(self, gradient: NeuronGradient, learning_rate: float) -> None:
        """Take one step of gradient descent: against the derivative, where the loss falls."""
        self.weights = [w - learning_rate * dw for w, dw in zip(self.weights, gradient.dw, strict=True)]
        if self.bias is not None:
            self.bias -= learning_rate * gradient.db


class Layer:
    """Neurons side by side: each reads the same inputs, and each gives one output.

    weights : (n_inputs, n_neurons), a list per input; column j holds the weights of neuron j
    biases : one number per neuron, or None for neurons without

    Raises `ShapeError` where the lengths differ.
    """

    def __init__(self, weights: Sequence[Row], biases: Row | None = None, activation: str = "sigmoid") -> None:
        n_neurons = len(weights[0])
        for row in weights:
            _check_length("Layer: a row of weights", row, n_neurons, "neurons")
        _check_length("Layer: biases", weights[0] if biases is None else biases, n_neurons, "neurons")
        columns = zip(*weights, strict=True)
        self.neurons = [Neuron(w, None if biases is None else biases[j], activation) for j, w in enumerate(columns)]

    def forward(self, x: Row) -> list[float]:
        """Return the outputs, one per neuron."""
        return [neuron.forward(x) for neuron in self.neurons]

    def backward(self, x: Row, a: Row, da: Row) -> tuple[list[float], list[NeuronGradient]]:
        """Return ``dx`` and one gradient per neuron, given the inputs, the outputs, and dLoss/d(outputs)."""
        pairs = [neuron.backward(x, a_j, da_j) for neuron, a_j, da_j in zip(self.neurons, a, da, strict=True)]
        # x_i reaches the loss through every neuron j, so its derivative is the sum over them: dx_i = Σ_j dz_j w_ij.
        dx = [sum(parts) for parts in zip(*(dx_of_neuron for dx_of_neuron, _ in pairs), strict=True)]
        return dx, [gradient for _, gradient in pairs]

    def update(self, gradients: Sequence[NeuronGradient], learning_rate: float) -> None:
        """Update every neuron."""
        for neuron, gradient in zip(self.neurons, gradients, strict=True):
            neuron.update(gradient, learning_rate)


class Network:
    """Layers in a chain: the outputs of one are the inputs of the next.

    >>> Network([Layer([[1.0], [2.0]], activation="identity")]).forward([3.0, 4.0])
    [[3.0, 4.0], [11.0]]
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = list(layers)

    @classmethod
    def with_random_weights(cls, sizes: Sequence[int], rng: random.Random, activation: str = "sigmoid") -> Network:
        """Return a network with weights from the bell curve (mean 0, standard deviation 1) and biases of 0.

        sizes : the number of inputs, then the number of neurons of each layer, as in ``[2, 3, 1]``
        """
        if len(sizes) < 2 or min(sizes) < 1:
            raise OptionError(f"Network: sizes got {sizes!r}; it expects two or more numbers from 1, as in [2, 3, 1].")
        return cls(
            [  # [2, 3, 1] -> (2, 3), (3, 1)
                Layer([[rng.gauss(0, 1) for _ in range(n)] for _ in range(n_inputs)], [0.0] * n, activation)
                for n_inputs, n in pairwise(sizes)
            ]
        )

    def forward(self, x: Row) -> list[list[float]]:
        """Return the values of every layer for one row: its inputs first, the network's outputs last."""
        values = [list(x)]
        for layer in self.layers:
            values.append(layer.forward(values[-1]))
        return values

    def backward(self, values: Sequence[Row], target: Row) -> list[list[NeuronGradient]]:
        """Return the gradient of one row's loss, for each layer and neuron, given what `forward` returned."""
        _check_length("Network: a target", target, len(values[-1]), "outputs")
        # The loss is ½ Σ (a - y)²:  dLoss/da = a - y.
        da = [a - y for a, y in zip(values[-1], target, strict=True)]
        gradients = []
        # Chain rule from the last layer to the first: the inputs of a layer are the outputs of the one before it,
        # so the dx of the one is the da of the other. This is backpropagation.
        for layer, x, a in reversed(list(zip(self.layers, values[:-1], values[1:], strict=True))):
            da, gradients_of_layer = layer.backward(x, a, da)
            gradients.append(gradients_of_layer)
        return gradients[::-1]

    def update(self, gradients: Sequence[Sequence[NeuronGradient]], learning_rate: float) -> None:
        """Take one step of gradient descent on every weight and bias."""
        for layer, gradients_of_layer in zip(self.layers, gradients, strict=True):
            layer.update(gradients_of_layer, learning_rate)

    def train_epoch(self, rows: Sequence[Row], targets: Sequence[Row], learning_rate: float) -> float:
        """Take one step with the gradient summed over all rows, and return the summed loss from before the step.

        rows : (n_rows, n_inputs); targets : (n_rows, n_outputs)
        """
        if not rows:
            raise ShapeError("Network: train_epoch got no rows; it expects one or more.")
        _check_length("Network: targets", targets, len(rows), "rows")
        values = [self.forward(row) for row in rows]
        by_row = [self.backward(v, target) for v, target in zip(values, targets, strict=True)]
        # The derivative of a sum of losses is the sum of their derivatives: sum over rows, for each layer and neuron.
        by_layer = [zip(*layers, strict=True) for layers in zip(*by_row, strict=True)]
        self.update([[summed(rows_of_neuron) for rows_of_neuron in neurons] for neurons in by_layer], learning_rate)
        return sum(half_squared_error(v[-1], target) for v, target in zip(values, targets, strict=True))


def _check_length(what: str, given: Sized, expected: int, unit: str) -> None:
    if len(given) != expected:
        raise ShapeError(f"{what} got {len(given)} {unit}; it expects {expected}.")
