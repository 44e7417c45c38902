"""The four readings of a table's column: as numbers, as text, as truth values and as moments in time.

Whatever a column holds (text from a file, a DataFrame's own types), one of these functions turns it into the form
that its kind asks for, or says which cell cannot be read so. A missing value is null on the way in, and NaN, null or
a mask on the way out; rows are counted from 0, so that a cell of row r stands in line r + 2 of a file with a header.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.errors import DataError, require
from pellucid.tabular.faults import CellError

if TYPE_CHECKING:
    import polars

MICROSECONDS_PER_DAY = 86_400_000_000

# Year, month, day; then, where there is a time, hours, minutes, seconds, their fraction, and an offset from UTC.
ISO_MOMENT = (
    r"^(\d{4}-\d{2}-\d{2})"
    r"(?:[T ]([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:[.,](\d{1,9}))?)?\s?(Z|[+-]\d{2}:?\d{2})?)?$"
)


def require_polars() -> None:
    """Raise if polars is not installed; what takes a table or a column of it need not ask."""
    require("polars", extra="standard", purpose="reading a table")


def number_text(value: Any) -> str:
    """Return the text of one value as a category's name.

    Whole numbers are written without a point, other numbers as Python's shortest text that reads back the same, so
    that 3, 3.0 and "3" are one category however a table came to hold them.

    >>> [number_text(value) for value in (3, 3.0, "3", 0.5, True)]
    ['3', '3', '3', '0.5', 'true']
    """
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float | np.floating):
        number = float(value)
        return str(int(number)) if number.is_integer() and abs(number) < 2.0**63 else repr(number)
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ")
    return str(value)


def to_text(series: polars.Series) -> polars.Series:
    """Return a column as text, null where it is missing; numbers as `number_text` writes them."""
    import polars as pl

    if series.dtype == pl.String:
        return series
    if series.dtype.is_integer() or series.dtype in (pl.Categorical, pl.Enum, pl.Null, pl.Boolean):
        return series.cast(pl.String)
    distinct = series.drop_nulls().unique()
    texts = [number_text(value) for value in distinct.to_list()]
    return series.replace_strict(distinct, pl.Series(texts, dtype=pl.String), default=None, return_dtype=pl.String)


def parsed_numbers(series: polars.Series) -> polars.Series:
    """Return text as float64 numbers, null where it is missing or no number. Spaces around a number are allowed."""
    import polars as pl

    return series.str.strip_chars().cast(pl.Float64, strict=False)


def to_numbers(series: polars.Series) -> np.ndarray:
    """Return a column as float64 numbers, shape (n_rows,), NaN where it is missing; infinities are numbers."""
    import polars as pl

    series = _opened(series)
    if series.dtype.is_numeric() or series.dtype in (pl.Boolean, pl.Null):
        return np.asarray(series.cast(pl.Float64).to_numpy(), dtype=np.float64)
    if series.dtype != pl.String:
        raise DataError(f"column {series.name!r} holds {series.dtype}; it expects numbers: convert it first.")
    numbers = parsed_numbers(series)
    _refuse_first(series, numbers, "a number", "a number, or empty where missing")
    return np.asarray(numbers.to_numpy(), dtype=np.float64)


def parsed_booleans(series: polars.Series) -> polars.Series:
    """Return the texts true and false, in any case, as truth values; null where a text is neither."""
    import polars as pl

    lower = series.str.to_lowercase()
    return lower.replace_strict(["true", "false"], [True, False], default=None, return_dtype=pl.Boolean)


def to_booleans(series: polars.Series) -> np.ndarray:
    """Return a column of truth values, of 0 and 1, or of the texts true and false, as 1.0, 0.0 and NaN (missing)."""
    import polars as pl

    flags = series = _opened(series)
    if series.dtype == pl.String:
        flags = parsed_booleans(series)
    elif series.dtype.is_numeric():
        flags = series.replace_strict([0, 1], [False, True], default=None, return_dtype=pl.Boolean)
    elif series.dtype not in (pl.Boolean, pl.Null):
        raise DataError(f"column {series.name!r} holds {series.dtype}; it expects true and false.")
    _refuse_first(series, flags, "true or false", "true, false, or empty where missing")
    return np.asarray(flags.cast(pl.Float64).to_numpy(), dtype=np.float64)


def parsed_moments(series: polars.Series) -> polars.Series:
    """Return ISO 8601 text as microseconds since 1970-01-01 (int64), null where a text is no date or time.

    Read are ``2026-07-01``, ``2026-07-01 09:30``, ``2026-07-01T09:30:15.25`` and these with an offset (``Z``,
    ``+02:00``), which is subtracted: such a moment counts in UTC. Digits below a microsecond are cut off.
    """
    import polars as pl

    text = series.str.strip_chars()
    if not text.str.contains(ISO_MOMENT).any():  # the usual column of words: one pass and done
        return pl.Series(series.name, [None] * len(series), dtype=pl.Int64)
    names = ["day", "hour", "minute", "second", "fraction", "offset"]
    parts = pl.DataFrame({name: text.str.extract(ISO_MOMENT, group) for group, name in enumerate(names, start=1)})

    def whole(expression: Any) -> Any:
        return expression.cast(pl.Int64).fill_null(0)

    digits = pl.col("offset").str.replace_all(r"[Z+:-]", "")
    minutes = whole(digits.str.slice(0, 2).str.replace("^$", "0")) * 60
    minutes = minutes + whole(digits.str.slice(2, 2).str.replace("^$", "0"))
    east = pl.when(pl.col("offset").str.starts_with("-")).then(-minutes).otherwise(minutes)
    seconds = (whole(pl.col("hour")) * 60 + whole(pl.col("minute")) - east) * 60 + whole(pl.col("second"))
    microseconds = whole(pl.col("fraction").str.pad_end(6, "0").str.slice(0, 6))
    days = pl.col("day").str.to_date("%Y-%m-%d", strict=False).cast(pl.Int64)
    return parts.select(days * MICROSECONDS_PER_DAY + seconds * 1_000_000 + microseconds).to_series().alias(series.name)


def to_moments(series: polars.Series) -> tuple[np.ndarray, np.ndarray]:
    """Return a column of dates or times as microseconds since 1970-01-01 and a mask.

    Times with a time zone count in UTC, times without one as they stand.

    Returns
    -------
    microseconds : int64, (n_rows,), 0 where missing
    missing : bool, (n_rows,)
    """
    import polars as pl

    series = _opened(series)
    if series.dtype == pl.String:
        moments = parsed_moments(series)
        _refuse_first(series, moments, "a date", "a date such as 2026-07-01 or 2026-07-01T09:30:00")
    elif series.dtype == pl.Date:
        moments = series.cast(pl.Int64) * MICROSECONDS_PER_DAY
    elif series.dtype == pl.Datetime:
        moments = series.dt.epoch("us")
    elif series.dtype == pl.Null:
        moments = series.cast(pl.Int64)
    else:
        raise DataError(f"column {series.name!r} holds {series.dtype}; it expects dates: convert it to dates first.")
    return moments.fill_null(0).to_numpy(), moments.is_null().to_numpy()


def _opened(series: polars.Series) -> polars.Series:
    """Return a column of categories as their texts, and any other as it is."""
    import polars as pl

    return series.cast(pl.String) if series.dtype in (pl.Categorical, pl.Enum) else series


def _refuse_first(series: polars.Series, read: polars.Series, noun: str, expected: str) -> None:
    """Raise `CellError` at the first cell that holds something and was read as nothing, if there is one."""
    if read.null_count() == series.null_count():
        return
    row = (series.is_not_null() & read.is_null()).arg_max()
    assert row is not None
    problem = f"{shown(series[row])} is not {noun}; it expects {expected}"
    raise CellError(f"column {series.name!r}", problem, column=series.name, row=row)


def shown(value: Any) -> str:
    """Return a value for a message, shortened."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
