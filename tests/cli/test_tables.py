"""Tests of the command line from end to end on real public tables: train, evaluate, predict, info."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data" / "public"

# name, target, suffix to convert to, rows to take, and a score that a linear model or the mean does not give away
TABLES = [
    ("titanic", "survived", ".tsv", None, ("AUROC", 0.8)),
    ("iris", "species", ".jsonl", None, ("AUROC", 0.9)),
    ("german_credit", "class", ".csv", None, ("AUROC", 0.65)),
    ("adult", "income", ".csv", 8000, ("AUROC", 0.85)),
    ("spambase", "class", ".parquet", None, ("AUROC", 0.95)),
    ("wine_quality", "quality", ".csv", None, ("R2", 0.15)),
    ("california_housing", "median_house_value", ".csv", 8000, ("R2", 0.5)),
    ("vehicles_mpg", "hwy", ".jsonl", 8000, ("R2", 0.7)),
]


@pytest.mark.skipif(not FOLDER.is_dir(), reason=f"the public tables are not here ({FOLDER})")
@pytest.mark.parametrize(("name", "target", "suffix", "n_rows", "least"), TABLES, ids=[table[0] for table in TABLES])
def test_from_a_table_to_predictions(
    pellucid: Any, tmp_path: Path, name: str, target: str, suffix: str, n_rows: int | None, least: tuple[str, float]
) -> None:
    table = pl.read_parquet(FOLDER / f"{name}.parquet").sample(fraction=1, shuffle=True, seed=0)[:n_rows]
    data = tmp_path / (name + suffix)
    if suffix == ".jsonl":
        table.write_ndjson(data)
    elif suffix == ".parquet":
        table.write_parquet(data)
    else:
        table.write_csv(data, separator="\t" if suffix == ".tsv" else ",")
    task = "regression" if least[0] == "R2" else "classification"

    epochs = 4 if table.height > 2000 else 30
    words = ("--epochs", epochs, "--hidden-layer-sizes", "64", "--members", 2, "--task", task)
    ended = pellucid("train", data.name, "--target", target, "--json", *words)
    assert ended.code == 0, ended.err
    trained = json.loads(ended.out)
    assert sum(trained["rows"].values()) == table.height
    assert trained["metrics"]["ensemble"][least[0]] > least[1]

    assert pellucid("evaluate", f"{name}.pellucid", data.name).code == 0
    scored = json.loads(pellucid("evaluate", f"{name}.pellucid", data.name, "--json").out)
    assert scored["rows"] == table.height
    assert scored["metrics"][least[0]] > least[1]

    predicted = json.loads(pellucid("predict", f"{name}.pellucid", data.name, "--json").out)["prediction"]
    if task == "classification":
        right = [str(guess) == str(value) for guess, value in zip(predicted, table[target], strict=True)]
        assert scored["metrics"]["accuracy"] == pytest.approx(sum(right) / table.height)

    shown = json.loads(pellucid("info", f"{name}.pellucid", "--json").out)
    assert shown["targets"] == [target]
    assert [column["name"] for column in shown["columns"]] == [other for other in table.columns if other != target]
