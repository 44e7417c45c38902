"""An answer is what a model says of rows: predictions, with probabilities or intervals, as JSON rows or as a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.errors import ModelFileError
from pellucid.layers.base import Array
from pellucid.tabular import ClassTarget
from pellucid.tabular.target_names import names_of

if TYPE_CHECKING:
    import polars


@dataclass(frozen=True)
class Answer:
    """What the estimator's own methods return for the rows.

    prediction : (n_rows,), or (n_rows, n_targets) for several targets or labels
    probabilities : (n_rows, n_classes) or (n_rows, n_labels); None where numbers are predicted
    interval : (n_rows, 2) or (n_rows, n_targets, 2); None where none is asked for
    """

    prediction: Array
    probabilities: Array | None = None
    interval: Array | None = None

    def part(self, start: int, stop: int) -> Answer:
        """Return the answer for the rows ``[start, stop)``."""
        arrays = (self.prediction, self.probabilities, self.interval)
        return Answer(*(array if array is None else array[start:stop] for array in arrays))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Words:
    """The names of a model's classes, and of its targets where it has several."""

    classes: tuple[str, ...]
    targets: tuple[str, ...] | None

    @classmethod
    def of(cls, estimator: Any) -> Words:
        """Return the names for a fitted estimator; targets that have none are called by their number."""
        target = estimator.target_
        classifies = isinstance(target, ClassTarget)
        if classifies and not target.is_multilabel:
            return cls(tuple(str(name) for name in target.classes.tolist()), None)
        if not classifies and target.is_single:
            return cls((), None)
        n_targets = len(target.classes if classifies else target.mean)
        numbered = tuple(map(str, range(n_targets)))
        try:
            names = tuple(names_of(target))
        except ModelFileError:  # trained in Python, on targets without names
            names = numbered
        names = names if len(names) == n_targets else numbered
        return cls(names if classifies else (), names)

    def rows(self, answer: Answer) -> list[dict[str, Any]]:
        """Return an object for each row: its prediction, and what else was found."""
        made: dict[str, list[Any]] = {"prediction": self._by_target(answer.prediction)}
        if answer.probabilities is not None:
            made["probabilities"] = _by_name(self.classes, answer.probabilities)
        if answer.interval is not None:
            made["low"] = self._by_target(answer.interval[..., 0])
            made["high"] = self._by_target(answer.interval[..., 1])
        return [dict(zip(made, values, strict=True)) for values in zip(*made.values(), strict=True)]

    def table(self, answer: Answer) -> polars.DataFrame:
        """Return a table with the columns that ``pellucid predict --proba`` writes, and "low" and "high"."""
        import polars as pl

        columns = self._columns("prediction", answer.prediction)
        if answer.probabilities is not None:
            columns |= {
                f"probability of {name}": values
                for name, values in zip(self.classes, answer.probabilities.T, strict=True)
            }
        if answer.interval is not None:
            columns |= self._columns("low", answer.interval[..., 0]) | self._columns("high", answer.interval[..., 1])
        return pl.DataFrame({name: values.tolist() for name, values in columns.items()})

    def _by_target(self, values: Array) -> list[Any]:
        return values.tolist() if self.targets is None else _by_name(self.targets, values)

    def _columns(self, noun: str, values: Array) -> dict[str, Array]:
        if self.targets is None:
            return {noun: values}
        return {f"{noun} of {name}": column for name, column in zip(self.targets, values.T, strict=True)}


def answer(estimator: Any, columns: Mapping[str, Any], coverage: float | None) -> Answer:
    """Return what a fitted estimator says of a table, and intervals where a coverage is given."""
    target = estimator.target_
    if not isinstance(target, ClassTarget):
        interval = None if coverage is None else estimator.predict_interval(columns, coverage)
        return Answer(estimator.predict(columns), interval=interval)
    probabilities = np.asarray(estimator.predict_proba(columns))
    codes = probabilities > 0.5 if target.is_multilabel else probabilities.argmax(axis=1)  # as `predict` has it
    return Answer(target.decode(codes), probabilities)


def _by_name(names: tuple[str, ...], values: Array) -> list[dict[str, Any]]:
    return [dict(zip(names, row, strict=True)) for row in values.tolist()]
