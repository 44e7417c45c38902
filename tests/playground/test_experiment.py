"""One experiment: every command of the protocol, and that a run is a function of its configuration and edits."""

from __future__ import annotations

import gc
import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import pellucid
from pellucid.playground import Experiment
from pellucid.playground.answers import ANSWERS
from pellucid.playground.commands import COMMANDS
from pellucid.playground.configuration import KINDS
from pellucid.playground.timeline import MOST_CHECKPOINTS

PROTOCOL = Path(__file__).parents[2] / "docs/explanation/playground-protocol.md"


def do(experiment: Experiment, command: str, **fields: Any) -> dict[str, Any]:
    frame = experiment.do({"command": command, **fields})
    json.dumps(frame, allow_nan=False)
    assert frame["frame"] != "error", frame
    return frame


def refused(experiment: Experiment, command: str, **fields: Any) -> str:
    frame = experiment.do({"command": command, **fields})
    assert frame["frame"] == "error", frame
    return frame["message"]


def weights(experiment: Experiment) -> bytes:
    return experiment.timeline.network.parameters.tobytes()


def run_until_idle(experiment: Experiment) -> None:
    for _ in range(10_000):
        if not experiment.busy:
            return
        experiment.advance(0.005)
    raise AssertionError("it does not end")


TABLE = pl.DataFrame(
    {
        "size": [float(i % 7) for i in range(60)],
        "color": ["red", "green", "blue"] * 20,
        "weight": [float(i % 5) - 1 for i in range(60)],
        "kind": ["plum", "melon", "plum", "pear"] * 15,
        "price": [i * 0.5 + 0.25 for i in range(60)],
    }
)


def test_the_protocol_names_every_command_and_field() -> None:
    text = PROTOCOL.read_text(encoding="utf-8")
    for command, fields in COMMANDS.items():
        row = next(line for line in text.splitlines() if line.startswith(f"| `{command}` |"))
        assert all(f"`{field.name}`" in row for field in fields), row
    assert ANSWERS.keys() == COMMANDS.keys()


def test_every_frame_has_the_fields_that_the_protocol_names() -> None:
    text = PROTOCOL.read_text(encoding="utf-8")
    experiment = Experiment()
    found = [
        experiment.options(), experiment.experiment(), experiment.data(), experiment.progress(),
        do(experiment, "open_step"), do(experiment, "step_operation"), do(experiment, "check_gradients"),
        do(experiment, "inspect_weight", parameter="0.weight", at=[0, 0]), do(experiment, "link"),
        do(experiment, "inspect_neuron", layer=0, neuron=0), do(experiment, "show_histograms"),
        do(experiment, "diagnose"), do(experiment, "keep_run", name="first"), do(experiment, "export", format="svg"),
        do(experiment, "start_sweep", x={"field": "seed", "values": [1]}), experiment.add_table("a.csv", TABLE),
        experiment.add_model("a.pellucid", fitted("kind")),
    ]  # fmt: skip
    for frame in found:
        start = text.index(f"**`{frame['frame']}`**")
        described = text[start : text.index("\n\n", start)] if "\n\n" in text[start:] else text[start:]
        missing = [name for name in frame if name != "frame" and name not in described]
        assert not missing, (frame["frame"], missing)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("table", "model", "points", "formula")])
def test_every_set_of_rows_is_learned_from(kind: str) -> None:
    experiment = Experiment()
    frame = do(experiment, "set_data", data={"kind": kind, "noise": 0.1})
    before = experiment.progress()["train"]["loss"]
    after = do(experiment, "step_epoch", count=20)["train"]["loss"]
    assert after < before
    assert frame["n_train"] + frame["n_test"] == len(experiment.data()["points"])


def test_the_classic_sets_have_the_classes_that_their_places_say() -> None:
    data = Experiment(data={"kind": "circle"}).data()
    radius = np.hypot(*np.array(data["points"]).T)
    assert ((radius < 3) == np.array(data["targets"], dtype=bool)).all()
    data = Experiment(data={"kind": "xor"}).data()
    assert ((np.array(data["points"]).prod(axis=1) > 0) == np.array(data["targets"], dtype=bool)).all()


def test_a_formula_and_drawn_points_give_classes_or_numbers() -> None:
    assert Experiment(data={"kind": "formula", "formula": "x1 > x2"}).experiment()["task"] == "classification"
    assert Experiment(data={"kind": "formula", "formula": "x1 * sin(x2)"}).experiment()["task"] == "regression"
    points = [[0, 0, 0], [1, 1, 1], [2, 1, 2], [0, 1, 2]]
    frame = Experiment(data={"kind": "points", "points": points, "test_share": 0}).experiment()
    assert frame["classes"] == ["0", "1", "2"] and frame["losses"][0] == "CrossEntropy" and frame["n_test"] == 0


@pytest.mark.parametrize(("target", "n_classes"), [("kind", 3), ("price", 0)])
@pytest.mark.parametrize("plane", ["slice", "components"])
def test_a_table_of_ones_own_is_learned_from(target: str, n_classes: int, plane: str) -> None:
    section = {"kind": "table", "table": "fruit.csv", "target": target}
    experiment = Experiment({"fruit.csv": TABLE}, data=section, view={"plane": plane})
    frame = do(experiment, "step_epoch", count=5)
    assert len(experiment.experiment()["classes"]) == n_classes
    assert len(frame["output"]) == max(n_classes, 1)
    assert (frame["train"]["confusion"] is None) == (n_classes == 0)


def fitted(target: str) -> Any:
    options = {"members": 1, "epochs": 2, "random_state": 0, "one_hot_limit": 2, "hidden_layer_sizes": (80, 8)}
    kind = pellucid.TabularClassifier if target == "kind" else pellucid.TabularRegressor
    estimator = kind(**options)
    return estimator.fit(TABLE.drop(target), TABLE[target])


@pytest.mark.parametrize("target", ["kind", "price"])
@pytest.mark.parametrize("view", [{"plane": "slice", "columns": [0, 3]}, {"plane": "components"}])
def test_a_models_strongest_network_is_shown_and_examined(target: str, view: dict[str, Any]) -> None:
    model = fitted(target)
    section = {"kind": "model", "model": "fruit", "table": "t", "test_share": 0.0}
    experiment = Experiment({"t": TABLE}, {"fruit": model}, data=section)
    X, y = model.encoder_.transform(TABLE, np.float64), model.target_.encode(TABLE[target])
    outputs = model.network_.predict(X)
    loss = model.loss_.value_and_gradient(outputs, model.loss_.check_target(y, model.network_.n_outputs))[0]
    assert experiment.progress()["train"]["loss"] == pytest.approx(loss, rel=1e-4)  # the model computes in float32
    dense = next(index for index, layer in enumerate(model.network_.layers) if isinstance(layer, pellucid.Dense))
    name = f"{dense}.weight"
    assert experiment.timeline.network.named_parameters[name].tolist() == model.network_.named_parameters[name].tolist()
    frame = do(experiment, "inspect_weight", parameter=name, at=[2, 3])
    assert frame["value"] == float(model.network_.named_parameters[name][2, 3])
    assert frame["difference"] == pytest.approx(frame["gradient"], rel=1e-5, abs=1e-9)
    assert do(experiment, "inspect_neuron", layer=dense, neuron=70)["steps"]
    assert do(experiment, "set_view", view=view)["frame"] == "experiment"
    columns = view.get("columns", [0, 0])
    assert set(columns) & {code.column_index for code in model.encoder_.code_columns} or view["plane"] == "components"
    told, shown = do(experiment, "look"), experiment.experiment()
    counts = [each["shown"] for each in shown["layers"] if each["has_map"]]
    assert [len(each["neurons"]) for each in told["maps"]][1:] == counts
    assert counts[1:] == [16, 8, model.network_.n_outputs]
    assert len(told["weights"][name]) == counts[0] * 16
    before = weights(experiment)
    do(experiment, "step_epoch")
    assert weights(experiment) != before and do(experiment, "rewind", step=0)["step"] == 0
    assert weights(experiment) == before
    assert "its own" in refused(experiment, "set_network", network={"hidden": []})
    assert "its own" in refused(experiment, "start_sweep", x={"field": "network.width", "values": [1]})
    other = Experiment({"t": TABLE}, {"fruit": model})
    do(other, "open_link", text=do(experiment, "link")["text"])
    assert weights(other) == before
    assert "no model" in refused(Experiment({"t": TABLE}), "set_data", data=section)


def test_a_run_reaches_the_same_bits_by_every_way() -> None:
    network = {"hidden": [{"width": 5, "dropout": 0.2, "normalization": "BatchNorm"}, {"width": 3}]}
    sections = {"network": network, "optimizer": {"type": "Adam"}, "schedule": {"type": "Cosine"}, "epochs": 12}
    whole, single, played = (Experiment(**sections) for _ in range(3))
    do(whole, "step_epoch", count=10)
    for _ in range(5):
        do(single, "step_batch", count=50)
    do(played, "play", until=250)
    run_until_idle(played)
    assert weights(whole) == weights(single) == weights(played)
    assert whole.timeline.step == single.timeline.step == played.timeline.step == 250
    assert (whole.timeline.network.buffers == single.timeline.network.buffers).all()
    do(whole, "step_epoch", count=3)
    there = weights(whole)
    do(whole, "rewind", step=137)
    do(whole, "rewind", step=325)
    assert weights(whole) == there


def test_whole_epochs_are_those_of_train() -> None:
    experiment = Experiment()
    first = experiment.timeline.network.copy()
    do(experiment, "step_epoch", count=7)
    pellucid.train(
        first, experiment.run.X, experiment.run.y, loss=experiment.run.loss, optimizer=pellucid.SGD(learning_rate=0.03),
        epochs=7, batch_size=10, rng=0,
    )  # fmt: skip
    assert first.parameters.tobytes() == weights(experiment)


def test_edits_are_made_again_after_a_rewind_until_a_new_one_takes_their_place() -> None:
    experiment = Experiment()
    do(experiment, "step_batch", count=30)
    do(experiment, "edit_weight", parameter="0.weight", at=[1, 2], value=1.5)
    do(experiment, "freeze_neuron", layer=0, neuron=2)
    do(experiment, "cut_edge", parameter="2.weight", at=[0, 1])
    frame = do(experiment, "step_epoch", count=4)
    network = experiment.timeline.network
    assert network.named_parameters["0.weight"][1, 2] == 1.5
    assert network.named_parameters["2.weight"][0, 1] == 0
    assert frame["frozen"] == [[0, 2]] and frame["cut"] == [["2.weight", [0, 1]]]
    there, step = weights(experiment), frame["step"]
    do(experiment, "rewind", step=10)
    assert network.named_parameters["2.weight"][0, 1] != 0
    do(experiment, "rewind", step=step)
    assert weights(experiment) == there
    do(experiment, "rewind", step=10)
    frame = do(experiment, "edit_weight", parameter="0.bias", at=[0], value=0.25)
    assert frame["furthest_step"] == 10 and len(experiment.experiment()["edits"]) == 1


def test_a_link_brings_back_configuration_edits_and_step() -> None:
    experiment = Experiment(data={"kind": "spiral", "n_rows": 100}, optimizer={"type": "AdamW"})
    do(experiment, "step_batch", count=7)
    do(experiment, "edit_weight", parameter="0.weight", at=[0, 0], value=-1.0)
    do(experiment, "step_epoch", count=9)
    other = Experiment()
    do(other, "open_link", text=do(experiment, "link")["text"])
    run_until_idle(other)
    assert weights(other) == weights(experiment)
    assert other.configuration == experiment.configuration


def test_the_numbers_of_a_weight_are_those_of_the_library() -> None:
    experiment = Experiment(batch_size=None)
    do(experiment, "step_epoch", count=3)
    network = experiment.timeline.network.copy()
    network.loss_and_gradient(experiment.run.X, experiment.run.y, experiment.run.loss)
    for name, at in (("0.weight", [1, 3]), ("2.bias", [1]), ("4.weight", [1, 0])):
        frame = do(experiment, "inspect_weight", parameter=name, at=at)
        gradient = network.named_gradients[name][tuple(at)]
        assert frame["gradient"] == gradient
        assert frame["difference"] == pytest.approx(gradient, rel=1e-6, abs=1e-9)
        value = network.named_parameters[name][tuple(at)]
        assert frame["value"] == value and frame["new_value"] == value - 0.03 * gradient
        assert "=" in frame["arithmetic"] and "←" in frame["update"]
    assert do(experiment, "check_gradients")["passed"]


def test_stepping_through_every_operation_takes_the_step() -> None:
    stepped, trained = Experiment(), Experiment()
    ledger = do(stepped, "open_step")
    sections = [entry["section"] for entry in ledger["entries"]]
    assert list(dict.fromkeys(sections)) == ["Given", "Forward", "Loss", "Backward", "Update"]
    by_symbol = {entry["symbol"]: entry["layer"] for entry in ledger["entries"]}
    assert by_symbol["Z¹"] == 0 and by_symbol["A¹"] == 1 and by_symbol["L"] == "loss" and by_symbol["∂L/∂Z³"] == "loss"
    assert by_symbol["∂L/∂W²"] == 2 and by_symbol["W¹′"] == "optimizer" and by_symbol["X"] == "given"
    for index in range(1, len(ledger["entries"])):
        frame = do(stepped, "step_operation")
        assert frame["at"] == frame["entry"]["index"] == index and not frame["done"]
    assert do(stepped, "step_operation")["done"] and stepped.timeline.step == 1
    assert stepped.news()[-1]["frame"] == "ledger"
    do(trained, "step_batch")
    assert weights(stepped) == weights(trained)


def test_a_step_for_chosen_rows_is_only_looked_at() -> None:
    experiment = Experiment()
    do(experiment, "open_step", rows=[3])
    assert "only looked at" in refused(experiment, "step_operation", by=1000)
    assert experiment.timeline.step == 0


def test_a_neuron_shows_its_sum_its_bend_and_their_slopes() -> None:
    experiment = Experiment()
    frame = do(experiment, "inspect_neuron", layer=0, neuron=3, row=5)
    x, network = experiment.run.X[5], experiment.timeline.network
    z = x @ network.named_parameters["0.weight"][:, 3] + network.named_parameters["0.bias"][3]
    values = {each["symbol"]: each["value"] for each in frame["steps"]}
    assert values["Z¹"] == pytest.approx(z, rel=1e-14)
    assert values["A¹"] == pytest.approx(np.tanh(z), rel=1e-14)
    for each in frame["gradients"]:
        assert each["difference"] == pytest.approx(each["value"], rel=1e-6, abs=1e-9)


def test_play_stops_at_an_epoch_and_at_a_loss() -> None:
    experiment = Experiment(stop={"epoch": 40, "loss": None})
    do(experiment, "play")
    run_until_idle(experiment)
    assert experiment.timeline.epoch == 40 and "epoch 40" in experiment.player.stopped_by
    found = []
    for _ in range(2):
        goal = Experiment(stop={"loss": 0.5}, optimizer={"type": "Adam", "learning_rate": 0.01})
        do(goal, "play")
        run_until_idle(goal)
        found.append(goal.timeline.step)
    assert found[0] == found[1] > 0


def test_divergence_ends_play_and_says_why() -> None:
    experiment = Experiment(
        data={"kind": "formula", "formula": "x1 * 1000"}, optimizer={"type": "SGD", "learning_rate": 100.0},
        network={"hidden": [{"width": 4, "activation": {"type": "ReLU"}}]},
    )  # fmt: skip
    do(experiment, "play")
    run_until_idle(experiment)
    assert "diverged" in experiment.player.stopped_by
    json.dumps(experiment.progress(), allow_nan=False)


def test_four_runs_are_kept_and_can_be_restored() -> None:
    experiment = Experiment()
    for name in "abcd":
        do(experiment, "set_seed", seed=ord(name))
        do(experiment, "step_epoch")
        assert do(experiment, "keep_run", name=name)["runs"][-1]["name"] == name
    assert "drop one" in refused(experiment, "keep_run", name="e")
    assert do(experiment, "restore_run", index=1)["configuration"]["seed"] == ord("b")
    assert len(do(experiment, "drop_run", index=0)["runs"]) == 3
    assert "no run 3" in refused(experiment, "drop_run", index=3)


def test_a_sweep_gives_the_losses_that_each_setting_alone_gives() -> None:
    experiment = Experiment()
    x, y = {"field": "optimizer.learning_rate", "values": [0.01, 0.1]}, {"field": "network.width", "values": [2, 4]}
    do(experiment, "start_sweep", x=x, y=y, epochs=5)
    run_until_idle(experiment)
    cells = {(cell["x"], cell["y"]): cell["train_loss"] for cell in experiment.news()[-1]["cells"]}
    assert len(cells) == 4
    hidden = [{"width": 4}, {"width": 4}]
    alone = Experiment(optimizer={"type": "SGD", "learning_rate": 0.1}, network={"hidden": hidden})
    assert do(alone, "step_epoch", count=5)["train"]["loss"] == cells[1, 1]
    x = {"field": "seed", "values": list(range(65))}
    assert "at most 64" in refused(experiment, "start_sweep", x=x)


def test_the_script_reaches_the_weights_of_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    experiment = Experiment(schedule={"type": "Cosine"}, epochs=20, penalty={"l2": 0.01})
    do(experiment, "step_epoch", count=6)
    made: dict[str, Any] = {}
    exec(do(experiment, "export", format="script")["text"], made)
    assert made["network"].parameters.tobytes() == weights(experiment)
    assert "loss on the test rows" in capsys.readouterr().out


def test_drawing_and_configuration_are_taken_out() -> None:
    experiment = Experiment()
    assert do(experiment, "export", format="svg")["text"].startswith("<svg")
    configuration = json.loads(do(experiment, "export", format="configuration")["text"])["configuration"]
    assert Experiment(**configuration).configuration == experiment.configuration


def test_the_numpy_page_predicts_as_the_network() -> None:
    experiment = Experiment()
    made: dict[str, Any] = {"__name__": "ejected"}
    exec(do(experiment, "export", format="numpy")["text"], made)
    expected = experiment.run.loss.predict(experiment.timeline.network.predict(experiment.run.X))
    raw = experiment.timeline.network.predict(experiment.run.X)
    found = made["predict"](experiment.run.X)
    assert np.allclose(found, raw, rtol=1e-12) or np.allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("command", "fields", "words"),
    [
        ("fly", {}, "there are"),
        ("step_epoch", {"count": 0}, "at least 1"),
        ("step_epoch", {"many": 1}, "no field 'many'"),
        ("rewind", {"step": 5}, "at most 0"),
        ("set_seed", {}, "missing"),
        ("set_loss", {"loss": {"type": "CrossEntropi"}}, "CrossEntropy"),
        ("set_loss", {"loss": {"type": "Huber"}}, "does not fit"),
        ("set_optimizer", {"optimizer": {"type": "LBFGS"}}, "all rows"),
        ("set_optimizer", {"optimizer": {"type": "SGD", "learning_rate": -1}}, "at least 0"),
        ("set_optimizer", {"optimizer": {"type": "LBFGS", "memory": 10**9}}, "up to 1000"),
        ("set_network", {"network": {"hidden": [{"width": 65}]}}, "at most 64"),
        ("set_network", {"network": {"hidden": [{}] * 9}}, "at most 8"),
        ("set_network", {"network": {"initializer": {"type": "Explicit", "values": [1]}}}, "initializer"),
        ("set_data", {"data": {"kind": "table", "table": "x"}}, "no table"),
        ("set_data", {"data": {"kind": "points", "points": [[0, 0, 99], [0, 0, 0]], "task": "classification"}}, "99"),
        ("set_data", {"data": {"kind": "formula", "formula": "__import__('os')"}}, "calls"),
        ("set_view", {"view": {"resolution": 1000}}, "at most 64"),
        ("edit_weight", {"parameter": "0.weight", "at": [0, 4], "value": 0}, "no cell"),
        ("edit_weight", {"parameter": "9.weight", "at": [0, 0], "value": 0}, "no parameter"),
        ("cut_edge", {"parameter": "0.bias", "at": [0]}, "no edge"),
        ("freeze_neuron", {"layer": 1, "neuron": 0}, "one of [0, 2, 4]"),
        ("freeze_neuron", {"layer": 0, "neuron": 4}, "no 4"),
        ("inspect_neuron", {"layer": 0, "neuron": 0, "row": 10**5}, "training rows"),
        ("open_step", {"rows": []}, "rows"),
        ("open_link", {"text": "nonsense"}, "link"),
        ("stop_sweep", {}, "no sweep"),
        ("start_sweep", {"x": {"field": "__class__.x", "values": [1]}}, "field"),
    ],
)
def test_what_cannot_be_done_is_refused_and_changes_nothing(command: str, fields: dict[str, Any], words: str) -> None:
    experiment = Experiment()
    do(experiment, "step_batch", count=0 + 1)
    do(experiment, "rewind", step=0)
    before, configuration = weights(experiment), experiment.configuration
    if command == "rewind":
        fields, words = {"step": 2}, "at most 1"
    assert words in refused(experiment, command, **fields)
    assert weights(experiment) == before and experiment.configuration == configuration
    do(experiment, "step_epoch")


def test_the_curve_stays_bounded_and_can_be_put_together_from_its_pieces() -> None:
    experiment = Experiment(data={"n_rows": 10}, batch_size=None)
    seen: list[list[Any]] = []
    for _ in range(1200):
        piece = do(experiment, "step_batch")["curve"]
        seen[piece["from"] :] = piece["rows"]
    assert seen == experiment.run.curve.rows and 500 <= len(seen) <= 1000


@pytest.mark.slow
def test_long_training_takes_no_more_memory() -> None:
    small = {"network": {"hidden": [{"width": 2}]}, "view": {"resolution": 8}, "batch_size": None}
    experiment = Experiment(data={"n_rows": 10}, **small)
    experiment.do({"command": "play"})
    held = []
    tracemalloc.start()
    for frames in (1300, 500, 500):  # the curve is full after 1,000, and from then on thinned once in 500
        for _ in range(frames):
            experiment.advance(0.0003)
            json.dumps(experiment.progress())
        gc.collect()
        held.append(tracemalloc.get_traced_memory()[0])
    checkpoint = experiment.timeline._checkpoint()
    size = tracemalloc.get_traced_memory()[0] - held[-1]
    tracemalloc.stop()
    assert experiment.timeline.epoch > 20 * MOST_CHECKPOINTS and checkpoint.state.step > 0
    assert held[2] - held[1] < MOST_CHECKPOINTS * size, (held, size)  # of which half to all are there
