"""A source is a table file as the command line sees it: its rows, and the line in the file that an error is about."""

from __future__ import annotations

import contextlib
import csv
import gzip
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pellucid.cli.command import sentence_in_flags
from pellucid.errors import DataError, MissingColumnError, TargetError, listed, near_miss
from pellucid.tabular import CellError, TaskError, read_table

if TYPE_CHECKING:
    import polars


@dataclass
class Source:
    """A table that was read from a file."""

    path: Path
    table: polars.DataFrame

    @classmethod
    def read(cls, path: Path, *, missing: Sequence[str] = (), columns_as_text: Sequence[str] = ()) -> Source:
        """Read the file; see `read_table`."""
        if path.is_dir():
            raise DataError(f"{path} is a folder; it expects a file that holds a table.")
        return cls(path, read_table(path, missing=("", *missing), columns_as_text=columns_as_text))

    @classmethod
    def of_kinds(cls, path: Path, kinds: Mapping[str, str], *, missing: Sequence[str] = ()) -> Source:
        """Read the file, and of columns that are declared to be categories their texts, such as 007."""
        source = cls.read(path, missing=missing)
        source.require(list(kinds), "which --kind names")
        texts = [name for name, kind in kinds.items() if kind == "category"]
        return cls.read(path, missing=missing, columns_as_text=texts) if texts else source

    def require(self, names: Sequence[str], purpose: str) -> None:
        """Raise `MissingColumnError` if the table lacks one of the columns."""
        present = set(self.table.columns)
        lacking = [name for name in names if name not in present]
        if lacking:
            noun = "column" if len(lacking) == 1 else "columns"
            others = present - set(names)
            raise MissingColumnError(
                f"{self.path} has no {noun} {listed(lacking)}, {purpose}; it has {listed(self.table.columns)}"
                f"{near_miss(lacking[0], others)}"
            )

    @contextlib.contextmanager
    def locating(self) -> Iterator[None]:
        """Let errors about this table say the file, and the line where one cell is to blame."""
        try:
            yield
        except CellError as error:
            kind = TargetError if isinstance(error, TargetError) else DataError
            said = f"{error.owner}: {sentence_in_flags(error)}"
            raise kind(f"{self.path}, {self._place(error.row)}: {said}") from error
        except TaskError as error:
            raise TargetError(f"{self.path}: {sentence_in_flags(error)}") from error
        except DataError as error:
            known = str(error).startswith(str(self.path))
            raise type(error)(str(error) if known else f"{self.path}: {error}") from error

    def _place(self, row: int) -> str:
        """Return where a row, counted from 0, stands in the file."""
        name = self.path.name.lower()
        if name.endswith(".parquet"):
            return f"row {row + 1}"
        opened: Any = gzip.open if name.endswith(".gz") else open
        with opened(self.path, "rt", encoding="utf-8-sig", newline="") as file:
            if "json" in name.removesuffix(".gz").rpartition(".")[2]:
                lines = [number for number, text in enumerate(file, start=1) if text.strip()]
                return f"line {lines[row]}"
            separator = "," if name.removesuffix(".gz").endswith(".csv") else "\t"
            records = csv.reader(file, delimiter=separator)  # a quoted value may span lines
            for _ in range(row + 1):
                next(records)
            return f"line {records.line_num + 1}"
