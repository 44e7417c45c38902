"""A metric is a figure that people read; it is recorded beside the loss and may decide when to stop."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np

from pellucid.layers.base import Array
from pellucid.options import Configurable


class Metric(Configurable):
    """The interface of every metric, on predictions (after the loss's link) and the target as the loss checked it."""

    name: ClassVar[str]
    higher_is_better: ClassVar[bool]

    @abstractmethod
    def value(self, predictions: Array, target: Array, sample_weight: Array | None = None) -> float:
        """Return the figure for ``predictions : (n_rows, n_outputs)``."""


class Accuracy(Metric):
    """The share of rows whose class is right: the most probable one, or the side of one half for yes and no."""

    name = "accuracy"
    higher_is_better = True

    def value(self, predictions: Array, target: Array, sample_weight: Array | None = None) -> float:
        """Return the share, from 0 to 1."""
        if predictions.shape[1] == 1 or (target.ndim == 2 and not np.allclose(target.sum(axis=1), 1)):
            right = ((predictions > 0.5) == (target.reshape(predictions.shape) > 0.5)).all(axis=1)
        else:
            classes = target if target.ndim == 1 else target.argmax(axis=1)
            right = predictions.argmax(axis=1) == classes
        return float(np.average(right, weights=sample_weight))


class RootMeanSquaredError(Metric):
    """``sqrt(mean (prediction - target)²)``, in the target's unit."""

    name = "rmse"
    higher_is_better = False

    def value(self, predictions: Array, target: Array, sample_weight: Array | None = None) -> float:
        """Return the error, at least 0."""
        squares = np.square(predictions - target).mean(axis=1)
        return float(np.sqrt(np.average(squares, weights=sample_weight)))


class R2(Metric):
    """``1 - Σ (prediction - target)² / Σ (mean - target)²``: 1 is perfect, 0 is no better than the mean."""

    name = "r2"
    higher_is_better = True

    def value(self, predictions: Array, target: Array, sample_weight: Array | None = None) -> float:
        """Return the coefficient of determination, averaged over targets."""
        mean = np.average(target, axis=0, weights=sample_weight)
        rest = np.average(np.square(predictions - target), axis=0, weights=sample_weight)
        whole = np.average(np.square(target - mean), axis=0, weights=sample_weight)
        return float(np.mean(1 - rest / np.where(whole > 0, whole, np.nan)))
