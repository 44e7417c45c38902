"""Tests of what the command line says of populations and their ensembles: trained, interrupted, saved and shown."""

from __future__ import annotations

import json
import re
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid import LogLoss, load
from pellucid.cli.ensemble import half_widths, parts_of, strongest
from pellucid.cli.interruption import Interruption
from pellucid.population.population import PopulationRun
from pellucid.tabular import read_table
from tests.cli.conftest import Command

SMALL = ("--members", 3, "--epochs", 15, "--hidden-layer-sizes", 8)


@pytest.fixture
def visits(tmp_path: Path) -> Path:
    """A table of 80 visits of 20 patients, four each, on 80 days, in the order of neither."""
    rows = ["patient,day,dose,cost"]
    for index in range(80):
        visit = index * 27 % 80
        rows.append(f"p{visit % 20},2024-0{1 + visit // 28}-{1 + visit % 28:02},{visit % 9},{2 * (visit % 9) + 0.5}")
    path = tmp_path / "visits.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_the_table_shows_the_weights_of_the_model_that_was_saved(pellucid: Command, fruit: Path) -> None:
    out = pellucid("train", "fruit.csv", "--target", "price", *SMALL).out
    model = load("fruit.pellucid")
    parts = parts_of(model)
    assert sum(part.weight for part in parts) == pytest.approx(1)
    assert sum(part.n_networks for part in parts) == len(model.ensemble_.networks)
    shown = re.findall(r"^ +(\d+)% +(\d+)   8 (\w+) .* (\d+) +[\d.]+ *$", out, re.MULTILINE)
    ordered = sorted(parts, key=lambda part: -part.weight)
    assert shown == [
        (f"{100 * part.weight:.0f}", str(part.member), part.configuration.activation, str(part.epoch))
        for part in ordered
    ]
    first = strongest(model)
    assert first is not None
    assert first.weight == ordered[0].weight
    assert "RMSE alone" in out  # in the target's unit: as the interval, whose half-width is printed beside it
    (half,) = half_widths(model) or [np.nan]
    assert f"90% interval: prediction ± {half:.4g}" in out


def test_the_document_holds_plan_members_and_parts(pellucid: Command, fruit: Path) -> None:
    document = json.loads(pellucid("train", "fruit.csv", "--target", "kind", "--json", *SMALL).out)
    assert document["plan"]["n_members"] == len(document["members"]) == 3
    parts = document["ensemble"]["parts"]
    assert sum(part["weight"] for part in parts) == pytest.approx(1)
    assert document["ensemble"]["networks"] == sum(part["networks"] for part in parts)
    used = {part["member"] for part in parts}
    assert used == {member["member"] for member in document["members"] if member["used"]}


def test_groups_stay_together_and_are_not_learned_from(pellucid: Command, visits: Path) -> None:
    ended = pellucid("train", "visits.csv", "--target", "cost", "--groups", "patient", "--drop", "day", *SMALL)
    assert ended.code == 0, ended.err
    assert "(whole groups, by --groups 'patient')" in ended.out
    assert "category (groups)" in ended.out
    (held,) = re.findall(r"rows: (\d+) to learn from, (\d+) held out", ended.out)
    assert all(int(count) % 4 == 0 for count in held)  # each patient came four times
    assert [column.name for column in load("visits.pellucid").encoder_.columns] == ["dose"]


def test_the_last_rows_by_an_order_judge(pellucid: Command, visits: Path) -> None:
    words = ("--target", "cost", "--order", "day", "--drop", "patient", *SMALL)
    document = json.loads(pellucid("train", "visits.csv", *words, "--json").out)
    assert document["rows"] == {"training": 64, "validation": 0, "test": 16}
    assert document["plan"]["n_folds"] == 1
    table = read_table(visits).sort("day")
    table[64:].write_csv("last.csv")
    scored = json.loads(pellucid("evaluate", "visits.pellucid", "last.csv", "--json").out)
    assert scored["metrics"] == document["metrics"]["ensemble"]
    assert [column.name for column in load("visits.pellucid").encoder_.columns] == ["dose"]
    said = pellucid("train", "visits.csv", *words, "--force").out
    assert "16 held out to judge the result by (the last, by --order 'day')" in said


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (["--groups", "patient", "--order", "day"], 2, ["--groups and --order", "give one"]),
        (["--groups", "cost"], 2, ["--target and --groups", "'cost' is given twice"]),
        (["--order", "day", "--drop", "day"], 2, ["--drop and --order", "'day' is given twice"]),
        (["--groups", "pateint"], 1, ["--groups", "did you mean 'patient'?"]),
        (["--order", "patient"], 1, ["--order 'patient'", "category", "numbers or dates"]),
        (["--groups", "gap"], 1, ["visits.csv, line 3", "column 'gap'", "missing"]),
        (["--groups", "two"], 1, ["--groups 'two'", "2 different values", "at least 3"]),
    ],
)
def test_bad_groups_and_orders(
    pellucid: Command, visits: Path, words: list[str], code: int, expected: list[str]
) -> None:
    head, *rows = visits.read_text(encoding="utf-8").splitlines()
    wider = [f"{row},{'' if index == 1 else 'g'},{index % 2}" for index, row in enumerate(rows)]
    visits.write_text("\n".join([f"{head},gap,two", *wider]) + "\n", encoding="utf-8")
    pellucid("train", "visits.csv", "--target", "cost", *words, *SMALL).says(code, *expected)
    assert not Path("visits.pellucid").exists()


def interrupt_after(rung: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Ctrl-C come in the first step of training after so many rungs."""
    after_step = Interruption.after_step

    def step(self: Interruption, run: Any) -> None:
        if isinstance(run, PopulationRun) and len(run.population.history) == rung and not self.happened:
            signal.raise_signal(signal.SIGINT)
        after_step(self, run)

    monkeypatch.setattr(Interruption, "after_step", step)


@pytest.mark.parametrize(("rung", "kept"), [(0, 4), (1, 4), (2, 12)])
def test_ctrl_c_keeps_the_ensemble_of_the_last_rung_or_waits_for_the_first(
    pellucid: Command, fruit: Path, monkeypatch: pytest.MonkeyPatch, rung: int, kept: int
) -> None:
    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr("pellucid.population.population.LEAST_GAIN", -np.inf)  # only the interruption ends it
    interrupt_after(rung, monkeypatch)
    ended = pellucid("train", "fruit.csv", "--target", "price", "--json", "--members", 2, "--epochs", 60)
    assert ended.code == 130
    document = json.loads(ended.out)
    assert document["interrupted"] is True
    assert document["stopped_by"] == "Ctrl-C"
    assert document["plan"]["rungs"] == [4, 12][: max(rung, 1)]
    assert document["best_epoch"] == kept
    assert set(document["metrics"]) == {"ensemble"}  # no waiting for baselines
    said = f"the ensemble of epoch {kept} is kept" if rung else "after the first rung; Ctrl-C again ends at once"
    assert f"pellucid: stopping{'; ' if rung else ''}" in ended.err
    assert said in ended.err
    assert f"interrupted: the ensemble of epoch {kept} is kept" in ended.err
    assert pellucid("predict", "fruit.pellucid", "fruit.csv").code == 0
    assert signal.getsignal(signal.SIGINT) is before


def test_an_interrupted_ensemble_is_the_one_that_fewer_rungs_give(
    pellucid: Command, fruit: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("--target", "price", "--json", "--members", 2, "--epochs", 60)
    monkeypatch.setattr("pellucid.population.population.LEAST_GAIN", -np.inf)
    whole = json.loads(pellucid("train", "fruit.csv", *words).out)
    interrupt_after(2, monkeypatch)
    cut = json.loads(pellucid("train", "fruit.csv", *words, "--force").out)
    assert [member["values"] for member in cut["members"]] == [member["values"][:2] for member in whole["members"]]


@pytest.mark.parametrize("free", [10, 100_000])
def test_room_for_the_largest_ensemble_is_looked_for_before_training(
    pellucid: Command, fruit: Path, monkeypatch: pytest.MonkeyPatch, free: int
) -> None:
    """One network would have room in 100 kB, and an ensemble of many would not."""
    usage = shutil.disk_usage(fruit.parent)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=free))
    ended = pellucid("train", "fruit.csv", "--target", "kind", "--members", 3, "--epochs", 15)
    ended.says(1, "'fruit.pellucid'", "free")
    assert "trained" not in ended.out
    assert [path.name for path in fruit.parent.iterdir()] == ["fruit.csv"]


def test_near_certainty_is_not_certainty() -> None:
    """A member that gives the right class 1e-12 is judged by that; in float32 the other side would be 1."""
    yes = np.array([[1 - 1e-12]])
    assert LogLoss().value(yes, np.zeros((1, 1))) == pytest.approx(-np.log(1e-12), rel=1e-4)
    assert LogLoss().value(yes.astype(np.float32), np.zeros((1, 1))) == np.inf


def test_info_shows_the_ensemble_as_training_did(pellucid: Command, fruit: Path) -> None:
    out = pellucid("train", "fruit.csv", "--target", "price", *SMALL).out
    info = pellucid("info", "fruit.pellucid").out
    start = out.index("weight   member")
    table = out[start : out.index("saved fruit.pellucid")]
    assert table in info
    assert "90% interval: prediction ± " in table
    first = strongest(load("fruit.pellucid"))
    assert first is not None
    assert f"The strongest network of the ensemble's {len(load('fruit.pellucid').ensemble_.networks)} networks" in info
    assert f"(member {first.member} at epoch {first.epoch}):" in info
    document = json.loads(pellucid("info", "fruit.pellucid", "--json").out)
    assert document["ensemble"]["half_width_of_90_percent_interval"] == half_widths(load("fruit.pellucid"))
    assert "rungs" in document["receipt"]["plan"]


def test_info_and_evaluate_of_a_single_network(pellucid: Command, single: Path) -> None:
    info = pellucid("info", single.name).out
    assert "\nThe network:\n" in info
    assert "ensemble" not in info
    assert "network" in pellucid("evaluate", single.name, "fruit.csv").out
    pellucid("predict", single.name, "fruit.csv", "--interval", 0.9).says(2, "--interval", "single network")


def test_evaluate_names_the_ensemble(pellucid: Command, model: Path) -> None:
    assert re.search(r"^ +ensemble *$", pellucid("evaluate", model.name, "fruit.csv").out, re.MULTILINE)


@pytest.mark.parametrize("targets", [["price"], ["price", "size"]])
def test_intervals_of_numbers_are_those_of_the_library(pellucid: Command, fruit: Path, targets: list[str]) -> None:
    words = [word for name in targets for word in ("--target", name)]
    assert pellucid("train", "fruit.csv", *words, *SMALL).code == 0
    found = json.loads(pellucid("predict", "fruit.pellucid", "fruit.csv", "--interval", 0.8, "--json").out)
    ends = load("fruit.pellucid").predict_interval(read_table(fruit).to_dict(), 0.8).reshape(60, -1, 2)
    for index, name in enumerate(targets):
        of = f" of {name}" if len(targets) > 1 else ""
        assert found["low" + of] == ends[:, index, 0].tolist()
        assert found["high" + of] == ends[:, index, 1].tolist()
        low, high = np.array(found["low" + of]), np.array(found["high" + of])
        assert (low < high).all()


def test_sets_of_classes_are_those_of_the_library(pellucid: Command, model: Path) -> None:
    printed = pellucid("predict", model.name, "fruit.csv", "--interval", 0.9, "--output", "out.csv")
    assert printed.code == 0, printed.err
    table = read_table(model.parent / "out.csv")
    assert table.columns == ["prediction", "may be melon", "may be plum"]
    sets = load(model).predict_sets(read_table(model.with_suffix(".csv")).to_dict(), 0.9)
    assert np.array_equal(table.select("may be melon", "may be plum").to_numpy(), sets)


@pytest.mark.parametrize("coverage", ["0", "1", "1.5", "nan"])
def test_a_coverage_that_is_none_is_wrong_usage(pellucid: Command, model: Path, coverage: str) -> None:
    pellucid("predict", model.name, "fruit.csv", "--interval", coverage).says(2, "--interval", "above 0 and below 1")


def test_a_coverage_that_takes_more_rows_is_refused(pellucid: Command, model: Path) -> None:
    ended = pellucid("predict", model.name, "fruit.csv", "--interval", 0.999)
    ended.says(1, "rows")
    assert ended.out == ""
