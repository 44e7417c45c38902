"""A column's importance is how much worse a fitted model judges when that column's values are shuffled among the rows.

Shuffled, a column keeps its values and loses what they say of the row; the model is not trained again. So the figure
belongs to this model and these rows: of columns that say the same, each may look unimportant because the other remains,
and rows that were trained on flatter what was learned by heart. Give rows that the model has not seen.

Source: L. Breiman, "Random forests", Machine Learning 45 (2001) 5-32; for any model, A. Fisher, C. Rudin and
F. Dominici, "All models are wrong, but many are useful", JMLR 20 (2019) 177.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.domains import Integer
from pellucid.errors import MissingColumnError, NotInitializedError, OptionError, listed, near_miss
from pellucid.insight.pictures.importances import plot_importances
from pellucid.insight.pictures.picture import Picture
from pellucid.layers.base import Array
from pellucid.random import Purpose, Random, as_random
from pellucid.tabular.frames import require_rows, to_table
from pellucid.tabular.splitting import checked_weight, require_same_height
from pellucid.tabular.targets import ClassTarget
from pellucid.training.metrics import Metric, metric_for


@dataclass(frozen=True)
class Importances:
    """How much worse the metric became, for each column and repeat, and what it was before.

    columns : names, in the order of the table
    losses : (n_columns, repeats), in the metric's unit; above 0 is worse than with the column
    metric, value : the metric's name, and its value with all columns as they are
    """

    columns: tuple[str, ...]
    losses: Array
    metric: str
    value: float

    @property
    def means(self) -> Array:
        """The importance of each column, (n_columns,): the mean over the repeats."""
        return np.asarray(self.losses.mean(axis=1))

    @property
    def spreads(self) -> Array:
        """The standard deviation of each column's repeats, (n_columns,); NaN of one repeat or of infinite losses."""
        if self.losses.shape[1] < 2:
            return np.full(len(self.columns), np.nan)
        with np.errstate(invalid="ignore"):  # a probability of 0 for the class that is right has a log-loss of infinity
            return np.asarray(self.losses.std(axis=1, ddof=1))

    @property
    def ranking(self) -> list[int]:
        """The columns' places in the table, the most important first, of equals the first in the table."""
        return np.argsort(-self.means, kind="stable").tolist()

    def to_dict(self) -> dict[str, list[Any]]:
        """Return columns, importances and spreads as a table, the most important first."""
        order = self.ranking
        return {
            "column": [self.columns[index] for index in order],
            "importance": self.means[order].tolist(),
            "spread": self.spreads[order].tolist(),
        }

    def plot(self) -> Picture:
        """Draw the importances as bars with their spread."""
        return plot_importances(self.columns, self.means, self.spreads, self.metric)

    def __str__(self) -> str:
        width = max(map(len, (*self.columns, "column")))
        lines = [f"{'column':<{width}}  importance    spread   ({self.metric} with all columns: {self.value:.4g})"]
        for name, mean, spread in zip(*self.to_dict().values(), strict=True):
            lines.append(f"{name:<{width}}  {mean:>+10.4f}  {spread:>8.4f}")
        return "\n".join(lines)


def feature_importances(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    metric: Metric | str | None = None,
    repeats: int = 5,
    rng: int | Random = 0,
    sample_weight: Any = None,
    columns: Sequence[str] | None = None,
) -> Importances:
    """Return how much a fitted `TabularClassifier` or `TabularRegressor` relies on each column of its table.

    Parameters
    ----------
    X, y : a raw table, (n_rows, n_columns), and its target; rows that the estimator was not trained on say more
    metric : what becomes worse, such as "auroc"; None is log-loss for classes, and for numbers the root mean squared
        error, in the target's unit
    repeats : how often each column is shuffled, at least 1
    rng : the address of the shuffles; that of a column depends on its place in the fitted table alone
    sample_weight : (n_rows,), at least 0, or None
    columns : names of those to measure, by default all

    Raises
    ------
    NotInitializedError : the estimator is not fitted
    MissingColumnError : the fitted table had no such column
    OptionError : the metric does not fit the task, or repeats is below 1
    DataError, TargetError, ShapeError : the table, the target or a weight cannot be used

    >>> from pellucid import TabularRegressor
    >>> table = {"size": [float(size) for size in range(100)], "noise": [float(size % 7) for size in range(100)]}
    >>> model = TabularRegressor(random_state=0, epochs=30).fit(table, table["size"])
    >>> found = feature_importances(model, table, table["size"])
    >>> found.to_dict()["column"], bool(found.means[0] > 10 * found.means[1])
    (['size', 'noise'], True)
    """
    if not Integer(1).contains(repeats):
        raise OptionError(f"feature_importances: repeats got {repeats!r}; it expects a whole number of at least 1.")
    if not all(hasattr(estimator, name) for name in ("target_", "encoder_", "predict")):
        raise NotInitializedError(
            f"feature_importances got {type(estimator).__name__} without a fitted encoder and target; it expects a "
            "TabularClassifier or TabularRegressor after fit(X, y)."
        )
    is_classifier = isinstance(estimator.target_, ClassTarget)
    judge = metric_for("classification" if is_classifier else "regression", metric, "feature_importances")
    table = to_table(X, missing=estimator.missing)
    require_rows(table, "measuring importances")
    require_same_height(table.height, y, "")
    weight = checked_weight(sample_weight, table.height, "sample_weight")
    truth = estimator.target_.encode(y)
    if not is_classifier:
        truth = estimator.target_.decode(truth).reshape(len(truth), -1)
    address = as_random(rng).at(purpose=Purpose.SAMPLE)

    def value() -> float:
        found = estimator._predicted(estimator._linked(rows))
        return judge.value(np.asarray(found).reshape(len(truth), -1), truth, weight)

    rows = estimator._encoded(X)  # once: shuffling what a column became is shuffling the column
    before = value()
    names = [column.name for column in estimator.encoder_.columns]
    measured = names if columns is None else list(columns)
    unknown = sorted(set(measured) - set(names))
    if unknown:
        raise MissingColumnError(
            f"feature_importances: the fitted table had no column {unknown[0]!r}; it had {listed(names)}"
            f"{near_miss(unknown[0], names)}"
        )
    places: dict[str, list[int]] = {}  # columns that were left out have none, and change nothing
    for block in estimator.encoder_.blocks:
        places.setdefault(block.name, []).extend(range(block.start, block.stop))
    losses = np.zeros((len(measured), repeats))
    for index, name in enumerate(measured):
        if name not in places:
            continue
        kept = rows[:, places[name]]
        for repeat in range(repeats):
            order = address.at(layer=names.index(name), step=repeat).permutation(table.height)
            rows[:, places[name]] = kept[order]
            after = value()
            losses[index, repeat] = before - after if judge.higher_is_better else after - before
        rows[:, places[name]] = kept
    return Importances(tuple(measured), losses, judge.name, before)
