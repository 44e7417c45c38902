"""A model file with the right digest and a wrong document is refused by name, wherever it is wrong."""

from __future__ import annotations

import copy
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid import TabularRegressor, load
from pellucid.errors import ModelFileError
from pellucid.model import read_model, write_model
from pellucid.options import Configurable
from tests.model.conftest import TABLE

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
    ("networks", 0, "layers"),  # dropout and first weights may be any
    ("networks", 1, "layers"),
    ("temperature",),
    ("members",),  # what was told of the training of each, beside their numbers
    ("remarks",),
]


@pytest.mark.parametrize("name", ["multiclass", "labels", "numbers", "multiclass, population", "numbers, population"])
def test_a_lacking_key_or_item_is_refused(name: str, contents: Any, tmp_path: Path) -> None:
    document, tensors = contents[name]

    def leave_out(inner: Any, key: Any) -> None:
        del inner[key]

    n_tried = 0
    # What is in these may be fewer: an option of a layer or loss has a default, some figures are for people only.
    free = [("encoder", "kinds"), ("encoder", "columns", 0, "examples"), ("encoder", "columns", 1, "examples")]
    free += [("networks", 0, "layers"), ("networks", 1, "layers"), ("members",), ("remarks",)]
    free += [("receipt",), ("history",), ("options", "hidden_layer_sizes")]
    for path in places(document):
        if any(path[: len(prefix)] == prefix and len(path) > len(prefix) for prefix in free):
            continue
        if path[0] == "loss" and path[1:] not in ((), ("type",)):
            continue
        refused(replaced(document, path, leave_out), tensors, tmp_path / "model")
        n_tried += 1
    assert n_tried > 50


@pytest.mark.parametrize(
    "name", ["binary", "multiclass", "labels", "number", "numbers", "multiclass, population", "numbers, population"]
)
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
                assert len(model.history_) == len(document["history"][0][1])
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
POPULATION = "multiclass, population"
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
    ("multiclass", at("estimator"), "TabularRegressor", "its options are"),
    ("number", at("estimator"), "TabularClassifier", "its options are"),
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
    ("multiclass", at("networks", 0, "n_inputs"), 3, "takes 3 columns"),
    ("multiclass", at("networks", 0, "n_inputs"), 10**12, "takes 1000000000000 columns"),
    ("multiclass", at("networks", 0, "dtype"), "float64", "float32"),
    ("multiclass", at("networks", 0, "dtype"), "S1000000000", "float32"),
    ("multiclass", at("networks", 0, "layers"), [], "layers"),
    ("multiclass", at("networks", 0, "layers", HIDDEN, "n_outputs"), 10**12, "1000000000000 numbers of a row"),
    ("multiclass", at("networks", 0, "layers", HIDDEN, "n_outputs"), 9, "tensor '1.weight'"),
    ("multiclass", at("networks", 0, "layers", HIDDEN, "type"), "Residual", "layers|n_outputs"),
    ("multiclass", at("networks", 0, "layers", HIDDEN, "type"), "TabularClassifier", "TabularClassifier"),
    ("multiclass", at("networks", 0, "layers", HIDDEN, "type"), "builtins.eval", "builtins.eval"),
    ("multiclass", at("networks", 0, "layers", HIDDEN, "type"), "_Holding", "_Holding"),
    ("multiclass", at("networks", 0, "layers", HIDDEN, "type"), ["Dense"], "TypeError"),
    ("multiclass", at("networks", 0, "layers", HIDDEN, "forward"), "x", "forward"),
    ("multiclass", at("networks", 0, "layers", HIDDEN, "bias"), False, "tensors"),
    ("multiclass", at("networks", 0, "layers", HIDDEN), "relu", "AttributeError"),
    ("multiclass", at("receipt"), "a receipt", "no fingerprint of the data"),
    ("multiclass", at("receipt", "best_epoch"), 0, "best epoch is 0"),
    ("multiclass", at("receipt", "best_epoch"), 4, "best epoch is 4"),
    ("multiclass", at("receipt", "best_epoch"), "1", "best_epoch '1'"),
    ("multiclass", at("receipt", "seed"), {"type": "Dense"}, "seed"),
    ("multiclass", at("networks"), [], "networks and their weights"),
    ("multiclass", at("weights"), [0.5], "networks and their weights"),
    ("multiclass", at("weights"), [0.5, 0.5], "networks and their weights"),
    (POPULATION, at("weights"), [0.5, 0.6], "networks and their weights"),
    (POPULATION, at("weights"), [1.5, -0.5], "networks and their weights"),
    (POPULATION, at("weights"), ["0.5", "0.5"], "networks and their weights"),
    (POPULATION, at("networks", 1, "n_inputs"), 3, "takes 3 columns"),
    (POPULATION, at("networks", 1, "layers", HIDDEN, "n_outputs"), 10**12, "1000000000000 numbers of a row"),
    (POPULATION, at("temperature"), 0.0, "temperature"),
    (POPULATION, at("temperature"), 1, "temperature"),
    (POPULATION, at("temperature"), -1.0, "temperature"),
    (POPULATION, at("members", 0, "member"), 1, "not in order"),
    (POPULATION, at("members", 0, "configuration", "surprise"), 1, "surprise"),
    (POPULATION, at("members", 0, "configuration", "dropout"), None, "a member is damaged"),
    (POPULATION, at("members", 0, "values"), ["high"], "ValueError"),
    (POPULATION, at("members", 0, "stopped_by"), 3, "a member is damaged"),
    (POPULATION, at("members", 0, "used"), [1], "TypeError"),
    (POPULATION, at("remarks"), ["well", 3], "not texts"),
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


def test_tensors_of_an_ensemble_that_do_not_fit_are_refused(contents: Any, tmp_path: Path) -> None:
    document, tensors = contents[POPULATION]
    path = tmp_path / "model"
    without = {name: view for name, view in tensors.items() if not name.startswith("network1.")}
    refused(document, without, path, "its tensors are")
    another = f"network{len(document['networks'])}.1.bias"
    refused(document, {**tensors, another: tensors["network1.1.bias"]}, path, "tensors of no network")
    scores = tensors["conformal scores"]
    for wrong in (scores[::-1], scores.astype(np.float32), scores[:, None], scores[:0], np.append(scores, np.nan)):
        refused(document, {**tensors, "conformal scores": wrong}, path, "conformal scores")
    document, tensors = contents["numbers, population"]
    wrong = tensors["conformal scores"][:, :1]
    refused(document, {**tensors, "conformal scores": wrong}, path, "conformal scores")


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
    document["networks"][0][key] = change(document["networks"][0][key])
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
        changed["networks"][0]["layers"].insert(1, layer)
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
    at_layer = ("networks", 0, "layers", HIDDEN + 2)
    assert document["networks"][0]["layers"][HIDDEN + 2]["type"] == "Dropout"
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
