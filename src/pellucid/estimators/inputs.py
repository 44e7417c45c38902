"""What an estimator is handed: a table whose columns are those that were fitted, and a target that is there."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sklearn.exceptions import DataConversionWarning

from pellucid.errors import DataError, MissingColumnError, ShapeError, TargetError, near_miss
from pellucid.tabular.encoder import Encoder
from pellucid.tabular.frames import column_names, require_rows, to_table
from pellucid.tabular.target_values import as_array

if TYPE_CHECKING:
    import polars

MOST_NAMES = 5  # in a message
MISMATCH = "The feature names should match those that were passed during fit.\n"  # scikit-learn's words


def require_target(owner: str, y: Any, *, is_classes: bool) -> None:
    """Raise `TargetError` if there is no target; warn, as scikit-learn does, of one column of classes that is 2-D."""
    if y is None:
        raise TargetError(f"{owner} requires y to be passed, but the target y is None: write fit(X, y).")
    shape = as_array(y).shape
    if is_classes and len(shape) == 2 and shape[1] == 1:
        warnings.warn(
            "A column-vector y was passed when a 1d array was expected. Please change the shape of y to (n_samples, ), "
            "for example using ravel().",
            DataConversionWarning,
            stacklevel=3,
        )


def training_table(X: Any, missing: Sequence[str]) -> polars.DataFrame:
    """Return the table to train on, or raise `DataError` where there is nothing to learn from."""
    table = to_table(X, missing=missing)
    require_rows(table, "training")
    if table.height == 1:
        raise DataError("fit: X has one row (n_samples=1); learning takes rows to learn from and rows to judge by.")
    return table


def fitted_table(owner: str, X: Any, missing: Sequence[str], encoder: Encoder, *, has_names: bool) -> polars.DataFrame:
    """Return the table to predict, with the names of the one that was fitted.

    A dict of columns is matched by name. Of a DataFrame, the columns that were fitted must be there in the same order,
    as scikit-learn wants it; further ones make no difference. Where one side has no names (``has_names`` is that of
    the table that was fitted), columns are matched by their place; one side alone without names is warned about.
    """
    table = to_table(X, missing=missing)
    fitted = [column.name for column in encoder.columns]
    if isinstance(X, Mapping):
        return table
    names = column_names(X)
    if names is None or not has_names:
        if table.width != len(fitted):
            raise ShapeError(
                f"X has {table.width} features, but {owner} is expecting {len(fitted)} features as input: give every "
                "row the same features in the same order, or a table with column names."
            )
        if names is not None:
            warnings.warn(f"X has feature names, but {owner} was fitted without feature names", stacklevel=5)
        elif has_names:
            warnings.warn(
                f"X does not have valid feature names, but {owner} was fitted with feature names", stacklevel=5
            )
        return table.rename(dict(zip(table.columns, fitted, strict=True)))
    _require_names(names, fitted, {encoding.name for encoding in encoder.encodings})
    return table


def _require_names(names: list[str], fitted: list[str], needed: set[str]) -> None:
    """Raise `MissingColumnError` for a column that is not there, `DataError` for one out of its place."""
    missing = sorted(needed - set(names))
    unseen = sorted(set(names) - set(fitted))
    if missing:
        message = f"Feature names unseen at fit time:\n{_lines(unseen)}" if unseen else ""
        message += f"Feature names seen at fit time, yet now missing:\n{_lines(missing)}"
        hint = near_miss(missing[0], unseen)
        raise MissingColumnError(f"{MISMATCH}{message}The table has no column {missing[0]!r}{hint or '.'}")
    found = [name for name in names if name in fitted]
    expected = [name for name in fitted if name in names]
    if found != expected:
        place = next(place for place, name in enumerate(found) if name != expected[place])
        raise DataError(
            f"{MISMATCH}Feature names must be in the same order as they were in fit.\n"
            f"Column {found[place]!r} stands where fit had {expected[place]!r}: X[list(model.feature_names_in_)] puts "
            "the columns in order; a dict of columns may have any."
        )


def _lines(names: list[str]) -> str:
    return "".join(f"- {name}\n" for name in names[:MOST_NAMES]) + ("- ...\n" if len(names) > MOST_NAMES else "")
