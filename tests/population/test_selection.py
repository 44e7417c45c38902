"""Selection is greedy as published, to the bit the metric of the mean, and finds what is known to be best."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid import AUROC, R2, Accuracy, BrierScore, LogLoss, MeanAbsoluteError, Metric, RootMeanSquaredError
from pellucid.activations import softmax
from pellucid.errors import DataError, OptionError, ShapeError
from pellucid.layers.base import Array
from pellucid.population import blend, select_ensemble
from pellucid.random import Random
from tests.tolerances import rounding


def library(kind: str, n_candidates: int = 9, n_rows: int = 80, seed: int = 0) -> tuple[Array, Array]:
    """Candidates that are each right in a way of their own, and the truth."""
    rng = Random(seed)
    if kind == "numbers":
        truth = rng.normal((n_rows, 1))
        return truth + rng.at(step=1).normal((n_candidates, n_rows, 1)), truth
    n_classes = 4 if kind == "classes" else 2
    codes = (rng.uniform(n_rows) * n_classes).astype(np.int64)
    p = softmax(np.eye(n_classes)[codes] + 1.5 * rng.at(step=1).normal((n_candidates, n_rows, n_classes)))
    return (p, codes) if kind == "classes" else (p[:, :, 1:], codes[:, None].astype(float))


def plainly(predictions: Sequence[Array], target: Array, metric: Metric, weight: Array | None) -> list[int]:
    """The algorithm as its paper has it, each mean taken anew."""
    chosen: list[int] = []
    best = None
    while True:
        sign = 1 if metric.higher_is_better else -1
        found = []
        for index in range(len(predictions)):
            members = np.stack([predictions[member] for member in [*chosen, index]])
            found.append(sign * metric.value(members.sum(axis=0) / len(members), target, weight))
        index = int(np.argmax(found))  # the first of equals
        if best is not None and not found[index] > best:
            return chosen
        best = found[index]
        chosen.append(index)


CASES: list[tuple[str, Metric]] = [
    ("numbers", RootMeanSquaredError()),
    ("numbers", R2()),
    ("numbers", MeanAbsoluteError()),
    ("yes or no", LogLoss()),
    ("yes or no", AUROC()),
    ("yes or no", Accuracy()),
    ("classes", LogLoss()),
    ("classes", BrierScore()),
    ("classes", AUROC()),
    ("classes", Accuracy()),
]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("kind", "metric"), CASES, ids=lambda value: getattr(value, "name", value))
def test_selection_is_the_published_algorithm(kind: str, metric: Metric, weighted: bool) -> None:
    predictions, target = library(kind)
    weight = np.arange(80) % 3.0 if weighted else None
    found = select_ensemble(predictions, target, metric, weight)
    assert list(found.chosen) == plainly(predictions, target, metric, weight)
    assert found.counts.tolist() == np.bincount(found.chosen, minlength=9).tolist()
    assert found.weights.sum() == pytest.approx(1)
    mean = blend(predictions, found.counts)
    np.testing.assert_allclose(mean, np.einsum("c,cro->ro", found.weights, predictions), atol=rounding(9, scale=5))
    assert found.values[-1] == pytest.approx(metric.value(mean, target, weight), rel=1e-12)
    assert all(metric.is_better(after, before) for before, after in zip(found.values, found.values[1:], strict=False))
    alone = [metric.value(candidate, target, weight) for candidate in predictions]
    assert found.values[0] == (max(alone) if metric.higher_is_better else min(alone))


@pytest.mark.parametrize("kind", ["yes or no", "classes"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_log_loss_of_the_right_class_alone_is_the_metric_to_the_bit(kind: str, weighted: bool, dtype: Any) -> None:
    predictions, target = library(kind, n_rows=9000)  # more than two blocks
    predictions = predictions.astype(dtype)
    weight = Random(3).uniform(9000, -0.5, 1.0).clip(0) if weighted else None
    found = select_ensemble(predictions, target, LogLoss(), weight, most_rounds=4)
    assert len(found.chosen) == 4
    for n in range(1, 5):
        running = np.zeros(predictions[0].shape)
        for index in found.chosen[:n]:
            running += predictions[index]
        assert found.values[n - 1] == LogLoss().value(running / n, target, weight)


def test_soft_targets_and_labels_are_selected_by_their_own_log_loss() -> None:
    predictions, target = library("yes or no")
    for metric_target in (0.1 + 0.8 * target, np.hstack([target, 1 - target])):
        candidates = predictions.repeat(metric_target.shape[1], axis=2)
        found = select_ensemble(candidates, metric_target, LogLoss())
        assert list(found.chosen) == plainly(candidates, metric_target, LogLoss(), None)


def test_two_halves_that_cancel_are_found_with_their_weights() -> None:
    """The mean of -1 and +2 with weights 2 and 1 is the truth, 0; greedy steps get there."""
    truth = Random(0).normal((50, 1))
    noise = Random(1).normal((50, 1))
    candidates = np.stack([truth - noise, truth + 2 * noise, truth + 9.0])
    found = select_ensemble(candidates, truth, RootMeanSquaredError())
    assert found.counts.tolist() == [2, 1, 0]
    assert found.values[-1] < 1e-15


@settings(deadline=None, max_examples=25)
@given(order=st.permutations(range(6)))
def test_the_order_of_the_candidates_matters_only_among_equals(order: list[int]) -> None:
    predictions, target = library("classes", n_candidates=6)
    found = select_ensemble(predictions, target, LogLoss())
    shuffled = select_ensemble([predictions[index] for index in order], target, LogLoss())
    assert [order[index] for index in shuffled.chosen] == list(found.chosen)
    assert shuffled.values == found.values


def test_among_equals_the_lowest_index_is_chosen() -> None:
    predictions, target = library("classes", n_candidates=3)
    twice = np.concatenate([predictions, predictions])
    assert set(select_ensemble(twice, target, LogLoss()).chosen) <= {0, 1, 2}


def test_it_ends_where_told() -> None:
    predictions, target = library("numbers")
    metric = RootMeanSquaredError()
    freely = select_ensemble(predictions, target, metric)
    assert len(freely.chosen) > 3
    assert select_ensemble(predictions, target, metric, most_rounds=3).chosen == freely.chosen[:3]
    gains = [before - after for before, after in zip(freely.values, freely.values[1:], strict=False)]
    small = select_ensemble(predictions, target, metric, min_improvement=gains[1])
    assert len(small.chosen) == 1 + next(index for index, gain in enumerate(gains) if gain <= gains[1])


def test_one_candidate_is_the_ensemble() -> None:
    predictions, target = library("numbers")
    found = select_ensemble(predictions[:1], target, RootMeanSquaredError())
    assert (found.chosen, found.counts.tolist()) == ((0,), [1])
    np.testing.assert_array_equal(blend(predictions, found.counts), predictions[0])


def test_an_infinite_loss_does_not_hide_the_others() -> None:
    p = np.array([[[1.0, 0.0]] * 2, [[0.5, 0.5]] * 2])
    assert select_ensemble(p, np.array([0, 1]), LogLoss()).chosen == (1,)


def test_what_cannot_be_selected_from_is_refused() -> None:
    predictions, target = library("numbers")
    metric = RootMeanSquaredError()
    with pytest.raises(OptionError, match="0 candidates"):
        select_ensemble([], target, metric)
    with pytest.raises(OptionError, match="min_improvement=-1"):
        select_ensemble(predictions, target, metric, min_improvement=-1)
    with pytest.raises(ShapeError, match="candidate 1 has shape"):
        select_ensemble([predictions[0], predictions[1][1:]], target, metric)
    with pytest.raises(ShapeError, match="as many rows"):
        select_ensemble(predictions, target[1:], metric)
    spoiled = predictions.copy()
    spoiled[4, 7] = np.nan
    with pytest.raises(DataError, match="candidate 4 predicts something that is not finite"):
        select_ensemble(spoiled, target, metric)
    with pytest.raises(DataError, match="auroc is NaN for every candidate"):
        select_ensemble(library("classes")[0], np.zeros(80, dtype=int), AUROC())
