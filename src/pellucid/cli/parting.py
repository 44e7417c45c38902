"""How rows are parted: which are held out to judge the result by, where rows belong together or follow each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.cli.source import Source
from pellucid.errors import DataError
from pellucid.layers.base import Array
from pellucid.random import Random
from pellucid.tabular import CellError, Column
from pellucid.tabular.splitting import group_codes, ranked, split_last, split_rows
from pellucid.tabular.values import to_moments, to_numbers


@dataclass(frozen=True)
class Parting:
    """What keeps rows together: their group, or their place in an order, (n_rows,) each; one of them or none.

    ``column`` is what they come from, with its flag: "--groups 'patient'".
    """

    groups: Array | None = None
    order: Array | None = None
    column: str = ""

    def take(self, rows: Array) -> Parting:
        """Return that of some of the rows."""
        groups, order = (None if values is None else values[rows] for values in (self.groups, self.order))
        return Parting(groups, order, self.column)

    def to_fit(self) -> dict[str, Any]:
        """Return what `fit` gets."""
        return {name: values for name, values in (("groups", self.groups), ("order", self.order)) if values is not None}

    def hold_out(self, share: float, seed: int, classes: Array | None, n_rows: int) -> tuple[Array, Array]:
        """Return the row numbers to learn from and those to judge by: of each class its share, whole groups, or the
        last rows."""
        if self.order is not None:
            return split_last(self.order, share)
        try:
            return split_rows(n_rows, share, Random(seed), classes, self.groups)
        except DataError as error:
            if self.groups is None:
                raise
            said = str(error).replace("of your own to judge by (X_val and y_val)", "to judge by (--test FILE)")
            raise DataError(f"{self.column}: {said}") from None

    def said(self) -> str:
        """Return in words which rows are held out."""
        return (
            "" if not self.column else f" ({'the last' if self.groups is None else 'whole groups'}, by {self.column})"
        )

    def require(self, n_values: int, purpose: str) -> None:
        """Raise `DataError` if there are too few groups, or places in the order, for what is asked."""
        values = self.groups if self.order is None else self.order
        if values is None:
            return
        found = len(np.unique(values))
        if found < n_values:
            what = "different values" if found != 1 else "value"
            raise DataError(f"{self.column} has {found} {what}; {purpose} takes at least {n_values}.")


def parting_of(source: Source, columns: list[Column], groups: str | None, order: str | None) -> Parting:
    """Return the parting that the columns give which the flags name; raise at a cell that is missing or no place."""
    name = groups or order
    if name is None:
        return Parting()
    flag = f"{'--groups' if groups else '--order'} {name!r}"
    series = source.table[name]
    with source.locating():
        if series.null_count():
            row = int(series.is_null().arg_max() or 0)
            raise CellError(f"column {name!r}", "is missing; each row needs its group or place", column=name, row=row)
        if groups:
            return Parting(groups=group_codes(series, len(series)), column=flag)
        kind = next(column.kind for column in columns if column.name == name)
        if kind not in ("number", "date"):
            raise DataError(f"{flag} holds {kind} values; it expects numbers or dates, which say what is later.")
        values = to_numbers(series) if kind == "number" else to_moments(series)[0]
        return Parting(order=ranked(values, len(series)), column=flag)
