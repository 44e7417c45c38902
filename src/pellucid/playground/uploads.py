"""Uploads are the tables and models that a page hands over: bytes and a name, read with limits, never written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pellucid.errors import DataError

MOST_CELLS = 20_000_000  # of a table
LONGEST_NAME = 200


def shown_name(given: str) -> str:
    """Return a file's name as it is shown, without what could be taken for a path."""
    return given[:LONGEST_NAME].replace("/", "_").replace("\\", "_")


def read_model(name: str, content: bytes) -> Any:
    """Return the estimator that a model file's bytes hold; `ModelFileError` for others."""
    from pellucid.model import load

    return load(name, content)


def read_table(name: str, content: bytes) -> Any:
    """Return the table that a file's bytes hold; `DataError` for what is none, or too large."""
    import io

    import polars

    from pellucid.tabular.reading import parse_table

    if name.lower().endswith(".parquet"):  # packed: a small file may hold a table beyond all memory
        try:
            reading = polars.scan_parquet(io.BytesIO(content))
            n_rows, n_columns = reading.select(polars.len()).collect().item(), len(reading.collect_schema())
        except polars.exceptions.PolarsError as error:
            raise DataError(f"{name} cannot be read: {str(error).splitlines()[0]}.") from error
        _refuse_large(name, n_rows, n_columns)
    table = parse_table(name, content)
    _refuse_large(name, table.height, table.width)
    return table


def _refuse_large(name: str, n_rows: int, n_columns: int) -> None:
    if n_rows * n_columns > MOST_CELLS:
        raise DataError(
            f"{name} has {n_rows:,} rows and {n_columns:,} columns; at most {MOST_CELLS:,} cells are taken."
        )


READERS: dict[str, Callable[[str, bytes], Any]] = {"table": read_table, "model": read_model}
