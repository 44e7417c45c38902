"""Backward passes as learners write them: plain NumPy, right or with one mistake, independent of the library's own."""

from __future__ import annotations

from typing import Any

import numpy as np


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def softmax(z: Any) -> Any:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


VALUE = {
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(0, z),
    "linear": lambda z: z,
    "softmax": softmax,
}
GIVEN_Z = {
    "sigmoid": lambda z: sigmoid(z) * (1 - sigmoid(z)),
    "tanh": lambda z: 1 - np.tanh(z) ** 2,
    "relu": lambda z: (z > 0) * 1.0,
    "linear": lambda z: 1 + 0 * z,
}
GIVEN_A = {
    "sigmoid": lambda a: a * (1 - a),
    "tanh": lambda a: 1 - a**2,
    "relu": lambda a: (a > 0) * 1.0,
    "linear": lambda a: 1 + 0 * a,
}


def plain_backward(
    weights: list[Any], biases: list[Any], kinds: list[str], X: Any, Y: Any, loss: str, wrong: str = "", lr: float = 0.1
) -> tuple[list[Any], list[Any]]:
    """Return dW and db of each layer for the activations ``kinds``; Y is a column or one-hot.

    ``loss`` is "half_sum", "mean", "bce" or "ce"; the last two take the outputs before sigmoid or softmax.
    """
    n, last = len(X), len(weights) - 1
    A, Z = [X], []
    for W, b, kind in zip(weights, biases, kinds, strict=True):
        Z.append(A[-1] @ W + b)
        A.append(VALUE[kind](Z[-1]))
    out = A[-1]
    p = sigmoid(out) if loss == "bce" else softmax(out) if loss == "ce" else out
    share = {"half_sum": 1.0, "mean": 2 / Y.size, "bce": 1 / Y.size, "ce": 1 / n}[loss]
    d = (p - Y) * share
    if wrong == "ascent":
        d = (Y - p) * share
    if wrong == "sum_for_mean":
        d = d * n
    if wrong == "mean_for_sum":
        d = d / n
    if wrong == "factor_two_missing":
        d = d / 2
    if wrong == "softmax_elementwise" and loss == "ce":
        d = -Y / p * (p * (1 - p)) * share
    if wrong == "p - y times p (1 - p)":
        d = d * p * (1 - p)
    if wrong == "cross_entropy_sign":
        d = ((-Y / p - (1 - Y) / (1 - p)) * p * (1 - p) if loss == "bce" else (p + Y)) * share
    if wrong == "cross_entropy_term_missing":
        d = -Y / p * (p * (1 - p)) * share
    if wrong == "link_derivative_missing":
        d = (-Y / p + (1 - Y) / (1 - p) if loss == "bce" else -Y / p) * share
    if wrong == "link_forgotten":
        d = (out - Y) * share
    if wrong == "one_error_for_all_rows":
        d = d.mean(axis=0) + 0 * d
    if wrong == "one_row_counts":
        d = np.concatenate([0 * d[:-1], d[-1:]])
    if wrong == "half_sum_for_mean":
        d = p - Y
    if wrong == "learning_rate_twice":
        d = d * lr

    dW: list[Any] = [None] * (last + 1)
    db: list[Any] = [None] * (last + 1)
    for i in range(last, -1, -1):
        kind, z, a, x = kinds[i], Z[i], A[i + 1], A[i]
        da = d
        if kind == "softmax":
            dz = a * (da - (da * a).sum(axis=1, keepdims=True))
            if wrong == "softmax_elementwise":
                dz = da * a * (1 - a)
        else:
            dz = da * GIVEN_Z[kind](z)
            if wrong == "derivative_given_z":
                dz = da * GIVEN_A[kind](z)
            if wrong == "derivative_given_a":
                dz = da * GIVEN_Z[kind](a)
            if wrong == "derivative_missing" or (wrong == "hidden derivative missing" and i < last):
                dz = da
            if wrong == "derivative_twice":
                dz = da * GIVEN_Z[kind](z) ** 2
            if wrong == "value_for_derivative" and kind != "linear":
                dz = da * a
            if wrong == "derivative_given_error":
                dz = da * GIVEN_A[kind](da)
            if wrong == "derivative at the previous activation" and A[i].shape[1] in (1, a.shape[1]):
                dz = da * GIVEN_A[kind](A[i])
            if wrong == "sigmoid's derivative" and kind != "linear":
                dz = da * GIVEN_A["sigmoid"](a)
        dW[i] = x.T @ dz
        db[i] = dz.sum(axis=0)
        if wrong == "weight gradient before the derivative":
            dW[i] = x.T @ da
        if wrong == "input before its activation" and i > 0:
            dW[i] = Z[i - 1].T @ dz
        if wrong == "transposed_gradient":
            dW[i] = dz.T @ x
        if wrong == "bias_not_summed":
            db[i] = dz
        if wrong == "bias_summed_over_wrong_axis":
            db[i] = dz.sum(axis=1)
        if wrong == "bias_summed_over_all":
            db[i] = dz.sum()
        if wrong == "keepdims_missing":
            db[i] = np.zeros((dz.shape[1], 1)) + dz.sum(axis=0)
        if wrong == "weight_rows_scale":
            dW[i] = dW[i] / n
        if wrong == "bias_rows_scale":
            db[i] = dz.mean(axis=0)
        if wrong == "left_at_zero":
            db[i] = 0 * db[i]
        W = weights[i]
        d = dz @ W.T
        if wrong == "hidden_error_without_weights":
            d = (dz if dz.shape[1] in (1, W.shape[0]) else dz.sum(axis=1, keepdims=True)) + 0 * x
        if wrong == "weights_not_transposed" and W.shape[0] == W.shape[1]:
            d = dz @ W
        if wrong == "weights_updated_before_use":
            d = dz @ (W - lr * dW[i]).T
        if wrong == "error handed back before the derivative":
            d = da @ W.T
        if wrong == "rows_scaled_again":
            d = d / n
        if wrong == "sign_turned_here" and i == last:
            d = -d
    return dW, db
