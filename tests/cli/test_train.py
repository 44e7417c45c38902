"""Tests of ``pellucid train``: what it says, saves and refuses to do."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as library
from pellucid.cli import training
from pellucid.cli.interruption import Interruption
from pellucid.tabular import read_table

QUICK = ("--epochs", 2, "--hidden-layer-sizes", 8, "--members", 2)
SINGLE = ("--epochs", 2, "--hidden-layer-sizes", 8, "--members", 1)


def test_it_says_what_it_understood_chose_and_reached(pellucid: Any, fruit: Path) -> None:
    ended = pellucid("train", "fruit.csv", "--target", "kind", *QUICK)
    assert ended.code == 0
    assert ended.err == ""  # no progress bar where there is no terminal
    for words in (
        "fruit.csv: 60 rows, 4 columns",
        "category (target)",
        "task: classification, because the target is text with 2 distinct values",
        "rows: 48 to learn from, 12 held out",
        "chosen: 2 members, on 4 folds each: 8 networks",
        "trained in ",
        "log-loss alone",
        "of each: one for each fold",
        "log-loss on rows that its networks have not seen: ",
        "linear model",
        "majority class",
        "log-loss",
        "pellucid predict fruit.pellucid fruit.csv",
        "pellucid evaluate fruit.pellucid NEW.csv",
        "pellucid info fruit.pellucid",
    ):
        assert words in ended.out
    assert (fruit.parent / "fruit.pellucid").exists()


def test_of_a_single_network_it_says_how_it_was_trained(pellucid: Any, fruit: Path) -> None:
    out = pellucid("train", "fruit.csv", "--target", "kind", *SINGLE).out
    assert "of these rows, 41 are for training and 7 find the best epoch" in out
    assert "network: 8 hidden neurons, " in out
    assert "trained again, on all 48 rows to epoch " in out
    assert "ensemble" not in out


def test_json_is_one_document_and_messages_go_to_standard_error(pellucid: Any, fruit: Path) -> None:
    ended = pellucid("train", "fruit.csv", "--target", "price", "--json", *QUICK)
    document = json.loads(ended.out)
    assert "60 rows" in ended.err
    assert document["task"] == "regression"
    assert document["rows"] == {"training": 48, "validation": 0, "test": 12}
    assert set(document["metrics"]) == {"ensemble", "linear model", "mean"}
    assert set(document["metrics"]["ensemble"]) == {"RMSE", "MAE", "R2"}
    assert [column["name"] for column in document["columns"]] == ["size", "color", "kind", "price"]
    assert document["sha256"] == library.load("fruit.pellucid").receipt_["sha256"]


def test_the_test_rows_take_no_part_in_training(pellucid: Any, fruit: Path) -> None:
    """A model trained by hand on exactly the rows that are said to stay is the same to the last bit."""
    from pellucid.random import Random
    from pellucid.tabular.splitting import split_rows

    pellucid("train", "fruit.csv", "--target", "price", "--seed", 3, *QUICK)
    table = read_table(fruit)
    stay, aside = split_rows(table.height, 0.2, Random(3))
    assert len(aside) == 12
    rows = table[stay]
    kinds = {"size": "number", "color": "category", "kind": "category"}
    own = library.TabularRegressor(members=2, epochs=2, hidden_layer_sizes=(8,), random_state=3, kinds=kinds)
    own.fit(rows.drop("price"), rows["price"])
    assert np.array_equal(own.predict(table), library.load("fruit.pellucid").predict(table))


def test_the_scores_are_those_of_the_rows_held_out(pellucid: Any, fruit: Path) -> None:
    from pellucid.random import Random
    from pellucid.tabular import ClassTarget
    from pellucid.tabular.splitting import split_rows

    document = json.loads(pellucid("train", "fruit.csv", "--target", "kind", "--json", *QUICK).out)
    table = read_table(fruit)
    _, aside = split_rows(table.height, 0.2, Random(0), ClassTarget().fit(table["kind"]).encode(table["kind"]))
    table[aside].write_csv("held_out.csv")
    assert (
        json.loads(pellucid("evaluate", "fruit.pellucid", "held_out.csv", "--json").out)["metrics"]
        == (document["metrics"]["ensemble"])
    )


def test_a_test_file_is_what_it_is_judged_by(pellucid: Any, fruit: Path) -> None:
    table = read_table(fruit)
    table[:10].select("kind", "color", "size", "price").write_csv("last.csv")
    document = json.loads(
        pellucid("train", "fruit.csv", "--target", "kind", "--test", "last.csv", "--json", *QUICK).out
    )
    assert document["rows"]["test"] == 10
    assert document["rows"]["training"] + document["rows"]["validation"] == 60
    scored = json.loads(pellucid("evaluate", "fruit.pellucid", "last.csv", "--json").out)
    assert scored["metrics"] == document["metrics"]["ensemble"]


def test_without_test_rows_there_is_no_evaluation(pellucid: Any, fruit: Path) -> None:
    ended = pellucid("train", "fruit.csv", "--target", "kind", "--test-share", 0, "--json", *QUICK)
    assert json.loads(ended.out)["metrics"] is None
    assert "no evaluation" in ended.err


def test_task_kind_drop_and_missing_are_followed(pellucid: Any, tmp_path: Path) -> None:
    rows = [f"{index % 3},{index % 5},0{index % 4},{index}" for index in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(["y,a,zip,id", *rows, "1,?,00,40"]) + "\n", encoding="utf-8")
    words = ("--missing", "?", "--kind", "zip=category", "--drop", "id", "--task", "regression")
    document = json.loads(pellucid("train", "t.csv", "--target", "y", "--json", *words, *QUICK).out)
    assert document["task"] == "regression"
    kinds = {
        column["name"]: (column["kind"], column["n_missing"], column["examples"][0]) for column in document["columns"]
    }
    assert kinds == {"y": ("number", 0, "0"), "a": ("number", 1, "0"), "zip": ("category", 0, "00")}
    (tmp_path / "new.csv").write_text(
        "a,zip\n?,01\n2,03\n", encoding="utf-8"
    )  # the model remembers what stands for missing
    assert pellucid("predict", "t.pellucid", "new.csv").code == 0
    document = json.loads(pellucid("info", "t.pellucid", "--json").out)
    assert [column["name"] for column in document["columns"]] == ["a", "zip"]


@pytest.mark.parametrize(("task", "metric"), [("classification", "AUROC of r, s"), ("regression", "RMSE of r, s")])
def test_several_targets(pellucid: Any, tmp_path: Path, task: str, metric: str) -> None:
    truth = "1" if task == "classification" else "1.5"
    rows = [f"{index % 5},{truth if index % 2 else 0},{truth if index % 3 else 0}" for index in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(['a,q,"r, s"', *rows]) + "\n", encoding="utf-8")
    document = json.loads(pellucid("train", "t.csv", "-t", "q", "-t", "r, s", "--json", *QUICK).out)
    assert document["task"] == task
    assert metric in document["metrics"]["ensemble"]
    assert all(set(scores) == set(document["metrics"]["ensemble"]) for scores in document["metrics"].values())
    predicted = json.loads(pellucid("predict", "t.pellucid", "t.csv", "--json").out)
    assert len(predicted["prediction of r, s"]) == 60
    assert json.loads(pellucid("evaluate", "t.pellucid", "t.csv", "--json").out)["targets"] == ["q", "r, s"]
    assert "r, s" in pellucid("info", "t.pellucid").out


def test_wide_tables_are_summed_up(pellucid: Any, tmp_path: Path) -> None:
    names = [f"column{index}" for index in range(40)]
    rows = [",".join(str((row * index) % 7) for index in range(40)) for row in range(40)]
    (tmp_path / "t.csv").write_text("\n".join([",".join(names), *rows]) + "\n", encoding="utf-8")
    out = pellucid("train", "t.csv", "--target", "column39", *QUICK).out
    assert "by kind: 40 number" in out
    assert "column9 " in out
    assert "column10 " not in out
    assert "column39" in out


@pytest.mark.parametrize("suffix", [".tsv", ".jsonl", ".parquet", ".csv.gz"])
def test_every_kind_of_file_gives_the_same_model(pellucid: Any, fruit: Path, suffix: str) -> None:
    import gzip

    table = read_table(fruit)
    path = fruit.with_name("again" + suffix)
    if suffix == ".csv.gz":
        path.write_bytes(gzip.compress(fruit.read_bytes()))
    elif suffix == ".tsv":
        table.write_csv(path, separator="\t")
    elif suffix == ".jsonl":
        table.write_ndjson(path)
    else:
        table.write_parquet(path)
    first = json.loads(pellucid("train", "fruit.csv", "--target", "price", "--json", *QUICK).out)
    second = json.loads(pellucid("train", path.name, "--target", "price", "--json", *QUICK).out)
    assert second["model"] == "again.pellucid"
    assert first["metrics"] == second["metrics"]


def interrupt(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Let Ctrl-C come as training begins."""
    begin = Interruption.begin

    def begin_and_interrupt(self: Interruption, run: Any) -> None:
        begin(self, run)
        if not self.happened:
            for _ in range(times):
                signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Interruption, "begin", begin_and_interrupt)


def test_ctrl_c_keeps_and_saves_the_best_epoch_so_far(
    pellucid: Any, fruit: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signal.getsignal(signal.SIGINT)
    interrupt(monkeypatch, times=1)
    words = ("--members", 1, "--epochs", 500)
    ended = pellucid("train", "fruit.csv", "--target", "kind", "--json", *words)
    assert ended.code == 130
    document = json.loads(ended.out)
    assert document["interrupted"] is True
    assert document["epochs"] == document["best_epoch"] == 1
    assert set(document["metrics"]) == {"network"}
    assert "the best epoch so far, 1, is kept" in ended.err
    assert pellucid("predict", "fruit.pellucid", "fruit.csv").code == 0
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_ctrl_c_ends_without_saving(pellucid: Any, fruit: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGINT)
    interrupt(monkeypatch, times=2)
    ended = pellucid("train", "fruit.csv", "--target", "kind", "--members", 2, "--epochs", 500)
    assert ended.code == 130
    assert ended.err.endswith("interrupted; nothing was saved\n")
    assert not (fruit.parent / "fruit.pellucid").exists()
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("moment", ["judging", "saving the scores"])
def test_ctrl_c_after_training_leaves_the_saved_model(
    moment: str, pellucid: Any, fruit: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = training.save

    def interrupted(*given: Any, told: dict[str, Any], **words: Any) -> str:
        if "test" in told:
            raise KeyboardInterrupt
        return save(*given, told=told, **words)

    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    if moment == "judging":
        monkeypatch.setattr(training, "judge", interrupt)
    else:
        monkeypatch.setattr(training, "save", interrupted)
    ended = pellucid("train", "fruit.csv", "--target", "kind", *QUICK)
    assert ended.code == 130
    assert ended.err.endswith("interrupted; fruit.pellucid is saved, and not evaluated\n")
    assert pellucid("predict", "fruit.pellucid", "fruit.csv").code == 0


def test_a_time_budget_ends_training(pellucid: Any, fruit: Path) -> None:
    words = ("--time-budget", "0.2s", "--epochs", 100_000, "--hidden-layer-sizes", "8,8", "--members", 1)
    document = json.loads(pellucid("train", "fruit.csv", "--target", "price", "--json", *words).out)
    assert "time budget" in document["stopped_by"]
    assert document["epochs"] < 100_000


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM that a process could answer")
@pytest.mark.parametrize("moment", ["training", "writing"])
def test_sigterm_unwinds_and_leaves_nothing(
    moment: str, pellucid: Any, fruit: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(*_: Any, **__: Any) -> None:
        found.append({path.name for path in fruit.parent.iterdir()} - before)
        signal.raise_signal(signal.SIGTERM)

    before, found = {path.name for path in fruit.parent.iterdir()}, list[set[str]]()
    if moment == "training":
        monkeypatch.setattr(Interruption, "after_step", end)
    else:
        monkeypatch.setattr("pellucid.model.output.os.replace", end)
    ended = pellucid("train", "fruit.csv", "--target", "kind", *QUICK)
    assert (ended.code, ended.err.splitlines()[-1]) == (143, "pellucid: terminated; nothing was saved")
    assert len(found[0]) == (0 if moment == "training" else 2)  # the name that was taken, and the file beside it
    assert {path.name for path in fruit.parent.iterdir()} == before
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_parent_that_ignores_sigterm_is_obeyed(pellucid: Any, fruit: Path) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        assert pellucid("train", "fruit.csv", "--target", "kind", *QUICK).code == 0
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
