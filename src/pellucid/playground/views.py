"""Views are what a page draws of a network: scores, maps over the plane, and histograms, as JSON data."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from pellucid.layers import ActivationLayer, Columns
from pellucid.layers.base import Array
from pellucid.losses import Loss
from pellucid.network import Network

WHOLE = 64
FEW = 16
"""A layer of up to `WHOLE` neurons is shown whole, of a wider one the first `FEW`."""


def score(network: Network, X: Array, target: Array, loss: Loss, classes: list[str]) -> dict[str, Any] | None:
    """Return loss, accuracy and confusion matrix, or R²; None without rows."""
    if not len(X):
        return None
    outputs = network.predict(X)
    checked = loss.check_target(target, network.n_outputs)
    found: dict[str, Any] = {"loss": plain(loss.value_and_gradient(outputs, checked)[0])}
    predictions = loss.predict(outputs)
    if classes:
        taken = (predictions[:, 0] > 0.5).astype(int) if network.n_outputs == 1 else predictions.argmax(axis=1)
        confusion = np.zeros((len(classes), len(classes)), dtype=int)
        np.add.at(confusion, (target, taken), 1)
        return {**found, "accuracy": float((taken == target).mean()), "confusion": confusion.tolist(), "r2": None}
    answer = predictions[:, predictions.shape[1] // 2]  # of several quantiles, the one in the middle
    spread = float(np.square(target - target.mean()).sum())
    r2 = None if spread == 0 else plain(1 - float(np.square(target - answer).sum()) / spread)
    return {**found, "accuracy": None, "confusion": None, "r2": r2}


def has_map(network: Network, index: int) -> bool:
    """Return whether a layer's neurons are shown as maps: activations, a model's embeddings, and the last layer."""
    return isinstance(network.layers[index], ActivationLayer | Columns) or index == len(network.layers) - 1


def shown_neurons(n_neurons: int) -> int:
    """Return how many of a layer's neurons, or of the inputs, are shown."""
    return n_neurons if n_neurons <= WHOLE else FEW


def shown_cells(views: Mapping[str, Array]) -> dict[str, Any]:
    """Return those cells of each array, row by row, that belong to shown neurons."""
    cropped = {name: view[tuple(slice(shown_neurons(size)) for size in view.shape)] for name, view in views.items()}
    return {name: plain(view.ravel()) for name, view in cropped.items()}


def maps(network: Network, grid: Array, loss: Loss) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the maps of the inputs and of the neurons of each layer, and those of the prediction."""
    found = [{"layer": -1, "neurons": _encoded(grid)}]
    x = grid
    with np.errstate(all="ignore"):  # what is not finite is drawn as 0
        for index, layer in enumerate(network.layers):
            x, _ = layer.forward(x)
            if has_map(network, index):
                found.append({"layer": index, "neurons": _encoded(x)})
        return found, _encoded(loss.predict(x))


def _encoded(values: Array) -> list[dict[str, Any]]:
    """Return each column that is shown as bytes between its lowest and highest value."""
    values = np.nan_to_num(values[:, : shown_neurons(values.shape[1])], posinf=0.0, neginf=0.0)
    low, high = values.min(axis=0), values.max(axis=0)
    span = np.where(high > low, high - low, 1.0)
    cells = np.ascontiguousarray(np.rint((values - low) / span * 255).astype(np.uint8).T)
    return [
        {"low": float(low[j]), "high": float(high[j]), "values": base64.b64encode(cells[j].tobytes()).decode("ascii")}
        for j in range(len(cells))
    ]


def histograms(network: Network, X: Array, bins: int) -> dict[str, Any]:
    """Return histograms of each parameter array, and of what leaves each layer for these rows."""
    weights = [{"parameter": name, **_histogram(view, bins)} for name, view in network.named_parameters.items()]
    activations, x = [], X
    with np.errstate(all="ignore"):
        for index, layer in enumerate(network.layers):
            x, _ = layer.forward(x)
            activations.append({"layer": index, **_histogram(x, bins)})
    return {"weights": weights, "activations": activations}


def _histogram(values: Array, bins: int) -> dict[str, Any]:
    counts, edges = np.histogram(values[np.isfinite(values)], bins)
    return {"edges": edges.tolist(), "counts": counts.tolist()}


def plain(value: Any) -> Any:
    """Return JSON data with null for what is not finite, and lists for arrays and tuples."""
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        if isinstance(value, np.ndarray) and value.dtype.kind == "f" and np.isfinite(value).all():
            return value.tolist()
        return [plain(item) for item in value]
    return value
