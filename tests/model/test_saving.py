"""A saved estimator comes back to the same bits; a file whose document is wrong anywhere is refused by name."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from pellucid import TabularClassifier, TabularRegressor, load
from pellucid.errors import ModelFileError, OutputError
from pellucid.model import read_model, write_model
from pellucid.options import Configurable, options

RNG = np.random.default_rng(0)
SIZE = RNG.normal(size=50)
TABLE: dict[str, list[Any]] = {
    "size": [None if index % 9 == 4 else float(value) for index, value in enumerate(SIZE)],
    "city": [None if index % 11 == 5 else f"città {index % 12}" for index in range(50)],
    "color": RNG.choice(["red", "green", "blue"], 50).tolist(),
    "old": (RNG.random(50) < 0.5).tolist(),
    "day": [f"2024-0{1 + index % 9}-11T0{index % 7}:00" for index in range(50)],
    "nothing": [None] * 50,
}
TARGETS: dict[str, tuple[type[Any], Any]] = {
    "binary": (TabularClassifier, np.where(SIZE > 0, "yes", "no")),
    "truth values": (TabularClassifier, SIZE > 0),
    "multiclass": (TabularClassifier, TABLE["color"]),
    "whole numbers": (TabularClassifier, np.digitize(SIZE, [-0.5, 0.5]) - 1),
    "float classes": (TabularClassifier, np.where(SIZE > 0, 1.5, -2.5)),
    "labels": (TabularClassifier, np.stack([SIZE > 0, np.array(TABLE["old"])], axis=1).astype(int)),
    "number": (TabularRegressor, SIZE * 1e6),
    "numbers": (TabularRegressor, np.stack([SIZE, -SIZE * 1e-30], axis=1)),
    "one column": (TabularRegressor, SIZE[:, None]),
}
QUICK: dict[str, Any] = {"epochs": 3, "hidden_layer_sizes": (8,), "random_state": 4}


@pytest.fixture(scope="module")
def fitted() -> dict[str, Any]:
    return {name: kind(**QUICK).fit(TABLE, y) for name, (kind, y) in TARGETS.items()}


def outputs(model: Any) -> list[np.ndarray]:
    unseen = {name: [*column[:3], None] for name, column in TABLE.items()}
    found = [model.predict(table) for table in (TABLE, unseen)]
    return [*found, model.predict_proba(unseen)] if isinstance(model, TabularClassifier) else found


@pytest.mark.parametrize("name", TARGETS)
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


def test_options_come_back(tmp_path: Path) -> None:
    given: dict[str, Any] = {
        "hidden_layer_sizes": (8, 4),
        "activation": "tanh",
        "dropout": np.float32(0.25),
        "learning_rate": 0.01,
        "weight_decay": 0,
        "batch_size": np.int64(16),
        "epochs": 2,
        "patience": None,
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
    assert set(given) == {declared.name for declared in options(TabularClassifier)}
    defaults = TabularClassifier().get_params()
    assert all(value != defaults[name] for name, value in given.items() if name != "patience")
    model.fit(TABLE, TARGETS["multiclass"][1]).save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    assert loaded.get_params() == {**given, "callbacks": ()}
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
    model.history_.columns["gradient_norm"][1] = float("inf")
    model.history_.columns["validation_loss"][model.best_epoch_ - 1] = float("inf")
    model.save(tmp_path / "model")
    assert load(tmp_path / "model").history_.to_dict() == model.history_.to_dict()


# -- documents that deceive: the digest is right, the content is not ---------------------------------------------------

Document = dict[str, Any]
Tensors = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def contents(fitted: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Document, Tensors]]:
    folder = tmp_path_factory.mktemp("models")
    for name, model in fitted.items():
        model.save(folder / name)
    return {name: read_model(folder / name)[:2] for name in fitted}


def refused(document: Document, tensors: Tensors, path: Path, match: str | None = None) -> None:
    write_model(path, document, tensors, overwrite=True)
    with pytest.raises(ModelFileError, match=match) as caught:
        load(path)
    message = str(caught.value)
    assert str(path) in message
    assert len(message) < 1000
    assert "Train the model again" in message


def load_or_refusal(path: Path) -> tuple[Any, str]:
    try:
        return load(path), ""
    except ModelFileError as error:
        return None, str(error)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each value in a document, of each list at most the first two items."""
    for key in value if isinstance(value, dict) else range(min(len(value), 2)) if isinstance(value, list) else ():
        yield (*path, key)
        yield from places(value[key], (*path, key))


def replaced(document: Document, path: tuple[Any, ...], change: Callable[[Any, Any], None]) -> Document:
    changed = copy.deepcopy(document)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    change(inner, path[-1])
    return changed


WRONG: list[Any] = [None, True, -1, 0.5, 10**400, 1e308, "", "wrong", [], [[]], {}, {"type": "Dense"}, ["x"] * 3]
HARMLESS = [
    ("options",),  # many values are in range; those out of range are tested below
    ("history",),  # numbers of an epoch may be any numbers
    ("receipt",),
    ("encoder", "columns"),  # what is told about a column, beside its name and kind
    ("encoder", "encodings"),  # center and scale may be any numbers
    ("encoder", "one_hot_limit"),
    ("encoder", "min_category_count"),
    ("encoder", "kinds"),
    ("encoder", "unnamed"),
    ("target", "name"),
    ("target", "mean"),
    ("target", "deviation"),
    ("target", "low"),
    ("target", "high"),
    ("target", "classes"),
    ("loss",),  # how training counted
    ("network", "layers"),  # dropout and first weights may be any
]


@pytest.mark.parametrize("name", ["multiclass", "labels", "numbers"])
def test_a_lacking_key_or_item_is_refused(name: str, contents: Any, tmp_path: Path) -> None:
    document, tensors = contents[name]

    def leave_out(inner: Any, key: Any) -> None:
        del inner[key]

    n_tried = 0
    # What is in these may be fewer: an option of a layer or loss has a default, some figures are for people only.
    free = [("encoder", "kinds"), ("encoder", "columns", 0, "examples"), ("encoder", "columns", 1, "examples")]
    free += [("network", "layers"), ("receipt",), ("history",), ("options", "hidden_layer_sizes")]
    for path in places(document):
        if any(path[: len(prefix)] == prefix and len(path) > len(prefix) for prefix in free):
            continue
        if path[0] == "loss" and path[1:] not in ((), ("type",)):
            continue
        refused(replaced(document, path, leave_out), tensors, tmp_path / "model")
        n_tried += 1
    assert n_tried > 50


@pytest.mark.parametrize("name", ["binary", "multiclass", "labels", "number", "numbers"])
def test_any_value_in_any_place_loads_or_is_refused_in_one_way(name: str, contents: Any, tmp_path: Path) -> None:
    """Whatever stands anywhere: either the file is refused by name, or the model predicts."""
    document, tensors = contents[name]
    n_refused = n_loaded = 0
    rng = np.random.default_rng(0)
    for path in places(document):
        for wrong in (WRONG[index] for index in rng.choice(len(WRONG), 3, replace=False)):
            changed = replaced(document, path, lambda inner, key, wrong=wrong: inner.__setitem__(key, wrong))
            if changed == document:
                continue
            write_model(tmp_path / "model", changed, tensors, overwrite=True)
            model, refusal = load_or_refusal(tmp_path / "model")
            if model is None:
                n_refused += 1
                assert str(tmp_path / "model") in refusal, path
            else:
                n_loaded += 1
                assert any(path[: len(prefix)] == prefix for prefix in HARMLESS), (path, wrong)
                with np.errstate(over="ignore", invalid="ignore"):
                    assert len(model.predict(TABLE)) == 50
                assert len(model.history_) == 3
                model.validate()
    assert n_refused > 3 * n_loaded > 0


def at(*path: Any) -> Callable[[Document, Any], None]:
    def put(document: Document, value: Any) -> None:
        inner = document
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = value

    return put


ENCODING = {"size": 0, "city": 1, "color": 2, "old": 3, "day": 4}
HIDDEN = 1  # after the layer of columns
CASES: list[tuple[str, Callable[[Document, Any], None], Any, str]] = [
    (
        "multiclass",
        at("estimator"),
        "Encoder",
        "holds a 'Encoder', and may hold 'TabularClassifier', 'TabularRegressor'",
    ),
    ("multiclass", at("estimator"), "os.system", "holds a 'os.system'"),
    ("multiclass", at("estimator"), "_Holding", "holds a '_Holding'"),
    ("multiclass", at("estimator"), "TabularEstimator", "holds a"),
    ("multiclass", at("estimator"), ["TabularClassifier"], "TypeError"),
    ("multiclass", at("estimator"), "TabularRegressor", "target"),
    ("number", at("estimator"), "TabularClassifier", "target"),
    ("multiclass", at("options", "dropout"), 1.5, "dropout got 1.5"),
    ("multiclass", at("options", "epochs"), 10**400, "OverflowError|epochs"),
    ("multiclass", at("options", "hidden_layer_sizes"), [0], "hidden_layer_sizes"),
    ("multiclass", at("options", "activation"), {"type": "ReLU"}, "activation"),
    ("multiclass", at("options", "callbacks"), [], "its options are"),
    ("multiclass", at("options", "__class__"), "int", "its options are"),
    ("multiclass", at("options", "network_"), 1, "its options are"),
    ("multiclass", at("options", "random_state"), None, "random_state"),
    ("multiclass", at("options", "random_state"), "1", "random_state"),
    ("multiclass", at("options", "kinds"), {"type": "mapping", "items": [[[], 1]]}, "TypeError"),
    ("multiclass", at("options", "n_jobs"), 0, "n_jobs"),
    ("multiclass", at("encoder", "encodings", ENCODING["size"], "center"), "5", "center '5'"),
    ("multiclass", at("encoder", "encodings", ENCODING["size"], "center"), 10**400, "OverflowError"),
    ("multiclass", at("encoder", "encodings", ENCODING["size"], "scale"), -1.0, "negative scale"),
    ("multiclass", at("encoder", "encodings", ENCODING["size"], "name"), 3, "name 3"),
    ("multiclass", at("encoder", "encodings", ENCODING["size"], "kind"), "pickle", "KeyError|damaged"),
    ("multiclass", at("encoder", "encodings", ENCODING["city"], "form"), "one_hot", "columns"),
    ("multiclass", at("encoder", "encodings", ENCODING["city"], "form"), "hash", "form 'hash'"),
    ("multiclass", at("encoder", "encodings", ENCODING["city"], "levels"), ["b", "a", "c"], "not in order"),
    ("multiclass", at("encoder", "encodings", ENCODING["city"], "levels"), ["a", "a", "c"], "not in order"),
    ("multiclass", at("encoder", "encodings", ENCODING["city"], "levels"), [1, 2, 3], "levels"),
    (
        "multiclass",
        at("encoder", "encodings", ENCODING["city"], "levels"),
        [f"{n:03}" for n in range(99)],
        "expects a whole",
    ),
    ("multiclass", at("encoder", "encodings", ENCODING["city"], "levels"), ["a", "b", "c"], "more levels"),
    ("multiclass", at("encoder", "encodings", ENCODING["old"], "missing_seen"), 1, "missing_seen 1"),
    ("multiclass", at("encoder", "encodings", ENCODING["old"], "missing_seen"), True, "columns"),
    ("multiclass", at("encoder", "encodings", ENCODING["old"], "name"), "size", "differ"),
    ("multiclass", at("encoder", "columns", 0, "kind"), "date", "differ"),
    ("multiclass", at("encoder", "columns", 0, "n_missing"), "3", "n_missing"),
    ("multiclass", at("encoder", "columns", 0, "surprise"), 3, "surprise"),
    ("multiclass", at("encoder", "unnamed"), "no", "another type"),
    ("multiclass", at("target", "type"), "NumberTarget", "ClassTarget"),
    ("multiclass", at("target", "classes"), ["red", "green", "blue"], "not in order"),
    ("multiclass", at("target", "classes"), ["blue", "red"], "its loss is|outputs"),
    ("multiclass", at("target", "classes"), ["blue", "green", "pink", "red"], "outputs"),
    ("multiclass", at("target", "classes"), ["blue", "green", 3], "classes|another type"),
    ("multiclass", at("target", "classes"), [["blue"], ["green"], ["red"]], "TypeError|classes"),
    ("multiclass", at("target", "classes"), "blue", "another type|classes"),
    ("multiclass", at("target", "is_multilabel"), 0, "multilabel"),
    ("labels", at("target", "classes"), [1, 2], "not in order"),
    ("numbers", at("target", "mean"), [0.0], "ValueError|damaged"),
    ("numbers", at("target", "deviation"), [1.0, 0.0], "range or deviation"),
    ("numbers", at("target", "low"), [1e9, 1e9], "range or deviation"),
    ("numbers", at("target", "is_single"), True, "number of columns"),
    ("numbers", at("target", "name"), 5, "another type|name"),
    ("multiclass", at("loss"), {"type": "SquaredError"}, "not CrossEntropy"),
    ("number", at("loss"), {"type": "CrossEntropy"}, "not SquaredError"),
    ("multiclass", at("loss"), {"type": "Dense", "n_outputs": 3}, "'Dense'"),
    ("multiclass", at("loss", "label_smoothing"), 2, "label_smoothing"),
    ("multiclass", at("network", "n_inputs"), 3, "takes 3 columns"),
    ("multiclass", at("network", "n_inputs"), 10**12, "takes 1000000000000 columns"),
    ("multiclass", at("network", "dtype"), "float64", "float32"),
    ("multiclass", at("network", "dtype"), "S1000000000", "float32"),
    ("multiclass", at("network", "layers"), [], "layers"),
    ("multiclass", at("network", "layers", HIDDEN, "n_outputs"), 10**12, "1000000000000 numbers of a row"),
    ("multiclass", at("network", "layers", HIDDEN, "n_outputs"), 9, "tensor '1.weight'"),
    ("multiclass", at("network", "layers", HIDDEN, "type"), "Residual", "layers|n_outputs"),
    ("multiclass", at("network", "layers", HIDDEN, "type"), "TabularClassifier", "TabularClassifier"),
    ("multiclass", at("network", "layers", HIDDEN, "type"), "builtins.eval", "builtins.eval"),
    ("multiclass", at("network", "layers", HIDDEN, "type"), "_Holding", "_Holding"),
    ("multiclass", at("network", "layers", HIDDEN, "type"), ["Dense"], "TypeError"),
    ("multiclass", at("network", "layers", HIDDEN, "forward"), "x", "forward"),
    ("multiclass", at("network", "layers", HIDDEN, "bias"), False, "tensors"),
    ("multiclass", at("network", "layers", HIDDEN), "relu", "AttributeError"),
    ("multiclass", at("receipt"), "a receipt", "AttributeError"),
    ("multiclass", at("receipt", "best_epoch"), 0, "best epoch is 0 of 3"),
    ("multiclass", at("receipt", "best_epoch"), 4, "best epoch is 4 of 3"),
    ("multiclass", at("receipt", "best_epoch"), "1", "best_epoch '1'"),
    ("multiclass", at("receipt", "seed"), {"type": "Dense"}, "seed"),
    ("multiclass", at("history"), [], "not a table"),
    ("multiclass", at("history"), {"loss": [1.0]}, "not a table"),
    ("multiclass", at("history", 1, 1), [1.0], "not a table"),
    ("multiclass", at("history", 1, 1), [1.0, "one", 2.0], "ValueError"),
    ("multiclass", at("history", 1, 1), [1.0, None, 2.0], "another loss"),
]


@pytest.mark.parametrize(("name", "put", "value", "match"), CASES)
def test_a_document_that_deceives_is_refused(
    name: str, put: Any, value: Any, match: str, contents: Any, tmp_path: Path
) -> None:
    document, tensors = copy.deepcopy(contents[name])
    put(document, value)
    refused(document, tensors, tmp_path / "model", match)


def test_tensors_that_do_not_fit_are_refused(contents: Any, tmp_path: Path) -> None:
    document, tensors = contents["multiclass"]
    path, weight = tmp_path / "model", tensors["1.weight"]
    without = {name: view for name, view in tensors.items() if name != "1.weight"}
    refused(document, without, path, "its tensors are")
    refused(document, {**tensors, "more": weight}, path, "its tensors are")
    refused(document, {**without, "1.Weight": weight}, path, "its tensors are")
    refused(document, {}, path, "its tensors are")
    for wrong in (
        weight.T,
        weight[:-1],
        weight[None],
        weight.ravel(),
        weight.astype(np.float64),
        weight.astype(np.int64),
    ):
        refused(document, {**tensors, "1.weight": wrong}, path, "tensor '1.weight' is")
    for number in (np.nan, np.inf, -np.inf):
        spoiled = weight.copy()
        spoiled[0, 0] = number
        refused(document, {**tensors, "1.weight": spoiled}, path, "not finite")


def doubling(n_layers: int) -> list[dict[str, Any]]:
    """Layers without weights, each of which lays two copies of its input side by side."""
    layers, width = [], 1
    for _ in range(n_layers):
        copies = [[name, [0, width, {"type": "Dropout", "rate": 0.0}]] for name in "ab"]
        layers.append({"type": "Columns", "parts": {"type": "mapping", "items": copies}})
        width *= 2
    return layers


BOMB = {"type": "array", "dtype": "S1000000000", "values": ["a"]}
DENSE = {"type": "Dense", "n_outputs": 10**9}
BOMBS: list[tuple[str, Any]] = [
    ("layers", lambda layers: [*layers, DENSE]),
    ("layers", lambda layers: [{"type": "Embedding", "n_codes": 10**11, "size": 10**11}]),
    ("layers", lambda layers: [{**layers[0], "parts": {"type": "array", **BOMB}}]),
    ("layers", lambda layers: [{**layers[HIDDEN], "weight_initializer": BOMB}]),
    ("layers", lambda layers: [*layers[:-1], *doubling(40), layers[-1]]),
    ("layers", lambda layers: doubling(40)),
    ("layers", lambda layers: [{"type": "Chain", "layers": layers}] * 2),
]


@pytest.mark.parametrize(("key", "change"), BOMBS)
def test_no_memory_is_taken_for_what_is_not_there(key: str, change: Any, contents: Any, tmp_path: Path) -> None:
    document, tensors = copy.deepcopy(contents["multiclass"])
    document["network"][key] = change(document["network"][key])
    write_model(tmp_path / "model", document, tensors)
    tracemalloc.start()
    try:
        with pytest.raises(ModelFileError, match="model"):
            load(tmp_path / "model")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 50e6


def test_a_document_nested_too_deep_is_refused(contents: Any, tmp_path: Path) -> None:
    document, tensors = contents["number"]
    for depth in (100, 400):
        layer: dict[str, Any] = {"type": "Dropout", "rate": 0.0}
        for _ in range(depth):
            layer = {"type": "Chain", "layers": [layer]}
        changed = copy.deepcopy(document)
        changed["network"]["layers"].insert(1, layer)
        refused(changed, tensors, tmp_path / "model")


def test_a_class_outside_pellucid_cannot_be_named(contents: Any, tmp_path: Path) -> None:
    """Not even one that derives from Pellucid's own, and so is known to Python as one of the family."""
    from pellucid.layers import Dropout
    from pellucid.losses import SquaredError
    from pellucid.options import registered

    made: list[str] = []

    class Stowaway(Dropout):
        def __post_init__(self) -> None:
            made.append("layer")
            super().__post_init__()

    class StowawayLoss(SquaredError):
        def __post_init__(self) -> None:
            made.append("loss")
            super().__post_init__()

    class StowawayRegressor(TabularRegressor):
        def __post_init__(self) -> None:
            made.append("estimator")

    document, tensors = contents["number"]
    at_layer = ("network", "layers", HIDDEN + 2)
    assert document["network"]["layers"][HIDDEN + 2]["type"] == "Dropout"
    for path, name in (
        ((*at_layer, "type"), "Stowaway"),
        (("loss", "type"), "StowawayLoss"),
        (("estimator",), "StowawayRegressor"),
    ):
        changed = copy.deepcopy(document)
        at(*path)(changed, name)
        refused(changed, tensors, tmp_path / "model", name)
    assert made == []
    assert all(kind.__module__.split(".")[0] == "pellucid" for kind in registered(Configurable).values())


def test_a_model_of_another_release_is_not_guessed_at(contents: Any, tmp_path: Path) -> None:
    document, tensors = copy.deepcopy(contents["number"])
    del document["options"]["missing"]
    refused(document, tensors, tmp_path / "model", "load it with the release that saved it")
