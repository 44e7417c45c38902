"""A saved estimator comes back to the same bits, with its options and its receipt."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from pellucid import TabularClassifier, load
from pellucid.errors import MissingExtraError, OutputError, require
from pellucid.model import saving
from pellucid.options import options
from pellucid.population.plan import PopulationPlan
from tests.model.conftest import FITTED, SIZE, TABLE, TARGETS


def outputs(model: Any) -> list[np.ndarray]:
    unseen = {name: [*column[:3], None] for name, column in TABLE.items()}
    found = [model.predict(table) for table in (TABLE, unseen)]
    return [*found, model.predict_proba(unseen)] if isinstance(model, TabularClassifier) else found


@pytest.mark.parametrize("name", FITTED)
def test_what_is_loaded_predicts_the_same_bits(name: str, fitted: dict[str, Any], tmp_path: Path) -> None:
    model, path = fitted[name], tmp_path / "model.pellucid"
    digest = model.save(path)
    loaded = load(path)
    assert type(loaded) is type(model)
    for found, expected in zip(outputs(loaded), outputs(model), strict=True):
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)
    if isinstance(model, TabularClassifier):
        np.testing.assert_array_equal(loaded.classes_, model.classes_)
        assert loaded.classes_.dtype == model.classes_.dtype
    again = tmp_path / "again.pellucid"
    assert loaded.save(again) == digest  # and so the whole file is the same
    assert again.read_bytes() == path.read_bytes()
    np.testing.assert_array_equal(load(again).predict(TABLE), model.predict(TABLE))


def test_a_fresh_process_predicts_the_same_bits(fitted: dict[str, Any], tmp_path: Path) -> None:
    for name, model in fitted.items():
        model.save(tmp_path / name)
    (tmp_path / "table.json").write_text(json.dumps(TABLE))
    script = (
        "import json, sys, numpy as np, pellucid\n"
        "table = json.load(open('table.json'))\n"
        "found = {name: pellucid.load(name).predict(table) for name in sys.argv[1:]}\n"
        "np.savez('found.npz', **found)\n"
    )
    subprocess.run([sys.executable, "-c", script, *fitted], cwd=tmp_path, check=True, env=here())
    with np.load(tmp_path / "found.npz") as found:
        for name, model in fitted.items():
            np.testing.assert_array_equal(found[name], model.predict(TABLE))


def here() -> dict[str, str]:
    """The environment, with the paths of the imports made absolute."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(os.path.abspath(entry) for entry in sys.path if entry)}


def test_attributes_come_back(fitted: dict[str, Any], tmp_path: Path) -> None:
    model = fitted["number"]
    digest = model.save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    assert loaded.n_features_in_ == 6
    assert loaded.feature_names_in_.tolist() == list(TABLE)
    assert (loaded.seed_, loaded.best_epoch_, loaded.refitted_) == (4, model.best_epoch_, True)
    assert loaded.history_.to_dict() == model.history_.to_dict()
    assert repr(loaded.history_) == repr(model.history_)
    assert loaded.receipt_["sha256"] == digest
    assert loaded.receipt_["training_rows"] == model.plan_.n_rows
    assert loaded.receipt_["validation_loss"] == min(model.history_["validation_loss"])
    assert {"pellucid", "numpy", "python", "machine", "seed", "batch_size", "epochs", "engine"} <= set(loaded.receipt_)
    assert loaded.score(TABLE, TARGETS["number"][1]) == model.score(TABLE, TARGETS["number"][1])


def test_what_a_population_knows_comes_back(fitted: dict[str, Any], tmp_path: Path) -> None:
    model = fitted["multiclass, population"]
    model.save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    assert loaded.members_ == model.members_
    assert len(loaded.members_) == 2
    assert loaded.ensemble_.weights == model.ensemble_.weights
    assert (loaded.temperature_, loaded.remarks_) == (model.temperature_, model.remarks_)
    np.testing.assert_array_equal(loaded.predict_sets(TABLE, 0.7), model.predict_sets(TABLE, 0.7))
    assert PopulationPlan.from_json(loaded.receipt_["plan"]) == model.plan_


def test_intervals_come_back(fitted: dict[str, Any], tmp_path: Path) -> None:
    model = fitted["numbers, population"]
    model.save(tmp_path / "model")
    np.testing.assert_array_equal(load(tmp_path / "model").predict_interval(TABLE), model.predict_interval(TABLE))


def test_a_plan_of_a_file_trains_the_same_model_again(fitted: dict[str, Any], tmp_path: Path) -> None:
    model = fitted["number, population"]
    model.save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    plan = PopulationPlan.from_json(loaded.receipt_["plan"])
    again = loaded.set_params(plan=plan).fit(TABLE, TARGETS["number"][1])
    np.testing.assert_array_equal(again.predict(TABLE), model.predict(TABLE))


def test_options_come_back(tmp_path: Path) -> None:
    given: dict[str, Any] = {
        "members": 3,
        "folds": 2,
        "metric": "accuracy",
        "class_weight": {"red": 2.0, "green": 1.0, "blue": 0.5},
        "hidden_layer_sizes": (8, 4),
        "activation": "tanh",
        "dropout": np.float32(0.25),
        "learning_rate": 0.01,
        "weight_decay": 0,
        "batch_size": np.int64(16),
        "epochs": 2,
        "patience": 5,
        "validation_share": 0.3,
        "one_hot_limit": 2,
        "min_category_count": 1,
        "embedding_size": 3,
        "kinds": {"size": "category", "old": "boolean"},
        "missing": ("?", "-9"),
        "time_budget": "1h",
        "n_jobs": 2,
        "verbose": True,
        "random_state": 2**40,
        "callbacks": (print_nothing,),
    }
    model = TabularClassifier(**given)
    assert {*given, "plan"} == {declared.name for declared in options(TabularClassifier)}
    defaults = TabularClassifier().get_params()
    assert all(value != defaults[name] for name, value in given.items())
    model.fit(TABLE, TARGETS["multiclass"][1]).save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    assert loaded.get_params() == {**given, "plan": None, "callbacks": ()}
    np.testing.assert_array_equal(loaded.predict_proba(TABLE), model.predict_proba(TABLE))
    with pytest.raises(NotFittedError):
        clone(loaded).predict(TABLE)


def print_nothing(run: Any) -> None:
    """A callback, which no file keeps."""


def test_what_is_loaded_can_be_trained_and_saved_again(fitted: dict[str, Any], tmp_path: Path) -> None:
    fitted["number"].save(tmp_path / "model")
    loaded = load(tmp_path / "model").set_params(random_state=9)
    loaded.fit({"size": SIZE}, SIZE)
    assert not hasattr(loaded, "receipt_")
    loaded.save(tmp_path / "other")
    assert load(tmp_path / "other").receipt_["seed"] == 9
    again = load(tmp_path / "model").fit(TABLE, TARGETS["number"][1])
    np.testing.assert_array_equal(again.network_.parameters, fitted["number"].network_.parameters)


def test_a_file_that_exists_is_kept_unless_told(fitted: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "model"
    fitted["number"].save(path)
    before = path.read_bytes()
    with pytest.raises(OutputError, match="overwrite=True"):
        fitted["binary"].save(path)
    assert path.read_bytes() == before
    fitted["binary"].save(str(path), overwrite=True)
    assert isinstance(load(str(path)), TabularClassifier)
    with pytest.raises(OutputError, match="no folder"):
        fitted["binary"].save(tmp_path / "no" / "model")


def test_a_history_with_infinities_comes_back(fitted: dict[str, Any], tmp_path: Path) -> None:
    model = copy.deepcopy(fitted["number"])
    model.history_.columns["loss"][1] = float("inf")
    model.history_.columns["validation_loss"][model.best_epoch_ - 1] = float("inf")
    model.save(tmp_path / "model")
    assert load(tmp_path / "model").history_.to_dict() == model.history_.to_dict()


def test_a_missing_extra_is_not_blamed_on_the_file(
    fitted: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m.pellucid"
    fitted["binary"].save(path)
    monkeypatch.setattr(saving, "_estimator", lambda *_: require("no_such_package", extra="standard", purpose="it"))
    with pytest.raises(MissingExtraError, match=r"pellucid\[standard\]"):
        load(path)
