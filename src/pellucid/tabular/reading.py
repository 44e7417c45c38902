"""A reader of table files: CSV, TSV, Parquet and JSON lines become a polars DataFrame, or an error that says where."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pellucid.errors import DataError, MissingColumnError, listed, near_miss
from pellucid.tabular.frames import refuse_names, require_rows, to_table, with_nulls
from pellucid.tabular.values import require_polars, to_text

if TYPE_CHECKING:
    import polars

__all__ = ["READABLE", "parse_table", "read_table", "require_rows", "to_table"]

SEPARATORS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
READABLE = (*SEPARATORS, ".parquet", ".jsonl", ".ndjson")
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
PANDAS_INDEX = re.compile(r"__index_level_\d+__")


def read_table(
    path: str | Path, *, missing: Sequence[str] = ("",), columns_as_text: Sequence[str] = ()
) -> polars.DataFrame:
    """Read a table from a file; its suffix says which kind it is.

    ``.csv``, ``.tsv`` and ``.tab`` (UTF-8, one line of column names), ``.parquet``, ``.jsonl`` and ``.ndjson``; all but
    Parquet may end in ``.gz`` besides. The types of the columns are inferred from the whole file. The index that
    pandas writes into a Parquet file is left out.

    Parameters
    ----------
    path : the file
    missing : texts that stand for a missing value; the empty text always does
    columns_as_text : columns to keep as text although they look like numbers (a zip code such as 01234)

    Raises
    ------
    DataError : if there is no such file or it is no table: in one line, with the line and column where known
    MissingColumnError : if ``columns_as_text`` names a column that the file does not have
    """
    path = Path(path)
    suffix, packed = _suffix_of(path)
    return _parsed(path, suffix, _content(path, packed), missing, columns_as_text)


def parse_table(name: str, content: bytes) -> polars.DataFrame:
    """Return the table that the bytes of a file hold; its name says of which kind it is, and is in messages.

    Raises `DataError`, as `read_table`; also for a packed file, whose size nobody knows before it is unpacked.
    """
    path = Path(name)
    suffix, packed = _suffix_of(path)
    if packed:
        raise DataError(f"{name} is packed; unpack it first.")
    return _parsed(path, suffix, _without_mark(path, content), ("",), ())


def _suffix_of(path: Path) -> tuple[str, bool]:
    """Return the suffix that says what a file holds, and whether it is packed."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    packed = suffixes[-1:] == [".gz"]
    suffix = "".join(suffixes[-2:-1] if packed else suffixes[-1:])
    if suffix not in READABLE or (packed and suffix == ".parquet"):
        shown = "".join(suffixes[-2:] if packed else suffixes[-1:])
        raise DataError(
            f"{path}: the suffix {shown!r} is not of a table; it expects one of {listed(READABLE)}"
            f"{near_miss(suffix, READABLE)}"
        )
    return suffix, packed


def _parsed(
    path: Path, suffix: str, content: bytes, missing: Sequence[str], columns_as_text: Sequence[str]
) -> polars.DataFrame:
    require_polars()
    if suffix in SEPARATORS:
        table = _read_delimited(path, content, SEPARATORS[suffix], missing, columns_as_text)
    elif suffix == ".parquet":
        table = _read_parquet(path, content)
    else:
        table = _read_json_lines(path, content)
    if table.height == 0:
        raise DataError(f"{path} has column names but no rows; it expects at least one row.")
    refuse_names(table.columns, str(path))
    _refuse_unknown(path, table.columns, columns_as_text)
    table = table.with_columns([to_text(table[name]) for name in columns_as_text])
    return with_nulls(table, missing)


def _content(path: Path, packed: bool) -> bytes:
    """Return the file's bytes, unpacked and without a byte order mark."""
    if path.is_dir():
        raise DataError(f"{path} is a folder; it expects a file, one of {listed(READABLE)}.")
    if not path.exists():
        folder = path.parent
        if not folder.is_dir():
            raise DataError(f"{path}: there is no folder {str(folder)!r}.")
        raise DataError(f"{path}: no such file{near_miss(path.name, (other.name for other in folder.iterdir()))}")
    try:
        content = path.read_bytes()
        content = gzip.decompress(content) if packed else content
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {error}.") from error
    return _without_mark(path, content)


def _without_mark(path: Path, content: bytes) -> bytes:
    content = content.removeprefix(BYTE_ORDER_MARK)
    if not content.strip():
        raise DataError(f"{path} is empty; it expects a table.")
    return content


def _read_delimited(
    path: Path, content: bytes, separator: str, missing: Sequence[str], columns_as_text: Sequence[str]
) -> polars.DataFrame:
    import polars as pl

    _check_utf8(path, content)
    if b"\r" in content and b"\n" not in content:
        raise DataError(f"{path}: its lines end in a lone carriage return; save it with line feeds.")
    _, names = next(_records(path, content, separator))
    if not names:
        raise DataError(f"{path}, line 1 is blank; it expects the column names there.")
    if len(names) == 1:
        for other, noun in ((";", "semicolons"), ("\t", "tabs"), (",", "commas")):
            if other in names[0]:
                fix = {",": "name the file .csv", "\t": "name the file .tsv"}.get(
                    other, "save the table with commas as .csv"
                )
                raise DataError(
                    f"{path}, line 1: the column names are separated by {noun}, where {path.suffix} stands for "
                    f"{'commas' if separator == ',' else 'tabs'}; {fix}."
                )
    refuse_names(names, f"{path}, line 1")
    _refuse_unknown(path, names, columns_as_text)
    if len(names) > 1:  # blank lines at the end are no rows; of a single column, each is a missing value
        content = content.rstrip(b"\r\n") + b"\n"
    try:
        table = pl.read_csv(
            content,
            separator=separator,
            infer_schema_length=None,
            null_values=sorted({"", *missing}),
            schema_overrides=dict.fromkeys(columns_as_text, pl.String),
        )
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        _check_lengths(path, content, separator, len(names))
        _refuse_lone_quote(path, content)
        raise DataError(f"{path} cannot be read as a table: {_first_line(error)}") from error
    if table.columns != names:
        raise DataError(f"{path}, line 1: the column names cannot be told apart; check the quotes in {names!r}.")
    # polars fills a short row with nulls, so its last column is null, and lets a quote inside a value hide line ends:
    # where either may have happened, the rows are counted again.
    if table.height and (b'"' in content or table.get_columns()[-1].null_count()):
        n_rows = _check_lengths(path, content, separator, len(names))
        if n_rows != table.height:
            _refuse_lone_quote(path, content)
            raise DataError(
                f"{path} has {n_rows} rows, or {table.height}: its quotes can be read in two ways; check them."
            )
    return table


def _records(path: Path, content: bytes, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each record with the line that it starts in; the first line of a file is line 1."""
    text = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", newline="")
    lines = csv.reader(text, delimiter=separator, strict=True)
    start = 1
    while True:
        try:
            record = next(lines)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(f"{path}, line {start}: the quotes do not pair up ({error}).") from error
        yield start, record
        start = lines.line_num + 1


def _check_lengths(path: Path, content: bytes, separator: str, expected: int) -> int:
    """Return the number of rows, or raise at the first with another number of fields than there are column names."""
    n_rows = -1  # the first record holds the names
    for line, record in _records(path, content, separator):
        if len(record) != expected and not (expected == 1 and not record):
            fault = f"it has {len(record)} field{'' if len(record) == 1 else 's'}" if record else "it is blank"
            raise DataError(
                f"{path}, line {line}: {fault}, where line 1 names {expected} columns; "
                "quote a value that holds the separator, and keep the separators of empty values."
            )
        n_rows += 1
    return n_rows


def _refuse_lone_quote(path: Path, content: bytes) -> None:
    """Raise at the first line with an odd number of quotes: the likeliest cause where rows cannot be told apart."""
    for line, text in enumerate(content.split(b"\n"), start=1):
        if text.count(b'"') % 2:
            raise DataError(
                f"{path}, line {line}: a quote without its pair; write a value that holds a quote as "
                '"..." with the quote doubled.'
            )


def _check_utf8(path: Path, content: bytes) -> None:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path}, line {line}: the byte 0x{content[error.start]:02x} is not UTF-8; save the file as UTF-8."
        ) from None


def _read_parquet(path: Path, content: bytes) -> polars.DataFrame:
    import polars as pl

    try:
        table: polars.DataFrame = pl.read_parquet(io.BytesIO(content))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise DataError(f"{path} is damaged, or no Parquet file: {_first_line(error)}") from error
    return table.drop([name for name in table.columns if PANDAS_INDEX.fullmatch(name)])


def _read_json_lines(path: Path, content: bytes) -> polars.DataFrame:
    import polars as pl

    _check_utf8(path, content)
    try:
        json.loads(content.split(b"\n", 1)[0], object_pairs_hook=lambda pairs: _refuse_twice(path, pairs))
    except ValueError as error:
        if isinstance(error, DataError):
            raise
    try:
        table: polars.DataFrame = pl.read_ndjson(content, infer_schema_length=None)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        _locate_json(path, content)
        raise DataError(f"{path} cannot be read as JSON lines: {_first_line(error)}") from error
    return table


def _refuse_twice(path: Path, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    refuse_names([name for name, _ in pairs], f"{path}, line 1")
    return dict(pairs)


def _refuse_number(text: str) -> float:
    raise ValueError(f"{text} is not JSON: write null for a missing value")


def _locate_json(path: Path, content: bytes) -> None:
    """Raise at the first line that is no JSON object."""
    types: dict[str, tuple[int, type]] = {}
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line, parse_constant=_refuse_number)
        except ValueError as error:
            raise DataError(f"{path}, line {number} is no JSON: {error}.") from error
        if not isinstance(record, dict):
            kind = type(record).__name__
            raise DataError(f'{path}, line {number} is a {kind}; it expects an object, {{"name": value, ...}}.')
        for name, value in record.items():
            if value is None:
                continue
            first, seen = types.setdefault(name, (number, type(value)))
            if seen is not type(value) and {seen, type(value)} != {int, float}:
                raise DataError(
                    f"{path}, line {number}: {name!r} is {type(value).__name__}, but {seen.__name__} in line {first}; "
                    "write it in one type."
                )


def _refuse_unknown(path: Path, names: Sequence[str], wanted: Sequence[str]) -> None:
    for name in wanted:
        if name not in names:
            raise MissingColumnError(f"{path} has no column {name!r}; it has {listed(names)}{near_miss(name, names)}")


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].strip()
