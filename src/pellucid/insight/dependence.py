"""Partial dependence: what a fitted model predicts on average when a column is set to a value in every row.

The other columns stay as they are, so rows may come about that never would: of a column that goes along with others,
the ends of the curve say little. It is what the model does, and not what the world would do.

Source: J. H. Friedman, "Greedy function approximation: a gradient boosting machine", Annals of Statistics 29 (2001).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.errors import MissingColumnError, NotInitializedError, listed, near_miss
from pellucid.layers.base import Array
from pellucid.tabular.frames import require_rows, to_table
from pellucid.tabular.targets import ClassTarget
from pellucid.tabular.values import to_moments, to_numbers, to_text

if TYPE_CHECKING:
    import polars

MOST_ROWS = 300
"""Of more rows, as many spread evenly are averaged: the mean of as many probabilities is known to within 0.03."""
MOST_CELLS = 3_000_000
N_POINTS = 20
MOST_LEVELS = 10
MOST_CURVES = 4


@dataclass(frozen=True)
class Dependence:
    """The mean prediction for each value of a column.

    column, kind : its name, and "number", "date", "category" or "boolean"
    labels : the values as text, n_values of them; "missing" for a hole
    places : (n_values,), numbers; of dates microseconds since 1970-01-01; of the others 0, 1, ...
    means : (n_values, n_curves), of the predictions
    curves : n_curves names, of classes, labels or targets
    deciles : (9,) of the column's values in the table, empty where it has no order
    shares : (n_values,), of the rows that have the value; empty where it has an order
    n_rows : how many rows were averaged
    """

    column: str
    kind: str
    labels: tuple[str, ...]
    places: Array
    means: Array
    curves: tuple[str, ...]
    deciles: Array
    shares: Array
    n_rows: int

    @property
    def reach(self) -> float:
        """How far the means lie apart, at most over the curves."""
        return float(np.ptp(self.means, axis=0).max())


def partial_dependence(estimator: Any, X: Any, column: str) -> Dependence:
    """Return how a fitted `TabularClassifier` or `TabularRegressor` uses a column of its table.

    Numbers and dates are set to up to 20 values between 2 % and 98 % of those in the table, categories and booleans to
    up to ten, the most frequent. Of two classes there is one curve, of the second; of more, those of the four classes
    that are predicted most. Several numbers are in standard deviations from their mean, so that they share an axis.

    Parameters
    ----------
    X : a raw table, (n_rows, n_columns); of more than 300 rows, as many spread evenly are averaged

    Raises
    ------
    NotInitializedError : the estimator is not fitted
    MissingColumnError : the model uses no such column
    DataError : the table cannot be used

    >>> from pellucid import TabularRegressor, partial_dependence
    >>> table = {"size": [float(size) for size in range(100)]}
    >>> model = TabularRegressor(random_state=0, members=1, epochs=30).fit(table, table["size"])
    >>> found = partial_dependence(model, table, "size")
    >>> bool(found.means[0, 0] < 30), bool(found.means[-1, 0] > 70), found.deciles[4].item()
    (True, True, 49.5)
    """
    if not all(hasattr(estimator, name) for name in ("target_", "encoder_", "predict")):
        raise NotInitializedError(
            f"partial_dependence got {type(estimator).__name__} without a fitted encoder and target; it expects a "
            "TabularClassifier or TabularRegressor after fit(X, y)."
        )
    encodings = {encoding.name: encoding for encoding in estimator.encoder_.encodings}
    if column not in encodings:
        raise MissingColumnError(
            f"partial_dependence: the model uses no column {column!r}; it uses {listed(encodings)}"
            f"{near_miss(column, encodings)}"
        )
    table = as_fitted(estimator, X)
    require_rows(table, "measuring dependence")
    series = table[column]
    kind = encodings[column].kind
    chosen, labels, places, deciles, shares = (
        _levels(series) if kind in ("category", "boolean") else _points(series, kind)
    )
    n_rows = int(np.clip(MOST_CELLS // (max(len(chosen), 1) * table.width), 10, MOST_ROWS))
    rows = table[np.unique(np.linspace(0, table.height - 1, min(table.height, n_rows)).astype(np.int64))]
    predicted = _predicted(estimator, _with_values(rows, column, series[chosen]))
    means = predicted.reshape(len(chosen), rows.height, -1).mean(axis=1)
    names = curve_names(estimator)
    kept = np.sort(np.argsort(-predicted.mean(axis=0), kind="stable")[:MOST_CURVES])
    if not isinstance(estimator.target_, ClassTarget):
        kept = np.arange(min(len(names), MOST_CURVES))
    curves = tuple(names[index] for index in kept)
    return Dependence(column, kind, labels, places, means[:, kept], curves, deciles, shares, rows.height)


def as_fitted(estimator: Any, X: Any) -> polars.DataFrame:
    """Return a table with the columns that the estimator uses, by the names that it was fitted with."""
    table = to_table(X, missing=estimator.missing)
    names = [column.name for column in estimator.encoder_.columns]
    used = [encoding.name for encoding in estimator.encoder_.encodings]
    if not set(used) <= set(table.columns) and table.width == len(names):
        table = table.rename(dict(zip(table.columns, names, strict=True)))
    present = set(table.columns)
    lacking = [name for name in used if name not in present]
    if lacking:
        raise MissingColumnError(
            f"the table has no column {lacking[0]!r}, which the model needs{near_miss(lacking[0], table.columns)}"
        )
    return table.select(used)


def curve_names(estimator: Any) -> list[str]:
    """Return the names of what is predicted: the second of two classes, all of more, labels, or numbers."""
    target = estimator.target_
    if not isinstance(target, ClassTarget):
        return [f"target {place}" for place in range(len(target.mean))] if len(target.mean) > 1 else ["target"]
    names = [str(name) for name in target.classes.tolist()]
    return names[1:] if len(names) == 2 and not target.is_multilabel else names


def _predicted(estimator: Any, table: polars.DataFrame) -> Array:
    """Return predictions as curves show them, (n_rows, n_outputs)."""
    target = estimator.target_
    if isinstance(target, ClassTarget):
        found = np.asarray(estimator.predict_proba(table.to_dict()))
        return found[:, 1:] if found.shape[1] == 2 and not target.is_multilabel else found
    found = np.asarray(estimator.predict(table.to_dict()))
    return found[:, None] if found.ndim == 1 else np.asarray((found - target.mean) / target.deviation)


def _with_values(rows: polars.DataFrame, column: str, values: polars.Series) -> polars.DataFrame:
    """Return the rows once for each value, one after another, with that value in the column."""
    import polars as pl

    numbers = np.tile(np.arange(rows.height), len(values))
    repeated = np.repeat(np.arange(len(values)), rows.height)
    return rows[numbers].with_columns(pl.Series(column, values)[repeated])


def _points(series: polars.Series, kind: str) -> tuple[Array, tuple[str, ...], Array, Array, Array]:
    """Return which rows hold values spread evenly over a column that has an order, and what is said of them."""
    if kind == "date":
        values, missing = to_moments(series)
        numbers = values.astype(np.float64)
    else:
        numbers = to_numbers(series)
        missing = ~np.isfinite(numbers)
    present = np.flatnonzero(~missing)
    if not len(present):
        return np.zeros(1, dtype=np.int64), ("missing",), np.zeros(1), np.empty(0), np.empty(0)
    order = present[np.argsort(numbers[present], kind="stable")]
    ranks = np.linspace(0.02 * (len(order) - 1), 0.98 * (len(order) - 1), N_POINTS).round().astype(np.int64)
    chosen = order[ranks]
    chosen = chosen[np.unique(numbers[chosen], return_index=True)[1]]
    labels = tuple(str(value) for value in series[chosen].to_list())
    deciles = np.quantile(numbers[present], np.arange(1, 10) / 10)
    return chosen, labels, numbers[chosen], deciles, np.empty(0)


def _levels(series: polars.Series) -> tuple[Array, tuple[str, ...], Array, Array, Array]:
    """Return a row for each of the most frequent values of a column without an order, and what is said of them."""
    texts = to_text(series).to_list()
    counts = Counter(texts)
    levels = sorted(counts, key=lambda level: (-counts[level], str(level)))[:MOST_LEVELS]
    chosen = np.array([texts.index(level) for level in levels], dtype=np.int64)
    labels = tuple("missing" if level is None else str(level) for level in levels)
    shares = np.array([counts[level] for level in levels]) / len(texts)
    return chosen, labels, np.arange(len(levels), dtype=np.float64), np.empty(0), shares
