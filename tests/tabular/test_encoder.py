"""The encoder: exact numbers on a small table, the same matrix from every form of a table, and hostile values."""

from __future__ import annotations

import datetime
import json
import math
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pellucid.errors import (
    DataError,
    MissingColumnError,
    ModelFileError,
    NotInitializedError,
    OptionError,
    ShapeError,
)
from pellucid.tabular.encoder import Block, CodeColumn, Encoder
from pellucid.tabular.encodings import center_and_scale, sine_and_cosine, squeezed
from pellucid.tabular.reading import read_table
from pellucid.tabular.values import CellError

pl = pytest.importorskip("polars")

PUBLIC = Path(__file__).parents[2].parent / "shared" / "data" / "public"
EPS = float(np.finfo(np.float64).eps)
TINY = {
    "age": [20, 30, 40, None, 60],
    "sex": ["m", "f", "", "f", "m"],
    "color": ["red", "blue", "green", "red", "red"],
    "model": ["a", "b", "c", "d", None],
    "member": [True, False, None, True, True],
}


def clipped(z: float) -> float:
    return 3 * ((z / 3) / math.sqrt(1 + (z / 3) ** 2))


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()


def test_a_small_table_by_hand() -> None:
    encoder = Encoder(one_hot_limit=3).fit(TINY)
    names = ["age", "age is missing", "sex=m", "sex is missing", "member", "member is missing"]
    names += ["color=blue", "color=green", "color=red", "model (code)"]
    assert encoder.feature_names == names
    assert (encoder.n_scaled, encoder.n_numeric, encoder.n_one_hot, encoder.n_columns) == (1, 6, 3, 10)
    assert encoder.code_columns == (CodeColumn("model", 9, 6),)
    assert encoder.blocks == (
        Block("age", "scaled", 0, 1),
        Block("age", "bounded", 1, 2),
        Block("sex", "bounded", 2, 4),
        Block("member", "bounded", 4, 6),
        Block("color", "one_hot", 6, 9),
        Block("model", "code", 9, 10),
    )
    # Sorted ages 20 30 40 60: median 35, quartiles 27.5 and 45.
    ages = [clipped((age - 35) / 17.5) if age else 0.0 for age in TINY["age"]]
    expected = [
        [ages[0], 0, 1, 0, 1, 0, 0, 0, 1, 2],
        [ages[1], 0, -1, 0, -1, 0, 1, 0, 0, 3],
        [ages[2], 0, 0, 1, 0, 1, 0, 1, 0, 4],
        [ages[3], 1, -1, 0, 1, 0, 0, 0, 1, 5],
        [ages[4], 0, 1, 0, 1, 0, 0, 0, 1, 1],
    ]
    assert encoder.transform(TINY, dtype=np.float64).tolist() == expected
    assert encoder.transform(TINY).dtype == np.float32
    assert same_bits(encoder.transform(TINY), np.array(expected, dtype=np.float32))


def test_unknown_and_missing_at_prediction() -> None:
    encoder = Encoder(one_hot_limit=3).fit(TINY)
    row = {"age": [None], "sex": ["x"], "color": [None], "model": ["zebra"], "member": [None]}
    assert encoder.transform(row).tolist() == [[0, 1, 0, 0, 0, 1, 0, 0, 0, 0]]
    full = Encoder().fit({"n": [1, 2, 4], "c": ["a", "b", "b"]})
    assert full.feature_names == ["n", "c=b"]
    assert full.transform({"n": [None], "c": [""]}).tolist() == [[0, 0]]


def test_a_rare_level_counts_as_unknown() -> None:
    table = {"c": ["a", "a", "b", "b", "c", "c", "d"]}
    assert Encoder(min_category_count=2).fit(table).feature_names == ["c=a", "c=b", "c=c"]
    coded = Encoder(min_category_count=2, one_hot_limit=0).fit(table)
    assert coded.transform(table)[:, 0].tolist() == [2, 2, 3, 3, 4, 4, 0]
    with pytest.raises(DataError, match="no column of the table can be used"):
        Encoder(min_category_count=9).fit(table)


def test_a_missing_category_has_its_own_one_hot_column_if_seen() -> None:
    encoder = Encoder().fit({"c": ["a", "b", "c", None]})
    assert encoder.feature_names == ["c=a", "c=b", "c=c", "c is missing"]
    assert encoder.transform({"c": [None, "q"]}).tolist() == [[0, 0, 0, 1], [0, 0, 0, 0]]


def test_a_number_is_matched_by_its_text() -> None:
    encoder = Encoder(kinds={"c": "category"}).fit({"c": [1, 2, 3]})
    for column in ([3, 1], [3.0, 1.0], ["3", "1"]):
        assert encoder.transform({"c": column}).tolist() == [[0, 0, 1], [1, 0, 0]]
    assert encoder.category_columns == ["c"]


def test_booleans_may_be_text_or_0_and_1() -> None:
    encoder = Encoder().fit({"b": [True, False]})
    for column in (["True", "false"], [1, 0], [1.0, 0.0]):
        assert encoder.transform({"b": column}).tolist() == [[1], [-1]]
    with pytest.raises(CellError, match="row 1"):
        encoder.transform({"b": [1, 2]})


def test_dates_by_hand() -> None:
    days = ["1970-01-01", "1970-01-02", "1970-01-03", "1970-01-05", ""]
    encoder = Encoder().fit({"d": days})
    assert encoder.feature_names == [
        "d",
        "d (year sine)",
        "d (year cosine)",
        "d (week sine)",
        "d (week cosine)",
        "d is missing",
    ]
    matrix = encoder.transform({"d": days}, dtype=np.float64)
    # Days 0 1 2 4: median 1.5, quartiles 0.75 and 2.5. Thursday is day 3 of the week that starts on Monday.
    assert matrix[:4, 0].tolist() == [clipped((day - 1.5) / 1.75) for day in (0, 1, 2, 4)]
    for row, (day, weekday) in enumerate([(0, 3), (1, 4), (2, 5), (4, 0)]):
        turns = [day * 400 / 146097, weekday / 7]
        exact = [wave(2 * math.pi * turn) for turn in turns for wave in (math.sin, math.cos)]
        assert matrix[row, 1:5] == pytest.approx(exact, abs=8 * EPS)
    assert matrix[:, 5].tolist() == [0, 0, 0, 0, 1]
    assert matrix[4, :5].tolist() == [0] * 5


def test_the_time_of_day_takes_part_where_it_differs() -> None:
    encoder = Encoder().fit({"d": ["2026-07-01T00:00", "2026-07-01T06:00", "2026-07-01T12:00"]})
    assert encoder.feature_names[-2:] == ["d (day sine)", "d (day cosine)"]
    assert encoder.transform({"d": [datetime.datetime(2026, 7, 1, 18)]})[0, -2:].tolist() == [-1, 0]
    assert not any("day" in name for name in Encoder().fit({"d": ["2026-07-01T06:00"]}).feature_names)


def test_the_place_in_the_year_is_within_two_days_of_the_calendar() -> None:
    for year in range(1900, 2300):
        day = (datetime.date(year, 1, 1) - datetime.date(1970, 1, 1)).days
        place = (day * 400 % 146097) / 400
        assert min(place, 365.2425 - place) < 2


def test_sine_and_cosine_against_high_precision() -> None:
    turns = np.concatenate([np.arange(0, 1, 1 / 4093), np.arange(7) / 7, [0.125, 0.375, 0.625, 0.875, 1 - EPS / 2]])
    sine, cosine = sine_and_cosine(turns)
    with mpmath.workdps(40):
        for turn, s, c in zip(turns.tolist(), sine.tolist(), cosine.tolist(), strict=True):
            angle = 2 * mpmath.pi * mpmath.mpf(turn)
            assert abs(mpmath.sin(angle) - s) < EPS
            assert abs(mpmath.cos(angle) - c) < EPS


def test_quantiles_are_linear_interpolation_on_sorted_values() -> None:
    rng = np.random.default_rng(0)
    for size in (1, 2, 3, 4, 5, 6, 7, 100, 1001):
        numbers = rng.normal(size=size)
        center, scale = center_and_scale(numbers)
        q25, q50, q75 = np.quantile(numbers, [0.25, 0.5, 0.75])
        assert center == pytest.approx(q50, abs=4 * EPS * np.abs(numbers).max())
        assert scale == pytest.approx(q75 - q25, abs=8 * EPS * np.abs(numbers).max())


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [([], (0, 0)), ([5.0], (5, 0)), ([0.0] * 9 + [8.0], (0, 4)), ([1.0, 1.0], (1, 0)), ([0.0, 5e-324], (0, 0))],
)
def test_scale_of_special_columns(numbers: list[float], expected: tuple[float, float]) -> None:
    assert center_and_scale(np.array(numbers)) == expected


def test_the_squeeze_is_exact_at_the_ends_and_never_warns() -> None:
    ends = np.array([np.inf, -np.inf, 1e308, -1e308, 1e200, np.nan, 5e-324])
    with np.errstate(all="raise"):
        assert squeezed(ends, 0.0, 1.0)[:6].tolist() == [3, -3, 3, -3, 3, 0]
        assert squeezed(ends, -1.7e308, 1e-300)[:3].tolist() == [3, -3, 3]
        assert squeezed(ends, 1e308, 1.7e308)[2] == 0
        assert squeezed(ends, 0.0, 0.0).tolist() == [0] * 7
    z = np.concatenate([-np.logspace(-300, 300, 10_001)[::-1], [0.0], np.logspace(-300, 300, 10_001)])
    y = squeezed(z, 0.0, 1.0)
    assert np.abs(y).max() <= 3
    assert (np.diff(y) >= -4 * EPS * 3).all()
    assert y == pytest.approx(
        [float(mpmath.mpf(a) / mpmath.sqrt(1 + (mpmath.mpf(a) / 3) ** 2)) for a in z], rel=8 * EPS
    )


def test_extreme_and_infinite_numbers_in_training() -> None:
    encoder = Encoder().fit({"n": [-1.7e308, 0.0, 1.7e308, math.inf, -math.inf]})
    assert encoder.transform({"n": [math.inf, -math.inf, 0.0, None]})[:, 0].tolist() == [3, -3, 0, 0]
    only = Encoder().fit({"n": [math.inf, -math.inf]})
    assert only.transform({"n": [math.inf, 1.0]}).tolist() == [[0], [0]]
    json.dumps(encoder.to_json(), allow_nan=False)


def test_empty_columns_are_left_out_and_constant_ones_are_harmless() -> None:
    encoder = Encoder().fit({"none": [None, ""], "one": [7, 7], "n": [1, 2]})
    assert [(column.name, column.kind, column.is_constant) for column in encoder.columns] == [
        ("none", "empty", True),
        ("one", "number", True),
        ("n", "number", False),
    ]
    assert encoder.transform({"one": [7, 9], "n": [1, 2]})[:, 0].tolist() == [0, 0]
    with pytest.raises(DataError, match="all are empty"):
        Encoder().fit({"none": [None, ""]})


def test_no_rows() -> None:
    with pytest.raises(DataError, match="0 rows"):
        Encoder().fit({"a": []})
    assert Encoder(one_hot_limit=3).fit(TINY).transform(pl.DataFrame(TINY).head(0)).shape == (0, 10)
    assert Encoder(one_hot_limit=3).fit(TINY).transform({name: [] for name in TINY}).shape == (0, 10)


def test_what_transform_refuses() -> None:
    with pytest.raises(NotInitializedError, match="fit"):
        Encoder().transform(TINY)
    encoder = Encoder().fit(TINY)
    with pytest.raises(MissingColumnError, match=r"no column 'age'.*did you mean 'Age'"):
        encoder.transform({("Age" if name == "age" else name): values for name, values in TINY.items()})
    with pytest.raises(CellError, match=r"column 'age', row 1 .*'old' is not a number") as caught:
        encoder.transform({**TINY, "age": ["1", "old", "", "2", "3"]})
    assert (caught.value.column, caught.value.row) == ("age", 1)
    with pytest.raises(OptionError, match="float32 or float64"):
        encoder.transform(TINY, dtype=np.int64)
    with pytest.raises(MissingColumnError, match="'x0'"):
        encoder.transform(np.zeros((1, 5)))
    unnamed = Encoder().fit(np.eye(3))
    for width in (2, 4):
        with pytest.raises(ShapeError, match=f"{width} columns; the encoder was fitted on 3"):
            unnamed.transform(np.zeros((1, width)))


def test_options_are_validated() -> None:
    with pytest.raises(OptionError, match="one_hot_limit"):
        Encoder(one_hot_limit=-1)
    with pytest.raises(OptionError, match="kinds"):
        Encoder(kinds=["number"])  # type: ignore[arg-type]
    assert repr(Encoder(one_hot_limit=3)) == "Encoder(one_hot_limit=3)"


def test_a_damaged_state_is_refused() -> None:
    state = Encoder().fit(TINY).to_json()
    with pytest.raises(ModelFileError, match="encodings"):
        Encoder.from_json({name: value for name, value in state.items() if name != "encodings"})
    with pytest.raises(ModelFileError, match="spell"):
        Encoder.from_json({**state, "encodings": [{"kind": "spell", "name": "a"}]})


CELLS: dict[str, st.SearchStrategy[Any]] = {
    "number": st.none() | st.floats(allow_nan=True, allow_infinity=True, width=64),
    "whole": st.none() | st.integers(-(2**53), 2**53),
    "word": st.none()
    | st.sampled_from(["", "ä", "b", "B", "long word, with comma", 'quo"te', " "])
    | st.text(max_size=2),
    "flag": st.none() | st.booleans(),
    "day": st.none() | st.dates(),
    "moment": st.none() | st.datetimes(),
}
TYPES = {
    "number": pl.Float64,
    "whole": pl.Int64,
    "word": pl.String,
    "flag": pl.Boolean,
    "day": pl.Date,
    "moment": pl.Datetime("us"),
}
KINDS = {"number": "number", "whole": "number", "word": "category", "flag": "boolean", "day": "date", "moment": "date"}
TABLES = st.integers(1, 12).flatmap(
    lambda n_rows: st.fixed_dictionaries(
        {name: st.lists(cell, min_size=n_rows, max_size=n_rows) for name, cell in CELLS.items()}
    )
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(columns=TABLES, seed=st.integers(0, 99), one_hot_limit=st.integers(0, 4))
def test_any_table(columns: dict[str, list[Any]], seed: int, one_hot_limit: int) -> None:
    table = pl.DataFrame({"anchor": range(len(columns["flag"])), **columns}, schema={"anchor": pl.Int64, **TYPES})
    rows, order = np.random.default_rng(seed).permutation(len(table)), np.random.default_rng(seed).permutation(7)
    encoder = Encoder(one_hot_limit=one_hot_limit, kinds=KINDS).fit(table)
    matrix = encoder.transform(table)
    assert matrix.shape == (len(table), encoder.n_columns)
    assert np.isfinite(matrix).all()
    assert np.abs(matrix[:, : encoder.n_scaled]).max() <= 3
    first_code = encoder.n_numeric + encoder.n_one_hot
    assert np.abs(matrix[:, encoder.n_scaled : first_code]).max(initial=0.0) <= 1
    for column in encoder.code_columns:
        codes = matrix[:, column.column_index]
        assert codes.min() >= 1  # what was fitted is not unknown
        assert codes.max() < column.n_codes
    # The order of the rows changes nothing in the fit, nor that of the columns in the transformation.
    shuffled = Encoder(one_hot_limit=one_hot_limit, kinds=KINDS).fit(table[rows])
    assert shuffled.to_json()["encodings"] == encoder.to_json()["encodings"]
    other = table.select([table.columns[index] for index in order]).with_columns(extra=pl.lit("x"))
    assert same_bits(encoder.transform(other[rows]), matrix[rows])
    # Its state is JSON, and gives the same bits.
    again = Encoder.from_json(json.loads(json.dumps(encoder.to_json(), allow_nan=False)))
    assert same_bits(again.transform(table), matrix)
    assert again.to_json() == encoder.to_json()
    assert (again.feature_names, again.blocks, again.columns) == (
        encoder.feature_names,
        encoder.blocks,
        encoder.columns,
    )


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(columns=TABLES)
def test_every_form_of_a_table_gives_the_same_matrix(tmp_path: Path, columns: dict[str, list[Any]]) -> None:
    pandas = pytest.importorskip("pandas")
    # A text as a spreadsheet holds it: no control characters, which CSV does not carry alike everywhere.
    columns["word"] = [word and "".join(letter for letter in word if letter.isprintable()) for word in columns["word"]]
    table = pl.DataFrame({"anchor": range(len(columns["flag"])), **columns}, schema={"anchor": pl.Int64, **TYPES})
    encoder = Encoder(kinds=KINDS).fit(table)
    matrix = encoder.transform(table)
    nothing_to_infer = [name for name in table.columns if table[name].null_count() == len(table)]
    table.write_csv(tmp_path / "t.csv")
    table.write_csv(tmp_path / "t.tsv", separator="\t")
    table.write_parquet(tmp_path / "t.parquet")
    forms = {name: read_table(tmp_path / name, columns_as_text=["word"]) for name in ("t.csv", "t.tsv", "t.parquet")}
    forms["dict"] = {name: columns.get(name, list(range(len(table)))) for name in table.columns}
    if not nothing_to_infer:
        forms["pandas"] = pandas.DataFrame(
            {name: table[name].to_list() for name in table.columns}, index=rows_named(table)
        )
    for name, form in forms.items():
        assert same_bits(encoder.transform(form), matrix), name
        refit = Encoder(kinds=KINDS).fit(form)
        assert same_bits(refit.transform(form), matrix), name


def rows_named(table: Any) -> list[str]:
    return [f"row {index}" for index in range(len(table))]


@pytest.mark.parametrize("name", ["adult", "titanic", "vehicles_mpg", "german_credit", "digits", "births"])
def test_real_tables_survive_every_form(tmp_path: Path, name: str) -> None:
    if not PUBLIC.is_dir():
        pytest.skip(f"no public tables at {PUBLIC}")
    table = read_table(PUBLIC / f"{name}.parquet").head(3000)
    encoder = Encoder().fit(table)
    matrix = encoder.transform(table)
    assert np.isfinite(matrix).all()
    table.write_csv(tmp_path / "t.csv")
    text = read_table(tmp_path / "t.csv", columns_as_text=encoder.category_columns)
    assert Encoder().fit(text).to_json()["encodings"] == encoder.to_json()["encodings"]
    assert same_bits(encoder.transform(text), matrix)
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({column: table[column].to_list() for column in table.columns})
    assert same_bits(encoder.transform(frame), matrix)
    assert Encoder().fit(frame).to_json()["encodings"] == encoder.to_json()["encodings"]
