"""The output is where predictions go: checked before they are made, and written whole or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from pellucid.errors import OutputError, listed, near_miss
from pellucid.model import check_writable

if TYPE_CHECKING:
    import polars

WRITABLE = (".csv", ".tsv", ".parquet", ".jsonl")


def check_output(path: Path, *, force: bool, inputs: tuple[Path | None, ...], noun: str = "predictions") -> None:
    """Raise if ``path`` cannot be written, or is one of the files that are read."""
    for other in inputs:
        if other is not None and path.exists() and other.exists() and os.path.samefile(path, other):
            raise OutputError(f"cannot write {noun} to {str(path)!r}: it is read by this command. Give another name.")
    try:
        check_writable(path, overwrite=force)
    except OutputError as error:
        words = str(error).replace("a model", noun, 1)
        raise OutputError(words.replace("overwrite=True (--force on the command line)", "--force")) from error


def check_suffix(path: Path) -> None:
    """Refuse a suffix that is not of a table as wrong usage."""
    if path.suffix.lower() not in WRITABLE:
        raise typer.BadParameter(
            f"got {str(path)!r}; it expects a file that ends in one of {listed(WRITABLE)}"
            f"{near_miss(path.suffix, WRITABLE)}",
            param_hint="--output",
        )


def write_table(table: polars.DataFrame, path: Path) -> None:
    """Write a table in the format that the suffix names, under another name first, then renamed."""
    temporary = path.parent / f".pellucid-{secrets.token_hex(8)}.tmp"
    try:
        if path.suffix.lower() == ".parquet":
            table.write_parquet(temporary)
        elif path.suffix.lower() == ".jsonl":
            table.write_ndjson(temporary)
        else:
            table.write_csv(temporary, separator="\t" if path.suffix.lower() == ".tsv" else ",")
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(f"cannot write predictions to {str(path)!r}: {error.strerror or error}.") from error
    finally:
        temporary.unlink(missing_ok=True)
