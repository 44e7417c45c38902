"""Conformal prediction: how far predictions were off on rows they were not made for says how far to reach for new ones.

Take n rows that no training, stopping, selection or temperature has seen, and one new row, all drawn alike. Give each a
score that says how badly its prediction fits. Then every rank of the new row's score among the n + 1 is equally likely,
so with probability k / (n + 1) at least it is no more than the k-th smallest of the n. With k = ⌈(n + 1) coverage⌉ that
is ``coverage`` or more, and where no scores are equal less than coverage + 1 / (n + 1), whatever the distribution and
however bad the predictions. It is an average over rows to come: not for each group of rows, not if these are drawn
otherwise, and all rows count alike, whatever their weight in training.

Source: V. Vovk, A. Gammerman and G. Shafer, "Algorithmic Learning in a Random World", Springer 2005; the form for rows
set aside is that of J. Lei, M. G'Sell, A. Rinaldo, R. J. Tibshirani and L. Wasserman, "Distribution-free predictive
inference for regression", JASA 113 (2018) 1094-1111.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from pellucid.errors import DataError, OptionError, ShapeError
from pellucid.layers.base import Array


@dataclass(frozen=True)
class Intervals:
    """Intervals for numbers: the prediction, less and more what enough of the absolute errors stay within.

    ``scores : (n_rows, n_targets)``, each column sorted: |target - prediction|, or that divided by a row's scale. A
    scale that says which rows are hard, such as how much the networks of an ensemble differ, makes intervals wider
    there and narrower elsewhere; coverage holds with any. With several targets each has its own coverage.

    >>> import numpy as np
    >>> rows = Intervals.fit(np.zeros((9, 1)), np.arange(9.0)[:, None])
    >>> [end.tolist() for end in rows.around(np.array([[10.0]]), coverage=0.9)]
    [[[2.0]], [[18.0]]]
    """

    scores: Array

    @classmethod
    def fit(cls, predictions: Array, target: Array, scale: Array | None = None) -> Intervals:
        """Return the intervals that out-of-sample predictions and their targets give, (n_rows, n_targets) both.

        scale : (n_rows, 1) or (n_rows, n_targets), above 0, or None for one width everywhere

        Raises `ShapeError` if they do not fit, `DataError` for a number that is not finite, or a scale not above 0.
        """
        if predictions.shape != target.shape or predictions.ndim != 2:
            raise ShapeError(
                f"Intervals.fit: predictions have shape {predictions.shape} and target {target.shape}; both are to be "
                "(n_rows, n_targets)."
            )
        _check_scale(scale, len(predictions))
        scores = np.abs(target.astype(np.float64) - predictions)
        return cls(_sorted(scores if scale is None else scores / scale))

    def half_width(self, coverage: float) -> Array:
        """Return what is taken from the prediction and added to it, (n_targets,), for rows of scale 1.

        Raises `DataError` if the rows are too few for this coverage, saying how many it takes.
        """
        return np.asarray(self.scores[rank(len(self.scores), coverage) - 1])

    def around(self, predictions: Array, coverage: float, scale: Array | None = None) -> tuple[Array, Array]:
        """Return the lower and the upper end, (n_rows, n_targets) each; ``scale`` as in `fit`.

        Raises `DataError` as `half_width` does, and as `fit` does for the scale.
        """
        _check_scale(scale, len(predictions))
        reach = self.half_width(coverage) if scale is None else self.half_width(coverage) * scale
        return predictions - reach, predictions + reach


@dataclass(frozen=True)
class PredictionSets:
    """Sets of classes: those whose probability reaches what enough of the right classes' probabilities did.

    ``scores : (n_rows,)``, sorted: minus the probability of the class that was right. These sets are the smallest on
    average that have the coverage, if the probabilities are right (M. Sadinle, J. Lei and L. Wasserman, "Least
    ambiguous set-valued classifiers with bounded error levels", JASA 114 (2019) 223-234). Sets that sum up
    probabilities (Romano et al. 2020) adapt better to hard rows, but are larger, and exact only with a random number
    at each prediction, so that a row would not have one answer. The most probable class is always in the set: none is
    empty, and coverage is at least the accuracy.

    >>> import numpy as np
    >>> rows = PredictionSets.fit(np.array([[0.9, 0.1], [0.3, 0.7], [0.6, 0.4], [0.2, 0.8]]), np.array([0, 1, 1, 1]))
    >>> rows.contained(np.array([[0.55, 0.45], [0.95, 0.05]]), coverage=0.8).tolist()
    [[True, True], [True, False]]
    """

    scores: Array

    @classmethod
    def fit(cls, probabilities: Array, codes: Array) -> PredictionSets:
        """Return the sets that out-of-sample probabilities, (n_rows, n_classes), and the right classes' codes give.

        Raises `ShapeError` if they do not fit, `DataError` for a number that is not finite.
        """
        if probabilities.ndim != 2 or codes.shape != (len(probabilities),):
            raise ShapeError(
                f"PredictionSets.fit: probabilities have shape {probabilities.shape} and codes {codes.shape}; they "
                "are to be (n_rows, n_classes) and (n_rows,)."
            )
        return cls(_sorted(-probabilities[np.arange(len(codes)), codes].astype(np.float64)))

    def threshold(self, coverage: float) -> float:
        """Return the smallest probability with which a class is in the set.

        Raises `DataError` if the rows are too few for this coverage, saying how many it takes.
        """
        return -float(self.scores[rank(len(self.scores), coverage) - 1])

    def contained(self, probabilities: Array, coverage: float) -> Array:
        """Return whether each class is in each row's set, (n_rows, n_classes) booleans."""
        found = probabilities >= self.threshold(coverage)
        found[np.arange(len(probabilities)), probabilities.argmax(axis=1)] = True
        return np.asarray(found)


def rank(n_rows: int, coverage: float) -> int:
    """Return which of the sorted scores to take, counted from 1: ⌈(n_rows + 1) coverage⌉, exact in coverage's decimals.

    Raises `OptionError` for a coverage that is not between 0 and 1, `DataError` if that is more than there are rows, so
    that only an infinite reach would do.

    >>> rank(99, 0.9), rank(9, 0.9)
    (90, 9)
    """
    if isinstance(coverage, bool) or not isinstance(coverage, float | np.floating) or not 0 < coverage < 1:
        raise OptionError(f"coverage got {coverage!r}; it expects a number above 0 and below 1, such as 0.9.")
    share = Fraction(repr(float(coverage)))
    found = math.ceil((n_rows + 1) * share)
    if found > n_rows:
        needed = math.ceil(share / (1 - share))
        raise DataError(
            f"a coverage of {float(coverage):g} takes {needed:,} rows that training has not seen to measure errors on; "
            f"there are {n_rows:,}"
            + (f": ask for {_highest(n_rows)} at most, or train on more rows." if n_rows else ".")
        )
    return found


def _highest(n_rows: int) -> str:
    """Return the highest coverage that so many rows allow, n / (n + 1), rounded down to be one."""
    digits = max(2, len(str(n_rows)))
    return f"{math.floor(Fraction(n_rows, n_rows + 1) * 10**digits) / 10**digits:g}"


def _sorted(scores: Array) -> Array:
    wrong = ~np.isfinite(scores)
    if wrong.any():
        row = int(np.argwhere(wrong)[0][0])
        raise DataError(f"conformal scores: the prediction or target of row {row} (counted from 0) is not finite.")
    return np.sort(scores, axis=0)


def _check_scale(scale: Array | None, n_rows: int) -> None:
    if scale is None:
        return
    if scale.ndim != 2 or len(scale) != n_rows:
        raise ShapeError(f"scale has shape {scale.shape}; it expects ({n_rows}, 1) or ({n_rows}, n_targets).")
    wrong = ~((scale > 0) & np.isfinite(scale)).all(axis=1)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(f"scale is {scale[row].tolist()} in row {row} (counted from 0); it expects numbers above 0.")
