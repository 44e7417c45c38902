"""How far two computations of a network's outputs may be apart by rounding, derived layer by layer."""

from typing import Any

import numpy as np

from pellucid import Network, Softmax
from pellucid.layers import ActivationLayer, BatchNorm, Dense, LayerNorm
from tests.tolerances import rounding


def output_rounding(network: Network, X: Any) -> Any:
    """Return a bound for each output: what enters with an error leaves with it times the layer's slope, plus its own.

    A dense layer rounds a sum of n_inputs terms of the sizes |x| |W|, and the bias (Higham, "Accuracy and stability of
    numerical algorithms", 2nd ed., section 3.5).
    """
    x = network.check_rows(X)
    error = np.zeros(x.shape)
    for layer in network.layers:
        y = layer.forward(x)[0]
        own = rounding(1, x.dtype, np.abs(y) + 1)
        if isinstance(layer, Dense):
            weight = np.abs(layer.parameters["weight"])
            size = np.abs(x) @ weight + (np.abs(layer.parameters["bias"]) if layer.bias else 0)
            error = error @ weight + rounding(len(weight) + 1, x.dtype) * size
        elif isinstance(layer, BatchNorm):
            slope = np.abs(layer.parameters["scale"]) / np.sqrt(layer.buffers["variance"])
            size = (np.abs(x) + np.abs(layer.buffers["mean"])) * slope + np.abs(layer.parameters["shift"])
            error = error * slope + rounding(1, x.dtype) * size
        elif isinstance(layer, LayerNorm):  # dn_j = r (dx_j - mean(dx) - n_j mean(dx n)), and mean |n| <= 1
            n, r = layer.forward(x)[1]
            entering = error.max(axis=1, keepdims=True) + rounding(x.shape[1], x.dtype, np.abs(x).max())
            error = np.abs(layer.parameters["scale"]) * r * (2 + np.abs(n)) * entering + own
        else:
            assert isinstance(layer, ActivationLayer)
            z = np.linspace(-20, 20, 4001)
            function = layer.function
            slope = 0.5 if isinstance(function, Softmax) else np.abs(function.derivative(z, function.value(z))).max()
            # |softmax(z + e) - softmax(z)| <= max |e| / 2, as a row of its Jacobian sums to 2 p (1 - p) in size
            spread = error.max(axis=1, keepdims=True) if isinstance(function, Softmax) else error
            error = slope * spread + own
        x = y
    return error
