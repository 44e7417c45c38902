"""How sure a metric is: the middle 95 % of what it would be on other rows drawn alike, by the bootstrap.

The rows are drawn anew, with replacement, some hundred times; the interval is from the 2.5 % to the 97.5 % quantile of
the metric's values. Accuracy, and every other share of rows, has Wilson's interval instead, which needs no chance.

Source: B. Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7 (1979) 1-26.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from pellucid.insight.proportions import wilson
from pellucid.layers.base import Array
from pellucid.random import Purpose, Random

DRAWS = (200, 1000)
MOST_NUMBERS = 20_000_000  # rows times draws
MOST_STEPS = 1_000_000_000  # rows times draws times classes: some seconds
ENDS = (0.025, 0.975)


@dataclass(frozen=True)
class Estimate:
    """A metric with the ends of its 95 % interval, NaN where there is none: of one row, or of an infinite metric."""

    name: str
    value: float
    low: float
    high: float

    @property
    def has_interval(self) -> bool:
        """Whether the ends are known."""
        return bool(np.isfinite(self.low) and np.isfinite(self.high))


def share(name: str, happened: Array) -> Estimate:
    """Return a share of rows with Wilson's interval, for ``happened : (n_rows,)`` of bool."""
    low, high = wilson(float(np.count_nonzero(happened)), float(len(happened)))
    return Estimate(name, float(np.mean(happened)), float(low), float(high))


def draws(n_rows: int) -> int:
    """Return how many times the rows are drawn anew: 1,000 up to 20,000 rows, 200 from 100,000 on."""
    return int(np.clip(MOST_NUMBERS // max(n_rows, 1), *DRAWS))


def bootstrapped(name: str, value: float, n_rows: int, statistic: Callable[[Array], Array]) -> Estimate:
    """Return a metric with its interval.

    statistic : the metric for rows that count several times or never, (n_draws, n_rows) -> (n_draws,)
    """
    if n_rows < 2 or not np.isfinite(value):
        return Estimate(name, value, np.nan, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        values = np.concatenate([statistic(counts) for counts in _counts(n_rows)])
    values = values[np.isfinite(values)]  # a draw may have no row of a class
    if len(values) < DRAWS[0] // 2:
        return Estimate(name, value, np.nan, np.nan)
    low, high = np.quantile(values, ENDS)
    return Estimate(name, value, float(low), float(high))


def bootstrapped_area(name: str, value: float, scores: Array, is_positive: Array) -> Estimate:
    """Return the mean area under the ROC curve of some classes, each against the rest, with its interval.

    scores, is_positive : (n_rows, n_classes); classes without rows on both sides are left out
    """
    n_rows = len(scores)
    sides = is_positive.any(axis=0) & ~is_positive.all(axis=0)
    if n_rows * draws(n_rows) * np.count_nonzero(sides) > MOST_STEPS or not sides.any():
        return Estimate(name, value, np.nan, np.nan)
    sorted_columns = [_in_order(scores[:, column], is_positive[:, column]) for column in np.flatnonzero(sides)]

    def mean_area(counts: Array) -> Array:
        found = np.array([_areas(counts, *column) for column in sorted_columns])
        known = np.isfinite(found)
        return np.asarray(np.where(known, found, 0).sum(axis=0) / known.sum(axis=0))

    return bootstrapped(name, value, n_rows, mean_area)


def _in_order(scores: Array, is_positive: Array) -> tuple[Array, Array, Array]:
    """Return the rows by score, where equal scores begin, and which rows are positive, in that order."""
    order = np.argsort(scores, kind="stable")
    begins = np.flatnonzero(np.append(True, np.diff(scores[order]) != 0))
    return order, begins, is_positive[order]


def _areas(counts: Array, order: Array, begins: Array, is_positive: Array) -> Array:
    """Return the area for each draw: of pairs of a positive row and another, those in order, and half of the ties."""
    ordered = counts[:, order]
    positive = np.add.reduceat(ordered * is_positive, begins, axis=1)
    other = np.add.reduceat(ordered * ~is_positive, begins, axis=1)
    below = np.cumsum(other, axis=1) - other
    pairs = positive.sum(axis=1) * other.sum(axis=1)
    return np.asarray((positive * (below + 0.5 * other)).sum(axis=1) / pairs)


def _counts(n_rows: int) -> Iterator[Array]:
    """Yield how often each row is drawn, (n_draws, n_rows) at a time."""
    address = Random(seed=0).at(purpose=Purpose.SAMPLE)
    left, step = draws(n_rows), 0
    while left:
        n_draws = min(left, max(1, 2_000_000 // n_rows))
        numbers = (address.at(step=step).uniform((n_draws, n_rows)) * n_rows).astype(np.int64)
        numbers += np.arange(n_draws)[:, None] * n_rows
        yield np.bincount(numbers.ravel(), minlength=n_draws * n_rows).reshape(n_draws, n_rows).astype(np.float64)
        left, step = left - n_draws, step + 1
