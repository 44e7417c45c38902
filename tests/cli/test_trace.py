"""``pellucid trace``: the tutorials and saved models, in every format, and what is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from pellucid import load
from tests.cli.conftest import Command


@pytest.mark.parametrize("example", ["xor", "single-layer"])
def test_the_tutorials_are_traced(pellucid: Command, example: str) -> None:
    ended = pellucid("trace", example, "--step", 1)
    assert ended.code == 0, ended.err
    assert ended.out.startswith("Step 1: epoch 1, batch 0, 4 rows\n")
    assert "W¹′ ← W¹ − η ∂L/∂W¹" in ended.out
    assert "finite differences agree" in ended.out
    assert "DISAGREE" not in ended.out


def test_the_shown_part_and_the_start_are_chosen(pellucid: Command) -> None:
    ended = pellucid(
        *("trace", "xor", "--start", 3, "--row", 2, "--shown-columns", "0,2", "--digits", 6, "--no-differences"),
        *("--arithmetic", "all"),
    )
    assert ended.code == 0, ended.err
    assert "1 row (row 2)" in ended.out
    assert "1.78863" in ended.out  # the first number that the seed 3 draws
    assert "differences" not in ended.out
    assert ended.out.count("  Z¹₁₁ =") == ended.out.count("  Z¹₁₃ =") == 1
    assert "Z¹₁₂ =" not in ended.out


@pytest.mark.parametrize(
    ("name", "words", "begins"),
    [
        ("ledger.txt", [], "Step 0"),
        ("ledger.md", [], "# Step 0"),
        ("ledger.html", [], "<!doctype html>"),
        ("ledger.json", [], '{"steps": '),
        ("ledger", ["--format", "html"], "<!doctype html>"),
    ],
)
def test_the_outputs_name_chooses_the_format(
    pellucid: Command, tmp_path: Path, name: str, words: list[str], begins: str
) -> None:
    ended = pellucid("trace", "xor", "--output", name, *words)
    assert (ended.code, ended.out) == (0, ""), ended.err
    assert ended.err == f"wrote Trace of step 0: 24 quantities to {name}\n"
    assert (tmp_path / name).read_text(encoding="utf-8").startswith(begins)
    pellucid("trace", "xor", "--output", name, *words).says(1, "the file exists", "--force")
    assert pellucid("trace", "xor", "--output", name, *words, "--force").code == 0


def test_a_saved_model_is_traced_on_a_row_of_a_table(pellucid: Command, single: Path, fruit: Path) -> None:
    ended = pellucid("trace", single.name, fruit.name, "--row", 3, "--format", "json")
    assert ended.code == 0, ended.err
    assert "fresh optimizer" in ended.err
    (step,) = json.loads(ended.out)["steps"]
    assert step["batch_rows"] == [3]
    entries: dict[str, Any] = {e["symbol"]: e for section in step["sections"] for e in section["entries"]}
    assert entries["W¹"]["name"] == "1.weight"
    assert {"C¹", "Z¹", "A¹", "D¹", "K¹", "Z²", "P", "L", "∂L/∂W¹", "m(W¹)′", "W¹′", "B₁′"} <= set(entries)
    assert len(entries["X"]["values"][0]) == entries["X"]["shape"][1]
    less = pellucid("trace", single.name, fruit.name, "--row", 3, "--format", "json", "--most", 2)
    assert json.loads(less.out)["steps"][0]["sections"][0]["entries"][0]["columns"] == [0, 1]
    whole = pellucid("trace", single.name, fruit.name, "--most", 2, "--no-differences")
    assert whole.code == 0, whole.err
    assert "60 rows" in whole.out


def test_a_saved_model_is_traced_at_later_steps_from_its_weights_on(
    pellucid: Command, model: Path, fruit: Path
) -> None:
    ended = pellucid("trace", model.name, fruit.name, "--step", 0, "--step", 2, "--format", "json", "--no-differences")
    assert ended.code == 0, ended.err
    assert "after 2 others from the saved weights of the strongest network of the ensemble's " in ended.err
    assert "each over all 60 rows" in ended.err
    (rate,) = re.findall(r"learning_rate=([\d.e-]+)", ended.err)
    rates = [member["configuration"]["learning_rate"] for member in load(model).members_]
    assert float(rate) in rates  # not the default of all
    first, third = json.loads(ended.out)["steps"]
    assert (first["step"], third["step"], third["epoch"]) == (0, 2, 2)

    def loss(step: Any) -> float:
        (section,) = (section for section in step["sections"] if section["title"] == "Loss")
        return float(section["entries"][-1]["values"][0][0])

    assert loss(first) != loss(third)


BAD: dict[str, tuple[list[Any], int, list[str]]] = {
    "unknown example": (["xorr"], 2, ["EXAMPLE", "'xorr'", "'single-layer'", "did you mean 'xor'?"]),
    "a model without a table": (["fruit.pellucid"], 2, ["DATA", "'fruit.pellucid'", "table"]),
    "no such model": (["fruits.pellucid", "fruit.csv"], 1, ["fruits.pellucid", "does not exist"]),
    "no such table": (["fruit.pellucid", "fruits.csv"], 1, ["fruits.csv", "did you mean 'fruit.csv'?"]),
    "a table without the target": (["fruit.pellucid", "bare.csv"], 1, ["bare.csv", "'kind'"]),
    "a table without a column": (["fruit.pellucid", "short.csv"], 1, ["short.csv", "'color'"]),
    "a class that is unknown": (["fruit.pellucid", "odd.csv"], 1, ["odd.csv, line 2", "'fig'"]),
    "a row beyond the table": (["fruit.pellucid", "fruit.csv", "--row", 60], 1, ["rows 0 to 59", "60"]),
    "a row beyond the example": (["xor", "--row", 4], 1, ["row 4", "rows 0 to 3"]),
    "unknown format": (["xor", "--format", "markdwon"], 2, ["--format", "did you mean 'markdown'?"]),
    "unknown arithmetic": (["xor", "--arithmetic", "al"], 2, ["--arithmetic", "did you mean 'all'?"]),
    "columns that are no numbers": (["xor", "--shown-columns", "a,b"], 2, ["--shown-columns", "'a,b'"]),
    "a shown row that is not there": (["xor", "--shown-rows", "4"], 1, ["row 4", "0 to 3"]),
    "too large": (
        ["fruit.pellucid", "fruit.csv", "--most", 1000, "--format", "html"],
        1,
        ["cells of", "quantities", "Choose fewer: --shown-rows 0,1 --shown-columns 0,1,2, or --most 6"],
    ),
    "a folder that is not there": (["xor", "--output", "no/x.html"], 1, ["no folder 'no'"]),
    "over its own table": (["fruit.pellucid", "fruit.csv", "--output", "fruit.csv", "--force"], 1, ["it is read"]),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(pellucid: Command, model: Path, fruit: Path, tmp_path: Path, case: str) -> None:
    if case == "too large":
        fruit.write_text(fruit.read_text() + "1,red,plum,1\n" * 2000, encoding="utf-8")
    (tmp_path / "bare.csv").write_text("size,color\n1,red\n", encoding="utf-8")
    (tmp_path / "short.csv").write_text("size,kind\n1,plum\n", encoding="utf-8")
    (tmp_path / "odd.csv").write_text("size,color,kind\n1,red,fig\n", encoding="utf-8")
    words, code, expected = BAD[case]
    before = fruit.read_bytes()
    ended = pellucid("trace", *words)
    errors = [line for line in ended.err.splitlines() if line.startswith("pellucid: error: ")]
    assert (ended.code, len(errors)) == (code, 1), ended.err
    assert "internal error" not in ended.err
    for word in expected:
        assert word in errors[0]
    assert fruit.read_bytes() == before
