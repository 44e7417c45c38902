"""Metrics: their formulas, scikit-learn's figures, and sums that do not depend on the order of the rows."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as peer

from pellucid.errors import OptionError
from pellucid.layers.base import Array
from pellucid.options import registered
from pellucid.random import Random
from pellucid.training import AUROC, R2, Accuracy, BrierScore, LogLoss, MeanAbsoluteError, Metric, RootMeanSquaredError
from pellucid.training.metrics import area, metric_for
from tests.tolerances import rounding

N = 300
SAME = 1e-12


def probabilities(n_classes: int, ties: bool = False, seed: int = 0) -> Array:
    raw = Random(seed).uniform((N, n_classes), 0.05, 1.0)
    raw = np.ceil(raw * 6) if ties else raw
    return raw / raw.sum(axis=1, keepdims=True)


def codes(n_classes: int, seed: int = 1) -> Array:
    return (Random(seed).uniform(N) * n_classes).astype(np.int64)


WEIGHTS: list[Any] = [None, Random(2).uniform(N, 0.0, 3.0), np.arange(N) % 4.0]


@pytest.mark.parametrize("weight", WEIGHTS, ids=["equal", "any", "whole"])
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("n_classes", [2, 3, 7])
def test_classification_as_scikit_learn_has_it(n_classes: int, ties: bool, weight: Any) -> None:
    p, y = probabilities(n_classes, ties), codes(n_classes)
    counted = np.ones(N, bool) if weight is None else weight > 0
    own = None if weight is None else weight[counted]
    labels = np.arange(n_classes)
    log_loss = peer.log_loss(y[counted], p[counted], labels=labels, sample_weight=own)
    assert LogLoss().value(p, y, weight) == pytest.approx(log_loss, rel=SAME)
    accuracy = peer.accuracy_score(y[counted], p[counted].argmax(axis=1), sample_weight=own)
    assert Accuracy().value(p, y, weight) == pytest.approx(accuracy, rel=SAME)
    brier = np.average(np.square(p - np.eye(n_classes)[y]).sum(axis=1), weights=weight) / (2 if n_classes == 2 else 1)
    assert BrierScore().value(p, y, weight) == pytest.approx(brier, rel=SAME)
    areas = [
        peer.roc_auc_score(y[counted] == code, p[counted, code], sample_weight=own)
        for code in (labels if n_classes > 2 else [1])
    ]
    assert AUROC().value(p, y, weight) == pytest.approx(np.mean(areas), rel=SAME)
    for metric in (LogLoss(), Accuracy(), BrierScore(), AUROC()):
        np.testing.assert_allclose(  # a distribution with all its weight on one class is that class
            metric.value(p, np.eye(n_classes)[y], weight), metric.value(p, y, weight), rtol=rounding(N)
        )


@pytest.mark.parametrize("weight", WEIGHTS, ids=["equal", "any", "whole"])
def test_one_output_is_two_classes(weight: Any) -> None:
    p, y = probabilities(2), codes(2)
    for metric in (LogLoss(), Accuracy(), BrierScore(), AUROC()):
        both = metric.value(p, y, weight)
        for target in (y[:, None].astype(float), y.astype(float), y):
            assert metric.value(p[:, 1:], target, weight) == pytest.approx(both, rel=SAME)


def test_labels_are_scored_one_by_one_and_averaged() -> None:
    p, y = Random(3).uniform((N, 3)), (Random(4).uniform((N, 3)) > 0.4).astype(float)
    for metric in (LogLoss(), BrierScore(), AUROC()):
        single = [metric.value(p[:, [label]], y[:, [label]]) for label in range(3)]
        assert metric.value(p, y) == pytest.approx(np.mean(single), rel=SAME)
    assert Accuracy().value(p, y) == ((p > 0.5) == (y > 0.5)).all(axis=1).mean()


@pytest.mark.parametrize("weight", WEIGHTS, ids=["equal", "any", "whole"])
@pytest.mark.parametrize("n_targets", [1, 3])
def test_regression_as_scikit_learn_has_it(n_targets: int, weight: Any) -> None:
    y = Random(5).normal((N, n_targets)) * np.arange(1.0, 1 + n_targets)
    p = y + Random(6).normal((N, n_targets))
    squared = peer.mean_squared_error(y, p, sample_weight=weight)
    assert RootMeanSquaredError().value(p, y, weight) == pytest.approx(math.sqrt(squared), rel=SAME)
    absolute = peer.mean_absolute_error(y, p, sample_weight=weight)
    assert MeanAbsoluteError().value(p, y, weight) == pytest.approx(absolute, rel=SAME)
    assert R2().value(p, y, weight) == pytest.approx(peer.r2_score(y, p, sample_weight=weight), rel=SAME)
    assert math.isnan(R2().value(p, np.full_like(y, 0.1), weight))  # three times 0.1 is not 0.3


PAIRS = st.lists(st.tuples(st.integers(0, 4), st.booleans(), st.integers(1, 9)), min_size=2, max_size=30).filter(
    lambda rows: 0 < sum(positive for _, positive, _ in rows) < len(rows)
)


@settings(deadline=None)
@given(rows=PAIRS, weighted=st.booleans())
def test_the_area_is_the_exact_share_of_pairs(rows: list[tuple[int, bool, int]], weighted: bool) -> None:
    """Counted pair by pair in fractions: whole numbers of at most 300² leave nothing to round but the division."""
    scores, positive, weight = (np.array(column) for column in zip(*rows, strict=True))
    weight = weight if weighted else np.ones(len(rows), dtype=int)
    won = everything = Fraction(0)
    for a in np.flatnonzero(positive):
        for b in np.flatnonzero(~positive):
            share = Fraction(int(weight[a]) * int(weight[b]))
            everything += share
            won += share * (Fraction(1, 2) if scores[a] == scores[b] else int(scores[a] > scores[b]))
    assert area(scores.astype(float), positive, weight if weighted else None) == float(won / everything)


def test_the_order_of_the_rows_makes_no_difference_to_ranks() -> None:
    p, y, weight = probabilities(3, ties=True), codes(3), WEIGHTS[2]
    for seed in range(5):
        order = Random(seed).permutation(N)
        assert AUROC().value(p[order], y[order]) == AUROC().value(p, y)
        assert AUROC().value(p[order], y[order], weight[order]) == AUROC().value(p, y, weight)


def test_probabilities_of_zero_and_weights_of_zero() -> None:
    p, y = np.array([[0.0, 1.0], [0.25, 0.75]]), np.array([0, 1])
    assert LogLoss().value(p, y) == math.inf
    assert LogLoss().value(p, y, np.array([0.0, 2.0])) == pytest.approx(-math.log(0.75), rel=SAME)
    assert LogLoss().value(p[:, 1:], y[:, None], np.array([0.0, 2.0])) == pytest.approx(-math.log(0.75), rel=SAME)
    assert LogLoss().value(np.array([[1.0]]), np.array([[1.0]])) == 0.0
    assert math.isnan(AUROC().value(p, y, np.array([0.0, 2.0])))  # one class is left


def test_a_soft_target_counts_for_both_sides() -> None:
    expected = -(0.25 * math.log(0.5) + 0.75 * math.log(0.5))
    assert LogLoss().value(np.array([[0.5]]), np.array([[0.25]])) == pytest.approx(expected, rel=SAME)
    assert LogLoss().value(np.array([[0.5, 0.5]]), np.array([[0.25, 0.75]])) == pytest.approx(expected, rel=SAME)


def test_directions() -> None:
    assert AUROC().is_better(0.9, 0.8) and not AUROC().is_better(0.8, 0.8)
    assert LogLoss().is_better(0.1, 0.2) and not LogLoss().is_better(math.nan, 0.2)
    good, bad = np.array([[0.9], [0.1]]), np.array([[0.4], [0.6]])
    truth = np.array([[1.0], [0.0]])
    for metric in registered(Metric).values():  # type: ignore[type-abstract]
        assert metric().is_better(metric().value(good, truth), metric().value(bad, truth))


def test_a_metric_is_named_and_must_fit_the_task() -> None:
    assert metric_for("classification", "auroc", "fit").name == "auroc"
    assert isinstance(metric_for("regression", None, "fit"), RootMeanSquaredError)
    given = AUROC()
    assert metric_for("classification", given, "fit") is given
    with pytest.raises(OptionError, match=r"fit: metric got 'auroc', which judges classification; .* 'mae', 'r2'"):
        metric_for("regression", "auroc", "fit")
    with pytest.raises(OptionError, match="did you mean 'auroc'"):
        metric_for("classification", "aurok", "fit")
