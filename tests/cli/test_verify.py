"""Tests of ``pellucid verify``: a model that the command line trained is trained again on the same rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest

import pellucid as library
from pellucid.cli.display import Display
from pellucid.cli.material import prepare
from pellucid.cli.record import recorded_order
from pellucid.model import read_model, write_model

SMALL = ("--epochs", 2, "--hidden-layer-sizes", 8)
POPULATION = (*SMALL, "--members", 2, "--folds", 2)
SINGLE = (*SMALL, "--members", 1)


@pytest.fixture
def plums(pellucid: Any, fruit: Path) -> Path:
    assert pellucid("train", "fruit.csv", "--target", "kind", *POPULATION).code == 0
    return fruit.with_suffix(".pellucid")


def test_a_model_is_the_same_bits(pellucid: Any, plums: Path) -> None:
    ended = pellucid("verify", "fruit.pellucid", "--data", "fruit.csv")
    assert (ended.code, ended.err) == (0, "")
    digest = library.load(plums).receipt_["sha256"]
    assert f"fruit.pellucid: the file is intact, SHA-256 {digest}\n" in ended.out
    assert "data: what the model was trained on (fruit.csv, 48 of 60 rows to learn from)\n" in ended.out
    assert ended.out.endswith("same: every weight is the same bits\n")


def test_the_document_says_the_same(pellucid: Any, plums: Path) -> None:
    ended = pellucid("verify", "fruit.pellucid", "--data", "fruit.csv", "--json")
    document = json.loads(ended.out)
    assert ended.code == 0
    assert document["same"] is True
    assert document["rows"] == 48
    assert (document["data"], document["weights"], document["versions"]) == ([], [], [])


@pytest.mark.parametrize(
    "words",
    [
        ("--target", "price", *SINGLE),
        ("--target", "price", "--seed", 3, "--test-share", 0.4, *POPULATION),
        ("--target", "price", "--test-share", 0, "--drop", "kind", *POPULATION),
        ("--target", "kind", "--test", "last.csv", *POPULATION),
        ("--target", "kind", "--order", "price", *SINGLE),
        ("--target", "kind", "--groups", "price", *POPULATION),
        ("--target", "kind", "--kind", "size=category", "--missing", "3", "--missing", "?", *SINGLE),
        ("--target", "size", "--task", "classification", *SINGLE),
        ("--target", "size", "--target", "price", *SINGLE),
        ("--target", "kind", "--members", 2, "--time-budget", "0.3s"),
    ],
    ids=lambda words: " ".join(map(str, words[:6])),
)
def test_whatever_train_was_told_is_on_the_receipt(pellucid: Any, fruit: Path, words: tuple[Any, ...]) -> None:
    table = polars.read_csv(fruit)
    table[:10].write_csv("last.csv")
    table.write_parquet("fruit.parquet")
    assert pellucid("train", "fruit.csv", *words).code == 0
    for name in ("fruit.csv", "fruit.parquet"):
        ended = pellucid("verify", "fruit.pellucid", "--data", name)
        assert ended.code == 0, ended
        assert "same: every weight is the same bits" in ended.out


def test_other_data_are_told_and_not_trained_on(pellucid: Any, plums: Path) -> None:
    table = polars.read_csv("fruit.csv")
    table.rename({"size": "length"}).write_csv("renamed.csv")
    table[::-1].write_csv("reversed.csv")
    table[::-1].with_columns(price=table["price"] + 1).write_csv("other.csv")
    table.with_columns(price=table["price"] + 1).write_csv("changed.csv")
    for name, said in (
        ("renamed.csv", "column 'size' is called 'length'"),
        ("reversed.csv", "  these are the same rows, in another order\n"),
        ("other.csv", "most columns differ: these are other rows"),
        ("changed.csv", "column 'price' has other values"),
    ):
        ended = pellucid("verify", "fruit.pellucid", "--data", name)
        assert (ended.code, ended.err) == (1, "")
        assert f"data: not what the model was trained on ({name}, 48 of 60 rows to learn from)" in ended.out
        assert said in ended.out
        assert ended.out.endswith("different: it was not trained again\n")


def test_a_changed_cell_of_a_row_that_was_held_out_is_told(pellucid: Any, fruit: Path) -> None:
    table = polars.read_csv(fruit).with_columns(price=polars.int_range(60))
    table.write_csv("fruit.csv")
    assert pellucid("train", "fruit.csv", "--target", "kind", *SINGLE).code == 0
    model = Path("fruit.pellucid")
    order = recorded_order(library.load(model), model, fruit, [])
    held = prepare(order, Display(as_json=True, quiet=True)).test
    assert held is not None
    changed = polars.when(polars.col("price") == held["price"][3]).then(999).otherwise("size").alias("size")
    table.with_columns(changed).write_csv("changed.csv")
    ended = pellucid("verify", "fruit.pellucid", "--data", "changed.csv")
    assert (ended.code, ended.err) == (1, "")
    assert "same: every weight is the same bits\n" in ended.out
    said = "different: the 12 rows held out are not those that it was scored on\n  column 'size' has other values\n"
    assert ended.out.endswith(said)
    document = json.loads(pellucid("verify", "fruit.pellucid", "--data", "changed.csv", "--json").out)
    assert document["same"] is False
    assert (document["data"], document["weights"]) == ([], [])
    assert document["held_out"] == ["column 'size' has other values"]


def test_an_edited_weight_is_told(pellucid: Any, plums: Path) -> None:
    document, tensors, _ = read_model(plums)
    name = next(name for name in tensors if name.endswith("weight"))
    edited = tensors[name].copy()
    edited[0, 0] += np.float32(1)
    write_model("edited.pellucid", document, {**tensors, name: edited})
    ended = pellucid("verify", "edited.pellucid", "--data", "fruit.csv")
    assert ended.code == 1
    assert "different: the weights in the file are not those of the training" in ended.out
    assert f"tensor {name!r}" in ended.out
    assert "the versions are the same: the file was edited" in ended.out


def test_a_model_from_python_learned_from_all_rows(pellucid: Any, fruit: Path) -> None:
    table = polars.read_csv(fruit)
    options: dict[str, Any] = {"members": 1, "epochs": 2, "hidden_layer_sizes": (8,), "random_state": 0}
    library.TabularClassifier(**options).fit(table.drop("kind"), table["kind"].to_list()).save("own.pellucid")
    assert pellucid("verify", "own.pellucid", "--data", "fruit.csv", "--target", "kind").code == 0
    pellucid("verify", "own.pellucid", "--data", "fruit.csv").says(1, "does not know the name of its target column")
    weighted = library.TabularClassifier(**options)
    weighted.fit(table.drop("kind"), table["kind"], sample_weight=np.arange(1, 61)).save("weighted.pellucid")
    ended = pellucid("verify", "weighted.pellucid", "--data", "fruit.csv")
    assert ended.code == 1
    assert "sample_weight is not there" in ended.out


def test_wrong_usage_and_wrong_files_are_one_line(pellucid: Any, plums: Path) -> None:
    pellucid("verify", "fruit.pellucid", "--data", "fruit.csv", "--target", "price").says(2, "trained on 'kind'")
    pellucid("verify", "fruit.pellucid").says(2, "--data")
    pellucid("verify", "fruit.pellucid", "--data", "none.csv").says(1, "no such file")
    pellucid("verify", "fruit.csv", "--data", "fruit.csv").says(1, "model file 'fruit.csv'")
    document, tensors, _ = read_model(plums)
    document["receipt"]["command"]["drop"] = [3]
    write_model("odd.pellucid", document, tensors)
    pellucid("verify", "odd.pellucid", "--data", "fruit.csv").says(1, "odd.pellucid", "another command")


def test_info_shows_the_receipt(pellucid: Any, plums: Path) -> None:
    out = pellucid("info", "fruit.pellucid").out
    receipt = library.load(plums).receipt_
    assert f"48 rows, 3 columns, SHA-256 {receipt['data']['sha256']}" in out
    for words in ("cpu time", "fit time", "instruction set", "command", "targets kind", "12 rows: ", "rungs 1 2"):
        assert words in out
    document = json.loads(pellucid("info", "fruit.pellucid", "--json").out)["receipt"]
    assert document["data"] == receipt["data"]
    assert document["command"]["test_share"] == 0.2
    assert document["test"]["rows"] == 12


def test_the_receipt_has_the_scores_of_the_test_rows(pellucid: Any, fruit: Path) -> None:
    document = json.loads(pellucid("train", "fruit.csv", "--target", "kind", "--json", *POPULATION).out)
    receipt = library.load("fruit.pellucid").receipt_
    assert receipt["test"]["metrics"] == document["metrics"]["ensemble"]
    assert receipt["sha256"] == document["sha256"]
