"""A column of a table, and what kind of thing it holds: numbers, categories, truth values, dates, or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pellucid.errors import DataError, MissingColumnError, OptionError, listed, near_miss
from pellucid.tabular.faults import CellError, Fix
from pellucid.tabular.values import (
    number_text,
    parsed_booleans,
    parsed_moments,
    parsed_numbers,
    shown,
    to_booleans,
    to_moments,
    to_numbers,
)

if TYPE_CHECKING:
    import polars

KINDS = ("number", "category", "boolean", "date")
N_EXAMPLES = 3
MOST_GRADES, LEAST_REPEATS = 20, 5  # a text among numbers is one of few grades, such as "other", and no slip
ABSENT = {"?", "-", "--", ".", "n/a", "na", "#n/a", "<na>", "nan", "null", "none", "nil", "missing"}
MIXED = "text of few values, most of them numbers"
LEAST_ROWS = 20  # of a table whose texts name the rows, if they all differ; in smaller ones chance does it


@dataclass(frozen=True)
class Column:
    """What is known of one column.

    ``kind`` is "number", "category", "boolean" or "date"; or "empty" for a column without a single value and
    "identifier" for one of text that is another in each row, which are left out of the features. ``n_distinct`` counts
    distinct values, missing ones aside; ``reason`` says why the column counts as what it does.
    """

    name: str
    kind: str
    n_missing: int
    n_distinct: int
    examples: tuple[str, ...]
    reason: str

    @property
    def is_used(self) -> bool:
        """Whether it becomes features."""
        return self.kind in KINDS

    @property
    def is_constant(self) -> bool:
        """Whether it holds the same value in every row that has one: it cannot help a prediction, nor harm it."""
        return self.n_distinct <= 1


def infer_columns(table: polars.DataFrame, kinds: Mapping[str, str] | None = None) -> list[Column]:
    """Say of each column of a table what it holds.

    Numbers are numbers; truth values, and the texts true and false in any case, are booleans; dates and times, and text
    that is ISO 8601 throughout, are dates; text that is a number throughout is a number; all other text is a category.
    So is text most of which is a number, if it has few values, and the others come often and do not look as if they
    stood for a missing value, as in "9", "10", "other". Text that is no number and another in each of 20 rows or more
    tells nothing of other rows: it is an identifier.
    ``kinds`` overrides the inference for the columns that it names, for example ``{"zip code": "category"}``.

    Parameters
    ----------
    table : a polars DataFrame, with null for missing values (as `read_table` and `to_table` make it)
    kinds : column name -> "number", "category", "boolean" or "date"

    Raises
    ------
    MissingColumnError, OptionError : if ``kinds`` names a column or a kind that does not exist
    CellError : if a column cannot be read as ``kinds`` says, or is text that is mostly, but not always, a number
    DataError : if a column holds lists, structures, durations or other things without a kind

    >>> import polars
    >>> table = polars.DataFrame({"age": [31, None, 58], "city": ["Oslo", "Bern", "Oslo"]})
    >>> [(column.name, column.kind, column.n_distinct) for column in infer_columns(table)]
    [('age', 'number', 2), ('city', 'category', 2)]
    """
    kinds = {} if kinds is None else kinds
    names = set(table.columns)
    for name, kind in kinds.items():
        if name not in names:
            raise MissingColumnError(
                f"kinds: no column {name!r}; the table has {listed(table.columns)}{near_miss(str(name), table.columns)}"
            )
        if kind not in KINDS:
            hint = near_miss(str(kind), KINDS)
            raise OptionError(f"kinds: column {name!r} got {kind!r}; it expects one of {listed(KINDS)}{hint}")
    return [_column(series, kinds.get(series.name)) for series in table.get_columns()]


def column_remarks(columns: Sequence[Column]) -> tuple[str, ...]:
    """Return what is to be said of columns that tell nothing or may be misread: a sentence for each case there is."""
    found = []
    for names, text in (
        ([each.name for each in columns if each.kind == "identifier"], "text that is another in each row: left out"),
        ([each.name for each in columns if each.kind == "empty"], "no value: left out"),
        (
            [each.name for each in columns if each.reason == MIXED],
            "few values, most but not all of them numbers: taken as a category (if a text stands for a missing value, "
            "say missing=)",
        ),
        (
            [each.name for each in columns if each.is_used and each.is_constant and not each.n_missing],
            "one value throughout, which tells nothing",
        ),
    ):
        if names:
            counted = "1 column holds" if len(names) == 1 else f"{len(names)} columns hold"
            found.append(f"{counted} {text}: {listed(names)}")
    return tuple(found)


def _column(series: polars.Series, declared: str | None) -> Column:
    import polars as pl

    dtype = series.dtype
    others = (pl.String, pl.Boolean, pl.Date, pl.Datetime, pl.Categorical, pl.Enum, pl.Null)
    if not dtype.is_numeric() and dtype not in others:
        raise DataError(
            f"column {series.name!r} holds {dtype}, which is neither number, text, truth value nor date: "
            "turn it into one of these, or leave the column out."
        )
    if series.null_count() == len(series):
        return Column(series.name, "empty", len(series), 0, (), "it has no values")
    if declared is None:
        kind, reason = _inferred(series)
    else:
        kind, reason = declared, "declared so"
        _check_declared(series, kind)
    held = parsed_numbers(series).fill_nan(None) if kind == "number" and dtype == pl.String else series
    values = held.drop_nulls()
    if len(values) == 0:  # text such as "nan" throughout
        return Column(series.name, "empty", len(series), 0, (), "it has no values")
    firsts = values.head(100).unique(maintain_order=True).head(N_EXAMPLES).to_list()
    n_distinct = values.n_unique()
    if declared is None and kind == "category" and n_distinct == len(series) >= LEAST_ROWS:
        kind, reason = "identifier", "text that is another in each row"
    return Column(series.name, kind, held.null_count(), n_distinct, tuple(map(number_text, firsts)), reason)


def _inferred(series: polars.Series) -> tuple[str, str]:
    """Return the kind of a column that has values, and the reason."""
    import polars as pl

    dtype = series.dtype
    if dtype == pl.Boolean:
        return "boolean", "truth values"
    if dtype in (pl.Date, pl.Datetime):
        return "date", "dates" if dtype == pl.Date else "dates with times"
    if dtype.is_numeric():
        return "number", "whole numbers" if dtype.is_integer() else "numbers"
    if dtype != pl.String:
        return "category", "categories"
    n_values = len(series) - series.null_count()
    n_numbers = n_values - (parsed_numbers(series).null_count() - series.null_count())
    if n_numbers == n_values:
        return "number", "text that is a number throughout"
    if 2 * n_numbers > n_values:
        if _is_graded(series):
            return "category", MIXED
        raise _mostly_numbers(series, n_numbers, n_values)
    if parsed_booleans(series).null_count() == series.null_count():
        return "boolean", "text that is true or false throughout"
    if parsed_moments(series).null_count() == series.null_count():
        return "date", "text that is a date throughout"
    return "category", "text"


def _is_graded(series: polars.Series) -> bool:
    """Return whether text that is mostly numbers has few values, the others being no slips and no missing values."""
    others = series.filter(series.is_not_null() & parsed_numbers(series).is_null())
    if series.drop_nulls().n_unique() > MOST_GRADES or int(others.unique_counts().to_numpy().min()) < LEAST_REPEATS:
        return False
    return not any(text.strip().casefold() in ABSENT for text in others.unique().to_list())


def _mostly_numbers(series: polars.Series, n_numbers: int, n_values: int) -> CellError:
    row = (series.is_not_null() & parsed_numbers(series).is_null()).arg_max()
    assert row is not None  # there is a value that is not a number
    name, value = series.name, series[row]
    return CellError(
        f"column {name!r}",
        f"{shown(value)} is not a number, as {n_numbers:,} of the {n_values:,} values are: correct it",
        column=name,
        row=row,
        fixes=(
            Fix("if it stands for a missing value", "missing", value),
            Fix("if the column holds categories", "kinds", "category", name),
        ),
    )


def _check_declared(series: polars.Series, kind: str) -> None:
    """Raise if a column cannot be read as the kind that was declared for it."""
    if kind == "number":
        to_numbers(series)
    elif kind == "boolean":
        to_booleans(series)
    elif kind == "date":
        to_moments(series)
