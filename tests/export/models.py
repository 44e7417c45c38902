"""Small models of every kind to export: fitted estimators, and bare networks of every layer and activation."""

from __future__ import annotations

import datetime
import functools
from typing import Any

import numpy as np

from pellucid import Dense, Network
from pellucid.activations import activation
from pellucid.estimators import TabularClassifier, TabularRegressor
from pellucid.export.layers import ACTIVATIONS
from pellucid.layers import (
    ActivationLayer,
    BatchNorm,
    Columns,
    Dropout,
    Embedding,
    LayerNorm,
    PeriodicEmbedding,
    PeriodicFeatures,
    PiecewiseLinearEmbedding,
    Residual,
    Scale,
)

N_ROWS = 80
HOSTILE = (
    "quotes \" and ' and \\",
    "lines\nand\r\nreturns\tand tabs",
    "Größe ☃ 😀 \u202e",
    "int",
    "2024",
    "a b",
    "a-b",
    "*/ ??/ /* // %s",
    "v1",
    "x[0]",
)


def table(n_rows: int = N_ROWS) -> dict[str, list[Any]]:
    """Return columns of every kind, most of them with missing values."""
    rng = np.random.default_rng(0)
    start = datetime.datetime(2023, 12, 25)
    days = [start + datetime.timedelta(days=int(day)) for day in rng.integers(0, 700, n_rows)]
    seconds = rng.integers(0, 86_400, n_rows).tolist()
    columns: dict[str, list[Any]] = {
        "size": rng.normal(size=n_rows).tolist(),
        "city": [f"city {index}" for index in rng.integers(0, 12, n_rows)],  # more levels than become one-hot columns
        "color": rng.choice(["red", "green", "blue"], n_rows).tolist(),
        "sex": rng.choice(["female", "male"], n_rows).tolist(),
        "old": (rng.random(n_rows) < 0.5).tolist(),
        "day": [day.date() for day in days],
        "time": [day + datetime.timedelta(seconds=second) for day, second in zip(days, seconds, strict=True)],
    }
    for index, name in enumerate(columns):
        if name not in ("color", "day"):
            columns[name][3 + index :: 9] = [None] * len(columns[name][3 + index :: 9])
    return columns


def target(kind: str) -> Any:
    """Return a target of a kind that follows from the table."""
    columns = table()
    size = np.array([0.0 if value is None else value for value in columns["size"]])
    red = np.array(columns["color"]) == "red"
    number = 3 * size + red
    return {
        "binary": np.where(size > 0, "yes", "no").tolist(),
        "classes": columns["color"],
        "labels": np.stack([size > 0, red], axis=1).astype(int),
        "number": number,
        "numbers": np.stack([number, red - 2 * number], axis=1),
    }[kind]


TARGETS = ("binary", "classes", "labels", "number", "numbers")
MEMBERS: dict[str, dict[str, Any]] = {"single": {"members": 1}, "population": {"members": 2, "folds": 2}}


@functools.cache
def fitted(kind: str, members: str = "single") -> Any:
    """Return an estimator for a kind of target, fitted once."""
    estimator = TabularRegressor if kind.startswith("number") else TabularClassifier
    options = {"epochs": 3, "hidden_layer_sizes": (8, 8), "random_state": 0, **MEMBERS[members]}
    return estimator(**options).fit(table(), target(kind))


@functools.cache
def hostile() -> Any:
    """Return a classifier whose columns, categories and classes have names that break careless programs."""
    rng = np.random.default_rng(0)
    columns: dict[str, list[Any]] = {name: rng.normal(size=N_ROWS).tolist() for name in HOSTILE}
    columns["categories\x01"] = [HOSTILE[index] for index in rng.integers(0, len(HOSTILE), N_ROWS)]
    classes = [HOSTILE[index % 3] for index in range(N_ROWS)]
    options = {"epochs": 2, "hidden_layer_sizes": (4,), "members": 1, "random_state": 0}
    return TabularClassifier(**options).fit(columns, classes)


NETWORKS: dict[str, tuple[int, Any]] = {
    **{name: (3, lambda name=name: [Dense(4), ActivationLayer(activation(name)), Dense(2)]) for name in ACTIVATIONS},
    "identity": (2, lambda: [ActivationLayer("identity")]),
    "parametric": (3, lambda: [Dense(4), ActivationLayer("mish", parametric=True), Dense(2)]),
    "no bias": (3, lambda: [Dense(2, bias=False)]),
    "dropout": (3, lambda: [Dense(4), Dropout(0.5), Dense(1)]),
    "scale": (3, lambda: [Scale(), Dense(1)]),
    "batch norm": (3, lambda: [Dense(4), BatchNorm(), Dense(1)]),
    "layer norm": (3, lambda: [Dense(4), LayerNorm(), Dense(1)]),
    "residual": (3, lambda: [Dense(4), Residual([Dense(4), ActivationLayer("relu")]), Dense(1)]),
    "piecewise linear": (3, lambda: [PiecewiseLinearEmbedding(4, n_bins=5), Dense(1)]),
    "periodic": (3, lambda: [PeriodicEmbedding(n_frequencies=4, deviation=1.0), Dense(1)]),
    "periodic features": (3, lambda: [PeriodicFeatures(n_frequencies=4, deviation=1.0), Dense(1)]),
    "columns": (3, lambda: [Columns({"a": (0, 1, Scale()), "b": (1, 3, Dense(4))}), Dense(1)]),
    "embedding": (1, lambda: [Embedding(5, 3), Dense(2)]),
    "columns of codes": (
        4,
        lambda: [
            Columns({"size": (0, 2, Scale()), "color": (2, 3, Embedding(7, 3)), "sex": (3, 4, Embedding(2, 2))}),
            Dense(2),
        ],
    ),
    "wide": (9, lambda: [Dense(7), ActivationLayer("tanh"), Dense(6)]),
}


def network(name: str, dtype: str) -> Network:
    """Return a bare network, initialized, with buffers and parameters that are not their first values."""
    n_inputs, layers = NETWORKS[name]
    made = Network(layers(), n_inputs=n_inputs, dtype=dtype, rng=0)
    rng = np.random.default_rng(0)
    made.initialize(rng.normal(size=(50, n_inputs)))
    made.parameters += 0.1 * rng.normal(size=made.parameters.shape).astype(dtype)
    if name == "batch norm":
        made.buffers += rng.random(made.buffers.shape).astype(dtype)
    return made
