"""Selection grows an ensemble: it starts with the best candidate and adds, again and again, the one that helps most.

The ensemble's prediction is the mean of its candidates', and a candidate may be added several times, which is its
weight. It ends where no candidate improves the metric on rows that none was trained on.

    chosen = [the best candidate]
    repeat:
        for each candidate c: value[c] = metric(mean of the predictions of chosen + [c])
        stop unless the best value improves on that of chosen
        chosen += [the first c with the best value]

Source: R. Caruana, A. Niculescu-Mizil, G. Crew and A. Ksikes, "Ensemble selection from libraries of models", ICML 2004.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pellucid.elementary import logarithms
from pellucid.errors import DataError, OptionError, ShapeError
from pellucid.layers.base import Array
from pellucid.training.metrics import LogLoss, Metric, weighted_mean

MOST_ROUNDS = 100  # a weight of 1 % is the finest that 100 candidates express
BLOCK = 4096  # rows whose numbers stay in the processor's cache while they are worked on


@dataclass(frozen=True)
class Selection:
    """Which candidates are used, how often, and what that brought.

    counts : (n_candidates,), how often each was chosen
    chosen : the candidates in the order in which they were chosen
    values : the metric of the ensemble after each of them
    """

    counts: Array
    chosen: tuple[int, ...]
    values: tuple[float, ...]

    @property
    def weights(self) -> Array:
        """The candidates' weights in the mean, (n_candidates,), with a sum of 1."""
        return np.asarray(self.counts / len(self.chosen))


def select_ensemble(
    predictions: Sequence[Array] | Array,
    target: Array,
    metric: Metric,
    sample_weight: Array | None = None,
    *,
    min_improvement: float = 0.0,
    most_rounds: int = MOST_ROUNDS,
) -> Selection:
    """Return which candidates, each how often, make the best ensemble that adding one after another finds.

    Among equals the lowest index is chosen. Nothing is copied but what a metric needs: log-loss of codes one number a
    row, the probability of the right class.

    Parameters
    ----------
    predictions : n_candidates arrays of shape (n_rows, n_outputs), of rows that none of them was trained on:
        probabilities, or numbers
    target : as the loss checked it: codes (n_rows,), or (n_rows, n_outputs)
    metric : what is improved
    sample_weight : (n_rows,) at least 0, or None
    min_improvement : by how much the metric must improve for a candidate to be added, at least 0
    most_rounds : candidates chosen at most, the first one included

    Raises
    ------
    OptionError : there are no candidates, or an option is outside its range
    ShapeError : a candidate or the target has another shape than the first candidate
    DataError : a candidate's predictions are not finite, or the metric of every candidate is NaN

    >>> import numpy as np
    >>> from pellucid import RootMeanSquaredError
    >>> candidates = np.array([[[0.0], [2.0]], [[3.0], [3.0]], [[9.0], [9.0]]])
    >>> found = select_ensemble(candidates, np.array([[1.0], [2.5]]), RootMeanSquaredError())
    >>> found.chosen, found.counts.tolist(), found.values[-1]
    ((0, 1, 0), [2, 1, 0], 0.11785113019775781)
    """
    n_candidates = len(predictions)
    if not n_candidates or min_improvement < 0 or most_rounds < 1:
        raise OptionError(
            f"select_ensemble got {n_candidates} candidates, min_improvement={min_improvement!r} and "
            f"most_rounds={most_rounds!r}; it expects at least 1, 0 and 1."
        )
    _check(predictions, target)
    growing: _Growing
    if isinstance(metric, LogLoss) and _are_certain(target):
        growing = _GrowingLogLoss(predictions, target, sample_weight)
    else:
        growing = _GrowingMean(predictions, target, metric, sample_weight)
    counts = np.zeros(n_candidates, dtype=np.int64)
    chosen: list[int] = []
    values: list[float] = []
    while len(chosen) < most_rounds:
        found = growing.values()
        best = -1
        for index, value in enumerate(found):
            if not math.isnan(value) and (best < 0 or metric.is_better(value, found[best])):
                best = index
        if best < 0 and not chosen:
            raise DataError(
                f"select_ensemble: {metric.name} is NaN for every candidate; the {len(target)} rows cannot tell them "
                "apart by it (all of one class, or a constant target?): choose another metric, or other rows."
            )
        if best < 0 or (values and not _improves(metric, found[best], values[-1], min_improvement)):
            break
        growing.add(best)
        counts[best] += 1
        chosen.append(best)
        values.append(found[best])
    return Selection(counts, tuple(chosen), tuple(values))


def blend(predictions: Sequence[Array] | Array, counts: Array) -> Array:
    """Return the mean of the predictions, each counted so often, added in the order of the candidates.

    Candidates with a count of 0 are not looked at.
    """
    used = np.flatnonzero(counts)
    mixed = predictions[used[0]] * float(counts[used[0]])
    for index in used[1:]:
        mixed = mixed + predictions[index] * float(counts[index])
    return np.asarray(mixed / float(counts.sum()))


class _Growing(ABC):
    """The ensemble so far, as a sum over its candidates."""

    @abstractmethod
    def values(self) -> list[float]:
        """Return the metric of the ensemble with each candidate added."""

    @abstractmethod
    def add(self, index: int) -> None:
        """Add a candidate."""


class _GrowingMean(_Growing):
    """Any metric, of the sum of predictions over their number."""

    def __init__(
        self, predictions: Sequence[Array] | Array, target: Array, metric: Metric, weight: Array | None
    ) -> None:
        self._predictions, self._target, self._metric, self._weight = predictions, target, metric, weight
        self._sum, self._n_chosen = np.zeros(predictions[0].shape), 0

    def values(self) -> list[float]:
        n = self._n_chosen + 1
        return [
            self._metric.value((self._sum + candidate) / n, self._target, self._weight)
            for candidate in self._predictions
        ]

    def add(self, index: int) -> None:
        self._sum += self._predictions[index]
        self._n_chosen += 1


class _GrowingLogLoss(_Growing):
    """Log-loss, where one class is right in each row: of one probability a row alone, to the same bits.

    With codes it is that of the right class. With one output it is that of yes, p, and the right side's is |no - p|,
    where no is 1 in rows where no is right and 0 elsewhere.
    """

    def __init__(self, predictions: Sequence[Array] | Array, target: Array, weight: Array | None) -> None:
        counted = np.flatnonzero(np.ones(len(target)) if weight is None else weight)
        self._weight = None if weight is None else weight[counted]
        has_codes = predictions[0].shape[1] > 1
        column = target[counted] if has_codes else 0
        self._no = np.zeros(len(counted)) if has_codes else 1.0 - target.reshape(-1)[counted]
        self._ps = np.array([candidate[counted, column] for candidate in predictions], dtype=np.float64)
        self._sum, self._n_chosen = np.zeros(len(counted)), 0

    def values(self) -> list[float]:
        n, losses, found = self._n_chosen + 1, np.empty_like(self._sum), []
        for p in self._ps:
            for start in range(0, len(losses), BLOCK):
                rows = slice(start, start + BLOCK)
                losses[rows] = -logarithms(np.abs(self._no[rows] - (self._sum[rows] + p[rows]) / n))
            found.append(weighted_mean(losses, self._weight))
        return found

    def add(self, index: int) -> None:
        self._sum += self._ps[index]
        self._n_chosen += 1


def _are_certain(target: Array) -> bool:
    """Return whether each row has one class that is right: codes, or a column of 0 and 1."""
    return target.ndim == 1 or (target.shape[1] == 1 and bool(np.isin(target, (0, 1)).all()))


def _improves(metric: Metric, value: float, than: float, by: float) -> bool:
    return metric.is_better(value, than) and abs(value - than) > by


def _check(predictions: Sequence[Array] | Array, target: Array) -> None:
    """Raise for a candidate that has another shape than the first one, or a number that is not finite."""
    shape = predictions[0].shape
    if len(shape) != 2 or len(target) != shape[0] or not len(target):
        raise ShapeError(
            f"select_ensemble: candidate 0 has shape {shape} and the target {target.shape}; it expects (n_rows, "
            "n_outputs) with as many rows, at least one."
        )
    for index, candidate in enumerate(predictions):
        if candidate.shape != shape:
            raise ShapeError(
                f"select_ensemble: candidate {index} has shape {candidate.shape}; candidate 0 has {shape}."
            )
        if not np.isfinite(candidate).all():
            raise DataError(
                f"select_ensemble: candidate {index} predicts something that is not finite; leave out a network that "
                "diverged."
            )
