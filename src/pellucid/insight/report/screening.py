"""Screening: which columns of a wide table are worth measuring, by the slope of a network's outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.tabular.encodings import ColumnEncoding

if TYPE_CHECKING:
    import polars

MOST_ROWS = 200


def most_moving(estimator: Any, table: polars.DataFrame, most: int) -> list[str]:
    """Return the columns that move the outputs of an estimator's strongest network most, those first.

    A feature's share is the mean size of its slope over some rows, times its standard deviation there; a column's is
    that of its features together. A code, which has no slope, counts as moving: an embedding was made for it.
    """
    encoder = estimator.encoder_
    rows = np.unique(np.linspace(0, table.height - 1, min(table.height, MOST_ROWS)).astype(np.int64))
    matrix = encoder.transform(table[rows])
    network = estimator.network_.copy()  # a backward pass writes gradients
    outputs, cache = network.forward(matrix)
    moved = np.zeros(matrix.shape[1])
    for output in range(min(outputs.shape[1], 8)):
        slope = np.zeros_like(outputs)
        slope[:, output] = 1
        moved += np.abs(np.nan_to_num(network.backward(slope, cache))).mean(axis=0)
    moved *= matrix.std(axis=0)
    by_name = dict(zip(encoder.feature_names, moved.tolist(), strict=True))

    def share(encoding: ColumnEncoding) -> float:
        features = encoding.features()
        return float("inf") if features[0].group == "code" else sum(by_name[feature.name] for feature in features)

    ranked = sorted(encoder.encodings, key=lambda encoding: -share(encoding))  # stable
    return [encoding.name for encoding in ranked[:most]]
