"""How well a model predicts rows whose true values are known: metrics with intervals, and what pictures show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pellucid.insight.pictures.calibration import Calibration, calibration_curve
from pellucid.insight.report.intervals import Estimate, bootstrapped, bootstrapped_area, share
from pellucid.layers.base import Array
from pellucid.training.metrics import AUROC, R2, LogLoss, MeanAbsoluteError, RootMeanSquaredError

COVERAGE = 0.9
SUREST_CHANCE = 0.01


@dataclass(frozen=True)
class ClassQuality:
    """How well classes, or one yes/no label, are predicted.

    name : of the target or the label
    estimates : accuracy, AUROC and log-loss; AUROC is NaN where it has no meaning
    commonest, commonest_share : the most frequent class of the rows, and its share: what a constant answer gets right
    classes : n_classes names
    confusion : (n_classes, n_classes), rows by true and predicted class
    curves : by class, scores and whether a row is of the class, for `plot_roc`
    calibration, event : groups of rows by the probability of this event, see `calibration_curve`
    confidence : the mean probability of the predicted class
    coverage : the share of rows whose class is in its prediction set, or None without sets
    """

    name: str
    estimates: tuple[Estimate, ...]
    commonest: str
    commonest_share: float
    classes: tuple[str, ...]
    confusion: Array
    curves: dict[str, tuple[Array, Array]] = field(repr=False)
    calibration: Calibration
    event: str
    confidence: float
    coverage: Estimate | None = None

    @property
    def is_calibrated(self) -> bool:
        """Whether no more groups miss their 95 % interval than chance lets happen in a hundredth of all reports."""
        off = int(np.count_nonzero(self.calibration.is_off))
        return off <= most_by_chance(len(self.calibration.counts))


@dataclass(frozen=True)
class NumberQuality:
    """How well a number is predicted.

    name : of the target
    estimates : RMSE and MAE in the target's unit, R²
    constant_error : the RMSE of the rows' own mean: what is to be beaten
    truth, prediction : (n_rows,)
    coverage : the share of rows within their 90 % interval, or None without intervals
    """

    name: str
    estimates: tuple[Estimate, ...]
    constant_error: float
    truth: Array = field(repr=False)
    prediction: Array = field(repr=False)
    coverage: Estimate | None = None


def most_by_chance(n_groups: int, level: float = 0.05) -> int:
    """Return how many of so many 95 % intervals miss by chance at most, but in a hundredth of all cases.

    >>> most_by_chance(10), most_by_chance(1)
    (3, 1)
    """
    from math import comb

    left = 1.0
    for count in range(n_groups + 1):
        left -= comb(n_groups, count) * level**count * (1 - level) ** (n_groups - count)
        if left < SUREST_CHANCE:
            return count
    return n_groups


def class_quality(
    name: str, classes: Sequence[Any], codes: Array, probabilities: Array, contained: Array | None = None
) -> ClassQuality:
    """Return the quality of probabilities, (n_rows, n_classes), for codes of classes, (n_rows,).

    contained : whether a class is in a row's prediction set, (n_rows, n_classes), or None
    """
    names = tuple(map(str, classes))
    n_rows, n_classes = probabilities.shape
    predicted = probabilities.argmax(axis=1)
    right = predicted == codes
    counts = np.zeros((n_classes, n_classes), dtype=np.int64)
    np.add.at(counts, (codes, predicted), 1)
    is_binary = n_classes == 2
    is_of = codes[:, None] == np.arange(n_classes)
    judged = [1] if is_binary else range(n_classes)
    with np.errstate(divide="ignore"):
        surprise = -np.log(probabilities[np.arange(n_rows), codes])
    estimates = (
        share("accuracy", right),
        bootstrapped_area("AUROC", AUROC().value(probabilities, codes), probabilities[:, judged], is_of[:, judged]),
        bootstrapped(
            "log-loss", LogLoss().value(probabilities, codes), n_rows, lambda counts: counts @ surprise / n_rows
        ),
    )
    curves = {
        names[code]: (probabilities[:, code], is_of[:, code])
        for code in judged
        if is_of[:, code].any() and not is_of[:, code].all()
    }
    chosen = probabilities[np.arange(n_rows), predicted]
    frequent = np.bincount(codes, minlength=n_classes)
    return ClassQuality(
        name=name,
        estimates=estimates,
        commonest=names[int(frequent.argmax())],
        commonest_share=float(frequent.max() / n_rows),
        classes=names,
        confusion=counts,
        curves=curves,
        calibration=calibration_curve(probabilities[:, 1], codes == 1)
        if is_binary
        else calibration_curve(chosen, right),
        event=names[1] if is_binary else "the predicted class right",
        confidence=float(chosen.mean()),
        coverage=None if contained is None else share("coverage", contained[np.arange(n_rows), codes]),
    )


def number_quality(name: str, truth: Array, prediction: Array, ends: Array | None = None) -> NumberQuality:
    """Return the quality of predicted numbers, (n_rows,) both; ``ends`` are of intervals, (n_rows, 2), or None."""
    n_rows = len(truth)
    pair = prediction[:, None], truth[:, None]
    squares, sizes = np.square(prediction - truth), np.abs(prediction - truth)
    centered = truth - truth.mean()

    def explained(counts: Array) -> Array:
        spread = counts @ np.square(centered) - np.square(counts @ centered) / n_rows
        return np.asarray(1 - counts @ squares / np.where(spread > 0, spread, np.nan))

    estimates = (
        bootstrapped(
            "RMSE", RootMeanSquaredError().value(*pair), n_rows, lambda counts: np.sqrt(counts @ squares / n_rows)
        ),
        bootstrapped("MAE", MeanAbsoluteError().value(*pair), n_rows, lambda counts: counts @ sizes / n_rows),
        bootstrapped("R²", R2().value(*pair), n_rows, explained),
    )
    within = None if ends is None else share("coverage", (ends[:, 0] <= truth) & (truth <= ends[:, 1]))
    return NumberQuality(name, estimates, float(np.sqrt(np.mean(np.square(centered)))), truth, prediction, within)
