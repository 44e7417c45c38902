"""Rows are a table with its target and weights; a split sets some aside to judge by, of each class the same share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.errors import DataError, ShapeError
from pellucid.layers.base import Array
from pellucid.random import Purpose, Random
from pellucid.tabular.target_values import as_array

if TYPE_CHECKING:
    import polars


@dataclass(frozen=True)
class Rows:
    """Rows of a table with their encoded target and, if there are any, weights."""

    table: polars.DataFrame
    target: Array
    weight: Array | None

    def take(self, numbers: Array) -> Rows:
        """Return the rows with these numbers."""
        return Rows(self.table[numbers], self.target[numbers], None if self.weight is None else self.weight[numbers])


def split_rows(n_rows: int, share: float, rng: Random, classes: Array | None = None) -> tuple[Array, Array]:
    """Return the row numbers that stay and those set aside, each in the table's order.

    Parameters
    ----------
    n_rows : number of rows, at least 2
    share : of the rows to set aside, between 0 and 1; at least one row is set aside and one stays
    rng : the address of the drawing
    classes : (n_rows,) class codes, or None; of each class ``round(share * size)`` rows are set aside, but one stays;
        where that sets none aside, one row of the largest class is

    Raises `DataError` where no row can be set aside: one row only, or one row of each class only.

    >>> [part.tolist() for part in split_rows(5, 0.4, Random(0))]
    [[1, 2, 3], [0, 4]]
    """
    if n_rows < 2:
        raise DataError(f"a table of {n_rows} row(s) cannot be split into rows to learn from and rows to judge by.")
    if classes is not None and len(np.unique(classes)) == n_rows:
        raise DataError(
            f"each of the {n_rows} classes has one row, so none can be set aside to judge by: give two rows or more of "
            "a class, or rows of your own to judge by (X_val and y_val)."
        )
    order = rng.at(purpose=Purpose.SPLIT, layer=0, step=0).permutation(n_rows)
    aside = np.zeros(n_rows, dtype=bool)
    if classes is None:
        aside[order[: min(max(round(share * n_rows), 1), n_rows - 1)]] = True
    else:
        shuffled = classes[order]
        for code in np.unique(classes):
            members = order[shuffled == code]
            aside[members[: min(round(share * len(members)), len(members) - 1)]] = True
        if not aside.any():  # classes of very few rows each: one row of the largest
            largest = np.bincount(classes).argmax()
            aside[order[shuffled == largest][0]] = True
    return np.flatnonzero(~aside), np.flatnonzero(aside)


def require_same_height(n_rows: int, y: Any, suffix: str) -> None:
    """Raise `ShapeError` unless the target ``y`` has a value for each row of the table ``X`` + ``suffix``."""
    n_targets = len(as_array(y)) if np.ndim(as_array(y)) else 0
    if n_targets != n_rows:
        raise ShapeError(f"fit: X{suffix} has {n_rows} rows and y{suffix} has {n_targets}; each row needs its target.")


def checked_weight(sample_weight: Any, n_rows: int, name: str) -> Array | None:
    """Return the weights, (n_rows,) float32, those above 0 scaled to a mean of 1; None stays None.

    Raises `ShapeError` for another shape, `DataError` for what is no number from 0 up, or if no row counts.
    """
    if sample_weight is None:
        return None
    try:
        weight = np.asarray(sample_weight, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(f"fit: {name} holds something that is no number; it expects one number per row.") from None
    if weight.shape != (n_rows,):
        raise ShapeError(f"fit: {name} has shape {weight.shape}; it expects ({n_rows},), one number per row.")
    wrong = ~(np.isfinite(weight) & (weight >= 0))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(f"fit: {name} is {weight[row]} in row {row} (counted from 0); it expects a number from 0 up.")
    if not weight.any():
        raise DataError(f"fit: {name} is zero in every row; give the rows that are to count a weight above 0.")
    weight = weight / weight.max()  # so that no sum overflows
    return (weight / weight[weight > 0].mean()).astype(np.float32)
