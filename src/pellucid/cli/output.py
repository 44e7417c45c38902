"""The output is where a command writes: checked before the work, and written whole or not at all."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from pellucid.errors import OutputError, listed, near_miss
from pellucid.model import check_writable, whole_file

if TYPE_CHECKING:
    import polars

WRITABLE = (".csv", ".tsv", ".parquet", ".jsonl")


def check_output(
    path: Path, *, force: bool, inputs: tuple[Path | None, ...], noun: str = "predictions", needed_bytes: int = 0
) -> None:
    """Raise if ``path`` cannot be written, or is one of the files that are read."""
    for other in inputs:
        if other is not None and path.exists() and other.exists() and os.path.samefile(path, other):
            raise OutputError(f"cannot write {noun} to {str(path)!r}: it is read by this command. Give another name.")
    check_writable(path, overwrite=force, needed_bytes=needed_bytes, noun=noun, to_overwrite="--force")


def check_suffix(path: Path) -> None:
    """Refuse a suffix that is not of a table as wrong usage."""
    if path.suffix.lower() not in WRITABLE:
        raise typer.BadParameter(
            f"got {str(path)!r}; it expects a file that ends in one of {listed(WRITABLE)}"
            f"{near_miss(path.suffix, WRITABLE)}",
            param_hint="--output",
        )


def write_table(table: polars.DataFrame, path: Path, *, force: bool) -> None:
    """Write a table in the format that the suffix names."""
    suffix = path.suffix.lower()
    content = io.BytesIO()
    if suffix == ".parquet":
        table.write_parquet(content)
    elif suffix == ".jsonl":
        table.write_ndjson(content)
    else:
        table.write_csv(content, separator="\t" if suffix == ".tsv" else ",")
    size = content.tell()
    with whole_file(path, overwrite=force, needed_bytes=size, noun="predictions") as temporary:
        temporary.write_bytes(content.getbuffer())
