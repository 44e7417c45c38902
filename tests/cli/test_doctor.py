"""``pellucid doctor``: findings in terms of the table, as text and as JSON, and errors in a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def churn(tmp_path: Path) -> Path:
    """A table with a column that gives the target away, one that is constant, and one that copies another."""
    rows = ["age,income,country,height cm,height in,refund,churn"]
    for index in range(240):
        age, income, height = 20 + index * 7 % 50, 30 + index * 13 % 41, 150 + index * 17 % 47
        gone = age < 35
        rows.append(
            f"{age},{income},DE,{height},{height / 2.54!r},{int(gone) + index % 9 / 100},{'yes' if gone else 'no'}"
        )
    path = tmp_path / "churn.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_faults_of_the_table_are_named_by_column_with_the_command_that_mends_them(pellucid: Any, churn: Path) -> None:
    assert pellucid("train", churn.name, "--target", "churn", "--epochs", 20).code == 0
    ended = pellucid("doctor", "churn.pellucid", churn.name)
    assert ended.code == 0
    assert "leaking column: columns" in ended.out or "leaking column: column refund" in ended.out
    assert "pellucid train churn.csv --target churn --drop" in ended.out
    assert "constant columns: column country" in ended.out
    assert "--drop 'height in'" in ended.out
    assert "'height in' of 'height cm'" in ended.out
    assert "country=DE" not in ended.out
    document = json.loads(pellucid("doctor", "churn.pellucid", churn.name, "--json").out)
    assert document["model"] == "churn.pellucid"
    assert document["healthy"] is False
    assert {finding["name"] for finding in document["findings"]} >= {
        "leaking column",
        "constant columns",
        "duplicated columns",
    }


def test_the_command_that_it_gives_mends_it(pellucid: Any, churn: Path) -> None:
    pellucid("train", churn.name, "--target", "churn", "--epochs", 20)
    document = json.loads(pellucid("doctor", "churn.pellucid", churn.name, "--json").out)
    mend = next(finding["mend"] for finding in document["findings"] if finding["name"] == "constant columns")
    words = mend.split()
    assert words[0] == "pellucid"
    assert pellucid(*words[1:], "--epochs", 20, "--force").code == 0
    assert "constant columns:" not in pellucid("doctor", "churn.pellucid", churn.name).out


def test_a_healthy_model_has_nothing(pellucid: Any, fruit: Path) -> None:
    pellucid("train", fruit.name, "--target", "kind", "--drop", "size", "--drop", "price", "--epochs", 20)
    ended = pellucid("doctor", "fruit.pellucid", fruit.name)
    assert ended.code == 0
    assert "fruit.pellucid on fruit.csv: 60 rows, target kind" in ended.out


def test_regression_and_several_targets_can_be_examined(pellucid: Any, fruit: Path) -> None:
    pellucid("train", fruit.name, "--target", "price", "--target", "size", "--epochs", 10)
    ended = pellucid("doctor", "fruit.pellucid", fruit.name)
    assert ended.code == 0
    assert "targets price, size" in ended.out


def test_errors_are_a_line(pellucid: Any, fruit: Path, model: Path, tmp_path: Path) -> None:
    pellucid("doctor", "none.pellucid", fruit.name).says(1, "none.pellucid")
    pellucid("doctor", model.name, "none.csv").says(1, "none.csv")
    (tmp_path / "short.csv").write_text("color,kind\nred,plum\n", encoding="utf-8")
    pellucid("doctor", model.name, "short.csv").says(1, "'size'", "which the model needs")
    (tmp_path / "other.csv").write_text("size,color,kind\n1,red,pear\n", encoding="utf-8")
    pellucid("doctor", model.name, "other.csv").says(1, "'pear' is no class")
