"""Intervals and sets cover new rows as often as they say, and are refused where the rows cannot tell."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.activations import softmax
from pellucid.errors import DataError, OptionError, ShapeError
from pellucid.layers.base import Array
from pellucid.random import Purpose, Random
from pellucid.tabular.conformal import Intervals, PredictionSets, rank

RESAMPLES, N_ROWS, N_NEW = 200, 149, 100


def skewed(rng: Random, n_rows: int) -> tuple[Array, Array, Array]:
    """Biased predictions, targets whose errors are lopsided and grow with x, and a scale that half knows it."""
    x = rng.uniform((n_rows, 1), 0.2, 2.0)
    noise = np.exp(rng.at(step=1).normal((n_rows, 1))) * x
    return np.full((n_rows, 1), 0.5), noise, np.sqrt(x)


def drawn_classes(rng: Random, n_rows: int) -> tuple[Array, Array]:
    """Probabilities that are too sure of themselves, and classes drawn with milder ones."""
    outputs = 1.5 * rng.normal((n_rows, 5))
    reached = softmax(outputs / 2).cumsum(axis=1)
    return softmax(outputs), (rng.at(step=1).uniform((n_rows, 1)) > reached[:, :-1]).sum(axis=1)


def check_coverage(covered: list[float], coverage: float) -> None:
    """Over resamples the coverage of new rows is a Beta(k, n + 1 - k) draw, measured on N_NEW rows each.

    Its mean is k / (n + 1); the deviation of a resample's share is that of the draw and of the binomial count together.
    Four deviations of the mean of all resamples are granted.
    """
    k = math.ceil(Fraction(repr(coverage)) * (N_ROWS + 1))
    mean = k / (N_ROWS + 1)
    spread = mean * (1 - mean)
    deviation = math.sqrt((spread / (N_ROWS + 2) + spread / N_NEW) / RESAMPLES)
    assert coverage <= mean < coverage + 1 / (N_ROWS + 1)
    assert abs(np.mean(covered) - mean) < 4 * deviation


@pytest.mark.parametrize("coverage", [0.5, 0.9, 0.99])
@pytest.mark.parametrize("scaled", [False, True])
def test_intervals_cover_new_rows_as_often_as_they_say(coverage: float, scaled: bool) -> None:
    covered = []
    for seed in range(RESAMPLES):
        predictions, target, scale = skewed(Random(seed), N_ROWS)
        new, truth, new_scale = skewed(Random(seed, Purpose.SAMPLE), N_NEW)
        rows = Intervals.fit(predictions, target, scale if scaled else None)
        low, high = rows.around(new, coverage, new_scale if scaled else None)
        covered.append(((low <= truth) & (truth <= high)).mean())
    check_coverage(covered, coverage)


@pytest.mark.parametrize("coverage", [0.8, 0.9, 0.99])
def test_sets_cover_new_rows_as_often_as_they_say(coverage: float) -> None:
    covered, sizes = [], []
    for seed in range(RESAMPLES):
        rows = PredictionSets.fit(*drawn_classes(Random(seed), N_ROWS))
        new, truth = drawn_classes(Random(seed, Purpose.SAMPLE), N_NEW)
        found = rows.contained(new, coverage)
        assert found.any(axis=1).all()
        covered.append(found[np.arange(N_NEW), truth].mean())
        sizes.append(found.sum(axis=1).mean())
    check_coverage(covered, coverage)
    assert 1 < np.mean(sizes) < 5


def test_a_set_holds_the_most_probable_class_where_coverage_is_below_the_accuracy() -> None:
    probabilities = np.array([[0.9, 0.1], [0.95, 0.05], [0.99, 0.01]])
    rows = PredictionSets.fit(probabilities, np.array([0, 0, 0]))
    assert rows.threshold(0.5) == 0.95
    assert rows.contained(np.array([[0.6, 0.4], [0.5, 0.5]]), 0.5).tolist() == [[True, False], [True, False]]


def test_a_scale_makes_intervals_wide_where_rows_are_hard() -> None:
    predictions, target, scale = skewed(Random(0), 500)
    rows = Intervals.fit(predictions, target, scale)
    low, high = rows.around(predictions, 0.9, scale)
    np.testing.assert_allclose(high - low, 2 * rows.half_width(0.9) * scale, rtol=1e-14)


def test_each_of_several_targets_has_its_own_reach() -> None:
    target = np.stack([np.arange(9.0), 10 * np.arange(9.0)], axis=1)
    rows = Intervals.fit(np.zeros((9, 2)), target[::-1])
    assert rows.half_width(0.5).tolist() == [4.0, 40.0]
    low, high = rows.around(np.array([[1.0, 2.0]], np.float32), 0.5)
    assert (low.tolist(), high.tolist()) == ([[-3.0, -38.0]], [[5.0, 42.0]])


@given(n_rows=st.integers(1, 5000), percent=st.integers(1, 999))
def test_the_rank_is_exact_and_the_rows_needed_suffice(n_rows: int, percent: int) -> None:
    """(n + 1) · 0.07 for n = 99 is 7.000000000000001 in floating point; here it is 7."""
    coverage, share = percent / 1000, Fraction(percent, 1000)
    needed = math.ceil(share / (1 - share))
    if n_rows < needed:
        with pytest.raises(DataError, match=f"takes {needed:,} rows"):
            rank(n_rows, coverage)
        return
    found = rank(n_rows, coverage)
    assert Fraction(found, n_rows + 1) >= share > Fraction(found - 1, n_rows + 1)


def test_too_few_rows_are_told_what_they_can_do() -> None:
    with pytest.raises(DataError, match=r"0\.99 takes 99 rows .* there are 50: ask for 0\.98 at most"):
        rank(50, 0.99)
    assert rank(50, 0.98) == 50
    with pytest.raises(DataError, match="there are 0"):
        Intervals.fit(np.zeros((0, 1)), np.zeros((0, 1))).half_width(0.5)


@pytest.mark.parametrize("coverage", [0, 1, 1.0, 0.0, -0.1, 90, True, "0.9", math.nan])
def test_a_coverage_outside_its_range_is_refused(coverage: Any) -> None:
    with pytest.raises(OptionError, match="coverage got"):
        rank(100, coverage)


def test_what_does_not_fit_is_refused() -> None:
    one = np.zeros((3, 1))
    with pytest.raises(ShapeError, match=r"\(3, 1\) and target \(3,\)"):
        Intervals.fit(one, np.zeros(3))
    with pytest.raises(DataError, match="row 1"):
        Intervals.fit(one, np.array([[0.0], [np.nan], [0.0]]))
    with pytest.raises(DataError, match=r"scale is \[0.0\] in row 2"):
        Intervals.fit(one, one, np.array([[1.0], [1.0], [0.0]]))
    with pytest.raises(ShapeError, match="scale has shape"):
        Intervals.fit(one, one, np.ones(3))
    with pytest.raises(ShapeError, match="codes"):
        PredictionSets.fit(np.zeros((3, 2)), np.zeros((3, 1), int))
