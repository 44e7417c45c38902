"""Folds are several splits of the same rows: each row is set aside once, or each time the rows that come next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pellucid.elementary import total
from pellucid.errors import DataError
from pellucid.layers.base import Array
from pellucid.random import Random
from pellucid.tabular.splitting import shuffled_groups, shuffled_rows


@dataclass(frozen=True)
class Folds:
    """Splits of n_rows rows into those that stay and those set aside, each in the table's order.

    splits : for each fold the row numbers that stay, and those set aside
    scarce : codes of the classes that have fewer rows (or groups) than there are folds, so that some folds are judged
        without them
    unseen : for each fold the codes of the classes that it learns without
    remarks : what is not as it was asked for, in words; empty if all is
    """

    splits: tuple[tuple[Array, Array], ...]
    scarce: tuple[int, ...] = ()
    unseen: tuple[tuple[int, ...], ...] = ()
    remarks: tuple[str, ...] = ()

    def said(self, classes: Sequence[object]) -> tuple[str, ...]:
        """Return the remarks, with the scarce classes by name: ``classes[code]``."""
        if not self.scarce:
            return self.remarks
        n_folds = len(self.splits)
        names = ", ".join(repr(classes[code]) for code in self.scarce[:5])
        more = f" and {len(self.scarce) - 5} more" if len(self.scarce) > 5 else ""
        text = f"too few rows in class {names}{more} for each of {n_folds} folds to be judged by"
        missed = sorted({code for codes in self.unseen for code in codes})
        if missed:
            names = ", ".join(repr(classes[code]) for code in missed[:5])
            text += f"; some folds learn without {names}{' and more' if len(missed) > 5 else ''}"
        return (*self.remarks, text)


def make_folds(
    n_rows: int, n_folds: int, rng: Random, classes: Array | None = None, groups: Array | None = None
) -> Folds:
    """Return folds in which each row is set aside once.

    Rows are dealt in random order, so that folds differ by at most one row, and with ``classes`` by at most one row of
    each class. A group is dealt as a whole, the largest first, to the fold that has least of the same classes, and
    among equals the fewest rows: with c rows of a class of n in the fold and g in the group, least Σ c g / n. That
    makes the smallest Σ (c - n / n_folds)² / n over folds and classes, of all that the group may go to.

    Parameters
    ----------
    n_rows : number of rows, at least 2
    n_folds : at least 2; of fewer rows or groups than that, there are as many folds as these, and a remark
    rng : the address of the drawing
    classes : (n_rows,) class codes, or None; a class with fewer rows than folds is said, not refused
    groups : (n_rows,) codes from 0 up, as `group_codes` returns them, or None

    Raises `DataError` for fewer than two rows, or groups.

    >>> [aside.tolist() for _, aside in make_folds(6, 3, Random(0), np.array([0, 0, 0, 1, 1, 1])).splits]
    [[0, 4], [1, 5], [2, 3]]
    """
    n_units = n_rows if groups is None else int(groups.max(initial=-1)) + 1
    unit = "row" if groups is None else "group"
    if n_units < 2:
        raise DataError(f"{n_units} {unit}(s) cannot be split into folds; it takes two {unit}s.")
    remarks: tuple[str, ...] = ()
    if n_units < n_folds:
        remarks = (f"{n_units} folds rather than {n_folds}: there are {n_units} {unit}s",)
        n_folds = n_units
    codes = np.zeros(n_rows, dtype=np.int64)
    if classes is not None:
        codes = np.unique(classes, return_inverse=True)[1]
    dealt = _deal_rows(codes, n_folds, rng) if groups is None else _deal_groups(codes, groups, n_folds, rng)
    splits = tuple((np.flatnonzero(dealt != fold), np.flatnonzero(dealt == fold)) for fold in range(n_folds))
    if classes is None:
        return Folds(splits, remarks=remarks)
    everything = np.unique(classes)
    absent = [np.setdiff1d(everything, classes[aside]) for _, aside in splits]
    scarce = np.unique(np.concatenate(absent))
    unseen = tuple(tuple(np.setdiff1d(everything, classes[stay]).tolist()) for stay, _ in splits)
    return Folds(splits, tuple(scarce.tolist()), unseen, remarks)


def chained_folds(ranks: Array, n_folds: int) -> Folds:
    """Return folds that always learn from what came before: fold k of n learns from the first k parts of n + 1.

    The parts have as nearly the same number of rows as can be without parting rows of one rank, which may leave fewer
    of them: then there are fewer folds, and a remark.

    ranks : (n_rows,) whole numbers, the later the higher, as `ranked` returns them

    Raises `DataError` if all rows have one rank.

    >>> [(stay.tolist(), aside.tolist()) for stay, aside in chained_folds(np.array([0, 1, 2, 3, 4, 5]), 2).splits]
    [([0, 1], [2, 3]), ([0, 1, 2, 3], [4, 5])]
    """
    n_rows = len(ranks)
    before = np.cumsum(np.bincount(ranks))  # rows up to each rank
    targets = np.arange(1, n_folds + 1) * n_rows / (n_folds + 1)
    ends = np.unique([int(np.argmin(np.abs(before[:-1] - target))) for target in targets] if len(before) > 1 else [])
    if not len(ends):
        raise DataError(
            f"all {n_rows} rows have the same place in the order, so none is later than others; give an order of at "
            "least two values, or none."
        )
    remarks: tuple[str, ...] = ()
    if len(ends) < n_folds:
        remarks = (f"{len(ends)} folds rather than {n_folds}: rows of one place in the order are not parted",)
    part = np.searchsorted(ends, ranks, side="left")  # the number of ends below a row's rank
    splits = tuple((np.flatnonzero(part <= fold), np.flatnonzero(part == fold + 1)) for fold in range(len(ends)))
    return Folds(splits, remarks=remarks)


def _deal_rows(classes: Array, n_folds: int, rng: Random) -> Array:
    """Deal the shuffled rows, class by class, round and round: each class goes on where the one before ended."""
    order = shuffled_rows(len(classes), rng)
    by_class = order[np.argsort(classes[order], kind="stable")]
    dealt = np.empty(len(classes), dtype=np.int64)
    dealt[by_class] = np.arange(len(classes)) % n_folds
    return dealt


def _deal_groups(classes: Array, groups: Array, n_folds: int, rng: Random) -> Array:
    sizes = np.bincount(classes).astype(np.float64)
    held, filled = np.zeros((n_folds, len(sizes))), np.zeros(n_folds)  # rows of each class in each fold, and of all
    dealt = np.empty(len(classes), dtype=np.int64)
    for rows in sorted(shuffled_groups(groups, rng), key=len, reverse=True):  # stable: of equals, as shuffled
        found, counts = np.unique(classes[rows], return_counts=True)
        overlap = total(held[:, found] * (counts / sizes[found]))
        fold = np.lexsort((filled, overlap))[0]  # of equals the first
        held[fold, found] += counts
        filled[fold] += len(rows)
        dealt[rows] = fold
    return dealt
