"""A program that makes what must be the same bits everywhere and prints its SHA-256, asked for in a process of its own.

It prints a JSON object of hashes on one line: of first weights by every initializer, of a trained network, of one by
L-BFGS, and of estimators that stopped early, with their predictions. After ``repeats 20`` it prints a line for each of
20 times in this process; after ``children`` a line for itself, for a forked and for a spawned process.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import sys
from typing import Any

import numpy as np

from pellucid.estimators import MLPClassifier, TabularClassifier, TabularRegressor
from pellucid.initializers import Initializer
from pellucid.layers import (
    ActivationLayer,
    BatchNorm,
    Columns,
    Dense,
    Dropout,
    Embedding,
    LayerNorm,
    PeriodicEmbedding,
    PeriodicFeatures,
    PiecewiseLinearEmbedding,
    Scale,
)
from pellucid.losses import CrossEntropy, Poisson
from pellucid.network import Network
from pellucid.optimizers import LBFGS, Adam
from pellucid.options import registered
from pellucid.random import Random
from pellucid.schedules import CosLog, Exponential, OneCycle
from pellucid.training import EarlyStopping, train

N_ROWS = 331
Made = dict[str, np.ndarray[Any, Any]]


def first_weights() -> Made:
    """Those of a network by each initializer that has a default; some look at the rows that the layers hand on."""
    X = Random(2).normal((50, 40)) * np.arange(1.0, 41.0)
    names = [kind.name for kind in registered(Initializer).values() if kind.name not in ("constant", "explicit")]  # type: ignore[type-abstract]
    made = {}
    for name in names:
        by: dict[str, Any] = {"bias_initializer" if name == "hull" else "weight_initializer": name}
        layers = [Dense(30, **by), "tanh", LayerNorm(), Dense(20, **by), "gelu", Dense(3, **by)]
        network = Network(layers, n_inputs=40)
        still = Adam(learning_rate=0.0)
        train(network, X, np.arange(50) % 3, loss=CrossEntropy(), optimizer=still, epochs=1, engine="native")
        made[f"first weights: {name}"] = network.parameters
    return made


def trained() -> Made:
    """6 epochs of shuffled batches through most kinds of layers, with three schedules."""
    X = Random(1).normal((N_ROWS, 6))
    X[:, 5] = np.arange(N_ROWS) % 5
    network = Network(
        [
            Columns(
                {
                    "numbers": (0, 5, [Scale(), PeriodicEmbedding()]),
                    "waves": (0, 2, PeriodicFeatures(n_frequencies=3)),
                    "bins": (2, 5, PiecewiseLinearEmbedding(2, n_bins=7)),
                    "code": (5, 6, Embedding(5, 3)),
                }
            ),
            Dense(70, weight_initializer="unit_variance", bias_initializer="hull", parametrization="ntk"),
            LayerNorm(),
            ActivationLayer("mish", parametric=True),
            "gelu",
            Dropout(0.2),
            Dense(33),
            BatchNorm(),
            "tanh",
            Dense(3),
        ],
        n_inputs=6,
        rng=3,
        dtype="float32",
    )
    schedules = {"learning_rate": OneCycle(), "dropout_rate": Exponential(final=0.3)}
    history = train(
        network, X, np.arange(N_ROWS) * 7 % 3, loss=CrossEntropy(), optimizer=Adam(), epochs=6, batch_size=40, rng=5,
        sample_weight=np.arange(N_ROWS) % 4 + 0.5, schedules=schedules, engine="native",
    )  # fmt: skip
    losses = np.array([history["loss"], history["gradient_norm"]])
    return {"trained": network.parameters, "statistics": network.buffers, "losses": losses}


def searched() -> Made:
    """By L-BFGS, and by SGD to the epoch of the best R² on a Poisson target: the link is an exponential."""
    X = Random(6).normal((N_ROWS, 4))
    y = np.arange(N_ROWS) * 5 % 11 * (X[:, 0] > 0)
    made = {}
    for optimizer, schedules in ((LBFGS(), {}), ("sgd", {"learning_rate": CosLog()})):
        network = Network([Dense(9), "silu", Dense(1)], n_inputs=4, rng=1)
        network.named_parameters["2.bias"][...] = Poisson().best_constant(y[:, None].astype(np.float64))
        history = train(
            network, X, y, loss=Poisson(), optimizer=optimizer, epochs=12, schedules=schedules, metrics=["r2", "rmse"],
            X_val=X[::3], y_val=y[::3], callbacks=[EarlyStopping(monitor="validation_r2")], engine="native",
        )  # fmt: skip
        made[f"Poisson, {optimizer}"] = network.parameters
        figures = ("loss", "r2", "rmse", "validation_loss", "validation_r2", "validation_rmse")
        made[f"Poisson, {optimizer}: history"] = np.array([history[name] for name in figures])
    return made


def estimated() -> Made:
    """A classifier and a regressor that stopped early on a raw table, a population, and what they predict."""
    numbers = Random(7).normal((N_ROWS, 2))
    days = np.datetime64("2024-01-01") + np.arange(N_ROWS) * 3
    table: dict[str, Any] = {
        "size": np.where(np.arange(N_ROWS) % 9, numbers[:, 0], np.nan),
        "kind": [f"kind {code}" for code in np.arange(N_ROWS) % 13],
        "color": [("red", "blue", None)[code] for code in np.arange(N_ROWS) % 3],
        "day": days,
    }
    weight = np.arange(N_ROWS) % 3 + 0.3
    label = np.array(["a", "b", "c"])[(numbers[:, 1] + np.arange(N_ROWS) % 3 * 0.7).astype(int) % 3]
    options: dict[str, Any] = {"hidden_layer_sizes": (24,), "epochs": 12, "random_state": 1}
    one = {"members": 1, "patience": 3}
    classifier = TabularClassifier(**options, **one).fit(table, label, weight)
    regressor = TabularRegressor(**options, **one).fit(table, numbers[:, 0] * 3 + np.arange(N_ROWS) % 13)
    several = TabularClassifier(**options, members=3, folds=2).fit(table, label, weight)
    assert classifier.engine_ == "native" and classifier.history_.engine == "native"
    made = {"classifier": classifier.network_.parameters, "regressor": regressor.network_.parameters}
    for name, estimator in (("classifier", classifier), ("regressor", regressor)):
        made[f"{name}: history"] = np.array([estimator.history_["loss"], estimator.history_["validation_loss"]])
    made["population"] = np.concatenate([network.parameters for network in several.ensemble_.networks])
    made["population: history"] = np.array([several.history_["loss"], several.history_["validation_loss"]])
    made["population: weights, temperature"] = np.array([*several.ensemble_.weights, several.temperature_])
    predictors = {"probabilities": classifier.predict_proba, "predictions": regressor.predict}
    for name, predict in {**predictors, "population's probabilities": several.predict_proba}.items():
        for rows_at_once, n in ((N_ROWS, N_ROWS), (7, 14), (1, 6)):
            starts = range(0, n, rows_at_once)
            parts = [{key: column[i : i + rows_at_once] for key, column in table.items()} for i in starts]
            found = np.concatenate([predict(part) for part in parts])
            made[f"{name}, {rows_at_once} at once"] = found[:6]
    return made


def dropped_in() -> Made:
    """Classifiers in place of scikit-learn's that stop early by the focal loss, of two classes and of many."""
    made = {}
    X = Random(8).normal((N_ROWS, 5))
    for n_classes in (2, 21):
        y = np.arange(N_ROWS) * 5 % n_classes * (X[:, 0] > -1)
        model = MLPClassifier(
            (16,), "gelu", loss="focal", dropout=0.2, weight_decay=0.1, random_state=2, max_iter=40, n_iter_no_change=2,
            early_stopping=True, monitor="loss", learning_rate_init=0.05,
        ).fit(X[30:], y[30:], X_val=X[:30], y_val=y[:30])  # fmt: skip
        assert model.engine_ == "native" and "validation loss" in model.stopped_by_
        made[f"{n_classes} classes"] = np.concatenate([array.ravel() for array in model.coefs_])
        made[f"{n_classes} classes: history"] = np.array([model.loss_curve_, model.validation_loss_curve_])
    return made


def digest(_: Any = None) -> dict[str, str]:
    """Return the hash of everything that is made."""
    made = {**first_weights(), **trained(), **searched(), **estimated(), **dropped_in()}
    return {name: hashlib.sha256(array.tobytes()).hexdigest() for name, array in made.items()}


def digests(how: str = "repeats", count: str = "1") -> list[dict[str, str]]:
    """Return those of ``count`` times here, or of one in each kind of child process."""
    if how == "repeats":
        return [digest() for _ in range(int(count))]
    trained()  # so that the children start from a process that has trained, but not read a table: Polars' threads, once
    found = []  # they run, are no more in a forked process, which waits for them for ever
    for kind in ("fork", "spawn"):
        with multiprocessing.get_context(kind).Pool(1) as pool:
            found += pool.map(digest, [None])
    return [digest(), *found]


if __name__ == "__main__":
    for line in digests(*sys.argv[1:]):
        print(json.dumps(line))
