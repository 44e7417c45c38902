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
        ("user {:05}", "a single row"),
    ],
)
def test_columns_that_look_like_something_else(write: str, words: str) -> None:
    columns = infer_columns(to_table({"c": [write.format(number) for number in range(10, 30)]}))
    (remark,) = remarks(columns, 20, [])
    assert "column 'c' counts as categories" in remark
    assert words in remark
    assert remarks(columns, 20, ["c"]) == []


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
