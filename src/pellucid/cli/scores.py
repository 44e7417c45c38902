"""Scores: how well predictions fit the truth, for classes, for yes/no labels, and for numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.layers.base import Array
from pellucid.tabular import ClassTarget, NumberTarget
from pellucid.training import AUROC, R2, Accuracy, LogLoss, MeanAbsoluteError, RootMeanSquaredError

if TYPE_CHECKING:
    import polars

Scores = dict[str, float]
LOWER_IS_BETTER = ("log-loss", "RMSE", "MAE")
SHARES = ("accuracy", "AUROC", "R2")  # never above 1


def predicted(estimator: Any, table: polars.DataFrame) -> Array:
    """Return what is scored: probabilities of classes or labels, (n_rows, n_classes), or numbers, (n_rows, ...)."""
    columns = table.to_dict()  # by name: a file may have its columns in any order
    classifies = isinstance(estimator.target_, ClassTarget)
    return np.asarray(estimator.predict_proba(columns) if classifies else estimator.predict(columns))


def scores(target: ClassTarget | NumberTarget, names: Sequence[str], y: Any, prediction: Array) -> Scores:
    """Return each metric by name; where there are several targets, the name ends in that of the target.

    y : the true values, as the table holds them
    prediction : probabilities, (n_rows, n_classes) or (n_rows, n_labels), or numbers
    """
    if isinstance(target, NumberTarget):
        truth = target.decode(target.encode(y))
        if truth.ndim == 1:
            return number_scores(truth, prediction)
        return _for_each(names, [number_scores(*pair) for pair in zip(truth.T, prediction.T, strict=True)])
    truth = target.encode(y)
    if not target.is_multilabel:
        return class_scores(truth, prediction)
    found = []
    for label, probability in zip(truth.T, prediction.T, strict=True):
        found.append(class_scores(label.astype(np.int64), np.stack([1 - probability, probability], axis=1)))
    return _for_each(names, found)


def class_scores(codes: Array, probabilities: Array) -> Scores:
    """Return accuracy, AUROC and log-loss.

    AUROC is the mean over classes, one against the rest, of those that have rows on both sides; NaN if none has.

    codes : (n_rows,), the true class of each row
    probabilities : (n_rows, n_classes)

    >>> found = class_scores(np.array([0, 1]), np.array([[0.75, 0.25], [0.5, 0.5]]))
    >>> {name: round(value, 4) for name, value in found.items()}
    {'accuracy': 0.5, 'AUROC': 1.0, 'log-loss': 0.4904}
    """
    found = {"accuracy": Accuracy(), "AUROC": AUROC(), "log-loss": LogLoss()}
    return {name: metric.value(probabilities, codes) for name, metric in found.items()}


def number_scores(truth: Array, prediction: Array) -> Scores:
    """Return RMSE and MAE in the target's unit, and R2: the share of the variance that is explained.

    >>> number_scores(np.array([1.0, 1.0, 5.0, 5.0]), np.array([1.0, 1.0, 5.0, 7.0]))
    {'RMSE': 1.0, 'MAE': 0.5, 'R2': 0.75}
    """
    found = {"RMSE": RootMeanSquaredError(), "MAE": MeanAbsoluteError(), "R2": R2()}
    return {name: metric.value(prediction[:, None], truth[:, None]) for name, metric in found.items()}


def confusion(target: ClassTarget, y: Any, probabilities: Array) -> Array:
    """Return how many rows of each class (down) were predicted as each class (across), (n_classes, n_classes)."""
    n_classes = len(target.classes)
    counts = np.zeros((n_classes, n_classes), dtype=np.int64)
    np.add.at(counts, (target.encode(y), probabilities.argmax(axis=1)), 1)
    return counts


def _for_each(names: Sequence[str], found: Sequence[Scores]) -> Scores:
    return {
        f"{metric} of {name}": value
        for name, scores_ in zip(names, found, strict=True)
        for metric, value in scores_.items()
    }
