"""Tests of the remarks about columns that look as if they were meant otherwise, and of unknown categories."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pellucid.cli.remarks import remarks
from pellucid.tabular import infer_columns, to_table


@pytest.mark.parametrize(
    ("write", "words"),
    [
        ("{} kg", "is a number"),
        ("{}.5%", "is a number"),
        ("$ 1,{}00", "is a number"),
        ("3/{}/2024", "is a date"),
    ],
)
@pytest.mark.parametrize(
    ("often", "read"), [(2, "column 'c' counts as categories"), (1, "column 'c' is left out, as text that is another")]
)
def test_columns_that_look_like_something_else(write: str, words: str, often: int, read: str) -> None:
    columns = infer_columns(to_table({"c": [write.format(number) for number in range(10, 30)] * often}))
    (remark,) = remarks(columns, 20 * often, [])
    assert read in remark
    assert words in remark
    assert remarks(columns, 20 * often, ["c"]) == []


def test_grades_most_of_which_are_numbers_get_a_remark() -> None:
    columns = infer_columns(to_table({"grade": ["9", "10", "11", "other"] * 10}))
    (remark,) = remarks(columns, 40, [])
    assert remark.startswith("column 'grade' counts as categories, few and most of them numbers; ")
    assert "--missing" in remark


def test_a_category_for_each_row_that_has_one_gets_a_remark() -> None:
    columns = infer_columns(to_table({"c": [f"user {number}" for number in range(20)] + [None]}))
    (remark,) = remarks(columns, 21, [])
    assert "column 'c' counts as categories, each with a single row" in remark


@pytest.mark.parametrize(
    "values", [["Oslo", "Bern"] * 10, [f"id {number}" for number in range(10)] * 2, list(range(20))]
)
def test_ordinary_columns_get_no_remark(values: list[Any]) -> None:
    assert remarks(infer_columns(to_table({"c": values})), 20, []) == []


def test_unknown_categories_are_told(pellucid: Any, model: Path) -> None:
    (model.parent / "new.csv").write_text("size,color\n1,red\n2,blue\n3,\n", encoding="utf-8")
    ended = pellucid("predict", model.name, "new.csv")
    assert ended.code == 0
    assert ended.err == (
        "note: column 'color': 1 row of new.csv holds a value that the model does not know, such as 'blue'; "
        "counted as unknown\n"
    )


@pytest.mark.parametrize("members", [1, 2])
def test_training_and_info_say_what_was_noticed(pellucid: Any, tmp_path: Path, members: int) -> None:
    rows = "".join(f"user {row},{row % 7},{row % 3}.5\n" for row in range(30))
    (tmp_path / "t.csv").write_text(f"id,a,y\n{rows}", encoding="utf-8")
    quick = ("--members", members, "--epochs", 1, "--hidden-layer-sizes", 4)
    said = "note: 1 column holds text that is another in each row: left out: 'id'"
    for words in (("train", "t.csv", "--target", "y", *quick), ("info", "t.pellucid")):
        ended = pellucid(*words)
        assert ended.code == 0
        assert said in ended.out
