"""Each lesson as a learner plays it: its check is not passed when it opens, and is after what its text asks for."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import pellucid.playground
from pellucid.playground import Experiment

STATIC = Path(pellucid.playground.__file__).parent / "static"
NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="there is no node: the lessons' checks are not run")
TANH = {"type": "Tanh"}


class Learner:
    """Whoever sits before the page: what was asked, and the latest frame of each kind."""

    def __init__(self) -> None:
        self.experiment = Experiment()
        self.frames: dict[str, Any] = {}

    def does(self, command: str, **fields: Any) -> None:
        answer = self.experiment.do({"command": command, **fields})
        assert answer["frame"] != "error", answer
        for frame in [answer, *self.experiment.news()]:
            self.frames[frame["frame"]] = frame
        look = self.experiment.do({"command": "look"})  # as the page does
        self.frames["progress"] = look

    def opens_a_table(self) -> None:
        table = pl.read_csv(Path(__file__).parents[2] / "examples/penguins.csv")
        self.frames["table"] = self.experiment.add_table("penguins.csv", table)
        self.does("set_data", data={"kind": "table", "table": "penguins.csv", "target": "species"})


def walks_through_the_step(learner: Learner) -> None:
    learner.does("open_step")
    for _ in learner.frames["ledger"]["entries"]:
        learner.does("step_operation")


def sets_weights(learner: Learner) -> None:
    """Turn each weight against its gradient."""
    for at in ([0, 0], [1, 0]):
        for _ in range(8):
            learner.does("inspect_weight", parameter="0.weight", at=at)
            found = learner.frames["weight"]
            step = -0.5 if found["gradient"] > 0 else 0.5
            learner.does("edit_weight", parameter="0.weight", at=at, value=found["value"] + step)
        learner.does("inspect_weight", parameter="0.weight", at=at)


def reads_the_doctor_and_chooses_weights(learner: Learner) -> None:
    learner.does("step_epoch", count=5)
    learner.does("diagnose")
    assert learner.frames["findings"]["findings"]
    learner.does("set_network", network={"initializer": {"type": "Glorot"}})
    learner.does("step_epoch", count=100)


def builds_for_the_spiral(learner: Learner) -> None:
    learner.does("set_network", network={"hidden": [{"width": 16, "activation": {"type": "ReLU"}}] * 2})
    learner.does("set_optimizer", optimizer={"type": "Adam", "learning_rate": 0.01})
    learner.does("step_epoch", count=100)


def first(*moves: tuple[str, dict[str, Any]]) -> Callable[[Learner], None]:
    """Return what does these commands in their order."""

    def play(learner: Learner) -> None:
        for command, fields in moves:
            learner.does(command, **fields)

    return play


def opens_a_table_and_trains(learner: Learner) -> None:
    learner.opens_a_table()
    learner.does("step_epoch", count=20)


TRAINS = ("step_epoch", {"count": 60})
PLAYED: list[Callable[[Learner], None]] = [
    first(TRAINS),
    sets_weights,
    walks_through_the_step,
    first(("set_optimizer", {"optimizer": {"type": "SGD", "learning_rate": 0.1}}), TRAINS),
    first(("set_network", {"network": {"hidden": [{"width": 4, "activation": TANH}]}}), ("step_epoch", {"count": 600})),
    first(("step_epoch", {"count": 150}), ("inspect_neuron", {"layer": 0, "neuron": 1})),
    first(("set_data", {"data": {"features": ["x1²", "x2²"]}}), TRAINS),
    reads_the_doctor_and_chooses_weights,
    first(("step_epoch", {"count": 400})),
    builds_for_the_spiral,
    first(("check_gradients", {})),
    opens_a_table_and_trains,
]


def in_node(program: str, given: Any = None) -> Any:
    modules = {name: (STATIC / f"lesson_{name}.js").as_uri() for name in ("list", "check")}
    opening = (
        f'import {{ LESSONS }} from "{modules["list"]}"; import {{ isPassed, askedFor }} from "{modules["check"]}";'
        'import { readFileSync } from "node:fs"; const given = JSON.parse(readFileSync(0, "utf8"));'
    )
    assert NODE is not None
    command = [NODE, "--no-warnings", "--input-type=module", "-e", f"{opening} console.log(JSON.stringify({program}))"]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, check=True, timeout=60)
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def lessons() -> list[dict[str, Any]]:
    return in_node("LESSONS.map((each) => ({ ...each, askedFor: [...askedFor(each)] }))")


def test_there_are_twelve(lessons: list[dict[str, Any]]) -> None:
    assert len(lessons) == len(PLAYED) == 12


@pytest.mark.parametrize("index", range(12))
def test_a_lesson_is_passed_by_what_it_asks_for_and_not_before(lessons: list[dict[str, Any]], index: int) -> None:
    learner = Learner()
    for command in lessons[index]["commands"]:
        learner.does(**command)
    opened = {kind: frame for kind, frame in learner.frames.items() if kind not in lessons[index]["askedFor"]}
    PLAYED[index](learner)
    found = in_node(f"given.map((frames) => isPassed(LESSONS[{index}], frames))", [opened, learner.frames])
    assert found == [False, True]


def test_the_weight_of_the_second_lesson_is_not_earned_by_training(lessons: list[dict[str, Any]]) -> None:
    learner = Learner()
    for command in lessons[1]["commands"]:
        learner.does(**command)
    learner.does("step_epoch", count=100)
    learner.does("inspect_weight", parameter="0.weight", at=[0, 0])
    assert learner.frames["progress"]["train"]["loss"] < 0.1
    assert in_node("isPassed(LESSONS[1], given)", learner.frames) is False
