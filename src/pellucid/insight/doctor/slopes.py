"""Checks of the gradient on its way back: layers that it reaches with nearly nothing left, or far too large."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pellucid.activations import ReLU, Sigmoid, Tanh
from pellucid.insight.doctor.examination import Examination, holds_weights
from pellucid.insight.doctor.report import Finding
from pellucid.layers import ActivationLayer, Dense

FAR_APART = 1000.0
"""All layers share one learning rate: while the layer with the larger gradient goes its way, one with a thousandth of
it stands still. Weights that start with variance 1 / n_inputs keep the length of the gradient from layer to layer, so
sound networks stay far from that, whatever their widths."""


def gradients_by_layer(case: Examination) -> Iterator[Finding]:
    """The length of the gradient at each layer with weights, held against the last one's."""
    network = case.network
    lengths = {
        index: float(np.linalg.norm(case.slopes[index].astype(np.float64)))
        for index in range(case.last_weights + 1)
        if holds_weights(network.layers[index])
    }
    if len(lengths) < 2 or case.solved:
        return
    last = lengths[case.last_weights]
    if not np.isfinite(list(lengths.values())).all() or last == 0:
        return
    figures = {"length_by_layer": {str(index): length for index, length in lengths.items()}}
    before = {index: length / last for index, length in lengths.items() if index != case.last_weights}
    smallest, largest = min(before, key=before.__getitem__), max(before, key=before.__getitem__)
    told = ", ".join(f"layer {index}: {length:.2g}" for index, length in list(lengths.items())[:12])
    if 0 < before[smallest] < 1 / FAR_APART:  # exactly 0 is the work of dead or equal neurons, which have checks
        bends = [
            (index, layer)
            for index, layer in enumerate(network.layers[: case.last_weights])
            if isinstance(layer, ActivationLayer) and isinstance(layer.function, Sigmoid | Tanh)
        ]
        changes: dict[int, list[Any]] = {index: [ReLU()] for index, _ in bends} | _he(case)
        yield Finding(
            "vanishing gradients",
            "problem",
            f"On its way back the gradient has shrunk {1 / before[smallest]:,.0f} times when it reaches layer "
            f"{smallest} ({told}). With one learning rate for all, that layer stands still while the last one moves. "
            + (
                f"Each of the {len(bends)} squashing layers multiplies it by its slope, at most 0.25 for a sigmoid: "
                "use ReLU with He's start."
                if bends
                else "The weights are too small: start from He's or Glorot's."
            ),
            case.rewritten(changes=changes),
            {"ratio": before[smallest], **figures},
            layer=str(smallest),
        )
    if before[largest] > FAR_APART:
        yield Finding(
            "exploding gradients",
            "problem",
            f"On its way back the gradient has grown {before[largest]:,.0f} times when it reaches layer {largest} "
            f"({told}). A learning rate that suits the last layer throws that one far away. The weights between are "
            "too large: start from He's or Glorot's, which keep its length, or clip it while training.",
            case.rewritten(changes=_he(case)),
            {"ratio": before[largest], **figures},
            layer=str(largest),
        )


def _he(case: Examination) -> dict[int, list[Any]]:
    """Return the hidden dense layers with He's start."""
    return {
        index: [Dense(layer.n_outputs, bias=layer.bias, weight_initializer="he")]
        for index, layer in enumerate(case.network.layers[: case.last_weights])
        if isinstance(layer, Dense)
    }
