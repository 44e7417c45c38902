"""The fingerprint of a table is that of its values: the same from any reader, another for any change."""

from __future__ import annotations

import datetime
import hashlib
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import polars
import pytest

from pellucid.errors import DataError
from pellucid.tabular import ClassTarget, NumberTarget, infer_columns, read_table, to_table
from pellucid.tabular.fingerprint import Fingerprint, fingerprint

TABLE = polars.DataFrame(
    {
        "size": [1.5, None, -0.0, 3.0],
        "count": [1, 2, None, 4],
        "city": ["Oslo", None, "Zürich", "Bern, west"],
        "old": [True, False, None, True],
        "day": [datetime.date(2024, 1, 2), None, datetime.date(1969, 12, 31), datetime.date(2024, 1, 2)],
        "none": [None] * 4,
    }
)
CLASSES = ["a", "b", "a", "b"]


def taken(table: Any, y: Any = CLASSES, target: Any = None, **given: Any) -> Fingerprint:
    table = to_table(table)
    target = ClassTarget() if target is None else target
    return fingerprint(table, infer_columns(table), target.fit(y), y, **given)


def changed(column: str, row: int, value: Any) -> polars.DataFrame:
    values = TABLE[column].to_list()
    values[row] = value
    return TABLE.with_columns(polars.Series(column, values, dtype=TABLE[column].dtype))


def test_csv_json_parquet_and_data_frames_of_the_same_values_have_one_fingerprint(tmp_path: Path) -> None:
    TABLE.write_csv(tmp_path / "t.csv")
    TABLE.write_csv(tmp_path / "t.tsv", separator="\t")
    TABLE.write_parquet(tmp_path / "t.parquet")
    TABLE.with_columns(polars.col("day").cast(polars.String)).write_ndjson(tmp_path / "t.jsonl")
    expected = taken(TABLE)
    for suffix in ("csv", "tsv", "parquet", "jsonl"):
        assert taken(read_table(tmp_path / f"t.{suffix}")) == expected
    assert taken(TABLE.to_dict(as_series=False)) == expected
    assert taken(pandas.read_csv(tmp_path / "t.csv")) == expected
    assert taken(pandas.read_parquet(tmp_path / "t.parquet")) == expected
    assert taken(TABLE.with_columns(polars.col("city").cast(polars.Categorical))) == expected
    assert taken(TABLE.with_columns(polars.col("count").cast(polars.Float32))) == expected


def test_the_canonical_form_is_the_documented_one() -> None:
    """Each digest, computed from the module's own description with `struct` alone."""
    nan = struct.pack("<Q", 0x7FF8000000000000)
    day = 86_400_000_000
    bytes_of = {
        "size": struct.pack("<d", 1.5) + nan + struct.pack("<dd", 0.0, 3.0),
        "count": struct.pack("<dd", 1, 2) + nan + struct.pack("<d", 4),
        "city": struct.pack("<IIII", 4, 2**32 - 1, 7, 10) + "OsloZürichBern, west".encode(),
        "old": bytes([1, 0, 2, 1]),
        "day": struct.pack("<qqqq", 19724 * day, -(2**63), -day, 19724 * day),
        "none": struct.pack("<IIII", *[2**32 - 1] * 4),
    }
    kinds = ["number", "number", "category", "boolean", "date", "empty"]
    expected = [
        ["X", name, kind, 4, hashlib.sha256(content).hexdigest()]
        for (name, content), kind in zip(bytes_of.items(), kinds, strict=True)
    ]
    target = struct.pack("<IIII", 1, 1, 1, 1) + b"abab"
    expected.append(["y", "", "category", 4, hashlib.sha256(target).hexdigest()])
    found = taken(TABLE)
    assert found.to_json()["columns"] == expected
    text = json.dumps(expected, separators=(",", ":"))
    assert found.sha256 == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("column", "row", "value"),
    [("size", 0, np.nextafter(1.5, 2)), ("size", 1, 0.0), ("count", 3, 5), ("city", 1, "x"), ("old", 1, None)],
)
def test_a_changed_cell_changes_its_column_alone(column: str, row: int, value: Any) -> None:
    before, after = taken(TABLE), taken(changed(column, row, value))
    assert before.sha256 != after.sha256
    assert before.differences(after) == [f"column {column!r} has other values"]


def test_texts_that_join_to_the_same_text_differ() -> None:
    one, two = ({"t": [*texts, *texts]} for texts in (["ab", "c"], ["a", "bc"]))
    assert taken(one).sha256 != taken(two).sha256


def test_differences_say_what_can_be_told() -> None:
    own = taken(TABLE)
    assert own.differences(own) == []
    assert own.differences(taken(TABLE.rename({"size": "length"}))) == ["column 'size' is called 'length'"]
    assert own.differences(taken(TABLE.drop("old"))) == ["column 'old' is not there"]
    assert taken(TABLE.drop("old")).differences(own) == ["column 'old' was not there"]
    assert own.differences(taken(TABLE.select(TABLE.columns[::-1]))) == ["the columns stand in another order"]
    texts = TABLE.with_columns(polars.col("size").cast(polars.String) + "m")
    assert own.differences(taken(texts)) == ["column 'size' is of kind category instead of number"]
    assert own.differences(taken(TABLE, y=["a", "b", "b", "b"])) == ["the target has other values"]
    assert own.differences(taken(TABLE, weight=np.ones(4))) == ["sample_weight was not there"]
    assert own.differences(taken(TABLE[:3], y=CLASSES[:3]))[0] == "3 rows instead of 4"
    table = TABLE.drop("none")
    found = taken(table).differences(taken(table[::-1], y=CLASSES[::-1]))
    assert found == ["these are the same rows, in another order"]
    found = taken(table).differences(taken(table[::-1].with_columns(size=polars.lit(7.5)), y=CLASSES[::-1]))
    assert found[0] == "most columns differ: these are other rows"
    weight = np.arange(1.0, 5.0)
    assert taken(TABLE, weight=weight).differences(taken(TABLE, weight=weight[::-1])) == [
        "sample_weight has other values"
    ]


@pytest.mark.parametrize(
    "others", [np.array([1.0, 2.0, 1.0, 2.0]), ["1", "2", "1", "2"], pandas.Series([1, 2, 1, 2], dtype="int8")]
)
def test_classes_count_by_their_text(others: Any) -> None:
    assert taken(TABLE, y=others) == taken(TABLE, y=[1, 2, 1, 2])


def test_numbers_and_labels_are_kept_by_column() -> None:
    numbers = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]])
    own = taken(TABLE, numbers, NumberTarget())
    other = numbers.copy()
    other[3, 1] = 9.0
    assert own.differences(taken(TABLE, other, NumberTarget())) == ["target 1 has other values"]
    labels = (numbers > 3).astype(int)
    assert [column.name for column in taken(TABLE, labels).columns if column.part == "y"] == ["0", "1"]


def test_it_comes_back_from_json_and_nothing_else_does() -> None:
    own = taken(TABLE)
    state = json.loads(json.dumps(own.to_json()))
    assert Fingerprint.from_json(state) == own
    for wrong in (
        {**state, "sha256": "0" * 64},
        {**state, "columns": state["columns"][1:]},
        {**state, "columns": [["Z", *state["columns"][0][1:]]]},
        {**state, "columns": []},
        {**state, "row_sum": "0"},
        {name: value for name, value in state.items() if name != "row_sum"},
        {**state, "more": 1},
    ):
        with pytest.raises(DataError, match="fingerprint"):
            Fingerprint.from_json(wrong)
