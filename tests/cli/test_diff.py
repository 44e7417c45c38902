"""Tests of ``pellucid diff``: what differs between two models, and on which of them it is better."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SMALL = ("--epochs", 2, "--hidden-layer-sizes", 8, "--members", 1)


def test_two_trainings_of_the_same_are_the_same(pellucid: Any, fruit: Path) -> None:
    for name in ("a.pellucid", "b.pellucid"):
        assert pellucid("train", "fruit.csv", "--target", "kind", "-o", name, *SMALL).code == 0
    ended = pellucid("diff", "a.pellucid", "b.pellucid")
    assert (ended.code, ended.err) == (0, "")
    names = ("data", "options", "versions", "plan", "weights", "quality")
    assert ended.out == "".join(f"{name}: the same\n" for name in names)
    document = json.loads(pellucid("diff", "a.pellucid", "b.pellucid", "--json").out)
    assert document["same"] is True
    assert document["differences"] == {name: [] for name in names}


def test_what_differs_is_said_with_the_scores_of_both(pellucid: Any, fruit: Path) -> None:
    pellucid("train", "fruit.csv", "--target", "kind", "-o", "a.pellucid", *SMALL)
    pellucid("train", "fruit.csv", "--target", "kind", "-o", "b.pellucid", "--drop", "price", "--seed", 1, *SMALL)
    ended = pellucid("diff", "a.pellucid", "b.pellucid", "--data", "fruit.csv")
    assert (ended.code, ended.err) == (1, "")
    for words in (
        "column 'price' is not there",
        "  random state is 0, and 1\n",
        "  drop is [], and ['price']\n",
        "versions: the same\n",
        "on fruit.csv:",
    ):
        assert words in ended.out
    document = json.loads(pellucid("diff", "a.pellucid", "b.pellucid", "--data", "fruit.csv", "--json").out)
    assert document["same"] is False
    for name in ("a", "b"):
        scored = json.loads(pellucid("evaluate", f"{name}.pellucid", "fruit.csv", "--json").out)["metrics"]
        assert document["metrics"][name] == scored


def test_models_of_different_tasks_are_compared(pellucid: Any, fruit: Path) -> None:
    pellucid("train", "fruit.csv", "--target", "kind", "-o", "a.pellucid", *SMALL)
    pellucid("train", "fruit.csv", "--target", "price", "-o", "b.pellucid", *SMALL)
    ended = pellucid("diff", "a.pellucid", "b.pellucid", "--data", "fruit.csv")
    assert ended.code == 1
    assert "one is a TabularClassifier, the other a TabularRegressor" in ended.out
    assert "accuracy" in ended.out
    assert "RMSE" in ended.out


def test_a_file_that_is_no_model_is_one_line(pellucid: Any, model: Path) -> None:
    pellucid("diff", model.name, "fruit.csv").says(1, "model file 'fruit.csv'")
    pellucid("diff", model.name).says(2, "B")
