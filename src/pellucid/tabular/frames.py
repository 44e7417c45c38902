"""Data in memory, of whatever library, as one kind of table: a polars DataFrame with null for every missing value."""

from __future__ import annotations

import functools
import operator
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.errors import DataError, ShapeError, require
from pellucid.tabular.values import number_text, require_polars

if TYPE_CHECKING:
    import polars


def to_table(data: Any, *, missing: Sequence[str] = ("",)) -> polars.DataFrame:
    """Return data as a polars DataFrame, with empty text and NaN as null.

    Parameters
    ----------
    data : a DataFrame of any library that narwhals knows (its index is ignored), a dict of columns, or a 2-D array,
        anything with ``__array__``, or list of rows, shape (n_rows, n_columns), whose columns are then called "x0",
        "x1", ...; a sparse matrix is made dense
    missing : texts that stand for a missing value, besides the empty one

    Raises
    ------
    ShapeError : if the data are not rows times columns
    DataError : if two columns have the same name, or a column's values fit together in no way

    >>> to_table([[1.0, "red"], [float("nan"), ""]]).rows()
    [(1.0, 'red'), (None, None)]
    """
    require_polars()
    import polars as pl

    table: pl.DataFrame
    if isinstance(data, pl.DataFrame):
        table = data
    elif isinstance(data, pl.LazyFrame):
        table = data.collect()
    elif isinstance(data, Mapping):
        refuse_names(map(str, data), "the table")
        table = _from_columns({str(name): values for name, values in data.items()})
    elif hasattr(data, "toarray") and hasattr(data, "nnz"):
        table = _from_rows(data.toarray())
    elif is_unnamed(data):
        table = _from_rows(data)
    else:
        table = _from_dataframe(data)
    refuse_names(table.columns, "the table")
    return with_nulls(table, missing)


def is_unnamed(data: Any) -> bool:
    """Return whether data are rows without column names: an array, a sparse matrix, a list of rows."""
    if isinstance(data, np.ndarray | list | tuple) or (hasattr(data, "toarray") and hasattr(data, "nnz")):
        return True
    return hasattr(data, "__array__") and not hasattr(data, "columns") and getattr(data, "ndim", 2) == 2


def column_names(data: Any) -> list[str] | None:
    """Return the names of a table's columns, or None where it has none that are text, as in an array.

    Raises `DataError` if some names are text and others are not.

    >>> column_names({"age": [31], "city": ["Oslo"]}), column_names([[31, "Oslo"]])
    (['age', 'city'], None)
    """
    if is_unnamed(data):
        return None
    if isinstance(data, Mapping):
        names = list(data)
    elif hasattr(data, "collect_schema"):  # of polars, also a lazy one
        names = data.collect_schema().names()
    else:
        names = list(data.column_names if hasattr(data, "column_names") else getattr(data, "columns", []))
    texts = [isinstance(name, str) for name in names]
    if any(texts) and not all(texts):
        other = names[texts.index(False)]
        raise DataError(f"the name of column {other!r} is no text, as others are; X.columns.astype(str) makes them so.")
    return [str(name) for name in names] if all(texts) else None


def require_rows(table: polars.DataFrame, purpose: str) -> None:
    """Raise `DataError` if a table has no rows or no columns."""
    if table.height == 0 or table.width == 0:
        got = f"{table.height} rows and {table.width} columns"
        raise DataError(f"the table has {got}; {purpose} needs at least one of each.")


def refuse_names(names: Iterable[str], owner: str) -> None:
    """Raise `DataError` if a column has no name, or the name of another."""
    names = list(names)
    for position, name in enumerate(names, start=1):
        if not name.strip():
            hint = " (a row number written with the table? leave it out when writing)" if position == 1 else ""
            raise DataError(f"{owner}: column {position} of {len(names)} has no name{hint}; give every column a name.")
    for name, count in Counter(names).items():
        if count > 1:
            at = [str(position) for position, other in enumerate(names, start=1) if other == name]
            raise DataError(f"{owner}: {count} columns are called {name!r} ({', '.join(at)}); give each its own name.")


def with_nulls(table: polars.DataFrame, missing: Sequence[str]) -> polars.DataFrame:
    """Return the table with null for empty text, for the texts in ``missing`` and for NaN.

    A text in ``missing`` that is a number also stands for that number, as it does when a CSV file is read.
    """
    import polars as pl

    texts = sorted({"", *missing})
    numbers = []
    for text in texts:
        try:
            numbers.append(float(text))
        except ValueError:
            continue
    changed = []
    for series in table.get_columns():
        dtype, clean = series.dtype, series
        if dtype in (pl.Categorical, pl.Enum):
            clean = clean.cast(pl.String)
        if clean.dtype == pl.String:
            hit = _is_any(clean, texts)
        elif dtype.is_numeric() and numbers:
            hit = _is_any(clean.cast(pl.Float64), numbers)
        else:
            hit = None
        if hit is not None and hit.any():
            clean = clean.set(hit.fill_null(False), None)
        if dtype.is_float() and np.isnan(clean.to_numpy()).sum() > clean.null_count():
            clean = clean.fill_nan(None)
        if dtype in (pl.Categorical, pl.Enum):
            clean = clean.cast(pl.Categorical) if clean.null_count() > series.null_count() else series
        if clean is not series:
            changed.append(clean)
    return table.with_columns(changed) if changed else table


def _is_any(series: polars.Series, values: Sequence[Any]) -> polars.Series:
    """Return where a column holds one of a few values; `polars.Series.is_in` takes longer for a row than for many."""
    return functools.reduce(operator.or_, (series == value for value in values))


def _from_columns(columns: Mapping[str, Any]) -> polars.DataFrame:
    """Return a table of columns given by name."""
    import polars as pl

    made = []
    for name, values in columns.items():
        if isinstance(values, str | bytes) or not hasattr(values, "__len__"):
            raise ShapeError(
                f"column {name!r} got a single value, {values!r}; it expects a list, a value for each row."
            )
        made.append(_column(name, values))
    lengths = {series.name: len(series) for series in made}
    if len(set(lengths.values())) > 1:
        shortest, longest = min(lengths, key=lengths.__getitem__), max(lengths, key=lengths.__getitem__)
        raise ShapeError(
            f"the columns have different lengths: {shortest!r} has {lengths[shortest]} values, {longest!r} has "
            f"{lengths[longest]}; give every column one value for each row."
        )
    return pl.DataFrame(made)


def _from_rows(data: Any) -> polars.DataFrame:
    """Return a table of unnamed columns, which are called x0, x1, ..."""
    import polars as pl

    if isinstance(data, np.ma.MaskedArray):
        data = _unmasked(data)
    rows = np.asarray(data) if hasattr(data, "__array__") else _as_array(data)
    if rows.ndim != 2:
        fix = "flatten each row"
        if rows.ndim == 1:
            fix = "Reshape your data: reshape(-1, 1) makes one column of it, reshape(1, -1) one row"
        raise ShapeError(f"the data have shape {rows.shape}; a table has two dimensions, (n_rows, n_columns). {fix}.")
    if rows.shape[1] == 0:
        raise DataError(f"the data have 0 feature(s) (shape={rows.shape}) while a minimum of 1 is required.")
    if rows.dtype.kind == "c":
        raise DataError(f"the data have dtype {rows.dtype}. Complex data not supported: give the parts as two columns.")
    if rows.dtype.kind not in "biufOUSMT":
        raise DataError(f"the data have dtype {rows.dtype}; a table holds numbers, texts, truth values or dates.")
    return pl.DataFrame([_column(f"x{index}", rows[:, index]) for index in range(rows.shape[1])])


def _unmasked(data: np.ma.MaskedArray[Any, Any]) -> np.ndarray:
    """Return a masked array as objects, None where it is masked."""
    rows = np.array(data.data, dtype=object)
    rows[np.ma.getmaskarray(data)] = None
    return rows


def _as_array(rows: Sequence[Any]) -> np.ndarray:
    """Return a list of rows as an array; a row of another length is refused with its number."""
    lengths = [
        len(row) if isinstance(row, list | tuple | np.ndarray) and getattr(row, "ndim", 1) > 0 else None for row in rows
    ]
    for index, length in enumerate(lengths):
        if length != lengths[0]:
            raise ShapeError(
                f"row {index} (counted from 0) has {_fields(length)}, row 0 has {_fields(lengths[0])}; "
                "every row of a table has the same number of values."
            )
    if rows and isinstance(rows[0], Mapping):
        raise ShapeError("the data are a list of dicts; a table has columns: hand over polars.DataFrame(rows).")
    if not rows or lengths[0] is None:
        return np.array(rows, dtype=object)
    array = np.empty((len(rows), lengths[0]), dtype=object)
    for index, row in enumerate(rows):
        array[index] = list(row)
    return array


def _fields(length: int | None) -> str:
    return "no list of values" if length is None else f"{length} values"


def _from_dataframe(data: Any) -> polars.DataFrame:
    """Return the DataFrame of another library, column by column; only polars itself and NumPy take part."""
    import polars as pl

    if getattr(data, "ndim", None) == 1:
        kind = type(data).__name__
        raise ShapeError(f"the data are one column ({kind}); a table has two dimensions: to_frame() makes one.")
    narwhals = require("narwhals", extra="standard", purpose="reading a DataFrame")
    if hasattr(data, "columns"):
        refuse_names(map(str, data.columns), "the table")
    try:
        frame = narwhals.from_native(data, eager_only=True)
    except TypeError:
        raise DataError(
            f"the data are a {type(data).__module__}.{type(data).__name__}; it expects a DataFrame in memory "
            "(a lazy one: collect or compute it first), a dict of columns, or a 2-D array."
        ) from None
    refuse_names(map(str, frame.columns), "the table")
    if frame.implementation.is_pyarrow():
        return pl.DataFrame(pl.from_arrow(frame.to_native()))
    plain = (narwhals.String, narwhals.Boolean)
    made = []
    for series in frame.iter_columns():  # not by name, which may be a number that reads as a row's
        name = series.name
        hidden = series.is_null().to_numpy()
        if series.dtype.is_numeric() and not hidden.any():
            made.append(pl.Series(str(name), np.ascontiguousarray(series.to_numpy())))
            continue
        values = series.to_list()
        if hidden.any():
            values = [None if gone else value for value, gone in zip(values, hidden.tolist(), strict=True)]
        if series.dtype in (narwhals.Categorical, narwhals.Enum):
            made.append(_categories(str(name), values))
            continue
        is_plain = series.dtype in plain and all(isinstance(value, str | bool | None) for value in values)
        made.append(pl.Series(str(name), values) if is_plain else _column(str(name), values))
    return pl.DataFrame(made)


def _column(name: str, values: Any) -> polars.Series:
    """Return values as a named column; numbers beside texts become texts, and dicts make a column of categories."""
    import polars as pl

    if isinstance(values, np.ndarray) and values.dtype.kind in "biufM":
        return pl.Series(name, np.ascontiguousarray(values))
    if isinstance(values, pl.Series):
        return values.alias(name)
    plain = [_plain(value) for value in (values.tolist() if hasattr(values, "tolist") else values)]
    if any(isinstance(value, list | tuple | set | np.ndarray) for value in plain):
        raise DataError(f"column {name!r} holds lists; a table has one value in each cell.")
    if any(isinstance(value, dict) for value in plain):
        return _categories(name, plain)
    texts = sum(isinstance(value, str) for value in plain)
    if 0 < texts < sum(value is not None for value in plain):
        plain = [None if value is None else number_text(value) for value in plain]
    try:
        return pl.Series(name, plain, strict=texts > 0)
    except (TypeError, OverflowError, ValueError, pl.exceptions.PolarsError) as error:
        kinds = sorted({type(value).__name__ for value in plain if value is not None})
        raise DataError(f"column {name!r} mixes values that fit together in no way ({', '.join(kinds)}).") from error


def _categories(name: str, values: Sequence[Any]) -> polars.Series:
    """Return a column of categories, each called by its text."""
    import polars as pl

    plain = [_plain(value) for value in values]
    texts = [None if value is None else number_text(value) for value in plain]
    return pl.Series(name, texts, dtype=pl.Categorical)


def _plain(value: Any) -> Any:
    """Return a value as plain Python: no NumPy scalar, and None for every library's own mark of a missing value."""
    if value is None or isinstance(value, str | list | tuple | dict | np.ndarray):
        return str(value) if isinstance(value, np.str_) else value
    if isinstance(value, np.generic):
        value = value.item()
    if hasattr(value, "to_pydatetime"):  # a pandas Timestamp, or its NaT
        return None if value != value else value.to_pydatetime()
    same = value == value  # NaN and NaT differ from themselves; pandas.NA does not say
    return value if isinstance(same, bool | np.bool_) and same else None
