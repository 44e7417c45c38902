"""The material of a fit: what it was handed, checked and understood, without the rows that do not count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.errors import OptionError, ShapeError
from pellucid.estimators.inputs import training_table
from pellucid.layers.base import Array
from pellucid.tabular.columns import Column, infer_columns
from pellucid.tabular.fingerprint import Fingerprint, fingerprint
from pellucid.tabular.frames import require_rows, to_table
from pellucid.tabular.splitting import Rows, checked_weight, group_codes, ranked, require_same_height
from pellucid.tabular.target_values import as_array
from pellucid.tabular.targets import ClassTarget, NumberTarget


@dataclass(frozen=True)
class Material:
    """Rows to learn from, rows to judge by if such were given, and what keeps rows together.

    columns : what the table's columns hold; a row that does not count helps to tell
    y, y_val : the targets of the rows as they were given, whose encoded form is in ``rows`` and ``held``
    groups, ranks : (n_rows,) codes, or places in the order, or None
    """

    columns: list[Column]
    target: ClassTarget | NumberTarget
    rows: Rows
    y: Any
    held: Rows | None
    y_val: Any
    groups: Array | None
    ranks: Array | None

    @property
    def kinds(self) -> dict[str, str]:
        """The kind of each column that is learned from."""
        return {column.name: column.kind for column in self.columns if column.is_used}

    def fingerprint(self) -> Fingerprint:
        """Return the fingerprint of the data."""
        held = None if self.held is None else (self.held.table, self.y_val, self.held.weight)
        return fingerprint(
            self.rows.table,
            self.columns,
            self.target,
            self.y,
            weight=self.rows.weight,
            groups=self.groups,
            ranks=self.ranks,
            held=held,
        )


def material_of(
    estimator: Any,
    X: Any,
    y: Any,
    sample_weight: Any = None,
    *,
    X_val: Any = None,
    y_val: Any = None,
    sample_weight_val: Any = None,
    groups: Any = None,
    order: Any = None,
) -> Material:
    """Return what an estimator for tables is to learn from; for parameters and errors see its `fit`."""
    table = training_table(X, estimator.missing)
    weight = checked_weight(sample_weight, table.height, "sample_weight")
    # All rows say what a column holds: a part of them could say otherwise, and would count rows in another way.
    columns = infer_columns(table, estimator.kinds)
    target = estimator._new_target().fit(y)
    require_same_height(table.height, y, "")
    if weight is not None and not weight.all():
        name, counted = target.name, np.flatnonzero(weight)
        table, y, weight = table[counted], as_array(y)[counted], weight[counted]
        target = estimator._new_target().fit(y)
        target.name = name
        groups, order = (None if given is None else as_array(given)[counted] for given in (groups, order))
    rows = Rows(table, target.encode(y), weight)
    if groups is not None and order is not None:
        raise OptionError("fit: groups and order are both given; give one.")
    codes = None if groups is None else group_codes(groups, table.height)
    ranks = None if order is None else ranked(order, table.height)
    if (X_val is None) != (y_val is None) or (X_val is None and sample_weight_val is not None):
        raise ShapeError("fit: X_val, y_val and sample_weight_val belong together; pass X_val and y_val, or none.")
    held = None
    if X_val is not None:
        if codes is not None or ranks is not None:
            raise OptionError("fit: X_val are the rows to judge by; leave out groups and order.")
        given = to_table(X_val, missing=estimator.missing)
        require_rows(given, "judging training (X_val)")
        weight_val = checked_weight(sample_weight_val, given.height, "sample_weight_val")
        require_same_height(given.height, y_val, "_val")
        held = Rows(given, target.encode(y_val), weight_val)
        if weight_val is not None and not weight_val.all():
            counted = np.flatnonzero(weight_val)
            held, y_val = held.take(counted), as_array(y_val)[counted]
    return Material(columns, target, rows, y, held, y_val, codes, ranks)
