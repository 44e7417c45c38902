"""The operations of an export graph as functions of NumPy alone: those that a program uses are copied into it.

x is (n_rows, n_columns), float32 or float64, and so is what comes out; raw columns are (n_rows, 1). Nothing here may
import Pellucid, and a function may call the others only by their names.
"""

from __future__ import annotations

import math

import numpy as np


def missing(x):
    return np.isnan(x).astype(np.float64)


def squeeze(x, center, scale):
    if scale == 0:
        return np.zeros_like(x)
    u = (0.5 * x - 0.5 * center) / (0.5 * scale) / 3.0
    u = np.clip(np.where(np.isnan(x), 0.0, u), -(2.0**30), 2.0**30)
    return 3.0 * (u / np.sqrt(1.0 + u * u))


def sign(x):
    return np.where(np.isnan(x), 0.0, 2.0 * x - 1.0)


def days(x):
    return x / 86_400_000_000


def circle(x, period):
    day = np.floor(x / 86_400_000_000)
    turns = {
        "year": 400 * day % 146_097 / 146_097,
        "week": (day + 3) % 7 / 7,
        "day": x % 86_400_000_000 / 86_400_000_000,
    }[period]
    waves = np.concatenate([np.sin(2 * np.pi * turns), np.cos(2 * np.pi * turns)], axis=1)
    return np.where(np.isnan(x), 0.0, waves)


def code(x, known):
    return np.array([[known.get(text, 0)] for text in x[:, 0].tolist()], dtype=np.float64).reshape(-1, 1)


def lookup(x, table):
    """NaN where x is no code."""
    codes = np.clip(np.nan_to_num(x[:, 0]), 0, len(table) - 1).astype(np.int64)
    return np.where(x == codes[:, None], table[codes], np.nan).astype(table.dtype)


def join(dtype, *parts):
    return np.concatenate([part.astype(dtype) for part in parts], axis=1)


def select(x, start, size):
    return x[:, start : start + size]


def cast(x, dtype):
    return x.astype(dtype)


def affine(x, weight, bias):
    return x @ weight + bias


def grouped_affine(x, weight, bias):
    groups = x.reshape(len(x), weight.shape[0], weight.shape[1])
    return (np.einsum("ngk,gkd->ngd", groups, weight) + bias).reshape(len(x), bias.size)


def scale(x, factor, shift):
    return x * factor + shift


def curves(x, edges, knots, slopes):
    bins = (x[:, :, None] >= edges[:, 1:]).sum(axis=2)
    column = np.arange(x.shape[1])
    beyond = (x - edges[column, bins])[:, :, None]
    return (knots[column, bins] + beyond * slopes[column, bins]).reshape(len(x), -1)


def waves(x, frequency, phase):
    turns = x[:, :, None] * frequency + phase
    return np.cos((turns - np.rint(turns)) * (2 * math.pi)).reshape(len(x), frequency.size)


def normalize(x, epsilon):
    centered = x - x.mean(axis=1, keepdims=True)
    return centered / np.sqrt(np.square(centered).mean(axis=1, keepdims=True) + x.dtype.type(epsilon))


def exp(x):
    return np.exp(x)


def log(x):
    return np.log(np.maximum(x, 5e-324))


def log_odds(x):
    return log(x) - log(1 - x)


def sigmoid(x):
    return np.where(x >= 0, 1.0, np.exp(-np.abs(x))) / (1.0 + np.exp(-np.abs(x)))


def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def tanh(x):
    return np.tanh(x)


def relu(x):
    return np.maximum(x, 0.0)


def leaky_relu(x, slope):
    return np.maximum(x, 0.0) + slope * np.minimum(x, 0.0)


def elu(x, alpha):
    return np.maximum(x, 0.0) + alpha * np.expm1(np.minimum(x, 0.0))


def selu(x):
    return 1.0507009873554805 * np.maximum(x, 0.0) + 1.7580993408473766 * np.expm1(np.minimum(x, 0.0))


def gelu(x):
    cumulative = [0.5 * math.erfc(-value * 0.7071067811865476) for value in x.ravel().tolist()]
    return np.maximum(x, -800.0) * np.array(cumulative, dtype=x.dtype).reshape(x.shape)


def silu(x):
    return np.maximum(x, -800.0) * sigmoid(x)


def softplus(x):
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


def mish(x):
    e = np.exp(-np.abs(x))  # tanh(log(1 + exp x)), with no exponential that overflows
    ratio = np.where(x >= 0, (1.0 + 2.0 * e) / (1.0 + 2.0 * e + 2.0 * e * e), e * (e + 2.0) / (e * (e + 2.0) + 2.0))
    return np.maximum(x, -800.0) * ratio


def blend(x, y, share):
    return x + share * (y - x)


def total(weights, *parts):
    found = np.zeros_like(parts[0])
    for weight, part in zip(weights, parts):
        found = found + weight * part
    return found


def clip(x, low, high):
    return np.clip(x, low, high)


def complement(x):
    return np.concatenate([1 - x, x], axis=1)


def largest(x):
    return x.argmax(axis=1)[:, None].astype(np.float64)


def above(x, threshold):
    return (x > threshold).astype(np.float64)
