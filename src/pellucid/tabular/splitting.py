"""A split sets rows aside to judge by, in each class the same share where there are classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pellucid.errors import DataError
from pellucid.layers.base import Array
from pellucid.random import Purpose, Random

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
    classes : (n_rows,) class codes, or None; of each class ``round(share * size)`` rows are set aside, but one stays

    >>> [part.tolist() for part in split_rows(5, 0.4, Random(0))]
    [[0, 2, 3], [1, 4]]
    """
    if n_rows < 2:
        raise DataError(f"a table of {n_rows} rows cannot be split into rows to learn from and rows to judge by.")
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
