"""A fingerprint says which data a model saw: a SHA-256 for each column, and one over all of them.

It is taken of the values as they are learned from, so the same table gives the same fingerprint as CSV, as Parquet and
as a DataFrame of any library. The canonical form of a column depends on its kind alone; all numbers are little-endian:

    number      a float64 for each row; a missing value is the NaN 0x7ff8000000000000, and -0.0 is 0.0
    date        an int64 for each row, microseconds since 1970-01-01 in UTC; a missing value is -2**63
    boolean     a byte for each row: 0, 1, or 2 for a missing value
    any other   a uint32 for each row, the length of its text in bytes (2**32 - 1 for a missing value), then all texts
                one after another in UTF-8, numbers among them as `number_text` writes them

The parts are named as the arguments of `fit`. Columns of ``X`` and ``X_val`` are of the kind that they were learned as;
classes are text; other targets are numbers; ``sample_weight`` is scaled to a mean of 1; ``groups`` are numbered in the
order in which they first appear, ``order`` by rank. Rows of weight 0 count as if they were not there. The SHA-256 over
all is that of the JSON text ``[["X","age","number",60,"<64 digits>"],...]``: part, name, kind, rows, SHA-256, in order.
Beside it stands the `row_sum` of X and y, by which the same rows in another order are known.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pellucid.errors import DataError
from pellucid.layers.base import Array
from pellucid.tabular.columns import Column
from pellucid.tabular.row_sum import MISSING, number_words, row_sum, text_words
from pellucid.tabular.target_values import numbers_of, present_values
from pellucid.tabular.targets import ClassTarget, NumberTarget
from pellucid.tabular.values import number_text, to_booleans, to_moments, to_numbers, to_text

if TYPE_CHECKING:
    import polars

PARTS = ("X", "y", "sample_weight", "groups", "order", "X_val", "y_val", "sample_weight_val")
NAMED = ("X", "X_val")  # the parts that are tables
NO_TEXT, NO_DATE = 2**32 - 1, -(2**63)  # in place of a missing value

MOVED, OTHER_ROWS = "these are the same rows, in another order", "most columns differ: these are other rows"


class ColumnDigest(NamedTuple):
    """What is kept of one column: where it stood in the data, and the SHA-256 of its canonical form."""

    part: str
    name: str
    kind: str
    n_rows: int
    sha256: str

    def said(self) -> str:
        """Return what it is called in a sentence."""
        if self.part in NAMED:
            return f"column {self.name!r}" + (f" of {self.part}" if self.part != "X" else "")
        noun = "target" if self.part == "y" else self.part
        return f"{noun} {self.name}" if self.name else "the target" if self.part == "y" else noun


@dataclass(frozen=True)
class Fingerprint:
    """The digests of all columns, in their order, and the `row_sum` of X and y.

    >>> import polars
    >>> from pellucid.tabular import infer_columns
    >>> table = polars.DataFrame({"age": [31, None], "city": ["Oslo", "Bern"]})
    >>> columns = table_digests("X", table, infer_columns(table))
    >>> Fingerprint(tuple(columns), "0" * 16).sha256[:8], columns[0].kind, columns[0].sha256[:8]
    ('8eaa4e84', 'number', 'c3dbc7ee')
    """

    columns: tuple[ColumnDigest, ...]
    row_sum: str

    @property
    def sha256(self) -> str:
        """The SHA-256 over all columns, 64 hexadecimal digits."""
        return hashlib.sha256(json.dumps(self.columns, separators=(",", ":")).encode("ascii")).hexdigest()

    @property
    def n_rows(self) -> int:
        """The number of rows that were learned from."""
        return self.columns[0].n_rows

    def to_json(self) -> dict[str, Any]:
        """Return the fingerprint as JSON data."""
        return {"sha256": self.sha256, "columns": [list(column) for column in self.columns], "row_sum": self.row_sum}

    @classmethod
    def from_json(cls, state: Any) -> Fingerprint:
        """Build the fingerprint that `to_json` described; raise `DataError` if it is none."""
        types = (str, str, str, int, str)
        lists = [column for column in state["columns"] if isinstance(column, list)]
        typed = [column for column in lists if tuple(map(type, column)) == types and column[0] in PARTS]
        found = cls(tuple(ColumnDigest(*column) for column in typed), state.get("row_sum"))
        if not typed or found.to_json() != state or not re.fullmatch("[0-9a-f]{16}", str(found.row_sum)):
            raise DataError("the fingerprint of the data is none, or does not have the SHA-256 that it says.")
        return found

    def differences(self, other: Fingerprint) -> list[str]:
        """Say in which columns another table differs from this one; nothing if it is the same."""
        if self.columns == other.columns:
            return []
        own, others = ({column[:2]: column for column in side.columns} for side in (self, other))
        changed = [key for key, column in own.items() if key in others and _content(column) != _content(others[key])]
        moved = self.row_sum == other.row_sum and any(part in ("X", "y") for part, _ in changed)
        found = [MOVED] if moved else []
        if self.n_rows != other.n_rows:
            found.append(f"{other.n_rows:,} rows instead of {self.n_rows:,}")
        new = [others[key] for key in others if key not in own]
        for key, column in own.items():
            if key in others:
                found += [] if moved and column.part in ("X", "y") else _difference(column, others[key])
                continue
            renamed = next((each for each in new if _content(each) == _content(column)), None)
            if renamed is not None:
                new.remove(renamed)
                found.append(f"{column.said()} is called {renamed.name!r}")
            else:
                found.append(f"{column.said()} is not there")
        found += [f"{column.said()} was not there" for column in new]
        if not found:
            found.append("the columns stand in another order")
        if not moved and self.n_rows == other.n_rows and len(changed) > max(1, len(own) // 2):
            found.insert(0, OTHER_ROWS)
        return found


def fingerprint(
    table: polars.DataFrame,
    columns: Sequence[Column],
    target: ClassTarget | NumberTarget,
    y: Any,
    *,
    weight: Array | None = None,
    groups: Array | None = None,
    ranks: Array | None = None,
    held: tuple[polars.DataFrame, Any, Array | None] | None = None,
) -> Fingerprint:
    """Return the fingerprint of what `fit` learns from.

    columns : what the table's columns hold
    target : fitted to ``y``
    weight, groups, ranks : (n_rows,) each, as they count
    held : the rows to judge by that were given beside, if any: table, target and weight
    """
    found = table_digests("X", table, columns) + _target_digests("y", target, y)
    words = {f"X {column.name}": _words(table[column.name], column.kind) for column in columns}
    words |= {f"y {index}": each for index, each in enumerate(_target_words(target, y))}
    for name, values in (("sample_weight", weight), ("groups", groups), ("order", ranks)):
        if values is not None:
            found.append(_numbers_digest(name, "", values))
    if held is not None:
        held_table, held_y, held_weight = held
        used = [column for column in columns if column.is_used]
        found += table_digests("X_val", held_table, used) + _target_digests("y_val", target, held_y)
        if held_weight is not None:
            found.append(_numbers_digest("sample_weight_val", "", held_weight))
    return Fingerprint(tuple(found), row_sum(words))


def table_digests(part: str, table: polars.DataFrame, columns: Sequence[Column]) -> list[ColumnDigest]:
    """Return the digest of each column of a table."""
    return [
        ColumnDigest(
            part, column.name, column.kind, table.height, _sha256(*_canonical(table[column.name], column.kind))
        )
        for column in columns
    ]


def _canonical(series: polars.Series, kind: str) -> list[Array | bytes]:
    if kind == "number":
        return [_canonical_numbers(to_numbers(series))]
    if kind == "date":
        moments, missing = to_moments(series)
        return [np.where(missing, NO_DATE, moments).astype("<i8")]
    if kind == "boolean":
        return [np.nan_to_num(to_booleans(series), nan=2.0).astype(np.uint8)]
    texts = to_text(series)
    lengths = texts.str.len_bytes().cast(int).fill_null(NO_TEXT).to_numpy()
    return [lengths.astype("<u4"), "".join(texts.drop_nulls().to_list()).encode()]


def _words(series: polars.Series, kind: str) -> Array:
    """Return the column as words of a `row_sum`."""
    if kind in ("number", "boolean"):
        return number_words(to_numbers(series) if kind == "number" else to_booleans(series))
    if kind == "date":
        moments, missing = to_moments(series)
        return np.where(missing, MISSING, moments.astype(np.int64).view(np.uint64))
    return text_words(to_text(series).to_list())


def _canonical_numbers(values: Array) -> Array:
    values = np.asarray(values, dtype="<f8") + 0.0  # which makes 0.0 of -0.0
    values[np.isnan(values)] = np.nan
    return values


def _target_words(target: ClassTarget | NumberTarget, y: Any) -> list[Array]:
    """Return the columns of a target as words of a `row_sum`."""
    if isinstance(target, ClassTarget) and not target.is_multilabel:
        return [text_words(map(number_text, target.classes.tolist()))[target.encode(y)]]
    numbers = numbers_of(present_values(y, target.name), target.name)
    return [number_words(column) for column in np.atleast_2d(numbers.T)]


def _target_digests(part: str, target: ClassTarget | NumberTarget, y: Any) -> list[ColumnDigest]:
    """Return the digest of a target: classes are texts, labels and numbers are numbers, one column for each."""
    if isinstance(target, ClassTarget) and not target.is_multilabel:
        codes = target.encode(y)
        texts = [number_text(value).encode("utf-8", "surrogatepass") for value in target.classes.tolist()]
        lengths = np.array([len(text) for text in texts], dtype="<u4")[codes]
        content = b"".join(texts[code] for code in codes.tolist())
        return [ColumnDigest(part, "", "category", len(codes), _sha256(lengths, content))]
    numbers = numbers_of(present_values(y, target.name), target.name)
    if numbers.ndim == 1:
        return [_numbers_digest(part, "", numbers)]
    return [_numbers_digest(part, str(index), numbers[:, index]) for index in range(numbers.shape[1])]


def _numbers_digest(part: str, name: str, values: Array) -> ColumnDigest:
    return ColumnDigest(part, name, "number", len(values), _sha256(_canonical_numbers(values)))


def _sha256(*contents: Array | bytes) -> str:
    digest = hashlib.sha256()
    for content in contents:
        digest.update(content if isinstance(content, bytes) else np.ascontiguousarray(content).data)
    return digest.hexdigest()


def _content(column: ColumnDigest) -> tuple[str, str, str]:
    return column.part, column.kind, column.sha256


def _difference(own: ColumnDigest, other: ColumnDigest) -> list[str]:
    if own.kind != other.kind:
        return [f"{own.said()} is of kind {other.kind} instead of {own.kind}"]
    return [f"{own.said()} has other values"] if own.sha256 != other.sha256 else []
