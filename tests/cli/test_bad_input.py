"""Tests of bad input: one line on standard error says what is wrong and what to do, and nothing is lost."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

QUICK = ("--epochs", 1, "--hidden-layer-sizes", 4)
NUMBERS = [f"{index % 9},{index % 4},{index + 0.5}" for index in range(20)]


def table(*rows: str, head: str = "a,b,y") -> bytes:
    return ("\n".join([head, *rows]) + "\n").encode()


TABLES = {
    "no such column": (table(*NUMBERS, head="a,b,yield"), ["t.csv", "'y'", "'yield'"]),
    "near miss of a column": (table(*NUMBERS, head="a,b,Y"), ["'y'", "did you mean 'Y'?"]),
    "empty": (b"", ["t.csv", "empty"]),
    "names only": (table(), ["t.csv", "no rows"]),
    "one class": (table(*["1,2,red"] * 9), ["t.csv", "'y'", "'red'", "two classes"]),
    "constant target": (table(*["1,2,2.5"] * 9), ["t.csv", "'y'", "2.5 in every row"]),
    "ragged": (table(*NUMBERS, "1,2"), ["t.csv, line 22", "2 fields", "3 columns"]),
    "text among numbers": (
        table(*NUMBERS[:5], "1,n/a,3", *NUMBERS),
        ["t.csv, line 7", "'b'", "'n/a'", "--missing n/a", "--kind b=category"],
    ),
    "text among a target's numbers": (table(*NUMBERS, "1,2,low"), ["t.csv, line 22", "'y'", "--missing low"]),
    "missing target": (table(*NUMBERS, "1,2,"), ["t.csv, line 22", "'y'", "missing"]),
    "NaN target": (table(*NUMBERS, "1,2,nan"), ["t.csv, line 22", "'y'", "not finite"]),
    "infinite target": (table(*NUMBERS, "1,2,inf"), ["t.csv, line 22", "'y'", "not finite"]),
    "column twice": (table(*NUMBERS, head="a,a,y"), ["t.csv, line 1", "2 columns are called 'a'"]),
    "not UTF-8": (table(*NUMBERS, "1,2,3") + b"1,\xe9,2\n", ["t.csv, line 23", "0xe9", "UTF-8"]),
    "nothing to learn from": (table("1", "2", head="y"), ["t.csv", "no column to learn from"]),
    "a quoted line end before the fault": (
        table('1,"x\ny",1', *["1,z,2"] * 9, "1,z,"),
        ["t.csv, line 13", "'y'", "missing"],
    ),
}


@pytest.mark.parametrize("case", TABLES)
def test_bad_tables_to_train_on(pellucid: Any, tmp_path: Path, case: str) -> None:
    content, words = TABLES[case]
    (tmp_path / "t.csv").write_bytes(content)
    ended = pellucid("train", "t.csv", "--target", "y", *QUICK)
    ended.says(1, *words)
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]
    assert (tmp_path / "t.csv").read_bytes() == content


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (["nofruit.csv", "--target", "kind"], 1, ["nofruit.csv", "no such file", "did you mean 'fruit.csv'?"]),
        (["folder.csv", "--target", "kind"], 1, ["folder.csv", "folder"]),
        (["fruit.xlsx", "--target", "kind"], 1, ["'.xlsx'", "'.csv'"]),
        (["fruit.csv", "--target", "kinds"], 1, ["'kinds'", "--target", "did you mean 'kind'?"]),
        (["fruit.csv", "--target", "kind", "--target", "kind"], 2, ["--target", "'kind' is given twice"]),
        (["fruit.csv", "--target", "kind", "--drop", "kind"], 2, ["--drop", "'kind' is given twice"]),
        (["fruit.csv", "--target", "kind", "--drop", "colour"], 1, ["--drop", "did you mean 'color'?"]),
        (["fruit.csv", "--target", "kind", "--kind", "colour=category"], 1, ["--kind", "did you mean 'color'?"]),
        (["fruit.csv", "--target", "kind", "--kind", "size=categry"], 2, ["--kind", "did you mean 'category'?"]),
        (["fruit.csv", "--target", "kind", "--kind", "size"], 2, ["--kind", "COLUMN=KIND"]),
        (["fruit.csv", "--target", "kind", "--kind", "color=number"], 1, ["fruit.csv, line 2", "'color'", "'green'"]),
        (["fruit.csv", "--target", "kind", "--time-budget", "soon"], 2, ["--time-budget", "'soon'", "'90s'"]),
        (["fruit.csv", "--target", "kind", "--time-budget", "-3s"], 2, ["--time-budget", "above 0"]),
        (["fruit.csv", "--target", "kind", "--epochs", "many"], 2, ["--epochs", "'many'", "whole number"]),
        (["fruit.csv", "--target", "kind", "--dropout", "1"], 2, ["--dropout", "below 1"]),
        (["fruit.csv", "--target", "kind", "--hidden-layer-sizes", "8,x"], 2, ["--hidden-layer-sizes", "'8,x'"]),
        (["fruit.csv", "--target", "kind", "--activation", "relo"], 2, ["--activation", "did you mean 'relu'?"]),
        (["fruit.csv", "--target", "kind", "--task", "clasification"], 2, ["--task", "did you mean 'classification'?"]),
        (["fruit.csv", "--target", "kind", "--task", "regression"], 1, ["line 2", "'melon'", "--task classification"]),
        (["fruit.csv", "--target", "kind", "--test-share", "1"], 2, ["--test-share", "below 1"]),
        (["fruit.csv", "--target", "kind", "--test", "fruit.csv"], 2, ["--test", "DATA"]),
        (["fruit.csv", "--target", "kind", "--test", "a.csv", "--test-share", "0.3"], 2, ["--test", "give one"]),
        (["fruit.csv", "--target", "kind", "--test", "features.csv"], 1, ["features.csv", "'kind'", "target"]),
        (["fruit.csv", "--target", "kind", "--test", "alien.csv"], 1, ["alien.csv, line 3", "'fig'", "'melon'"]),
        (["fruit.csv", "--target", "kind", "--test", "words.csv"], 1, ["words.csv, line 3", "'size'", "'big'"]),
        (["fruit.csv", "--target", "kind", "--target", "price"], 1, ["several targets", "'kind'"]),
        (["fruit.csv", "--target", "kind", "--epoch", "3"], 2, ["--epoch", "did you mean '--epochs'?"]),
        (["fruit.csv"], 2, ["--target"]),
        (["fruit.csv", "--target", "kind", "-o", "there/m.pellucid"], 1, ["there/m.pellucid", "no folder 'there'"]),
        (["fruit.csv", "--target", "kind", "-o", "folder.csv"], 1, ["folder.csv", "folder"]),
        (["fruit.csv", "--target", "kind", "-o", "fruit.csv", "--force"], 1, ["fruit.csv", "read by this command"]),
    ],
)
def test_bad_words_to_train_with(pellucid: Any, fruit: Path, words: list[str], code: int, expected: list[str]) -> None:
    folder = fruit.parent
    (folder / "folder.csv").mkdir()
    (folder / "features.csv").write_bytes(table("1,red,2", head="size,color,price"))
    (folder / "alien.csv").write_bytes(table("1,red,plum,2", "1,red,fig,2", head="size,color,kind,price"))
    (folder / "words.csv").write_bytes(table("1,red,plum,2", "big,red,plum,2", head="size,color,kind,price"))
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    pellucid("train", *words).says(code, *expected)
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


def test_an_output_that_exists_is_found_before_training_and_kept(pellucid: Any, fruit: Path) -> None:
    (fruit.parent / "fruit.pellucid").write_text("precious", encoding="utf-8")
    ended = pellucid("train", "fruit.csv", "--target", "kind", *QUICK)
    ended.says(1, "'fruit.pellucid'", "exists", "--force")
    assert ended.out == ""
    assert (fruit.parent / "fruit.pellucid").read_text(encoding="utf-8") == "precious"
    assert pellucid("train", "fruit.csv", "--target", "kind", "--force", *QUICK).code == 0


def test_a_full_disk_is_found_before_training(pellucid: Any, fruit: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(fruit.parent)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=10))
    ended = pellucid("train", "fruit.csv", "--target", "kind", *QUICK)
    ended.says(1, "'fruit.pellucid'", "10 free")
    assert "trained" not in ended.out
    assert [path.name for path in fruit.parent.iterdir()] == ["fruit.csv"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"color\nred\n", ["new.csv", "'size'", "which the model needs"]),
        (b"size\n3\n", ["new.csv", "'color'", "which the model needs"]),
        (b"sise,color\n3,red\n", ["'size'", "did you mean 'sise'?"]),
        (b"size,color\n", ["new.csv", "no rows"]),
        (b"", ["new.csv", "empty"]),
        (b"size,color\n3,red\nbig,red\n", ["new.csv, line 3", "'size'", "'big'"]),
        (b"size,size,color\n3,3,red\n", ["new.csv, line 1", "'size'"]),
    ],
)
def test_bad_tables_to_predict(pellucid: Any, model: Path, content: bytes, expected: list[str]) -> None:
    (model.parent / "new.csv").write_bytes(content)
    ended = pellucid("predict", model.name, "new.csv", "-o", "out.csv")
    ended.says(1, *expected)
    assert not (model.parent / "out.csv").exists()


@pytest.mark.parametrize("command", ["predict", "evaluate", "info"])
@pytest.mark.parametrize("damage", ["cut", "flipped", "foreign", "absent", "folder"])
def test_damaged_models(pellucid: Any, model: Path, command: str, damage: str) -> None:
    content = bytearray(model.read_bytes())
    model.unlink()
    if damage == "folder":
        model.mkdir()
    elif damage != "absent":
        content[-100] ^= 1
        kept = {"cut": content[:-1000], "flipped": content, "foreign": b"size,color\n"}[damage]
        model.write_bytes(kept)
    words = [] if command == "info" else ["fruit.csv"]
    pellucid(command, model.name, *words).says(1, "fruit.pellucid")


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (["-o", "out.xlsx"], 2, ["'out.xlsx'", "'.csv'"]),
        (["-o", "out.csw"], 2, ["did you mean '.csv'?"]),
        (["-o", "kept.csv"], 1, ["'kept.csv'", "exists", "--force"]),
        (["-o", "fruit.csv", "--force"], 1, ["'fruit.csv'", "read by this command"]),
        (["-o", "there/out.csv"], 1, ["no folder 'there'"]),
        (["--probas"], 2, ["did you mean '--proba'?"]),
    ],
)
def test_bad_outputs_of_predictions(
    pellucid: Any, model: Path, words: list[str], code: int, expected: list[str]
) -> None:
    (model.parent / "kept.csv").write_text("precious", encoding="utf-8")
    before = {path.name: path.read_bytes() for path in model.parent.iterdir()}
    pellucid("predict", model.name, "fruit.csv", *words).says(code, *expected)
    assert {path.name: path.read_bytes() for path in model.parent.iterdir()} == before


def test_evaluation_needs_the_target_and_its_classes(pellucid: Any, model: Path) -> None:
    (model.parent / "new.csv").write_text("size,color\n3,red\n", encoding="utf-8")
    pellucid("evaluate", model.name, "new.csv").says(1, "new.csv", "'kind'", "target")
    (model.parent / "new.csv").write_text("size,color,kind\n3,red,plum\n3,red,plumm\n", encoding="utf-8")
    pellucid("evaluate", model.name, "new.csv").says(1, "new.csv, line 3", "'plumm'", "did you mean 'plum'?")


def test_probabilities_of_numbers_are_refused(pellucid: Any, fruit: Path) -> None:
    assert pellucid("train", "fruit.csv", "--target", "price", *QUICK).code == 0
    pellucid("predict", "fruit.pellucid", "fruit.csv", "--proba").says(2, "--proba", "numbers")
