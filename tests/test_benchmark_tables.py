"""Tests of the benchmark on tables: standings of rows made by hand, budgets, and runs that are not repeated."""

from __future__ import annotations

import csv
import importlib
import json
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks"
SCRIPTS = ("methods", "measured", "standings", "tables")

# A data folder of one table of a number and a category, with a score that needs no package but NumPy.
PROTOCOL = """
from pathlib import Path
import numpy as np
import pandas as pd
ROOT = Path(__file__).parent

def load(folder, name):
    x = np.arange(40.0)
    x[3] = np.nan
    X = pd.DataFrame({"x": x, "c": list("abcd") * 9 + [None, "a", "b", "new"]})
    return X, pd.Series(np.arange(40.0)), "regression"

def splits(X, y, task, seeds):
    for seed in seeds:
        yield seed, np.arange(32), np.arange(32, 40)

def score(task, y_true, y_pred, classes=None):
    return {"rmse": float(np.sqrt(np.mean((np.asarray(y_true) - y_pred) ** 2))), "r2": 0.0}
"""


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """The scripts, which find each other in their folder."""
    monkeypatch.syspath_prepend(str(FOLDER))
    yield SimpleNamespace(**{name: importlib.import_module(name) for name in SCRIPTS})
    for name in SCRIPTS:
        sys.modules.pop(name, None)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "public").mkdir()
    tables = [{"name": name, "rows": 10, "columns": n} for name, n in (("wide", 9), ("small", 1))]
    (tmp_path / "public" / "manifest.json").write_text(json.dumps({"datasets": tables}))
    (tmp_path / "protocol.py").write_text(PROTOCOL)
    return tmp_path


def row(task: str, value: float, fit_s: float = 1.0) -> dict[str, Any]:
    metric = {"binary": "auroc", "multiclass": "log_loss", "regression": "rmse"}[task]
    return {"task": task, "status": "ok", metric: value, "fit_s": fit_s, "load": 0.0, "version": "x 1"}


def line_of(text: str, method: str) -> list[str]:
    (found,) = [line for line in text.splitlines() if line.startswith(f"| {method} |")]
    return [cell.strip() for cell in found[2:-2].split(" | ")]


@pytest.mark.parametrize(
    ("task", "values"), [("binary", (0.9, 0.7, 0.5)), ("multiclass", (0.2, 0.4, 0.6)), ("regression", (10, 20, 30))]
)
def test_the_best_score_is_1_the_worst_0_whichever_way_the_metric_counts(
    scripts: Any, task: str, values: tuple[float, ...]
) -> None:
    cell = {name: row(task, value) for name, value in zip("abc", values, strict=True)}
    assert scripts.standings.normalized(cell) == pytest.approx({"a": 1.0, "b": 0.5, "c": 0.0}, abs=1e-15)
    assert scripts.standings.ranks(cell) == {"a": 1.0, "b": 2.0, "c": 3.0}


def test_equal_scores_share_their_ranks_and_none_is_worst(scripts: Any) -> None:
    cell = {name: row("binary", value) for name, value in zip("abcd", (0.8, 0.9, 0.8, 0.7), strict=True)}
    assert scripts.standings.ranks(cell) == {"b": 1.0, "a": 2.5, "c": 2.5, "d": 4.0}
    assert scripts.standings.normalized({"a": row("binary", 0.8), "b": row("binary", 0.8)}) == {"a": 1.0, "b": 1.0}


def test_a_table_of_many_seeds_counts_once(scripts: Any) -> None:
    assert scripts.standings.over_tables({("t", 0): 1.0, ("t", 1): 0.0, ("t", 2): 0.5, ("u", 0): 1.0}) == 0.75


def test_the_standing_has_seconds_over_catboosts_where_both_have_run(scripts: Any) -> None:
    cells = {
        ("t", 0): {"pellucid": row("binary", 0.9, 6.0), "catboost": row("binary", 0.8, 2.0)},
        ("u", 0): {"pellucid": row("binary", 0.8, 6.0), "catboost": row("binary", 0.9, 1.0)},
        ("v", 0): {"pellucid": row("binary", 0.9, 100.0)},
    }
    text = scripts.standings.standing(cells)
    assert line_of(text, "pellucid") == ["pellucid", "3", "0.667", "1.33", "112", "4.00", ""]
    assert line_of(text, "catboost") == ["catboost", "2", "0.500", "1.50", "3", "1.00", "1 of 2"]


def test_the_best_of_a_table_is_among_methods_that_have_all_its_seeds(scripts: Any) -> None:
    cells = {
        ("t", 0): {"a": row("binary", 0.9), "b": row("binary", 0.8), "one": row("binary", 0.99)},
        ("t", 1): {"a": row("binary", 0.5), "b": row("binary", 0.8)},
    }
    assert line_of(scripts.standings.by_table(cells, ["t"], None), "t") == ["t", "auroc", "0.7", "**0.8**", "0.99"]


def test_recorded_methods_stand_beside_where_this_run_has_none_on_seeds_that_all_have(scripts: Any) -> None:
    rows = {("t", seed, "pellucid"): row("binary", 0.9) for seed in (0, 1)}
    recorded = {("t", 0, "pellucid"): row("binary", 0.1), ("t", 0, "tabm_d"): row("binary", 0.8)}
    recorded["elsewhere", 0, "tabm_d"] = row("binary", 0.8)
    both = scripts.standings.with_recorded(rows, recorded, ["t"])
    assert list(both) == [("t", 0, "pellucid"), ("t", 0, "tabm_d*")]
    assert both["t", 0, "pellucid"]["auroc"] == 0.9


def test_a_budget_is_a_multiple_of_catboosts_seconds_on_the_same_rows(scripts: Any) -> None:
    ran, recorded = {("t", 0, "catboost"): row("binary", 0.9, 3.0)}, {("t", 0, "catboost"): row("binary", 0.9, 7.0)}
    budget_of = scripts.tables.budget_of
    assert budget_of(("t", 0, "pellucid-2x"), ran, recorded) == "6.000s"
    assert budget_of(("t", 0, "pellucid-2x"), {}, recorded) == "14.000s"
    assert budget_of(("t", 0, "pellucid-1x"), {("t", 0, "catboost"): row("binary", 0.9, 0.1)}, {}) == "1.000s"
    assert budget_of(("t", 0, "pellucid-10s"), {}, {}) == "10s"
    assert budget_of(("t", 0, "pellucid"), ran, recorded) is None
    with pytest.raises(scripts.tables.DataError, match="add --methods catboost"):
        budget_of(("t", 1, "pellucid-2x"), ran, recorded)


@pytest.fixture
def command(scripts: Any, data: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the script with runs that only note that they took place; those of seed 13 fail."""
    done: list[tuple[str, int]] = []

    def run_one(folder: Path, key: Any, budget: str | None) -> dict[str, Any]:
        table, seed, method = key
        done.append((table, seed))
        made = {"table": table, "seed": seed, "method": method}
        numbers = {"rmse": 0.5, "fit_s": 1.0, "predict_s": 0.1, "peak_rss_mb": 1.0, "load": 0.0}
        if seed == 13:
            return made | {"status": "failed: ValueError: seed 13 fails"}
        return made | {"task": "regression", "status": "ok", **numbers, "version": "pellucid 1"}

    monkeypatch.setattr(scripts.tables, "run_one", run_one)
    results = ["--data", str(data), "--results", str(data / "new" / "r.csv"), "--methods", "pellucid"]
    return SimpleNamespace(
        run=lambda *arguments: scripts.tables.main([*results, *arguments]), done=done, folder=data / "new"
    )


def test_a_finished_run_is_not_repeated(command: Any) -> None:
    assert command.run("--seeds", "0", "1") == 0
    assert command.done == [("small", 0), ("small", 1), ("wide", 0), ("wide", 1)]
    command.done.clear()
    assert command.run("--seeds", "0", "1", "2") == 0
    assert command.done == [("small", 2), ("wide", 2)]
    with (command.folder / "r.csv").open(newline="") as file:
        found = list(csv.DictReader(file))
    assert {(each["method"], each["rmse"], each["auroc"]) for each in found} == {("pellucid", "0.5", "")}
    assert len(found) == 6


def test_a_failed_run_is_shown_does_not_stop_the_others_and_is_tried_again(command: Any) -> None:
    assert command.run("--seeds", "13", "1", "--tables", "small") == 1
    assert command.done == [("small", 13), ("small", 1)]
    assert "- small, seed 13, pellucid: failed: ValueError" in (command.folder / "r.md").read_text()
    command.run("--seeds", "13", "1", "--tables", "small")
    assert command.done[2:] == [("small", 13)]


def test_the_summary_runs_nothing_and_names_the_command(command: Any, capsys: pytest.CaptureFixture[str]) -> None:
    command.run("--seeds", "0")
    command.done.clear()
    assert command.run("--seeds", "0", "--summary") == 0
    assert not command.done
    page = (command.folder / "r.md").read_text()
    assert "Command: `python benchmarks/tables.py --data" in page
    assert page in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["--data", "nowhere"], "holds no protocol.py"), (["--tables", "smal"], "did you mean 'small'?")],
)
def test_what_cannot_be_run_is_one_line_and_exit_code_2(
    command: Any, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.run("--seeds", "0", *arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_file_that_holds_no_results_is_left_alone(command: Any) -> None:
    command.folder.mkdir()
    (command.folder / "r.csv").write_text("a,b\n1,2\n")
    assert command.run("--seeds", "0") == 2
    assert (command.folder / "r.csv").read_text() == "a,b\n1,2\n"


def test_a_run_is_a_process_of_its_own_that_reports_scores_seconds_and_memory(scripts: Any, data: Path) -> None:
    pytest.importorskip("pandas")
    pytest.importorskip("sklearn")
    found = scripts.tables.run_one(data, ("t", 0, "sk_mlp"), None)
    assert (found["status"], found["task"]) == ("ok", "regression")
    assert np.isfinite(found["rmse"])
    assert found["fit_s"] > 0
    assert 0 <= found["peak_rss_mb"] < 1000  # less than what the packages hold would say that they were not subtracted
    assert set(found) <= set(scripts.tables.COLUMNS)


def test_a_run_that_raises_says_what(scripts: Any, data: Path) -> None:
    found = scripts.tables.run_one(data, ("t", 0, "unheard-of"), None)
    assert found["status"] == "failed: KeyError: 'unheard-of'"


@pytest.mark.parametrize("method", ["sk_mlp", "hgb", "lightgbm", "catboost"])
@pytest.mark.parametrize("task", ["binary", "regression"])
def test_peers_take_missing_values_and_unknown_categories(scripts: Any, method: str, task: str) -> None:
    pandas = pytest.importorskip("pandas")
    chosen = scripts.methods.METHODS[method]
    pytest.importorskip(chosen.package)
    frame = pandas.DataFrame({"n": [0.0, 1.0, np.nan, 3.0] * 10, "c": ["a", "b", None, "a"] * 10})
    y = pandas.Series([0.0, 1.0, 0.0, 1.0] * 10) if task == "regression" else pandas.Series(["p", "q"] * 20)
    model = chosen.build(task, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of epochs that are not enough, and of the unknown category
        model.fit(frame, y)
        new = pandas.DataFrame({"n": [np.nan], "c": ["new"]})
        assert np.shape(model.predict(new)) == (1,)


def test_a_column_of_more_levels_than_a_method_takes_becomes_codes(scripts: Any) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"few": ["a", "b", None], "many": ["x", "new", "z"]})
    made = scripts.methods.categorical(frame, {"few": ["a", "b"], "many": ["x", "y", "z"]}, most=2)
    assert made["few"].cat.codes.tolist() == [0, 1, -1]
    np.testing.assert_array_equal(made["many"], [0.0, np.nan, 2.0])
