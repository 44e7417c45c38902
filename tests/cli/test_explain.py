"""``pellucid explain``: a page for a model and a table, with or without true values, and errors in a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def test_a_page_is_written_with_the_figures_that_evaluate_prints(
    pellucid: Any, fruit: Path, model: Path, tmp_path: Path
) -> None:
    ended = pellucid("explain", model.name, fruit.name, "-o", "report.html")
    assert ended.code == 0, ended.err
    assert "wrote report.html" in ended.out
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    document = json.loads(pellucid("explain", model.name, fruit.name, "-o", "report.html", "--force", "--json").out)
    scores = json.loads(pellucid("evaluate", model.name, fruit.name, "--json").out)["metrics"]
    assert {name: found[0] for name, found in document["metrics"].items()} == scores
    assert f"{100 * scores['accuracy']:.1f} %" in page
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == page


def test_a_table_without_the_target_and_one_that_calls_it_otherwise(
    pellucid: Any, fruit: Path, model: Path, tmp_path: Path
) -> None:
    text = fruit.read_text(encoding="utf-8")
    (tmp_path / "other.csv").write_text(text.replace("kind", "fruit", 1), encoding="utf-8")
    ended = pellucid("explain", model.name, "other.csv", "-o", "bare.html")
    assert ended.code == 0, ended.err
    assert "has no column kind" in ended.out
    assert "cannot be told" in (tmp_path / "bare.html").read_text(encoding="utf-8")
    ended = pellucid("explain", model.name, "other.csv", "-o", "full.html", "--target", "fruit")
    assert ended.code == 0, ended.err
    assert "60 of them judged" in ended.out


def test_errors_are_a_line(pellucid: Any, fruit: Path, model: Path) -> None:
    pellucid("explain", model.name, fruit.name, "-o", "report.pdf").says(2, "'.html'")
    pellucid("explain", model.name, fruit.name, "-o", "r.html", "--target", "kin").says(1, "'kin'", "did you mean")
    two = ("--target", "kind", "--target", "price")
    pellucid("explain", model.name, fruit.name, "-o", "r.html", *two).says(2, "as many")
    pellucid("explain", "none.pellucid", fruit.name, "-o", "r.html").says(1, "none.pellucid")
    assert pellucid("explain", model.name, fruit.name, "-o", "r.html").code == 0
    pellucid("explain", model.name, fruit.name, "-o", "r.html").says(1, "--force")
