"""Ejected estimators against the library: raw rows of every kind, several tables, and training to the same weights."""

from __future__ import annotations

import datetime
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import pellucid
from pellucid import TabularClassifier, TabularRegressor
from pellucid.insight.eject.ejecting import page_of
from pellucid.insight.eject.encoding import TEMPLATES
from pellucid.tabular import infer_columns, infer_task, read_table
from pellucid.tabular.encodings import ENCODINGS
from tests.insight.plain import Plain, PlainError, run_as_program
from tests.insight.tables import N_FEATURES, check_prediction, every_kind, longest_sum, text_of, with_odd_rows
from tests.tolerances import trajectory

ROOT = Path(__file__).parents[2]
PENGUINS = ROOT / "examples" / "penguins.csv"
PUBLIC = ROOT.parent / "shared" / "data" / "public"
QUICK: dict[str, Any] = {"members": 1, "epochs": 3, "hidden_layer_sizes": (6, 5), "random_state": 3}


@pytest.fixture(autouse=True)
def on_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `fit` train on NumPy, which a page follows operation by operation."""
    monkeypatch.setenv("PELLUCID_ENGINE", "numpy")


def check_training(plain: Plain, estimator: Any, text: str, folder: Path, X: Any, y: Any, **more: Any) -> None:
    """The page trains from the table's file to the weights that the estimator has."""
    path = folder / "training.csv"
    path.write_text(text, encoding="utf-8")
    page = page_of(estimator, training=True, arguments={"X": X, "y": y, **more})
    weights = plain(page, "([p.copy() for p in PARAMETERS], train(read(path)), PARAMETERS)[::2]", path=str(path))
    n_steps = estimator.best_epoch_ * math.ceil(len(y) / estimator.plan_.batch_size)
    largest = float(np.abs(estimator.network_.parameters).max())
    ratio = float(np.finfo(np.float32).eps / np.finfo(np.float64).eps)
    for given, trained, view in zip(*weights, estimator.network_.named_parameters.values(), strict=True):
        assert np.array_equal(given, view)
        assert np.abs(trained - view).max() <= trajectory(n_steps, longest_sum(estimator)) * ratio * largest


def fitted(table: pl.DataFrame, target: str, **options: Any) -> tuple[Any, pl.DataFrame, pl.Series]:
    X, y = table.drop(target), table[target]
    kind = TabularClassifier if infer_task(y).task == "classification" else TabularRegressor
    return kind(**{**QUICK, **options}).fit(X, y), X, y


def test_every_kind_of_column_has_a_template() -> None:
    lacking = set(ENCODINGS.values()) - set(TEMPLATES)
    assert not lacking, f"pellucid eject cannot write {lacking}: add a template in pellucid/insight/eject/encoding.py"


@pytest.mark.parametrize("target", ["species", "body_mass_g", "sex", "island"])
def test_penguins(plain: Plain, tmp_path: Path, target: str) -> None:
    table = read_table(PENGUINS).drop_nulls(target)
    estimator, X, y = fitted(table, target)
    check_prediction(plain, estimator, with_odd_rows(estimator, text_of(table)), tmp_path)
    check_training(plain, estimator, text_of(table), tmp_path, X, y)


@pytest.mark.parametrize("name", sorted(path.stem for path in PUBLIC.glob("*.parquet")) or ["none"])
def test_public_tables(plain: Plain, tmp_path: Path, name: str) -> None:
    if not PUBLIC.is_dir():
        pytest.skip("the public tables are not here")
    table = read_table(PUBLIC / f"{name}.parquet")
    target = table.columns[-1] if "target" not in table.columns else "target"
    features = [name for name in table.columns if name != target][:80]
    table = table.select([*features, target]).drop_nulls(target)
    table = table.sample(min(300, table.height), seed=1)
    path = tmp_path / "table.csv"
    path.write_text(text_of(table), encoding="utf-8")
    texts = [column.name for column in infer_columns(table.drop(target)) if column.kind == "category"]
    table = read_table(path, columns_as_text=texts)
    estimator, X, y = fitted(table, target, kinds=dict.fromkeys(texts, "category"), one_hot_limit=4)
    check_prediction(plain, estimator, with_odd_rows(estimator, text_of(table)), tmp_path)
    check_training(plain, estimator, text_of(table), tmp_path, X, y)


@pytest.mark.parametrize(
    "target", ["number", "label 1", "class", "columns", "new", ["number", "another"], ["label 1", "label 2"]]
)
def test_every_kind_of_column_and_target(plain: Plain, tmp_path: Path, target: Any) -> None:
    table = every_kind()
    names = [target] if isinstance(target, str) else target
    features = [name for name in table.columns[:N_FEATURES] if name not in names]
    X = table.select(features)
    y = table[target] if isinstance(target, str) else table.select(names).to_numpy()
    kind = TabularRegressor if "number" in names else TabularClassifier
    estimator = kind(**QUICK, one_hot_limit=4, min_category_count=3).fit(X, y)
    if len(names) > 1:
        table = table.rename({name: f"target {index}" for index, name in enumerate(names)})
    check_prediction(plain, estimator, with_odd_rows(estimator, text_of(table)), tmp_path)
    check_training(plain, estimator, text_of(table), tmp_path, X, y)


def test_rows_may_be_dicts_of_python_objects(plain: Plain) -> None:
    table = every_kind()
    X = table.select(table.columns[:N_FEATURES])
    estimator = TabularRegressor(**QUICK, one_hot_limit=4, missing=("?", "-999")).fit(X, table["number"])
    page = page_of(estimator, training=False, arguments={})
    rows = X.to_dicts()
    assert np.array_equal(plain(page, "encode(rows)", rows=rows), estimator.encoder_.transform(X))
    rows[0] = dict.fromkeys(X.columns)
    rows[1] = {**rows[1], "size-m": -999, "city": "?", "columns": float("nan")}
    rows[2] = {**rows[2], "size-m": np.float64(2.5), "new": 1, "day": datetime.datetime(2024, 5, 6), "columns": True}
    expected = X[3:].clear().vstack(X)  # the library's own table has one type a column, so it is told row by row
    one = pl.DataFrame([{name: None for name in X.columns}], schema=X.schema)
    two = X[1].with_columns(
        pl.lit(None, pl.Float64).alias("size-m"), pl.lit(None, pl.String).alias("city"),
        pl.lit(None, pl.Int64).alias("columns"),
    )  # fmt: skip
    three = X[2].with_columns(
        pl.lit(2.5).alias("size-m"), pl.lit(True).alias("new"), pl.lit(datetime.date(2024, 5, 6)).alias("day"),
        pl.lit(1, pl.Int64).alias("columns"),
    )  # fmt: skip
    expected = pl.concat([one, two.select(X.columns), three.select(X.columns)])
    assert np.array_equal(plain(page, "encode(rows[:3])", rows=rows), estimator.encoder_.transform(expected))
    assert plain(page, "encode([])").shape == (0, estimator.encoder_.n_columns)


@pytest.mark.parametrize(
    ("column", "value"),
    [("size-m", "many"), ("size-m", "1_000"), ("new", "perhaps"), ("new", "2"), ("day", "2024-02-30"), ("day", "soon")],
)
def test_cells_that_cannot_be_read_are_refused_as_the_library_does(plain: Plain, column: str, value: str) -> None:
    table = every_kind()
    X = table.select(table.columns[:N_FEATURES])
    estimator = TabularRegressor(**QUICK).fit(X, table["number"])
    page = page_of(estimator, training=False, arguments={})
    row = {**X.to_dicts()[0], column: value}
    with pytest.raises(ValueError, match=column):
        estimator.predict({name: [given] for name, given in row.items()})
    with pytest.raises(PlainError, match="ValueError"):
        plain(page, "predict([row])", row=row)
    del row[column]
    with pytest.raises(PlainError, match=f"KeyError: '{column}'"):
        plain(page, "predict([row])", row=row)


def test_weights_own_validation_rows_and_chosen_rows_are_followed(plain: Plain, tmp_path: Path) -> None:
    table = read_table(PENGUINS).drop_nulls("sex")
    X, y = table.drop("species"), table["species"]
    weight = np.arange(len(y)) % 4
    estimator = TabularClassifier(**QUICK).fit(X, y, sample_weight=weight)
    check_training(plain, estimator, text_of(table), tmp_path, X, y, sample_weight=weight)
    estimator = TabularClassifier(**QUICK).fit(X[::2], y[::2], X_val=X[1::2], y_val=y[1::2])
    assert not estimator.refitted_
    check_training(plain, estimator, text_of(table), tmp_path, X, y, rows=range(0, len(y), 2))


def test_an_estimator_that_kept_its_first_training_is_followed(
    plain: Plain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pellucid.estimators.recipe.REFIT_BELOW", 0)
    table = read_table(PENGUINS).drop_nulls("sex")
    estimator, X, y = fitted(table, "species")
    assert not estimator.refitted_
    check_training(plain, estimator, text_of(table), tmp_path, X, y)


def test_a_loaded_model_is_ejected_as_the_one_that_was_saved(tmp_path: Path) -> None:
    table = read_table(PENGUINS)
    estimator, X, y = fitted(table, "species")
    estimator.save(tmp_path / "model")
    loaded = pellucid.load(tmp_path / "model")
    for training, arguments in ((False, {}), (True, {"X": X, "y": y})):
        pages = [page_of(model, training=training, arguments=dict(arguments)) for model in (estimator, loaded)]
        assert pages[0] == pages[1]


def test_pages_of_estimators_are_formatted_and_run_as_programs(tmp_path: Path) -> None:
    pytest.importorskip("ruff")
    table = every_kind()
    X = table.select(table.columns[:N_FEATURES])
    models = [
        TabularClassifier(**QUICK).fit(X.drop("class"), X["class"]),
        TabularClassifier(**QUICK).fit(X, table.select("label 1", "label 2").to_numpy()),
        TabularRegressor(**QUICK, missing=("?", "7")).fit(X, table["number"]),
        TabularRegressor(**QUICK).fit(X, table.select("number", "another").to_numpy()),
    ]
    targets = [X["class"], table.select("label 1", "label 2").to_numpy(), table["number"]]
    targets.append(table.select("number", "another").to_numpy())
    (tmp_path / "rows.csv").write_text(text_of(X), encoding="utf-8")
    for index, (model, y) in enumerate(zip(models, targets, strict=True)):
        features = X.drop("class") if index == 0 else X
        pellucid.eject(model, tmp_path / f"{index}.py")
        pellucid.eject(model, tmp_path / f"{index}_training.py", training=True, X=features, y=y)
        done = run_as_program(tmp_path / f"{index}.py", str(tmp_path / "rows.csv"))
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("\n") == 1 + len(X)
    words = ["format", "--isolated", "--diff", "--line-length", "120", str(tmp_path)]
    done = subprocess.run([sys.executable, "-m", "ruff", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_trainings_that_cannot_be_repeated_are_refused() -> None:
    table = read_table(PENGUINS)
    estimator, X, y = fitted(table, "species")
    refused = [
        ({"X": X[1:], "y": y[1:]}, "not those that the estimator learned from"),
        ({"X": X, "y": y.replace("Adelie", "Gentoo")}, "not those"),
        ({"X": X, "y": y, "rows": [0, 9999]}, "row numbers from 0"),
        ({"X": X, "y": y[1:]}, "each row needs its target"),
        ({"X": X}, "takes X and y"),
        ({"X": X, "y": y, "epochs": 3}, "got epochs"),
    ]
    for arguments, words in refused:
        with pytest.raises(ValueError, match=words):
            page_of(estimator, training=True, arguments=arguments)
    estimator.refitted_, estimator.best_epoch_ = False, len(estimator.history_)
    estimator.history_.stopped_by = "the time budget of 1 s"
    with pytest.raises(ValueError, match="time budget"):
        page_of(estimator, training=True, arguments={"X": X, "y": y})


def test_an_estimator_that_is_not_fitted_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not fitted"):
        pellucid.eject(TabularClassifier(), tmp_path / "out.py")
    assert not list(tmp_path.iterdir())
