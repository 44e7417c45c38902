"""A metric is a figure that people read; it is recorded beside the loss and may decide when to stop, or what is used.

All are made of exact operations and of sums in a written order, so that what they decide is the same everywhere.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import ClassVar

import numpy as np

from pellucid.elementary import logarithms, total
from pellucid.errors import OptionError, listed
from pellucid.layers.base import Array
from pellucid.options import Configurable, named, registered


class Metric(Configurable):
    """The interface of every metric, on predictions (after the loss's link) and the target as the loss checked it.

    ``task`` is what it judges, "classification" or "regression". Rows of weight 0 count as if they were not there.
    """

    name: ClassVar[str]
    higher_is_better: ClassVar[bool]
    task: ClassVar[str]

    @abstractmethod
    def value(self, predictions: Array, target: Array, sample_weight: Array | None = None) -> float:
        """Return the figure for ``predictions : (n_rows, n_outputs)``."""

    def is_better(self, value: float, than: float) -> bool:
        """Return whether one value is better than another; NaN never is."""
        return value > than if self.higher_is_better else value < than


class Accuracy(Metric):
    """The share of rows whose class is right: the most probable one, or the side of one half for yes and no."""

    name = "accuracy"
    higher_is_better = True
    task = "classification"

    def value(self, predictions: Array, target: Array, sample_weight: Array | None = None) -> float:
        """Return the share, from 0 to 1; of several labels all must be right."""
        target = _shaped(target, predictions)
        if _are_labels(predictions, target):
            right = ((predictions > 0.5) == (target > 0.5)).all(axis=1)
        else:
            right = predictions.argmax(axis=1) == _codes(target)
        return weighted_mean(right, sample_weight)


class LogLoss(Metric):
    """The mean of -log p of the class that is right: the negative log-likelihood of a row; ∞ if one has p = 0.

    Of several labels it is the mean over them; a target between 0 and 1 counts for both sides, in its shares.

    >>> import numpy as np
    >>> round(LogLoss().value(np.array([[0.75, 0.25], [0.5, 0.5]]), np.array([0, 1])), 6)
    0.490415
    """

    name = "log_loss"
    higher_is_better = False
    task = "classification"

    def value(self, predictions: Array, target: Array, sample_weight: Array | None = None) -> float:
        """Return the loss, at least 0."""
        p, target = predictions.astype(np.float64), _shaped(target, predictions)
        if target.ndim == 1:
            losses = -logarithms(p[np.arange(len(target)), target])
        elif _are_labels(predictions, target):
            losses = -total(_log_share(target, p) + _log_share(1 - target, 1 - p)) / p.shape[1]
        else:
            losses = -total(_log_share(target, p))
        return weighted_mean(losses, sample_weight)


class BrierScore(Metric):
    """The mean squared distance of the probabilities from the truth: Σ_k (p_k - t_k)², for two classes half of that.

    So two classes and one output, the probability of yes, have the same score, (p - t)². Of several labels it is the
    mean over them.

    Source: G. W. Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather Review 78
    (1950) 1-3.
    """

    name = "brier"
    higher_is_better = False
    task = "classification"

    def value(self, predictions: Array, target: Array, sample_weight: Array | None = None) -> float:
        """Return the score, from 0 to 2, or to 1 for yes and no."""
        error, target = predictions.astype(np.float64), _shaped(target, predictions)
        if target.ndim == 1:
            error[np.arange(len(target)), target] -= 1.0
        else:
            error -= target
        n_columns = error.shape[1]
        halved = n_columns if _are_labels(predictions, target) else 2 if n_columns == 2 else 1
        return weighted_mean(total(error * error) / halved, sample_weight)


class AUROC(Metric):
    """The area under the receiver operating characteristic: how often a row of a class is ranked above one of the rest.

    Of all pairs of a row of the class and one of the rest, it is the weighted share in which the class's probability is
    higher for the former; equal ones count half. With many classes it is the mean over those that have rows on both
    sides, each against the rest; of several labels the mean over them. NaN where there is no such class. Without
    weights, or with whole numbers for weights, every sum is exact.

    >>> import numpy as np
    >>> AUROC().value(np.array([[0.1], [0.6], [0.4], [0.9]]), np.array([[0.0], [0.0], [1.0], [1.0]]))
    0.75
    """

    name = "auroc"
    higher_is_better = True
    task = "classification"

    def value(self, predictions: Array, target: Array, sample_weight: Array | None = None) -> float:
        """Return the area, from 0 to 1; one half is no better than chance."""
        target = _shaped(target, predictions)
        if sample_weight is not None:
            counted = sample_weight > 0
            predictions, target, sample_weight = predictions[counted], target[counted], sample_weight[counted]
        if _are_labels(predictions, target):
            sides = list(target.T > 0.5)
            scores = list(predictions.T)
        else:
            codes = _codes(target)
            classes = range(predictions.shape[1]) if predictions.shape[1] > 2 else [1]
            sides = [codes == code for code in classes]
            scores = [predictions[:, code] for code in classes]
        areas = [
            area(values, side, sample_weight)
            for values, side in zip(scores, sides, strict=True)
            if side.any() and not side.all()
        ]
        return float(math.fsum(areas) / len(areas)) if areas else math.nan


class RootMeanSquaredError(Metric):
    """``sqrt(mean (prediction - target)²)``, in the target's unit; of several targets, with the mean over them."""

    name = "rmse"
    higher_is_better = False
    task = "regression"

    def value(self, predictions: Array, target: Array, sample_weight: Array | None = None) -> float:
        """Return the error, at least 0."""
        squares = np.square(_errors(predictions, target))
        return math.sqrt(weighted_mean(total(squares) / squares.shape[1], sample_weight))


class MeanAbsoluteError(Metric):
    """``mean |prediction - target|``, in the target's unit; of several targets, with the mean over them."""

    name = "mae"
    higher_is_better = False
    task = "regression"

    def value(self, predictions: Array, target: Array, sample_weight: Array | None = None) -> float:
        """Return the error, at least 0."""
        sizes = np.abs(_errors(predictions, target))
        return weighted_mean(total(sizes) / sizes.shape[1], sample_weight)


class R2(Metric):
    """``1 - Σ (prediction - target)² / Σ (mean - target)²``: 1 is perfect, 0 is no better than the mean."""

    name = "r2"
    higher_is_better = True
    task = "regression"

    def value(self, predictions: Array, target: Array, sample_weight: Array | None = None) -> float:
        """Return the coefficient of determination, averaged over targets; NaN for a target that is constant."""
        found = []
        truths = target.reshape(predictions.shape).astype(np.float64)
        for error, column in zip(_errors(predictions, target).T, truths.T, strict=True):
            first = 0 if sample_weight is None else int(np.argmax(sample_weight > 0))
            truth = column - column[first]  # so that a constant's mean is exact
            whole = weighted_mean(np.square(truth - weighted_mean(truth, sample_weight)), sample_weight)
            found.append(1 - weighted_mean(np.square(error), sample_weight) / whole if whole > 0 else math.nan)
        return float(math.fsum(found) / len(found))


def metric_for(task: str, metric: Metric | str | None, owner: str) -> Metric:
    """Return the metric that is meant, which must fit the task; None is log-loss, or the root mean squared error.

    Raises `OptionError`, which begins with ``owner``, for another name, or a metric of the other task.

    >>> metric_for("classification", None, "fit").name, metric_for("regression", "mae", "fit").name
    ('log_loss', 'mae')
    """
    if metric is None:
        return LogLoss() if task == "classification" else RootMeanSquaredError()
    found = named(Metric, metric, f"{owner}: metric")  # type: ignore[type-abstract]
    if found.task != task:
        fitting = [cls.name for cls in registered(Metric).values() if cls.task == task]  # type: ignore[type-abstract]
        raise OptionError(
            f"{owner}: metric got {found.name!r}, which judges {found.task}; for {task} it expects one of "
            f"{listed(fitting)}."
        )
    return found


def area(scores: Array, is_positive: Array, sample_weight: Array | None = None) -> float:
    """Return the weighted share of pairs of a positive row and another whose scores stand in that order; ties are half.

    A positive row of score s is above the others' weight below s and half their weight at s: the mean of their summed
    weights up to s without it, and with it. These are looked up among the sorted scores of the others.

    scores : (n_rows,) finite
    is_positive : (n_rows,) of which one is True and one False at least
    sample_weight : (n_rows,) above 0, or None
    """
    positive, other = scores[is_positive], scores[~is_positive]
    if sample_weight is None:
        positive, other = np.sort(positive), np.sort(other)  # sorted numbers are looked up much faster
        below = np.searchsorted(other, positive, side="left").sum()
        upto = np.searchsorted(other, positive, side="right").sum()
        return float((int(below) + int(upto)) / (2 * len(positive) * len(other)))
    order = np.argsort(other, kind="stable")
    weight = sample_weight.astype(np.float64)
    reached = np.concatenate([[0.0], np.cumsum(weight[~is_positive][order])])
    below = reached[np.searchsorted(other[order], positive, side="left")]
    upto = reached[np.searchsorted(other[order], positive, side="right")]
    own = weight[is_positive]
    return float(total(own * (0.5 * (below + upto))) / (total(own) * reached[-1]))


def weighted_mean(values: Array, sample_weight: Array | None) -> float:
    """Return the mean over rows, without those of weight 0 (whose loss may be ∞)."""
    values = values.astype(np.float64)
    if sample_weight is None:
        return float(total(values) / len(values)) if len(values) else math.nan
    counted = sample_weight > 0
    weight = sample_weight[counted].astype(np.float64)
    return float(total(values[counted] * weight) / total(weight)) if len(weight) else math.nan


def _are_labels(predictions: Array, target: Array) -> bool:
    """Return whether each column is a yes or no of its own: one only, or rows that are no distribution over classes."""
    if target.ndim == 1:
        return False
    return predictions.shape[1] == 1 or not np.allclose(predictions.sum(axis=1), 1, rtol=0, atol=1e-5)


def _shaped(target: Array, predictions: Array) -> Array:
    """Return yes and no, where there is one output, as a column."""
    return target.reshape(predictions.shape) if predictions.shape[1] == 1 else target


def _codes(target: Array) -> Array:
    return target if target.ndim == 1 else target.argmax(axis=1)


def _log_share(target: Array, p: Array) -> Array:
    """Return t log p, and 0 where t is 0, whatever p is."""
    target = target.astype(np.float64)
    return np.asarray(target * logarithms(np.where(target > 0, p, 1.0)))


def _errors(predictions: Array, target: Array) -> Array:
    return np.asarray(predictions.astype(np.float64) - target.reshape(predictions.shape))
