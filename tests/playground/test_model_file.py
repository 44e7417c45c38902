"""A run as a model file: it predicts what the run's network does, and its receipt repeats the run to the bit."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import pellucid
from pellucid.errors import DataError, ModelFileError, OptionError
from pellucid.export.lowering import precision_of
from pellucid.layers import Dense
from pellucid.model import read_model, write_model
from pellucid.playground import Experiment, repeated
from pellucid.playground.run import Run
from tests.tolerances import rounding

TABLE = pl.DataFrame(
    {
        "size": [float(i % 7) for i in range(60)],
        "color": ["red", "green", None] * 20,
        "day": [f"2024-0{1 + i % 9}-1{i % 7}" for i in range(60)],
        "kind": ["plum", "melon", "plum", "pear"] * 15,
        "ripe": [i % 3 == 0 for i in range(60)],
        "price": [i * 0.5 + 0.25 for i in range(60)],
    }
)
SIGMOID = {"output_activation": {"type": "Sigmoid"}}
RUNS: dict[str, dict[str, Any]] = {
    "two classes": {"data": {"kind": "spiral", "n_rows": 100, "noise": 0.1}},
    "focal": {"data": {"kind": "xor", "n_rows": 60}, "loss": {"type": "BinaryFocal"}},
    "softmax of two": {"data": {"kind": "circle", "n_rows": 60}, "loss": {"type": "CrossEntropy"}},
    "the tutorial": {"data": {"kind": "xor_table"}, "loss": {"type": "SquaredError"}, "network": SIGMOID},
    "three inputs": {"data": {"kind": "single_layer_table", "test_share": 0.0}},
    "numbers": {"data": {"kind": "plane", "n_rows": 60}},
    "one feature": {"data": {"kind": "formula", "formula": "x2 * 1000", "features": ["x2"]}, "loss": {"type": "Huber"}},
    "three classes": {
        "data": {"kind": "table", "table": "fruit.csv", "target": "kind"},
        "network": {"hidden": [{"width": 5, "normalization": "BatchNorm", "dropout": 0.2}]},
        "optimizer": {"type": "Adam"},
    },
    "truth": {"data": {"kind": "table", "table": "fruit.csv", "target": "ripe"}, "penalty": {"l2": 0.01}},
    "prices": {"data": {"kind": "table", "table": "fruit.csv", "target": "price"}, "schedule": {"type": "Cosine"}},
}


def trained(**sections: Any) -> Experiment:
    """Return an experiment after some epochs, an edit, half an epoch, and a way back."""
    experiment = Experiment({"fruit.csv": TABLE}, **sections)
    for message in (
        {"command": "step_epoch", "count": 3},
        {"command": "edit_weight", "parameter": "0.weight", "at": [0, 0], "value": 0.75},
        {"command": "freeze_neuron", "layer": 0, "neuron": 1},
        {"command": "step_batch", "count": 9},
        {"command": "rewind", "step": experiment.timeline.batches * 3 + 2},
    ):
        assert experiment.do(message)["frame"] == "progress"
    return experiment


def taken(experiment: Experiment, folder: Path) -> Path:
    frame = json.loads(json.dumps(experiment.do({"command": "export", "format": "model"})))
    assert frame["frame"] == "export", frame
    path = folder / frame["name"]
    path.write_bytes(base64.b64decode(frame["base64"], validate=True))
    return path


def largest(run: Run, X: Any) -> tuple[int, float]:
    """Return how many terms an output sums in all layers, and how large what is summed can be."""
    terms, size = 0, np.abs(X)
    for index, layer in enumerate(run.network.layers):
        if isinstance(layer, Dense):
            weight, bias = (run.network.named_parameters[f"{index}.{name}"] for name in ("weight", "bias"))
            terms += len(weight)
            size = np.maximum(size @ np.abs(weight) + np.abs(bias), 1.0)
        elif f"{index}.factor" in run.network.named_parameters:  # a normalization divides by deviations
            size = np.maximum(size, np.abs(layer.forward(size)[0]))
    return terms, float(size.max())


@pytest.mark.parametrize("name", RUNS)
def test_a_model_file_predicts_what_the_run_does_and_repeats_it(name: str, tmp_path: Path) -> None:
    experiment = trained(**RUNS[name])
    run, path = experiment.run, taken(experiment, tmp_path)
    model, rows = pellucid.load(path), run.rows
    table = rows.table if rows.table is not None else dict(zip(rows.inputs, rows.X.T, strict=True))
    expected = run.loss.predict(run.network.predict(rows.X))
    terms, scale = largest(run, rows.X)
    if rows.classes:
        yes = expected[:, -1:]
        expected = expected if expected.shape[1] > 2 else np.concatenate([1 - yes, yes], axis=1)
        assert np.abs(model.predict_proba(table) - expected).max() <= rounding(terms, scale=scale)
        assert [str(label) for label in model.classes_.tolist()] == rows.classes
    else:
        numbers = expected[:, 0] if rows.coding is None else rows.coding.decode(expected)
        deviation = float(model.target_.deviation[0])
        kept = np.clip(numbers, model.target_.low, model.target_.high)
        allowed = rounding(terms, scale=scale * deviation + float(np.abs(model.target_.mean[0])))
        assert np.abs(model.predict(table) - kept).max() <= allowed
    assert model.network_.dtype == np.float64 and precision_of(model) == "double"
    told = model.receipt_
    assert told["playground"]["step"] == told["steps"] == run.timeline.step
    assert told["playground"]["configuration"] == run.configuration.to_json()
    assert [edit["command"] for edit in told["playground"]["edits"]] == ["edit_weight", "freeze_neuron"]
    assert told["playground"]["loss"]["type"] == type(run.loss).__name__
    found = repeated(path, rows.table if rows.encoder else None)
    assert found.same and not found.versions and found.sha256 == told["sha256"]


def test_other_rows_and_other_weights_are_told_from_those_of_the_run(tmp_path: Path) -> None:
    path = taken(trained(**RUNS["prices"]), tmp_path)
    other = TABLE.with_columns(size=pl.col("size") + (pl.int_range(60) == 7))
    found = repeated(path, other)
    assert any("column 'size' has other values" in said for said in found.data) and not found.same
    document, tensors, _ = read_model(path)
    tensors["0.bias"] = np.nextafter(tensors["0.bias"], 1.0)
    write_model(path, document, tensors, overwrite=True)
    found = repeated(path, TABLE)
    assert not found.data and len(found.weights) == 1 and "'0.bias'" in found.weights[0]
    document["receipt"]["playground"]["edits"] = []
    write_model(path, document, tensors, overwrite=True)
    assert not repeated(path, TABLE).same
    for changed in ({"step": -1}, {"edits": [{"command": "reset", "step": 0}]}, {"configuration": {"epochs": 0}}):
        document["receipt"]["playground"] |= changed
        write_model(path, document, tensors, overwrite=True)
        with pytest.raises(ModelFileError, match="no run that this release makes"):
            repeated(path, TABLE)
    document["receipt"]["playground"] = {"step": 0}
    write_model(path, document, tensors, overwrite=True)
    with pytest.raises(ModelFileError, match="playground"):
        pellucid.load(path)


def test_a_table_is_given_where_there_is_one_and_only_there(tmp_path: Path) -> None:
    path = taken(trained(**RUNS["prices"]), tmp_path)
    with pytest.raises(DataError, match=r"'fruit\.csv': give it"):
        repeated(path)
    with pytest.raises(OptionError, match="playground"):
        pellucid.verify(path, TABLE.drop("price"), TABLE["price"])
    drawn = taken(trained(**RUNS["two classes"]), tmp_path)
    with pytest.raises(DataError, match="give no table"):
        repeated(drawn, TABLE)
    quick = pellucid.TabularRegressor(members=1, epochs=1, hidden_layer_sizes=(2,), random_state=0)
    quick.fit(TABLE.drop("price"), TABLE["price"]).save(tmp_path / "fitted.pellucid")
    with pytest.raises(ModelFileError, match="not taken out of the playground"):
        repeated(tmp_path / "fitted.pellucid", TABLE)


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"data": {"kind": "circle", "features": ["x1", "x1x2", "sin x2"]}}, "the inputs 'sin x2', 'x1x2'"),
        ({"data": {"kind": "circle"}, "loss": {"type": "SquaredError"}}, "let Sigmoid"),
        ({"data": {"kind": "formula", "formula": "x1 * x1 + 0.5"}, "loss": {"type": "Poisson"}}, "link 'exp'"),
        ({"data": {"kind": "model", "model": "fruit", "table": "fruit.csv"}}, "saved model"),
    ],
)
def test_what_a_model_file_cannot_hold_is_refused_with_the_reason(sections: dict[str, Any], words: str) -> None:
    quick = pellucid.TabularClassifier(members=1, epochs=1, hidden_layer_sizes=(2,), random_state=0)
    model = quick.fit(TABLE.drop("kind"), TABLE["kind"])
    experiment = Experiment({"fruit.csv": TABLE}, {"fruit": model}, **sections)
    frame = experiment.do({"command": "export", "format": "model"})
    assert frame["frame"] == "error" and words in frame["message"]


def test_a_run_is_taken_out_at_its_beginning(tmp_path: Path) -> None:
    path = taken(Experiment(), tmp_path)
    assert pellucid.load(path).receipt_["steps"] == 0 and repeated(path).same


def test_the_rows_of_a_run_beyond_its_own_are_predicted_too(tmp_path: Path) -> None:
    experiment = trained(**RUNS["two classes"])
    model = pellucid.load(taken(experiment, tmp_path))
    far = np.array([[60.0, -60.0], [0.0, 1e-300]])
    expected = experiment.run.loss.predict(experiment.run.network.predict(far))[:, 0]
    terms, scale = largest(experiment.run, far)
    assert np.abs(model.predict_proba(dict(zip(["x1", "x2"], far.T, strict=True)))[:, 1] - expected).max() <= rounding(
        terms, scale=scale
    )


def test_what_a_column_holds_is_told_by_all_rows() -> None:
    rows = pl.DataFrame({"code": ["1", "2"] * 20 + ["A"], "y": [0, 1] * 20 + [1]})
    with pytest.raises(DataError, match="is not a number"):
        Experiment({"t": rows}, data={"kind": "table", "table": "t", "target": "y"})
