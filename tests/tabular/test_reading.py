"""Reading tables: every fault of a file is refused in one line that says where, and every library's data agree."""

from __future__ import annotations

import datetime
import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid.errors import DataError, MissingColumnError, ShapeError
from pellucid.tabular.reading import read_table, require_rows, to_table

pl = pytest.importorskip("polars")


def written(folder: Path, content: bytes, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (b"a,b\n1,x\n2,\n", [(1, "x"), (2, None)]),
        (b'a,b\n1,""\n', [(1, None)]),
        (b"\xef\xbb\xbfa,b\n1,2\n", [(1, 2)]),
        (b"a,b\r\n1,2\r\n\r\n", [(1, 2)]),
        (b"a\n1\n\n3\n", [(1,), (None,), (3,)]),
        (b'a,b\n"two\nlines",2\n', [("two\nlines", 2)]),
        (b"a\n" + b"1\n" * 500 + b"x\n", [("1",)] * 500 + [("x",)]),  # the type shows in the last row only
    ],
)
def test_delimited(tmp_path: Path, content: bytes, rows: list[tuple[Any, ...]]) -> None:
    assert read_table(written(tmp_path, content)).rows() == rows


def test_the_suffix_says_the_kind(tmp_path: Path) -> None:
    expected = [(1, "x"), (2, None)]
    table = pl.DataFrame(expected, schema=["a", "b"], orient="row")
    table.with_columns(b=pl.Series(["x", ""])).write_parquet(tmp_path / "t.parquet")
    written(tmp_path, b"a\tb\n1\tx\n2\t\n", "t.TSV")
    written(tmp_path, gzip.compress(b"a,b\n1,x\n2,\n", mtime=0), "t.csv.gz")
    written(tmp_path, b'{"a": 1, "b": "x"}\n{"a": 2, "b": ""}\n', "t.jsonl")
    written(tmp_path, gzip.compress(b'{"a": 1, "b": "x"}\n{"a": 2}\n'), "t.ndjson.gz")
    for name in ("t.parquet", "t.TSV", "t.csv.gz", "t.jsonl", "t.ndjson.gz"):
        assert read_table(tmp_path / name).rows() == expected, name


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf\n", "is empty"),
        (b"a,b\n", "no rows"),
        (b"a,b\n1,2\n3,4,5\n", "line 3: it has 3 fields, where line 1 names 2 columns"),
        (b"a,b\n1,2\n3\n", "line 3: it has 1 field,"),
        (b"a,b\n1,2\n\n3,4\n", "line 3: it is blank"),
        (b'a,b\n"x\ny",2\n3\n', "line 4: it has 1 field"),
        (b"a,b,a\n1,2,3\n", "line 1: 2 columns are called 'a' (1, 3)"),
        (b",b\n1,2\n", "line 1: column 1 of 2 has no name"),
        (b"\na,b\n1,2\n", "line 1 is blank"),
        (b"a;b\n1;2\n", "separated by semicolons"),
        (b"a,b\r1,2\r", "carriage return"),
        (b'a,b"\n1,2\n3,4"5\n6,7\n', "line 1: a quote without its pair"),
        (b'a,b\n1,2"\n3,\n4,5\n', "line 2: a quote without its pair"),
        (b'a,b\n1,2\n"x,2\n', "line 3: the quotes do not pair up"),
        ("a,b\n1,2\né,2\n".encode("latin-1"), "line 3: the byte 0xe9 is not UTF-8"),
        ("a,b\n1,2\n".encode("utf-16"), "not UTF-8"),
    ],
)
def test_a_faulty_csv_is_refused_in_one_line(tmp_path: Path, content: bytes, words: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(DataError) as caught:
        read_table(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("t.parquet", b"PAR1 nonsense PAR1", "damaged"),
        ("t.csv.gz", b"not packed", "cannot be read"),
        ("t.csv.gz", gzip.compress(b"a,b\n1,2\n" * 99, mtime=0)[:-9], "cannot be read"),
        ("t.xlsx", b"a", "'.csv', '.jsonl'"),
        ("t", b"a", "suffix ''"),
        ("t.jsonl", b'{"a": 1}\n{"a": \n', "line 2 is no JSON"),
        ("t.jsonl", b'{"a": 1}\n{"a": NaN}\n', "line 2 is no JSON"),
        ("t.jsonl", b"[1, 2]\n", "line 1 is a list"),
        ("t.jsonl", b'{"a": 1, "a": 2}\n', "2 columns are called 'a'"),
        ("t.jsonl", b'{"a": 1}\n{"a": true}\n', "line 2: 'a' is bool, but int in line 1"),
    ],
)
def test_other_faulty_files(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    with pytest.raises(DataError) as caught:
        read_table(written(tmp_path, content, name))
    assert words in str(caught.value)


def test_a_truncated_parquet_is_refused(tmp_path: Path) -> None:
    pl.DataFrame({"a": range(1000)}).write_parquet(tmp_path / "whole.parquet")
    whole = (tmp_path / "whole.parquet").read_bytes()
    for length in (1, 8, len(whole) // 2, len(whole) - 1):
        with pytest.raises(DataError):
            read_table(written(tmp_path, whole[:length], "cut.parquet"))


def test_no_such_file_offers_the_near_miss(tmp_path: Path) -> None:
    written(tmp_path, b"a\n1\n", "titanic.csv")
    with pytest.raises(DataError, match=r"did you mean 'titanic.csv'"):
        read_table(tmp_path / "titanik.csv")
    with pytest.raises(DataError, match="no folder"):
        read_table(tmp_path / "absent" / "titanic.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(DataError, match="is a folder"):
        read_table(tmp_path / "folder.csv")


def test_missing_texts_and_columns_kept_as_text(tmp_path: Path) -> None:
    path = written(tmp_path, b"zip,age,city\n01234,-999,NA\n04321,7,Bern\n")
    table = read_table(path, missing=("NA", "-999"), columns_as_text=["zip"])
    assert table.rows() == [("01234", None, None), ("04321", 7, "Bern")]
    with pytest.raises(MissingColumnError, match="did you mean 'zip'"):
        read_table(path, columns_as_text=["zipp"])
    pl.DataFrame({"zip": [1, 2], "age": [-999.0, 7.0], "city": ["NA", "Bern"]}).write_parquet(tmp_path / "t.parquet")
    table = read_table(tmp_path / "t.parquet", missing=("NA", "-999"), columns_as_text=["zip"])
    assert table.rows() == [("1", None, None), ("2", 7.0, "Bern")]


def test_the_index_of_pandas_is_left_out(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    pandas.DataFrame({"a": [1, 2]}, index=["r", "s"]).to_parquet(tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet").columns == ["a"]


ROWS = [(1, 0.5, "x", True), (2, None, None, None), (3, -1.5, "z", False)]


def test_every_library_gives_the_same_table() -> None:
    pandas, pyarrow = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    names = ["i", "f", "s", "b"]
    expected = pl.DataFrame(ROWS, schema=names, orient="row")
    columns = dict(zip(names, map(list, zip(*ROWS, strict=True)), strict=True))
    columns_with_empty = {**columns, "f": [0.5, float("nan"), -1.5], "s": ["x", "", "z"]}
    frame = pandas.DataFrame(columns_with_empty, index=[7, 7, 9])
    forms = {
        "polars": pl.DataFrame(columns_with_empty),
        "lazy polars": pl.DataFrame(columns_with_empty).lazy(),
        "dict": columns_with_empty,
        "pandas": frame,
        "pandas objects": frame.astype(object),
        "pandas nullable": frame.astype({"i": "Int64", "f": "Float64", "b": "boolean", "s": "category"}),
        "pyarrow": pyarrow.table(columns_with_empty),
        "rows": ROWS,
        "object array": np.array(ROWS, dtype=object),
    }
    for name, data in forms.items():
        assert to_table(data).rows() == expected.rows(), name
    assert to_table(ROWS).columns == ["x0", "x1", "x2", "x3"]


def test_mixed_objects_become_text_and_dates_stay_dates() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"mixed": ["a", 1, 2.0], "day": pandas.to_datetime(["2020-01-31", None, "2020-02-01"])})
    table = to_table(frame)
    assert table["mixed"].to_list() == ["a", "1", "2"]
    assert table["day"].to_list() == [datetime.datetime(2020, 1, 31), None, datetime.datetime(2020, 2, 1)]


def test_sparse_and_masked_matrices() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    assert to_table(sparse.csr_matrix(np.eye(2))).rows() == [(1.0, 0.0), (0.0, 1.0)]
    masked = np.ma.masked_array([[1.0, 2.0]], mask=[[False, True]])
    assert to_table(masked).rows() == [(1.0, None)]


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (np.zeros(3), ShapeError, "reshape(-1, 1)"),
        ([1, 2], ShapeError, "reshape(-1, 1)"),
        ([], ShapeError, "two dimensions"),
        (np.zeros((2, 2, 2)), ShapeError, "flatten"),
        ([[1, 2], [3]], ShapeError, "row 1 (counted from 0) has 1 values"),
        ([{"a": 1}], ShapeError, "list of dicts"),
        (3, DataError, "builtins.int"),
        (np.zeros((2, 2), dtype=complex), DataError, "complex128"),
        ([[[1], 2]], DataError, "one value in each cell"),
        ({"a": 3}, ShapeError, "single value"),
        ({"a": [1], "b": [1, 2]}, ShapeError, "different lengths"),
        ({1: [1], "1": [2]}, DataError, "2 columns"),
    ],
)
def test_what_is_no_table_is_refused(data: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error) as caught:
        to_table(data)
    assert words in str(caught.value)


def test_a_pandas_column_twice_is_refused() -> None:
    pandas = pytest.importorskip("pandas")
    with pytest.raises(DataError, match="2 columns are called 'a'"):
        to_table(pandas.DataFrame([[1, 2]], columns=["a", "a"]))


def test_no_rows_are_a_table_but_not_to_fit_on() -> None:
    table = to_table({"a": []})
    assert table.shape == (0, 1)
    with pytest.raises(DataError, match="0 rows"):
        require_rows(table, "fitting")
