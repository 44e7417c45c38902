"""A split sets rows aside to judge by: of each class its share, of a group all rows or none, or the last by order."""

from __future__ import annotations

import datetime
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.elementary import total
from pellucid.errors import DataError, ShapeError
from pellucid.layers.base import Array
from pellucid.random import Purpose, Random
from pellucid.tabular.target_values import as_array, is_missing, settled

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


def split_rows(
    n_rows: int, share: float, rng: Random, classes: Array | None = None, groups: Array | None = None
) -> tuple[Array, Array]:
    """Return the row numbers that stay and those set aside, each in the table's order.

    Parameters
    ----------
    n_rows : number of rows, at least 2
    share : of the rows to set aside, between 0 and 1; at least one row is set aside and one stays
    rng : the address of the drawing
    classes : (n_rows,) class codes, or None; of each class ``round(share * size)`` rows are set aside, but one stays;
        where that sets none aside, one row of the largest class is
    groups : (n_rows,) group codes, or None; a group stays or is set aside as a whole, so that the shares, of the rows
        or of each class, are met as nearly as drawing one group after another finds

    Raises `DataError` where no row can be set aside: one row only, one row of each class only, or one group only.

    >>> [part.tolist() for part in split_rows(5, 0.4, Random(0))]
    [[1, 2, 3], [0, 4]]
    """
    if n_rows < 2:
        raise DataError(f"a table of {n_rows} row(s) cannot be split into rows to learn from and rows to judge by.")
    if groups is not None:
        return _split_groups(share, rng, np.zeros(n_rows, dtype=np.int64) if classes is None else classes, groups)
    if classes is not None:
        require_two_of_a_class(classes)
    order = shuffled_rows(n_rows, rng)
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


def require_two_of_a_class(classes: Array) -> None:
    """Raise `DataError` if each class has one row: judged by it, it is not learned."""
    if len(np.unique(classes)) == len(classes):
        raise DataError(
            f"each of the {len(classes)} classes has one row, so none can be set aside to judge by: give two rows or "
            "more of a class, or rows of your own to judge by (X_val and y_val)."
        )


def split_last(ranks: Array, share: float) -> tuple[Array, Array]:
    """Return the row numbers that stay and those set aside: the last share of the rows by order, such as time.

    Rows of one rank are not parted: of the places between two ranks, the one that leaves nearest to ``share * n_rows``
    rows behind it is taken, the earlier of two.

    ranks : (n_rows,) whole numbers, the later the higher, as `ranked` returns them

    Raises `DataError` if all rows have one rank.

    >>> [part.tolist() for part in split_last(np.array([2, 0, 1, 3, 3]), 0.4)]
    [[0, 1, 2], [3, 4]]
    """
    counts = np.bincount(ranks)
    behind = len(ranks) - np.cumsum(counts)[:-1]  # rows behind each place
    if not len(behind):
        raise DataError(
            f"all {len(ranks)} rows have the same place in the order, so none is later than others; give an order of "
            "at least two values, or none."
        )
    place = int(np.argmin(np.abs(behind - share * len(ranks))))
    return np.flatnonzero(ranks <= place), np.flatnonzero(ranks > place)


def shuffled_rows(n_rows: int, rng: Random) -> Array:
    """Return the row numbers in the random order of this address's splits."""
    return rng.at(purpose=Purpose.SPLIT, layer=0, step=0).permutation(n_rows)


def shuffled_groups(groups: Array, rng: Random) -> list[Array]:
    """Return the row numbers of each group, the groups in random order, each group's rows in the table's."""
    by_group = np.argsort(groups, kind="stable")
    parts = np.split(by_group, np.cumsum(np.bincount(groups))[:-1])
    return [parts[index] for index in shuffled_rows(len(parts), rng)]


def _split_groups(share: float, rng: Random, classes: Array, groups: Array) -> tuple[Array, Array]:
    """Set groups aside, one after another in random order, each where that brings the classes nearer to their shares.

    With a rows of a class set aside of n, the distance from the shares is Σ (a - share n)² / n over classes. A group
    with g rows of the class changes it by Σ g (2 (a - share n) + g) / n, which must be negative.
    """
    parts = shuffled_groups(groups, rng)
    if len(parts) < 2:
        raise DataError(
            "all rows are of one group, so none can be set aside to judge by without parting it: give rows of two "
            "groups or more, or rows of your own to judge by (X_val and y_val)."
        )
    _, classes = np.unique(classes, return_inverse=True)
    sizes = np.bincount(classes)
    staying = sizes.copy()
    least, least_change = None, math.inf
    aside: list[Array] = []
    for rows in parts:
        found, counts = np.unique(classes[rows], return_counts=True)
        if (staying[found] == counts).any():
            continue  # no row of a class would stay
        excess = (sizes - staying)[found] - share * sizes[found]
        change = float(total(counts * (2 * excess + counts) / sizes[found]))
        if change < 0:
            staying[found] -= counts
            aside.append(rows)
        elif change < least_change:
            least, least_change = rows, change
    if not aside and least is not None:
        aside.append(least)  # all groups are large: the one that does least harm
    if not aside:
        raise DataError(
            "each group holds all rows of a class, so none can be set aside to judge by: give groups that share "
            "classes, or rows of your own to judge by (X_val and y_val)."
        )
    chosen = np.zeros(len(classes), dtype=bool)
    chosen[np.concatenate(aside)] = True
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)


def group_codes(groups: Any, n_rows: int) -> Array:
    """Return the groups as codes from 0 up, (n_rows,), in the order in which they first appear.

    groups : (n_rows,) numbers, text or anything else that can be compared, of any library; none may be missing

    Raises `ShapeError` for another shape, `DataError` at a missing value.
    """
    values = _one_per_row(groups, n_rows, "groups")
    missing = is_missing(values)
    if missing.any():
        row = int(np.argmax(missing))
        raise DataError(f"fit: groups has no value in row {row} (counted from 0); give every row its group.")
    codes: dict[Any, int] = {}
    return np.array([codes.setdefault(value, len(codes)) for value in values.tolist()], dtype=np.int64)


def ranked(order: Any, n_rows: int) -> Array:
    """Return each row's rank among the distinct values of an order, (n_rows,) from 0 up: the later, the higher.

    order : (n_rows,) numbers or dates, of any library; none may be missing

    Raises `ShapeError` for another shape, `DataError` at a missing value, or for text, whose order is another than that
    of what it says.
    """
    values = settled(_one_per_row(order, n_rows, "order"))
    missing = is_missing(values)
    if missing.any():
        row = int(np.argmax(missing))
        raise DataError(f"fit: order has no value in row {row} (counted from 0); give every row its place.")
    if values.dtype.kind == "O" and all(isinstance(value, datetime.date) for value in values):
        try:
            rank_of = {value: rank for rank, value in enumerate(sorted(set(values.tolist())))}
        except TypeError as error:
            raise DataError(
                f"fit: order holds dates that cannot be compared ({error}); give all of one kind."
            ) from None
        return np.array([rank_of[value] for value in values.tolist()], dtype=np.int64)
    if values.dtype.kind not in "iufmM":
        raise DataError(
            f"fit: order holds {type(values[0]).__name__} values, such as {values[0]!r}; it expects numbers or dates, "
            "which say what is later."
        )
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def _one_per_row(values: Any, n_rows: int, name: str) -> Array:
    array = as_array(values)
    if array.shape != (n_rows,):
        raise ShapeError(f"fit: {name} has shape {array.shape}; it expects ({n_rows},), one value per row.")
    return array


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
