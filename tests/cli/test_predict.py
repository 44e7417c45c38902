"""Tests of ``pellucid predict`` and ``evaluate`` on a model that was saved."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as library
from pellucid.tabular import read_table


def columns(text: str) -> dict[str, list[str]]:
    head, *rows = csv.reader(io.StringIO(text))
    return {name: [row[index] for row in rows] for index, name in enumerate(head)}


def test_predictions_are_those_of_the_library_in_the_rows_order(pellucid: Any, model: Path) -> None:
    estimator, table = library.load(model), read_table(model.with_suffix(".csv"))
    found = columns(pellucid("predict", model.name, "fruit.csv", "--proba").out)
    assert list(found) == ["prediction", "probability of melon", "probability of plum"]
    assert found["prediction"] == estimator.predict(table).tolist()
    assert np.array_equal(np.array(found["probability of plum"], float), estimator.predict_proba(table)[:, 1])


def test_column_order_further_columns_and_new_categories_make_no_difference(pellucid: Any, model: Path) -> None:
    (model.parent / "one.csv").write_text("size,color\n3,red\n22,blue\n,\n", encoding="utf-8")
    (model.parent / "two.csv").write_text("x,color,size\n1,red,3\n2,purple,22\n3,,\n", encoding="utf-8")
    first = pellucid("predict", model.name, "one.csv", "--proba")
    assert first.code == 0
    assert first.out == pellucid("predict", model.name, "two.csv", "--proba").out


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet", ".jsonl"])
def test_predictions_are_written_in_every_format(pellucid: Any, model: Path, suffix: str) -> None:
    ended = pellucid("predict", model.name, "fruit.csv", "--proba", "-o", "out" + suffix)
    assert (ended.code, ended.out, ended.err) == (0, "", f"wrote 60 predictions to out{suffix}\n")
    printed = columns(pellucid("predict", model.name, "fruit.csv", "--proba").out)
    written = read_table(model.parent / f"out{suffix}")
    assert written.columns == list(printed)
    assert written["prediction"].to_list() == printed["prediction"]
    assert written["probability of plum"].to_list() == [float(text) for text in printed["probability of plum"]]


def test_force_replaces_predictions(pellucid: Any, model: Path) -> None:
    (model.parent / "out.csv").write_text("old", encoding="utf-8")
    assert pellucid("predict", model.name, "fruit.csv", "-o", "out.csv", "--force").code == 0
    assert (model.parent / "out.csv").read_text(encoding="utf-8").startswith("prediction\n")


def test_predictions_as_json(pellucid: Any, model: Path) -> None:
    document = json.loads(pellucid("predict", model.name, "fruit.csv", "--proba", "--json").out)
    assert document["rows"] == len(document["prediction"]) == len(document["probability of melon"]) == 60
    document = json.loads(pellucid("predict", model.name, "fruit.csv", "-o", "out.csv", "--json").out)
    assert document["output"] == "out.csv"
    assert "prediction" not in document


def test_evaluation_counts_right(pellucid: Any, model: Path) -> None:
    table, estimator = read_table(model.with_suffix(".csv")), library.load(model)
    document = json.loads(pellucid("evaluate", model.name, "fruit.csv", "--json").out)
    right = (estimator.predict(table) == table["kind"].to_numpy()).mean()
    assert document["metrics"]["accuracy"] == right
    counts = np.array(document["confusion"]["rows_true_columns_predicted"])
    assert document["confusion"]["classes"] == ["melon", "plum"]
    assert counts.sum() == 60
    assert np.trace(counts) == round(right * 60)
    assert counts.sum(axis=1).tolist() == [20, 40]
    out = pellucid("evaluate", model.name, "fruit.csv").out
    assert "predicted melon" in out
    assert "AUROC (higher is better)" in out


def test_classes_that_look_like_numbers_stay_as_they_were(pellucid: Any, tmp_path: Path) -> None:
    rows = [f"{index % 5},0{index % 2}" for index in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(["a,y", *rows]) + "\n", encoding="utf-8")
    words = ("--kind", "y=category", "--epochs", 1, "--hidden-layer-sizes", 4)
    assert pellucid("train", "t.csv", "--target", "y", *words).code == 0
    assert set(columns(pellucid("predict", "t.pellucid", "t.csv").out)["prediction"]) <= {"00", "01"}
    assert pellucid("evaluate", "t.pellucid", "t.csv").code == 0


def test_info_tells_what_the_model_is(pellucid: Any, model: Path) -> None:
    out = pellucid("info", model.name).out
    for words in ("classification of kind", "2: melon, plum", "verified", "Dense(8", "best epoch", "size", "color"):
        assert words in out
    document = json.loads(pellucid("info", model.name, "--json").out)
    assert document["bytes"] == model.stat().st_size
    assert document["classes"] == ["melon", "plum"]
    assert document["receipt"]["seed"] == 0
    assert document["columns"] == [{"name": "size", "kind": "number"}, {"name": "color", "kind": "category"}]


def test_a_model_made_in_python_works_too(pellucid: Any, fruit: Path) -> None:
    table = read_table(fruit)
    estimator = library.TabularRegressor(epochs=1, hidden_layer_sizes=(4,), random_state=0)
    estimator.fit(table.select("size", "color"), table["price"].to_numpy()).save("plain.pellucid")
    assert len(columns(pellucid("predict", "plain.pellucid", "fruit.csv").out)["prediction"]) == 60
    assert "without a name" in pellucid("info", "plain.pellucid").out
    pellucid("evaluate", "plain.pellucid", "fruit.csv").says(1, "does not know the name of its target")
    estimator.fit(table.select("size", "color"), table["price"]).save("named.pellucid")
    assert json.loads(pellucid("evaluate", "named.pellucid", "fruit.csv", "--json").out)["targets"] == ["price"]
