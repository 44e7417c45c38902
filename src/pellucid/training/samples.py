"""Samples are rows of numbers with their targets and, if there are any, weights, all fitting each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.errors import DataError, ShapeError
from pellucid.layers.base import Array
from pellucid.losses import Loss
from pellucid.network import Network


@dataclass(frozen=True)
class Samples:
    """``x : (n_rows, n_inputs)``, ``target`` as the loss checked it, ``weight : (n_rows,)`` or None."""

    x: Array
    target: Array
    weight: Array | None

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, rows: Array) -> Samples:
        return Samples(self.x[rows], self.target[rows], None if self.weight is None else self.weight[rows])

    @property
    def total_weight(self) -> float:
        """The sum of the weights; without any, each row counts 1."""
        return float(len(self.x)) if self.weight is None else float(self.weight.sum())


def checked_samples(network: Network, loss: Loss, X: Any, y: Any, sample_weight: Any, suffix: str = "") -> Samples:
    """Return what `train` was given as samples; ``suffix`` is that of the arguments' names, for messages.

    Raises `ShapeError`, `TargetError` or `DataError`.
    """
    x = np.ascontiguousarray(network.check_rows(X))  # each step reads it by rows
    if not len(x):
        raise DataError(f"train: X{suffix} has no rows; it expects at least one.")
    if not np.isfinite(x).all():
        row, column = np.argwhere(~np.isfinite(x))[0]
        raise DataError(
            f"train: X{suffix} has {x[row, column]} in row {row}, column {column}; it expects finite numbers."
        )
    if y is None:
        raise ShapeError(f"train: X{suffix} is given without y{suffix}; each row needs its target.")
    target = loss.check_target(y, network.n_outputs, network.dtype)
    if len(target) != len(x):
        raise ShapeError(
            f"train: X{suffix} has {len(x)} rows and y{suffix} has {len(target)}; each row needs its target."
        )
    if sample_weight is None:
        return Samples(x, target, None)
    weight = np.asarray(sample_weight, dtype=network.dtype)
    if weight.shape != (len(x),):
        raise ShapeError(f"train: sample_weight{suffix} has shape {weight.shape}; it expects ({len(x)},), one per row.")
    if not (np.isfinite(weight).all() and (weight >= 0).all() and weight.sum() > 0):
        raise DataError(f"train: sample_weight{suffix} expects finite numbers of at least 0 that are not all 0.")
    return Samples(x, target, weight)
