"""The values of a target, of whatever library, as one array of one type: text, truth values, or numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.errors import ShapeError, TargetError, listed
from pellucid.tabular.faults import Fix, TargetCellError
from pellucid.tabular.values import number_text, shown


def name_of(y: Any, name: str | None) -> str:
    """Return what to call a target in messages."""
    if name is not None:
        return f"target {name!r}"
    own = getattr(y, "name", None)
    return f"target {own!r}" if isinstance(own, str) and own else "target"


def as_array(y: Any) -> np.ndarray:
    """Return a target of any library as an array of its own values."""
    if hasattr(y, "to_numpy"):
        return np.asarray(y.to_numpy())
    if isinstance(y, np.ndarray):
        return y
    return np.array(y, dtype=object)


def settled(values: np.ndarray) -> np.ndarray:
    """Return objects as the one type that they have: truth values, whole numbers, numbers or text; else unchanged."""
    if values.dtype.kind == "T":  # NumPy's text of any length
        return values.astype(np.str_)
    if values.dtype.kind != "O":
        return values
    flat = values.ravel().tolist()
    types = {type(value.item() if isinstance(value, np.generic) else value) for value in flat}
    if types <= {str}:
        return values.astype(np.str_)
    if types <= {bool}:
        return values.astype(np.bool_)
    if types <= {int}:
        try:
            return values.astype(np.int64)
        except OverflowError:
            return values.astype(np.float64)
    return values.astype(np.float64) if types <= {int, float} else values


def is_missing(values: np.ndarray) -> np.ndarray:
    """Return where values are None, NaN, NaT, another library's mark of a missing value, or empty text."""
    if values.dtype.kind == "f":
        return np.asarray(np.isnan(values))
    if values.dtype.kind in "mM":
        return np.asarray(np.isnat(values))
    if values.dtype.kind in "US":
        return np.asarray(values == "")
    if values.dtype.kind != "O":
        return np.zeros(values.shape, dtype=bool)
    absent = ("NAType", "NaTType")  # the marks of pandas, which compare as neither true nor false
    gone = [value is None or type(value).__name__ in absent or value == "" or value != value for value in values.flat]
    return np.array(gone, dtype=bool).reshape(values.shape)


def present_values(y: Any, name: str, *, flatten: bool = True) -> np.ndarray:
    """Return a target as an array of settled type, (n_rows,) or (n_rows, n_columns), or raise at a missing value."""
    values = as_array(y)
    if values.ndim not in (1, 2) or (values.ndim == 2 and values.shape[1] == 0):
        raise ShapeError(f"{name}: got shape {values.shape}; it expects (n_rows,) or (n_rows, n_columns).")
    if flatten and values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    missing = is_missing(values)
    if missing.any():
        row, *column = np.argwhere(missing)[0].tolist()
        where = f", column {column[0]}" if column else ""
        n_missing = int(missing.sum())
        others = f", as in {n_missing:,} rows" if n_missing > 1 else ""
        problem = f"the value is missing{others}; leave out the rows without a target"
        raise TargetCellError(name + where, problem, column=name, row=row)
    return settled(values)


def distinct_values(values: np.ndarray) -> tuple[list[Any], np.ndarray]:
    """Return the distinct values, and for each row which of them it holds."""
    if values.dtype.kind in "biuf":
        found, inverse = np.unique(values, return_inverse=True)
        return found.tolist(), inverse
    codes: dict[Any, int] = {}
    inverse = np.array([codes.setdefault(value, len(codes)) for value in values.tolist()], dtype=np.int64)
    return list(codes), inverse


def sorted_classes(values: np.ndarray, name: str) -> np.ndarray:
    """Return the distinct classes in order."""
    if len(values) == 0:
        raise TargetError(f"{name} has no rows; it expects a class in each.")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        row = int(np.argmin(np.isfinite(values)))
        raise TargetCellError(name, "infinity is no class", column=name, row=row)
    if values.dtype.kind not in "biufU":
        types = listed({type(value).__name__ for value in values.tolist()})
        raise TargetError(
            f"{name} holds values of types {types}; classes are all text, all numbers, or true and false."
        )
    return np.array(sorted(distinct_values(values)[0]))


def folded(value: Any, classes: np.ndarray) -> str:
    """Return the text by which a value is looked up among the classes."""
    text = number_text(value)
    if classes.dtype.kind == "b":
        return text.lower()
    number = parsed(text) if isinstance(value, str) and classes.dtype.kind in "iuf" else None
    return text if number is None else number_text(number)


def parsed(text: str) -> float | None:
    """Return the number that a text is, or None."""
    try:
        return None if "_" in text else float(text)  # Python's own 1_000 is no number in a table
    except ValueError:
        return None


def labels_of(values: np.ndarray, name: str) -> np.ndarray:
    """Return yes/no labels as float64, or raise at a value that is neither 0 nor 1."""
    wrong = (values != 0) & (values != 1) if values.dtype.kind in "biuf" else np.ones(values.shape, dtype=bool)
    if wrong.any():
        row, column = np.argwhere(wrong)[0].tolist()
        value = values.tolist()[row][column]
        problem = f"{shown(value)} is neither 0 nor 1; several columns are labels, each 0 or 1; classes are one column"
        raise TargetCellError(f"{name}, column {column}", problem, column=name, row=row)
    return values.astype(np.float64)


def numbers_of(values: np.ndarray, name: str) -> np.ndarray:
    """Return a target as finite float64 numbers of the same shape, or raise at the first that is none."""
    if values.shape[0] == 0:
        raise TargetError(f"{name} has no rows; it expects a number in each.")
    if values.dtype.kind in "biuf":
        numbers = values.astype(np.float64)
    else:
        numbers_or_none = [_as_number(value) for value in values.ravel().tolist()]
        if None in numbers_or_none:
            position = numbers_or_none.index(None)
            row, value = position // (values.size // len(values)), values.flat[position]
            fix = Fix("to predict classes", "task", "classification")
            raise TargetCellError(name, f"{shown(str(value))} is not a number", column=name, row=row, fixes=(fix,))
        numbers = np.array(numbers_or_none, dtype=np.float64).reshape(values.shape)
    if not np.isfinite(numbers).all():
        place = np.argwhere(~np.isfinite(numbers))[0]
        problem = f"the value is {numbers[tuple(place)]}, which is not finite; leave out or correct that row"
        raise TargetCellError(name, problem, column=name, row=int(place[0]))
    return numbers


def _as_number(value: Any) -> float | None:
    if isinstance(value, str):
        return parsed(value)
    return float(value) if hasattr(value, "__float__") else None
