"""Ten backward passes with mistakes that learners ask about in public, written in their manner; the last two are right.

Each is for a 2-3-1 network of sigmoids (or what its docstring says) and gets the network, X and y as `compare_backward`
hands them over. What it asks: "why is it stuck at 0.5?", "why does the loss rise?", "why is dW1 wrong and dW2 right?"
"""

from __future__ import annotations

from typing import Any

import numpy as np


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def sigmoid_prime(x: Any) -> Any:
    return x * (1 - x)


def unpack(network: Any) -> Any:
    return network.named_parameters.values()


def prime_of_the_weighted_sum(network: Any, X: Any, y: Any) -> Any:
    """The shortcut x * (1 - x) is handed the sums z, because "the derivative is taken at z"."""
    w1, b1, w2, b2 = unpack(network)
    z1 = np.dot(X, w1) + b1
    a1 = sigmoid(z1)
    z2 = np.dot(a1, w2) + b2
    a2 = sigmoid(z2)
    delta2 = (a2 - y) * sigmoid_prime(z2)
    delta1 = np.dot(delta2, w2.T) * sigmoid_prime(z1)
    return {
        "0.weight": np.dot(X.T, delta1),
        "0.bias": np.sum(delta1, axis=0),
        "2.weight": np.dot(a1.T, delta2),
        "2.bias": np.sum(delta2, axis=0),
    }


def output_derivative_left_out(network: Any, X: Any, y: Any) -> Any:
    """One row at a time; the output's weights are moved by the bare error, the hidden ones by the full chain."""
    w1, b1, w2, b2 = unpack(network)
    grads = {name: np.zeros(value.shape) for name, value in network.named_parameters.items()}
    for row, wanted in zip(X, y, strict=True):
        h = sigmoid(row @ w1 + b1)
        out = sigmoid(h @ w2 + b2)
        err = out - wanted
        for j in range(3):
            grads["2.weight"][j, 0] += err[0] * h[j]
            through = err[0] * out[0] * (1 - out[0]) * w2[j, 0] * h[j] * (1 - h[j])
            for i in range(2):
                grads["0.weight"][i, j] += through * row[i]
            grads["0.bias"][j] += through
        grads["2.bias"] += err * out * (1 - out)
    return grads


def sigmoid_on_top_of_sigmoid(network: Any, X: Any, y: Any) -> Any:
    """The derivative function takes z and computes sigmoid itself, but is called with layer outputs."""

    def derivative(z: Any) -> Any:
        return sigmoid(z) * (1 - sigmoid(z))

    w1, b1, w2, b2 = unpack(network)
    hidden = sigmoid(X @ w1 + b1)
    prediction = sigmoid(hidden @ w2 + b2)
    d2 = (prediction - y) * derivative(prediction)
    d1 = (d2 @ w2.T) * derivative(hidden)
    return {"2.weight": hidden.T @ d2, "2.bias": d2.sum(0), "0.weight": X.T @ d1, "0.bias": d1.sum(0)}


def delta_passed_back_too_early(network: Any, X: Any, y: Any) -> Any:
    """ "Training goes better" with the error, not the delta, sent back through the weights: y - out, and +=."""
    w1, b1, w2, b2 = unpack(network)
    lr = 0.1
    hidden = sigmoid(X @ w1 + b1)
    out = sigmoid(hidden @ w2 + b2)
    output_errors = y - out
    hidden_errors = np.dot(output_errors, w2.T)
    tmp = output_errors * out * (1.0 - out)
    dw2, db2 = lr * np.dot(hidden.T, tmp), lr * tmp.sum(axis=0)
    tmp = hidden_errors * hidden * (1.0 - hidden)
    return {"2.weight": dw2, "2.bias": db2, "0.weight": lr * np.dot(X.T, tmp), "0.bias": lr * tmp.sum(axis=0)}


def new_weights_for_old_errors(network: Any, X: Any, y: Any) -> None:
    """Updates in place as soon as a gradient is there, from the last layer to the first."""
    w1, b1, w2, b2 = unpack(network)
    l1 = sigmoid(X @ w1 + b1)
    l2 = sigmoid(l1 @ w2 + b2)
    l2_delta = (y - l2) * sigmoid_prime(l2)
    w2 += 0.5 * l1.T.dot(l2_delta)
    b2 += 0.5 * l2_delta.sum(axis=0)
    l1_delta = l2_delta.dot(w2.T) * sigmoid_prime(l1)
    w1 += 0.5 * X.T.dot(l1_delta)
    b1 += 0.5 * l1_delta.sum(axis=0)


def divided_at_every_layer(network: Any, X: Any, y: Any) -> Any:
    """Columns are examples, as in a well-known course; dZ1 is divided by m although dW1 will be divided again."""
    W1, b1, W2, b2 = (np.atleast_2d(p).T for p in unpack(network))
    A0, Y, m = X.T, y.T, len(X)
    A1 = np.tanh(W1 @ A0 + b1)
    A2 = sigmoid(W2 @ A1 + b2)
    dZ2 = A2 - Y
    dW2, db2 = dZ2 @ A1.T / m, dZ2.sum(axis=1) / m
    dZ1 = (W2.T @ dZ2) * (1 - A1**2) / m
    dW1, db1 = dZ1 @ A0.T / m, dZ1.sum(axis=1) / m
    return {"0.weight": dW1.T, "0.bias": db1, "2.weight": dW2.T, "2.bias": db2}


def mask_of_the_wrong_layer(network: Any, X: Any, y: Any) -> Any:
    """A relu network 3-4-4-2; the second hidden layer is masked with the first one's activations."""
    W = [p for name, p in network.named_parameters.items() if name.endswith("weight")]
    b = [p for name, p in network.named_parameters.items() if name.endswith("bias")]
    a = [X]
    for i in range(3):
        z = a[i] @ W[i] + b[i]
        a.append(np.maximum(z, 0) if i < 2 else z)
    grads = {}
    delta = 2 * (a[3] - y) / y.size
    for i in (2, 1, 0):
        grads[f"{2 * i}.weight"] = a[i].T @ delta
        grads[f"{2 * i}.bias"] = delta.sum(axis=0)
        delta = delta @ W[i].T
        if i > 0:
            delta[a[max(i - 1, 1)] <= 0] = 0
    return grads


def softmax_like_sigmoid(network: Any, X: Any, y: Any) -> Any:
    """Softmax and cross-entropy, 4-5-3, with one derivative for every activation: s * (1 - s)."""
    w1, b1, w2, b2 = unpack(network)
    h = np.tanh(X @ w1 + b1)
    e = np.exp(h @ w2 + b2)
    s = e / e.sum(axis=1, keepdims=True)
    cost_prime = -y / s
    delta = cost_prime * s * (1 - s) / len(X)
    grads = {"2.weight": h.T @ delta, "2.bias": delta.sum(axis=0)}
    delta = delta @ w2.T * (1 - h**2)
    return {**grads, "0.weight": X.T @ delta, "0.bias": delta.sum(axis=0)}


def adds_what_it_should_subtract(network: Any, X: Any, y: Any) -> Any:
    """output - y, and then += as in the tutorial: the loss rises."""
    w1, b1, w2, b2 = unpack(network)
    h = sigmoid(X @ w1 + b1)
    o = sigmoid(h @ w2 + b2)
    d_o = (o - y) * o * (1 - o)
    d_h = d_o @ w2.T * h * (1 - h)
    rate = 0.1
    return {
        "0.weight": +rate * X.T @ d_h,
        "0.bias": +rate * d_h.sum(axis=0, keepdims=True),
        "2.weight": +rate * h.T @ d_o,
        "2.bias": +rate * d_o.sum(axis=0, keepdims=True),
    }


def bias_without_an_axis(network: Any, X: Any, y: Any) -> Any:
    """Binary cross-entropy; the biases' gradients are np.sum(delta), one number for all neurons."""
    w1, b1, w2, b2 = unpack(network)
    h = np.maximum(0, X @ w1 + b1)
    p = sigmoid(h @ w2 + b2)
    delta2 = (p - y) / len(X)
    delta1 = delta2 @ w2.T * (h > 0)
    return {
        "2.weight": h.T @ delta2,
        "2.bias": np.sum(delta2),
        "0.weight": X.T @ delta1,
        "0.bias": np.sum(delta1),
    }


def first_tutorial(network: Any, X: Any, y: Any) -> Any:
    """The first tutorial's: one neuron without a bias, a learning rate of 1."""
    outputs = sigmoid(np.dot(X, network.named_parameters["0.weight"]))
    error = y - outputs
    adjustments = error * sigmoid_prime(outputs)
    return {"0.weight": np.dot(X.T, adjustments)}


def second_tutorial(network: Any, X: Any, y: Any) -> None:
    """The second tutorial's, in place: biases are kept as rows there, and here seen as rows."""
    learning_rate = 0.1
    weights_input_hidden = network.named_parameters["0.weight"]
    bias_hidden = network.named_parameters["0.bias"].reshape(1, -1)
    weights_hidden_output = network.named_parameters["2.weight"]
    bias_output = network.named_parameters["2.bias"].reshape(1, -1)
    hidden_output = sigmoid(np.dot(X, weights_input_hidden) + bias_hidden)
    output = sigmoid(np.dot(hidden_output, weights_hidden_output) + bias_output)
    error = y - output
    d_output = error * sigmoid_prime(output)
    error_hidden = d_output.dot(weights_hidden_output.T)
    d_hidden = error_hidden * sigmoid_prime(hidden_output)
    weights_hidden_output += hidden_output.T.dot(d_output) * learning_rate
    weights_input_hidden += X.T.dot(d_hidden) * learning_rate
    bias_output += np.sum(d_output, axis=0, keepdims=True) * learning_rate
    bias_hidden += np.sum(d_hidden, axis=0, keepdims=True) * learning_rate
