"""A receipt says how a model came about, and a file whose receipt is none is refused."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from pellucid import TabularClassifier, load
from pellucid.errors import ModelFileError
from pellucid.model import read_model, write_model
from tests.model.conftest import TABLE, TARGETS


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    small = TabularClassifier(members=2, folds=2, epochs=3, hidden_layer_sizes=(8,), random_state=4)
    path = tmp_path_factory.mktemp("models") / "model"
    small.fit(TABLE, TARGETS["multiclass"][1]).save(path)
    return path


def test_it_tells_data_plan_versions_time_and_result(path: Path) -> None:
    model = load(path)
    receipt = model.receipt_
    assert [column[1] for column in receipt["data"]["columns"]] == [*TABLE, ""]
    assert receipt["plan"]["trained"] == [2, 2]
    assert receipt["engine"] in ("native", "numpy")
    assert receipt["metric"] == "log_loss"
    assert receipt["validation_loss"] == model.history_["validation_loss"][-1]
    assert 0 < receipt["fit_seconds"] == model.fit_seconds_
    assert 0 < receipt["cpu_seconds"] == model.cpu_seconds_
    assert "command" not in receipt


@pytest.mark.parametrize(
    ("keys", "value", "said"),
    [
        (("data",), None, "fingerprint|TypeError"),
        (("data", "sha256"), "0" * 64, "fingerprint"),
        (("data", "columns"), [], "fingerprint"),
        (("plan", "rungs"), 3, "rungs"),
        (("plan", "trained"), ["x"], "trained"),
        (("plan", "n_rows"), True, "n_rows"),
        (("steps",), 1.0, "steps"),
        (("cpu_seconds",), 1, "cpu_seconds"),
        (("numpy",), 2, "numpy"),
        (("more",), [1], "more"),
        (("command",), [], "command"),
        (("test",), {"rows": 1, "metrics": {"accuracy": "good"}}, "ValueError"),
        (("test",), {"rows": 1.5, "metrics": {}}, "scores"),
        (("test",), {"rows": 1, "metrics": {}}, "data"),
        (("test",), {"rows": 1, "metrics": {}, "data": {"columns": []}}, "fingerprint"),
    ],
)
def test_another_receipt_is_refused(keys: tuple[str, ...], value: Any, said: str, path: Path, tmp_path: Path) -> None:
    document, tensors, _ = read_model(path)
    inner = document["receipt"]
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    write_model(tmp_path / "m", document, tensors)
    with pytest.raises(ModelFileError, match=said):
        load(tmp_path / "m")


def test_a_file_from_before_there_were_fingerprints_is_refused_by_name(path: Path, tmp_path: Path) -> None:
    document, tensors, _ = read_model(path)
    older = copy.deepcopy(document)
    del older["receipt"]["data"], older["receipt"]["steps"]
    write_model(tmp_path / "older", older, tensors)
    with pytest.raises(ModelFileError, match=r"no fingerprint of the data.*Train the model again"):
        load(tmp_path / "older")
