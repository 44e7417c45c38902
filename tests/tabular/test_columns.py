"""What the columns of a table hold, and the four readings of a column."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid.errors import DataError, MissingColumnError, OptionError
from pellucid.tabular.columns import infer_columns
from pellucid.tabular.reading import read_table, to_table
from pellucid.tabular.values import CellError, number_text, to_moments, to_numbers, to_text

pl = pytest.importorskip("polars")

PUBLIC = Path(__file__).parents[2].parent / "shared" / "data" / "public"


@pytest.mark.parametrize(
    ("values", "kind", "n_missing", "n_distinct"),
    [
        ([1, 2, None], "number", 1, 2),
        ([0.5, float("nan"), float("inf")], "number", 1, 2),
        ([True, False, None], "boolean", 1, 2),
        (["TRUE", "false", ""], "boolean", 1, 2),
        (["yes", "no"], "category", 0, 2),
        (["1", " 2.5 ", "-3e4", "inf"], "number", 0, 4),
        (["1", "nan", ""], "number", 2, 1),
        (["1", "a", "b"], "category", 0, 3),
        (["1", "a"], "category", 0, 2),  # half, not most
        (["2026-07-01", "2025-01-31"], "date", 0, 2),
        (["2026-07-01 09:30", "2025-01-31T00:00:00Z", ""], "date", 1, 2),
        (["2026-07-01", "2026-02-30"], "category", 0, 2),  # no such day
        ([datetime.date(2026, 7, 1), None], "date", 1, 1),
        (["", None], "empty", 2, 0),
        ([None, None], "empty", 2, 0),
        (["nan", "nan"], "empty", 2, 0),
    ],
)
def test_kinds(values: list[Any], kind: str, n_missing: int, n_distinct: int) -> None:
    (column,) = infer_columns(to_table({"c": values}))
    assert (column.kind, column.n_missing, column.n_distinct) == (kind, n_missing, n_distinct)
    assert column.is_constant == (n_distinct <= 1)
    assert column.reason


def test_text_that_is_mostly_numbers_is_refused_with_both_fixes() -> None:
    with pytest.raises(CellError) as caught:
        infer_columns(to_table({"c": ["1", "", "2", "N/A", "3"]}))
    assert (caught.value.column, caught.value.row) == ("c", 3)
    assert "row 3" in str(caught.value)
    assert "missing=('N/A',)" in str(caught.value)
    assert "kinds={'c': 'category'}" in str(caught.value)
    (column,) = infer_columns(to_table({"c": ["1", "", "2", "N/A", "3"]}), {"c": "category"})
    assert (column.kind, column.n_distinct) == ("category", 4)
    (column,) = infer_columns(to_table({"c": ["1", "", "2", "N/A", "3"]}, missing=("N/A",)))
    assert (column.kind, column.n_missing) == ("number", 2)


def test_text_of_few_values_is_a_category_though_most_are_numbers() -> None:
    grades = ["9", "10", "11", "12", ""] * 8 + ["other"] * 5
    (column,) = infer_columns(to_table({"grade": grades}))
    assert (column.kind, column.n_distinct, column.n_missing) == ("category", 5, 8)
    for slip in (["other"] * 4, ["other"] * 5 + ["1o"], ["other"] * 5 + ["N/A"] * 5):
        with pytest.raises(CellError, match="is not a number"):
            infer_columns(to_table({"grade": grades[:40] + slip}))
    with pytest.raises(CellError, match="is not a number"):
        infer_columns(to_table({"grade": [str(n) for n in range(20)] * 3 + ["other"] * 5}))


def test_declared_kinds() -> None:
    table = to_table({"code": [1, 2, 3], "word": ["a", "b", "c"]})
    assert infer_columns(table, {"code": "category"})[0].kind == "category"
    with pytest.raises(CellError, match="row 0") as caught:
        infer_columns(table, {"word": "number"})
    assert "'a' is not a number" in str(caught.value)
    with pytest.raises(CellError, match="row 1"):
        infer_columns(table, {"code": "boolean"})
    with pytest.raises(MissingColumnError, match="did you mean 'code'"):
        infer_columns(table, {"cde": "category"})
    with pytest.raises(OptionError, match="did you mean 'category'"):
        infer_columns(table, {"code": "categry"})
    with pytest.raises(DataError, match="'code' holds Int64; it expects dates"):
        infer_columns(table, {"code": "date"})


def test_lists_have_no_kind() -> None:
    with pytest.raises(DataError, match="'c' holds List"):
        infer_columns(pl.DataFrame({"c": [[1], [2]]}))
    with pytest.raises(DataError, match="'c' holds Duration"):
        infer_columns(pl.DataFrame({"c": [datetime.timedelta(1)]}))


def test_numbers_read_from_text_are_correctly_rounded() -> None:
    numbers = np.random.default_rng(0).normal(size=500) * 10.0 ** np.random.default_rng(1).integers(-300, 300, size=500)
    texts = pl.Series("c", [repr(float(number)) for number in numbers])
    assert np.array_equal(to_numbers(texts), numbers)


@pytest.mark.parametrize(
    ("value", "text"),
    [(3, "3"), (3.0, "3"), ("3", "3"), (-0.0, "0"), (0.1, "0.1"), (1e-7, "1e-07"), (1e300, "1e+300"), (False, "false")],
)
def test_one_text_for_one_number(value: Any, text: str) -> None:
    assert number_text(value) == text
    assert to_text(pl.Series("c", [value, None])).to_list() == [text, None]


@pytest.mark.parametrize(
    "text",
    [
        "2026-07-01",
        "1969-12-31T23:59:59.999999",
        "2024-02-29 12:00",
        "2000-01-01T00:00:00.5",
        "0001-01-01",
        "9999-12-31",
    ],
)
def test_moments_are_those_of_the_standard_library(text: str) -> None:
    moment = datetime.datetime.fromisoformat(text)
    expected = (moment - datetime.datetime(1970, 1, 1)) // datetime.timedelta(microseconds=1)
    for form in (text, moment):
        microseconds, missing = to_moments(pl.Series("c", [form, None]))
        assert (microseconds[0], missing.tolist()) == (expected, [False, True])


@pytest.mark.parametrize("offset", ["+02:00", "-0530", "Z"])
def test_an_offset_counts_in_utc(offset: str) -> None:
    text = f"2026-07-01T01:15:00{offset}"
    expected = int(datetime.datetime.fromisoformat(text).timestamp()) * 1_000_000
    assert to_moments(pl.Series("c", [text]))[0].tolist() == [expected]


def test_the_public_tables_are_what_their_manifest_says() -> None:
    if not PUBLIC.is_dir():
        pytest.skip(f"no public tables at {PUBLIC}")
    described = json.loads((PUBLIC / "manifest.json").read_text(encoding="utf-8"))["datasets"]
    for entry in described:
        if entry["columns"] > 100:  # the wide tables hold nothing but small numbers
            continue
        columns = infer_columns(read_table(PUBLIC / entry["file"]).drop(entry["target"]))
        kinds = [column.kind for column in columns]
        assert (kinds.count("number"), kinds.count("category")) == (entry["numeric"], entry["categorical"]), entry[
            "name"
        ]
