"""A question is the rows of one request, read from JSON or Arrow and checked against the columns that a model needs."""

from __future__ import annotations

import io
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.errors import PellucidError, listed, near_miss
from pellucid.serving.arrow import expanded_bytes
from pellucid.serving.fields import Field
from pellucid.serving.refusals import Refusal
from pellucid.tabular.frames import refuse_names, to_table
from pellucid.tabular.values import shown, to_numbers

if TYPE_CHECKING:
    import polars


@dataclass(frozen=True)
class Question:
    """Columns by name, all of ``n_rows`` values, and the coverage of the intervals that are asked for, or None.

    ``joins`` says that the columns are lists that `Field.read` made, to be joined with those of other requests; an
    Arrow table is not: its columns keep the types that they came with.
    """

    columns: Mapping[str, Any]
    n_rows: int
    coverage: float | None = None
    joins: bool = True


class Reader:
    """Reads the bodies of requests for one model.

    fields : the columns that it needs
    others : the names of further columns that its training table had, which may be there and make no difference
    missing : texts that stand for a missing value
    max_rows, max_bytes : of a request, the latter once its buffers are decompressed and its texts written out
    """

    def __init__(
        self,
        fields: Sequence[Field],
        others: Collection[str],
        missing: Sequence[str],
        *,
        max_rows: int,
        max_bytes: int,
    ) -> None:
        self.fields, self.others = tuple(fields), frozenset(others)
        self.max_rows, self.max_bytes = max_rows, max_bytes
        self._missing = tuple(missing)
        self._needed = {field.name for field in fields}

    def json(self, body: bytes, coverage: float | None = None) -> Question:
        """Return the rows of ``{"rows": [{column: value, ...}, ...]}``."""
        rows = _rows(body)
        self._check_count(len(rows))
        for index, row in enumerate(rows):
            if not isinstance(row, dict):
                problem = f"row {index} (counted from 0) is no object, {{column: value, ...}}."
                raise Refusal(400, "bad_rows", problem, row=index)
            if row.keys() != self._needed:
                self._check_names(row, index)
        columns = {
            field.name: [field.read(row[field.name], index) for index, row in enumerate(rows)] for field in self.fields
        }
        return Question(columns, len(rows), coverage)

    def arrow(self, body: bytes, coverage: float | None = None) -> Question:
        """Return the table of an Arrow IPC stream."""
        import polars as pl

        try:
            self._check_expanded(expanded_bytes(body))
            table = pl.read_ipc_stream(io.BytesIO(body), n_rows=self.max_rows + 1)
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise Refusal(400, "bad_arrow", f"the body is no Arrow IPC stream, or damaged: {reason}.") from error
        self._check_count(table.height)
        self._check_expanded(sum(int(_as_text(series).estimated_size()) for series in table.get_columns()))
        try:
            refuse_names(table.columns, "the table")
            self._check_names(table.columns, None)
            table = to_table(table.select([field.name for field in self.fields]), missing=self._missing)
            for field in self.fields:
                if field.kind == "number":
                    infinite = np.isinf(to_numbers(table[field.name]))
                    if infinite.any():
                        field.read(np.inf, int(infinite.argmax()))
        except PellucidError as error:
            raise Refusal.of(error) from error
        return Question(table.to_dict(), table.height, coverage, joins=False)

    def _check_count(self, n_rows: int) -> None:
        if n_rows == 0:
            raise Refusal(400, "no_rows", "there are no rows; send at least one.")
        if n_rows > self.max_rows:
            message = f"more than {self.max_rows:,} rows, which is the most for a request; send them in parts."
            raise Refusal(413, "too_many_rows", message)

    def _check_expanded(self, n_bytes: int) -> None:
        """Refuse a small body that becomes a large table: by compression, or by texts that many rows share."""
        if n_bytes > self.max_bytes:
            message = f"the table takes more than {self.max_bytes:,} bytes, which is the most; send the rows in parts."
            raise Refusal(413, "too_large", message)

    def _check_names(self, names: Collection[str], row: int | None) -> None:
        where = "the table" if row is None else f"row {row} (counted from 0)"
        known = self._needed | self.others
        unknown = [name for name in names if name not in known]
        lacking = [field.name for field in self.fields if field.name not in names]
        if lacking:
            hint = near_miss(lacking[0], unknown) or "."
            if row is not None and not unknown:
                hint = "; write null for a missing value."
            message = f"{where} has no column {lacking[0]!r}, which the model needs{hint}"
            raise Refusal(422, "missing_column", message, column=lacking[0], row=row)
        if unknown:
            hint = near_miss(unknown[0], known) or f"; it knows {listed(known)}."
            message = f"{where} has a column {ascii(shown(unknown[0]))[1:-1]}, which the model does not know{hint}"
            raise Refusal(422, "unknown_column", message, column=unknown[0], row=row)


def _as_text(series: polars.Series) -> polars.Series:
    """Return a column of categories as the texts that they stand for."""
    import polars as pl

    return series.cast(pl.String) if series.dtype in (pl.Categorical, pl.Enum) else series


def _rows(body: bytes) -> list[Any]:
    try:
        document = json.loads(body, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
        raise Refusal(400, "bad_json", f"the body is no JSON: {reason}.") from error
    if not isinstance(document, dict) or set(document) != {"rows"} or not isinstance(document["rows"], list):
        raise Refusal(400, "bad_rows", 'the body is to be {"rows": [{column: value, ...}, ...]}, and nothing else.')
    return document["rows"]


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {ascii(shown(twice))[1:-1]} occurs twice in one object")
    return found
