"""Verification trains a saved model again: the same data give the same bits, and any difference is named."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest
from sklearn.base import clone

from pellucid import Callback, TabularClassifier, TabularRegressor, load, verify
from pellucid.errors import ModelFileError
from pellucid.model import read_model, write_model
from pellucid.tabular import to_table
from tests.model.conftest import SIZE, TABLE, TARGETS

LABEL = TARGETS["multiclass"][1]
GROUPS = [index // 5 for index in range(50)]
SMALL: dict[str, Any] = {"epochs": 3, "hidden_layer_sizes": (8,), "random_state": 4}
POPULATION: dict[str, Any] = {**SMALL, "members": 3, "folds": 2}
SINGLE: dict[str, Any] = {**SMALL, "members": 1}


def saved(model: Any, path: Path, X: Any = TABLE, y: Any = LABEL, **given: Any) -> Path:
    model.fit(X, y, **given).save(path)
    return path


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(TabularClassifier(**POPULATION), tmp_path_factory.mktemp("models") / "model.pellucid")


class StopAfter(Callback):
    """Stops after so many steps, counted over all trainings of a fit."""

    def of(self, steps: int) -> StopAfter:
        self.left = steps
        return self

    def after_step(self, run: Any) -> None:
        self.left -= 1
        if self.left <= 0:
            run.stop("a person")


@pytest.mark.parametrize("n_jobs", [None, 1, 2])
def test_the_same_data_give_the_same_bits_on_any_number_of_cores(path: Path, n_jobs: int | None) -> None:
    found = verify(path, TABLE, LABEL, n_jobs=n_jobs)
    assert found.same
    assert (found.data, found.weights, found.versions) == ((), (), ())
    assert found.sha256 == load(path).receipt_["sha256"]
    assert found.seconds > 0


def test_a_data_frame_of_the_same_values_is_the_same_data(path: Path) -> None:
    assert verify(path, to_table(TABLE).to_pandas(), np.array(LABEL, dtype=object)).same


@pytest.mark.parametrize("kind", [SINGLE, POPULATION], ids=["single", "population"])
@pytest.mark.parametrize(
    ("name", "values", "others"),
    [
        ("sample_weight", 1 + np.arange(50) % 4, 1 + np.arange(50) % 3),
        ("groups", GROUPS, [group % 7 for group in GROUPS]),
        ("order", SIZE, -SIZE),
    ],
)
def test_what_else_fit_was_given_is_part_of_the_data(
    kind: dict[str, Any], name: str, values: Any, others: Any, tmp_path: Path
) -> None:
    path = saved(TabularRegressor(**kind), tmp_path / "m", y=SIZE, **{name: values})
    assert verify(path, TABLE, SIZE, **{name: values}).same
    assert verify(path, TABLE, SIZE, **{name: others}).data == (f"{name} has other values",)
    assert verify(path, TABLE, SIZE).data == (f"{name} is not there",)


@pytest.mark.parametrize("kind", [SINGLE, POPULATION], ids=["single", "population"])
def test_rows_to_judge_by_are_part_of_the_data(kind: dict[str, Any], tmp_path: Path) -> None:
    held = {"X_val": TABLE, "y_val": SIZE, "sample_weight_val": np.arange(50)}
    path = saved(TabularRegressor(**kind), tmp_path / "m", y=SIZE, **held)
    assert verify(path, TABLE, SIZE, **held).same
    assert verify(path, TABLE, SIZE, **{**held, "y_val": -SIZE}).data == ("y_val has other values",)


def test_a_row_of_weight_zero_is_no_part_of_the_data(tmp_path: Path) -> None:
    weight = np.arange(50) % 4
    path = saved(TabularRegressor(**SINGLE), tmp_path / "m", y=SIZE, sample_weight=weight)
    other = np.where(weight == 0, 7.0, SIZE)
    assert verify(path, TABLE, other, weight).same


def test_other_data_are_named_and_not_trained_on(path: Path) -> None:
    table = to_table(TABLE)

    def data(X: Any, y: Any = LABEL) -> tuple[str, ...]:
        found = verify(path, X, y)
        assert (found.same, found.weights, found.seconds) == (False, (), 0.0)
        return found.data

    cell = table.with_columns(polars.Series("color", ["blue", *LABEL[1:]]))
    assert LABEL[0] != "blue"
    assert data(cell) == ("column 'color' has other values",)
    assert data(table.rename({"city": "town"})) == ("column 'city' is called 'town'",)
    assert data(table[::-1], LABEL[::-1]) == ("these are the same rows, in another order",)
    assert data(table[:49], LABEL[:49])[0] == "49 rows instead of 50"
    assert data(table, LABEL[::-1]) == ("the target has other values",)


def test_a_weight_that_was_edited_is_found(path: Path, tmp_path: Path) -> None:
    document, tensors, _ = read_model(path)
    name = next(name for name in tensors if name.endswith("weight") and tensors[name].ndim == 2)
    before = tensors[name][1, 2]
    tensors[name] = tensors[name].copy()
    tensors[name][1, 2] = np.nextafter(before, np.float32(np.inf))
    edited = tmp_path / "edited"
    write_model(edited, document, tensors)
    found = verify(edited, TABLE, LABEL)
    assert not found.same
    assert found.data == ()
    assert len(found.weights) == 1
    assert f"tensor {name!r}" in found.weights[0]
    assert f"first at [1, 2]: {tensors[name][1, 2].item()!r} and {before.item()!r}" in found.weights[0]


@pytest.mark.parametrize("name", ["seed", "learning rate", "plan", "share", "temperature"])
def test_a_document_that_was_edited_gives_other_weights(name: str, path: Path, tmp_path: Path) -> None:
    document, tensors, _ = read_model(path)
    document = copy.deepcopy(document)
    if name == "seed":
        document["options"]["random_state"] = 5
    elif name == "learning rate":
        document["options"]["learning_rate"] = 0.0125
    elif name == "plan":
        document["receipt"]["plan"]["batch_size"] = 16
    elif name == "share":
        document["weights"] = [1 / len(document["weights"])] * len(document["weights"])
        document["weights"][0] += 1e-9
    else:
        document["temperature"] += 1e-9
    edited = tmp_path / "edited"
    write_model(edited, document, tensors)
    found = verify(edited, TABLE, LABEL)
    assert not found.same
    assert found.data == ()
    assert found.weights
    if name in ("share", "temperature"):
        assert name in found.weights[0]


def test_another_version_is_told_and_is_no_fault(path: Path, tmp_path: Path) -> None:
    document, tensors, _ = read_model(path)
    document["receipt"]["numpy"] = "1.0"
    write_model(tmp_path / "old", document, tensors)
    found = verify(tmp_path / "old", TABLE, LABEL)
    assert found.same
    assert found.versions == (f"numpy is 1.0, and {np.__version__}",)


def test_a_damaged_file_is_refused_before_anything_is_trained(path: Path, tmp_path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    (tmp_path / "damaged").write_bytes(content)
    with pytest.raises(ModelFileError, match="damaged or was edited"):
        verify(tmp_path / "damaged", TABLE, LABEL)


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5, 6, 7, 8])
def test_a_single_training_that_was_stopped_anywhere_is_repeated_to_that_step(steps: int, tmp_path: Path) -> None:
    """In the middle of an epoch, at the end of one or of all, and in the second training: 2 steps an epoch."""
    model = TabularRegressor(**SINGLE, batch_size=32, callbacks=[StopAfter().of(steps)])
    path = saved(model, tmp_path / "m", y=SIZE)
    assert verify(path, TABLE, SIZE).same
    assert not model.refitted_
    whole = TabularRegressor(**SINGLE, batch_size=32).fit(TABLE, SIZE)
    assert not np.array_equal(whole.network_.parameters, model.network_.parameters)


class StopAtRung(Callback):
    """Stops a population after its first rung."""

    def after_epoch(self, run: Any) -> None:
        run.stop("a person")


def test_a_population_that_was_stopped_repeats_the_rungs_that_it_reached(tmp_path: Path) -> None:
    model = TabularClassifier(**{**POPULATION, "epochs": 15}, callbacks=[StopAtRung()])
    path = saved(model, tmp_path / "m")
    assert model.plan_.rungs == (1,)
    assert verify(path, TABLE, LABEL).same


@pytest.mark.parametrize("members", [None, 1])
def test_a_time_budget_takes_no_part_in_verification(members: int | None, tmp_path: Path) -> None:
    model = TabularClassifier(members=members, random_state=1, time_budget=0.2)
    path = saved(model, tmp_path / "m")
    assert verify(path, TABLE, LABEL).same
    assert load(path).time_budget == 0.2


def test_a_model_that_was_loaded_and_saved_again_keeps_its_receipt(path: Path, tmp_path: Path) -> None:
    loaded = load(path)
    loaded.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == path.read_bytes()
    assert verify(tmp_path / "again", TABLE, LABEL).same
    assert not hasattr(clone(loaded), "fingerprint_")
