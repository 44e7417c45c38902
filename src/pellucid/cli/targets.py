"""The target columns of a table: which task they ask for, and what is learned of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pellucid.errors import DataError, TargetError, listed
from pellucid.tabular import ClassTarget, Column, NumberTarget, Task, infer_task
from pellucid.tabular.target_names import keep_names, names_of

if TYPE_CHECKING:
    import polars

__all__ = ["TASKS", "choose_task", "keep_names", "names_of", "new_target", "refuse_no_features", "take_target"]

TASKS = ("auto", "classification", "regression")


def take_target(table: polars.DataFrame, names: Sequence[str], task: str) -> Any:
    """Return one target as a Series, several as a DataFrame of whole numbers (labels) or numbers."""
    import polars as pl

    if len(names) == 1:
        return table[names[0]]
    dtype = pl.Int64 if task == "classification" else pl.Float64
    try:
        return table.select(names).cast(dtype)
    except pl.exceptions.PolarsError as error:
        reason = str(error).splitlines()[0]
        raise TargetError(f"targets {listed(names)}: {reason}; several targets are numbers.") from error


def choose_task(table: polars.DataFrame, columns: Sequence[Column], asked: str) -> Task:
    """Return the task for the target columns of a table, and why.

    Several targets are labels if all of them are 0 or 1, and numbers to predict if all are numbers.
    """
    names = [column.name for column in columns]
    if len(names) == 1:
        return infer_task(table[names[0]]) if asked == "auto" else Task(asked, "--task says so")
    are_labels = all(_is_label(table[name]) for name in names)
    if are_labels and asked != "regression":
        return Task("classification", f"each of the {len(names)} targets is 0 or 1: a yes or no for each")
    others = [column for column in columns if column.kind != "number"]
    if not others and asked != "classification":
        return Task("regression", f"each of the {len(names)} targets is a number")
    blamed = others[0] if others else next(column for column in columns if not _is_label(table[column.name]))
    values = ", ".join(blamed.examples)
    raise TargetError(
        f"several targets must all be 0 or 1, or all be numbers to predict; {blamed.name!r} holds {values}: "
        "train one model for each target."
    )


def new_target(task: str) -> ClassTarget | NumberTarget:
    """Return a target for the task, to be fitted."""
    return ClassTarget() if task == "classification" else NumberTarget()


def refuse_no_features(names: Sequence[str], path: object) -> None:
    """Raise `DataError` if nothing is left to learn from."""
    if not names:
        raise DataError(f"{path} has no column to learn from besides the target; it needs at least one.")


def _is_label(series: polars.Series) -> bool:
    import polars as pl

    values = series.drop_nulls()
    is_plain = series.dtype.is_numeric() or series.dtype == pl.Boolean
    return is_plain and values.cast(pl.Float64).is_in([0.0, 1.0]).all()
