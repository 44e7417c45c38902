"""Two models are compared part by part, and only what differs is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid import TabularClassifier, TabularRegressor, compare_models, load
from pellucid.model import read_model, write_model
from tests.model.conftest import SIZE, TABLE, TARGETS

LABEL = TARGETS["multiclass"][1]
SMALL: dict[str, Any] = {"epochs": 3, "hidden_layer_sizes": (8,), "random_state": 4, "members": 1}
NOTHING: dict[str, list[str]] = {name: [] for name in ("data", "options", "versions", "plan", "weights", "quality")}


@pytest.fixture(scope="module")
def model() -> Any:
    return TabularClassifier(**SMALL).fit(TABLE, LABEL)


def differing(found: dict[str, list[str]]) -> set[str]:
    return {name for name, sentences in found.items() if sentences}


def test_a_model_trained_twice_or_saved_between_differs_in_nothing(model: Any, tmp_path: Path) -> None:
    model.save(tmp_path / "m")
    assert compare_models(model, load(tmp_path / "m")) == NOTHING
    assert compare_models(model, TabularClassifier(**SMALL, n_jobs=2, verbose=True).fit(TABLE, LABEL)) == NOTHING


def test_another_seed_is_an_option_that_changes_the_weights(model: Any) -> None:
    found = compare_models(model, TabularClassifier(**{**SMALL, "random_state": 5}).fit(TABLE, LABEL))
    assert found["options"] == ["random state is 4, and 5"]
    assert (found["data"], found["versions"]) == ([], [])
    assert "weights" in differing(found)


def test_other_data_are_told_by_column(model: Any) -> None:
    table = {**TABLE, "size": [*TABLE["size"][:-1], 7.5]}
    found = compare_models(model, TabularClassifier(**SMALL).fit(table, LABEL))
    assert found["data"] == ["column 'size' has other values"]
    assert found["options"] == []


def test_another_kind_of_model_is_told(model: Any) -> None:
    found = compare_models(model, TabularRegressor(**SMALL).fit(TABLE, SIZE))
    assert found["options"] == ["one is a TabularClassifier, the other a TabularRegressor"]
    population = TabularClassifier(**{**SMALL, "members": 2, "folds": 2}).fit(TABLE, LABEL)
    found = compare_models(model, population)
    assert found["plan"][0] == "one is a single network, the other a population"
    assert f"1 and {len(population.ensemble_.networks)} networks" in found["weights"]


def test_a_tensor_is_told_with_its_first_and_its_largest_difference(model: Any, tmp_path: Path) -> None:
    model.save(tmp_path / "m")
    document, tensors, _ = read_model(tmp_path / "m")
    name = next(name for name in tensors if name.endswith("weight"))
    edited = tensors[name].copy()
    edited[0, 1] += np.float32(0.25)
    edited[2, 0] += np.float32(2)
    write_model(tmp_path / "edited", document, {**tensors, name: edited})
    found = compare_models(load(tmp_path / "m"), load(tmp_path / "edited"))
    assert differing(found) == {"weights"}
    (said,) = found["weights"]
    assert f"tensor {name!r} {edited.shape} differs in 2 of {edited.size:,} numbers, first at [0, 1]" in said
    assert said.endswith("by 2 at most")


def test_versions_and_scores_are_told(model: Any, tmp_path: Path) -> None:
    model.save(tmp_path / "m")
    document, tensors, _ = read_model(tmp_path / "m")
    receipt = document["receipt"]
    test = {"rows": 9, "metrics": {"accuracy": 0.5, "AUROC": "nan"}, "data": receipt["data"]}
    receipt |= {"pellucid": "0.0.1", "test": test}
    write_model(tmp_path / "edited", document, tensors)
    found = compare_models(model, load(tmp_path / "edited"))
    assert found["versions"][0].startswith("pellucid is ")
    assert found["quality"] == ["AUROC on test rows is none, and nan", "accuracy on test rows is none, and 0.5"]
