"""A model file from the playground at the command line: it predicts, is shown, exported, ejected and verified."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pytest

import pellucid as library
from pellucid.cli.source import Source
from pellucid.playground import Experiment
from pellucid.tabular import read_table
from tests.cli.conftest import Command
from tests.tolerances import rounding


def take_out(experiment: Experiment, name: str) -> None:
    frame = experiment.do({"command": "export", "format": "model"})
    Path(name).write_bytes(base64.b64decode(frame["base64"]))


@pytest.fixture
def fruit(pellucid: Command) -> Experiment:
    """A run on a table, in the folder of the test, with an edit by hand."""
    lines = [f"{i % 7},{('red', 'green')[i % 2]},{('plum', 'pear', 'melon')[i % 3]}" for i in range(60)]
    Path("fruit.csv").write_text("\n".join(["size,color,kind", *lines, ""]))
    section = {"kind": "table", "table": "fruit.csv", "target": "kind"}
    experiment = Experiment({"fruit.csv": read_table("fruit.csv")}, data=section)
    experiment.do({"command": "step_epoch", "count": 4})
    experiment.do({"command": "cut_edge", "parameter": "0.weight", "at": [0, 0]})
    experiment.do({"command": "step_batch", "count": 2})
    take_out(experiment, "run.pellucid")
    return experiment


def test_a_run_predicts_rows_and_is_exported_to_the_same_predictions(pellucid: Command, fruit: Experiment) -> None:
    assert fruit.run.rows.table is not None
    expected = fruit.run.loss.predict(fruit.run.network.predict(fruit.run.rows.X)).argmax(axis=1)
    ended = pellucid("predict", "run.pellucid", "fruit.csv")
    assert ended.code == 0
    assert ended.out.split()[1:] == [fruit.run.rows.classes[code] for code in expected]
    ended = pellucid("export", "run.pellucid", "run.py")
    assert ended.code == 0 and "arithmetic in double" in ended.out and "proven" in ended.out
    assert pellucid("eject", "run.pellucid", "own.py").code == 0
    ejected: dict[str, object] = {"__name__": "own"}
    exec(Path("own.py").read_text(), ejected)
    rows = [dict(zip(["size", "color"], row, strict=True)) for row in (("3", "red"), ("6", "green"))]
    model = library.load("run.pellucid")
    found = ejected["probabilities"](rows)  # type: ignore[operator]
    given = model.predict_proba({"size": [3, 6], "color": ["red", "green"]})
    assert np.allclose(found, given, rtol=0, atol=rounding(10, scale=4))  # sums of 4, 4 and 2 terms
    assert pellucid("eject", "run.pellucid", "trains.py", "--training", "fruit.csv").code == 1


def test_info_says_that_it_was_made_in_the_playground(pellucid: Command, fruit: Experiment) -> None:
    ended = pellucid("info", "run.pellucid")
    assert "trained in the playground" in ended.out and "1 edit by hand" in ended.out
    receipt = json.loads(pellucid("info", "run.pellucid", "--json").out)["receipt"]
    assert receipt["playground"]["configuration"] == fruit.configuration.to_json()


def test_verify_goes_through_the_run_again(pellucid: Command, fruit: Experiment) -> None:
    ended = pellucid("verify", "run.pellucid", "--data", "fruit.csv")
    assert ended.code == 0, ended.err
    assert "1 edit by hand" in ended.out and "same: every weight is the same bits" in ended.out
    text = Path("fruit.csv").read_text()
    Path("other.csv").write_text(text.replace("3,green", "4,green", 1))
    ended = pellucid("verify", "run.pellucid", "--data", "other.csv")
    assert ended.code == 1 and "column 'size' has other values" in ended.out
    document = json.loads(pellucid("verify", "run.pellucid", "--data", "other.csv", "--json").out)
    assert not document["same"]
    pellucid("verify", "run.pellucid").says(1, "trained on a table, 'fruit.csv'")
    pellucid("verify", "run.pellucid", "--data", "fruit.csv", "--target", "kind").says(2, "--target", "leave it out")


def test_verify_needs_no_table_of_rows_that_the_playground_drew(pellucid: Command) -> None:
    experiment = Experiment()
    experiment.do({"command": "step_epoch", "count": 2})
    take_out(experiment, "circle.pellucid")
    ended = pellucid("verify", "circle.pellucid")
    assert ended.code == 0 and "drawn by its configuration" in ended.out
    Path("rows.csv").write_text("x1,x2\n0,1\n")
    pellucid("verify", "circle.pellucid", "--data", "rows.csv").says(1, "give no table")


def test_codes_that_are_declared_categories_keep_their_texts(pellucid: Command) -> None:
    codes = ["007", "7", "070", "12"] * 15
    lines = [f"{code},{index % 5},{int(code in ('007', '12'))}" for index, code in enumerate(codes)]
    Path("codes.csv").write_text("\n".join(["code,size,y", *lines, ""]))
    kinds = {"code": "category"}
    section = {"kind": "table", "table": "codes.csv", "target": "y", "kinds": kinds}
    experiment = Experiment({"codes.csv": Source.of_kinds(Path("codes.csv"), kinds).table}, data=section)
    assert "code=007" in experiment.run.rows.inputs and "code=7" in experiment.run.rows.inputs
    experiment.do({"command": "step_epoch", "count": 3})
    take_out(experiment, "codes.pellucid")
    assert pellucid("verify", "codes.pellucid", "--data", "codes.csv").code == 0
    expected = experiment.run.loss.predict(experiment.run.network.predict(experiment.run.rows.X))[:, 0] > 0.5
    assert pellucid("predict", "codes.pellucid", "codes.csv").out.split()[1:] == [str(int(yes)) for yes in expected]
    read_as_numbers = Experiment({"codes.csv": read_table("codes.csv")})
    frame = read_as_numbers.do({"command": "set_data", "data": section})
    assert frame["frame"] == "error" and "--kind code=category" in frame["message"]


def test_the_kind_of_a_column_is_checked_before_anything_is_served(pellucid: Command, fruit: Experiment) -> None:
    pellucid("playground", "fruit.csv", "--target", "kind", "--kind", "size=colour").says(2, "--kind", "category")
    pellucid("playground", "fruit.csv", "--target", "kind", "--kind", "sise=number").says(1, "no column 'sise'")
    pellucid("playground", "--kind", "size=number").says(2, "--kind")
