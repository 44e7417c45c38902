"""Files in ONNX predict in onnxruntime what their models predict; mistakes of the writer are found."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid import Dense, Network
from pellucid.activations import activation
from pellucid.errors import MissingExtraError, ProofError
from pellucid.estimators import TabularClassifier
from pellucid.export import export, lower
from pellucid.export.graph import (
    Above,
    Activate,
    Affine,
    Code,
    Column,
    Complement,
    Graph,
    Largest,
    Operation,
    Output,
    Scale,
)
from pellucid.export.targets.onnx import ONNX
from pellucid.export.vectors import Vectors
from tests.export import models

onnx = pytest.importorskip("onnx", reason="the package onnx is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="the package onnxruntime is not installed")

PRECISIONS = {"float": "float32", "double": "float64"}


def session(path: Path) -> Any:
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def fed(model: Any, columns: dict[str, list[Any]]) -> dict[str, Any]:
    """Return columns of a table as the inputs of its model's file; their names are the columns' own."""
    found: dict[str, Any] = {}
    for encoding in model.encoder_.encodings:
        values = columns[encoding.name]
        if encoding.kind == "category":
            found[encoding.name] = np.array([[value or ""] for value in values], dtype=object)
        else:
            if encoding.kind == "date":
                values = np.array(values, dtype="datetime64[us]").astype(object)
                values = [None if value is None else np.datetime64(value, "us").astype(np.int64) for value in values]
            found[encoding.name] = np.array(values, dtype=np.float64)[:, None]
    return found


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("members", models.MEMBERS)
@pytest.mark.parametrize("kind", models.TARGETS)
def test_a_file_predicts_what_its_estimator_predicts(kind: str, members: str, precision: str, tmp_path: Path) -> None:
    model, path = models.fitted(kind, members), tmp_path / "model.onnx"
    made = export(model, path, precision=precision)
    assert made.proof is not None and made.proof.n_ties == 0
    assert [each.name for each in tmp_path.iterdir()] == ["model.onnx"]

    columns = models.table()
    first, *rest = session(path).run(None, fed(model, columns))
    if kind.startswith("number"):
        assert first.dtype == np.float64 and first.shape == (models.N_ROWS, 1 if kind == "number" else 2)
        off = np.abs(first - np.reshape(model.predict(columns), first.shape)) / model.target_.deviation
    else:
        off = np.abs(first - model.predict_proba(columns))
        assert rest[0].tolist() == model.predict(columns).tolist()
    assert off.max() <= 1e-5  # what an export in float allows


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", models.NETWORKS)
def test_a_file_computes_what_a_bare_network_computes(name: str, precision: str, tmp_path: Path) -> None:
    made = export(models.network(name, PRECISIONS[precision]), tmp_path / "network.onnx", precision=precision)
    assert made.proof is not None


EXTREME = np.array([-np.inf, -1e30, -750.0, -100.0, -18.5, -1e-9, -0.0, 0.0, 1e-30, 1e-9, 18.5, 100.0, 750.0, np.inf])


@pytest.mark.parametrize("dtype", PRECISIONS.values())
@pytest.mark.parametrize(
    "name", ["sigmoid", "tanh", "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "softplus"]
)
def test_an_activation_has_its_limits_and_its_digits(name: str, dtype: str, tmp_path: Path) -> None:
    operation = Activate("v", 1, dtype, "x", name, {"leaky_relu": 0.01, "elu": 1.0}.get(name, 0.0))
    found = computed(operation, EXTREME.astype(dtype), tmp_path)
    expected = activation(name).value(EXTREME.astype(dtype))
    # onnxruntime's own operators in float32 are off by some units of 1, of which sigmoid's multiples are SiLU's
    # here; in float64 the normal distribution is the worst, within 5e-14
    allowed = 1e-6 * (1 + np.abs(EXTREME)) if dtype == "float32" else 1e-13 * np.abs(expected)
    finite = np.isfinite(expected)
    assert found[~finite].tolist() == expected[~finite].tolist()
    off = np.abs(found[finite].astype(np.float64) - expected[finite])
    assert (off <= allowed[finite]).all(), (found, expected)


def computed(operation: Operation, x: Any, folder: Path) -> Any:
    """Return what the file of a single operation on a column of a type makes of x."""
    columns = (Column("x", "vector", 1),)
    graph = Graph("a", columns, (operation,), (Output("y", operation.output, "numbers", ("y",)),), (("pellucid", "0"),))
    vectors = Vectors({"x": np.zeros((1, 1))}, {"y": np.zeros((1, 1))}, 1.0, {"y": np.ones(1)})
    path = folder / "one.onnx"
    path.write_bytes(ONNX().write(graph, vectors, "one").files["one.onnx"])  # type: ignore[arg-type]
    return session(path).run(None, {"x": x.astype(np.float64)[:, None]})[0][:, 0]


def test_a_file_gives_the_ends_of_intervals(tmp_path: Path) -> None:
    model = models.fitted("numbers", "population")
    made = export(model, tmp_path / "model.onnx", coverage=0.8)
    assert made.proof is not None and set(made.proof.differences) == {"prediction", "low", "high"}
    names = [each.name for each in session(tmp_path / "model.onnx").get_outputs()]
    assert names == ["prediction", "low", "high"]


def test_hostile_names_stay_what_they_are(tmp_path: Path) -> None:
    model, path = models.hostile(), tmp_path / "1 model-é.onnx"
    assert export(model, path).proof is not None
    names = model.feature_names_in_.tolist()
    rng = np.random.default_rng(1)
    levels = [models.HOSTILE[index % len(models.HOSTILE)] for index in range(20)]
    columns = {name: rng.normal(size=20).tolist() for name in names[:-1]} | {names[-1]: levels}
    _, label = session(path).run(None, fed(model, columns))
    assert label.tolist() == model.predict(columns).tolist()


def test_columns_may_be_named_as_outputs_and_nodes_are(tmp_path: Path) -> None:
    names = ("label", "probabilities", "Gemm", "constant", "Squeeze", "Cast", "v2", "Split_1")
    rng = np.random.default_rng(0)
    columns = {name: rng.normal(size=40).tolist() for name in names}
    options = {"epochs": 2, "hidden_layer_sizes": (4,), "members": 1, "random_state": 0}
    model = TabularClassifier(**options).fit(columns, [0, 1] * 20)
    assert export(model, tmp_path / "model.onnx").proof is not None
    file = session(tmp_path / "model.onnx")
    assert [each.name for each in file.get_inputs()] == list(names)
    outputs = {each["kind"]: each["name"] for each in json.loads(file.get_modelmeta().custom_metadata_map["outputs"])}
    assert outputs == {"probabilities": "probabilities_1", "label": "label_1"}


@pytest.mark.parametrize(
    ("classes", "type_"),
    [
        ((3, -7), "tensor(int64)"),
        ((False, True), "tensor(bool)"),
        ((0.5, 1.5), "tensor(double)"),
        ((" ", "ü"), "tensor(string)"),
    ],
)
def test_labels_come_out_in_their_own_type(classes: tuple[Any, Any], type_: str, tmp_path: Path) -> None:
    x = np.linspace(-1, 1, 40)
    options = {"epochs": 2, "hidden_layer_sizes": (4,), "members": 1, "random_state": 0}
    y = np.array([classes[int(value > 0)] for value in x])
    model = TabularClassifier(**options).fit({"x": x}, y)
    export(model, tmp_path / "model.onnx")
    file = session(tmp_path / "model.onnx")
    assert file.get_outputs()[1].type == type_
    assert file.run(None, {"x": x[:, None]})[1].tolist() == model.predict({"x": x}).tolist()


def test_no_rows_give_no_predictions(tmp_path: Path) -> None:
    model = models.fitted("classes", "population")
    export(model, tmp_path / "model.onnx")
    given = {name: values[:0] for name, values in fed(model, models.table()).items()}
    assert [len(found) for found in session(tmp_path / "model.onnx").run(None, given)] == [0, 0]


def test_the_file_is_of_versions_that_are_widely_read_and_says_what_it_is(tmp_path: Path) -> None:
    model = models.fitted("classes")
    export(model, tmp_path / "model.onnx")
    read = onnx.load(tmp_path / "model.onnx")
    assert read.ir_version == 10
    assert {each.domain: each.version for each in read.opset_import} == {"": 21, "ai.onnx.ml": 4}
    said = {each.key: each.value for each in read.metadata_props}
    assert said["title"] == "TabularClassifier of target" and said["seed"] == "0"
    kinds = {each["name"]: each["kind"] for each in json.loads(said["inputs"])}
    assert kinds == {each.name: each.kind for each in model.encoder_.encodings}
    assert json.loads(said["outputs"])[1] == {"name": "label", "kind": "label", "labels": model.classes_.tolist()}
    shapes = {each.name: each.type.tensor_type.shape.dim for each in (*read.graph.input, *read.graph.output)}
    assert {dim[0].dim_param for dim in shapes.values()} == {"rows"}
    assert [dim.dim_value for dim in shapes["probabilities"][1:]] == [3] and len(shapes["label"]) == 1


def transposed(o: Operation) -> list[Operation]:
    if not isinstance(o, Affine) or o.weight.shape[0] != o.weight.shape[1]:
        return [o]
    return [dataclasses.replace(o, weight=o.weight.T.copy())]


def one_off(o: Operation) -> list[Operation]:
    return [dataclasses.replace(o, levels=(*o.levels[1:], o.levels[0])) if isinstance(o, Code) else o]


def swapped(o: Operation) -> list[Operation]:
    if not isinstance(o, Complement):
        return [o]
    other = Scale("other", 1, "float64", o.x, np.array([-1.0]), np.array([1.0]))
    return [other, dataclasses.replace(o, x="other")]


def always_the_first(o: Operation) -> list[Operation]:
    return [Above(o.output, 1, o.dtype, "v1", 1e308) if isinstance(o, Largest) else o]


PLANTED: dict[str, tuple[Callable[[Operation], list[Operation]], str]] = {
    "a transposed weight": (transposed, "its self-test fails: in row . probabilities is "),
    "an encoder off by one": (one_off, "its self-test fails: in row "),
    "probabilities of swapped classes": (swapped, "its self-test fails: in row . probabilities is "),
    "another label": (always_the_first, "its self-test fails: in row [0-9]+ label is "),
}


def written_otherwise(monkeypatch: pytest.MonkeyPatch, change: Callable[[Graph], Graph]) -> None:
    own = ONNX.write
    monkeypatch.setattr(ONNX, "write", lambda target, graph, *rest: own(target, change(graph), *rest))


@pytest.mark.parametrize("mistake", PLANTED)
def test_the_proof_finds_a_planted_mistake_and_leaves_nothing(
    mistake: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant, said = PLANTED[mistake]

    def change(graph: Graph) -> Graph:
        return dataclasses.replace(graph, operations=tuple(new for old in graph.operations for new in plant(old)))

    written_otherwise(monkeypatch, change)
    with pytest.raises(ProofError, match=said):
        export(models.fitted("binary"), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_the_proof_finds_exchanged_names_of_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def change(graph: Graph) -> Graph:
        turned = (dataclasses.replace(each, labels=each.labels[::-1]) for each in graph.outputs)
        return dataclasses.replace(graph, outputs=tuple(turned))

    written_otherwise(monkeypatch, change)
    with pytest.raises(ProofError, match="the label is another than the model's"):
        export(models.fitted("classes"), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["binary", "classes"])
@pytest.mark.parametrize("where", ["the program", "the description"])
def test_a_file_whose_classes_are_permuted_fails_its_self_test(where: str, kind: str, tmp_path: Path) -> None:
    model, path = models.fitted(kind), tmp_path / "model.onnx"
    export(model, path)
    file = onnx.load(path)
    if where == "the program":
        (names,) = [each for each in file.graph.initializer if each.data_type == onnx.TensorProto.STRING]
        names.string_data[:] = names.string_data[::-1]
    else:
        (said,) = [each for each in file.metadata_props if each.key == "outputs"]
        outputs = json.loads(said.value)
        outputs[1]["labels"].reverse()
        said.value = json.dumps(outputs)
    onnx.save(file, path)
    graph = lower(model, precision="float")
    with pytest.raises(ProofError, match=r"its self-test fails: (in row [0-9]+ label is|its list of classes)"):
        ONNX().run(path, graph, {column.name: np.zeros((0, 1)) for column in graph.columns})


def test_several_labels_are_part_of_the_self_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def change(graph: Graph) -> Graph:
        wrong = (dataclasses.replace(o, threshold=0.0) if isinstance(o, Above) else o for o in graph.operations)
        return dataclasses.replace(graph, operations=tuple(wrong))

    written_otherwise(monkeypatch, change)
    with pytest.raises(ProofError, match=r"its self-test fails: in row [0-9]+ labels is \["):
        export(models.fitted("labels"), tmp_path / "model.onnx")


def test_a_label_of_as_good_as_equal_classes_is_no_part_of_the_self_test(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pellucid.export.vectors.tied", lambda output, values, tolerance: np.full(len(values), True))
    written_otherwise(
        monkeypatch,
        lambda graph: dataclasses.replace(
            graph, operations=tuple(new for old in graph.operations for new in always_the_first(old))
        ),
    )
    with pytest.raises(ProofError, match="the label is another than the model's"):  # by the proof, of other rows
        export(models.fitted("binary"), tmp_path / "model.onnx")


def test_the_proof_finds_a_wrong_result_of_rows_that_are_not_in_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = ONNX.run

    def wrong_in_the_last_row(target: ONNX, path: Path, graph: Graph, columns: Any) -> Any:
        found = own(target, path, graph, columns)
        found["probabilities"][-1] += 2e-5
        return found

    monkeypatch.setattr(ONNX, "run", wrong_in_the_last_row)
    with pytest.raises(ProofError, match="probabilities differs from the model's"):
        export(models.fitted("classes"), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_onnxruntime_cannot_run_is_no_proof(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"no file of this format")
    with pytest.raises(ProofError, match=r"model\.onnx: onnxruntime cannot run it: "):
        ONNX().run(path, Graph("nothing", (), (), ()), {})


def test_without_onnxruntime_a_file_is_written_but_not_proven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pellucid.export.targets.onnx.find_spec", lambda name: None)
    network = models.network("scale", "float32")
    with pytest.raises(ProofError, match="the Python package onnxruntime"):
        export(network, tmp_path / "network.onnx", require_proof=True)
    assert list(tmp_path.iterdir()) == []
    assert export(network, tmp_path / "network.onnx").proof is None


def test_without_onnx_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtraError, match=r"export to onnx needs .*pip install 'pellucid\[onnx\]'"):
        export(models.network("scale", "float32"), tmp_path / "network.onnx")
    assert list(tmp_path.iterdir()) == []


def test_constants_that_float32_holds_exactly_are_kept_in_it(tmp_path: Path) -> None:
    network = Network([Dense(64), Dense(1)], n_inputs=64, dtype="float32", rng=0)
    network.initialize()
    sizes = {p: export(network, tmp_path / f"{p}.onnx", precision=p).n_bytes for p in PRECISIONS}
    assert sizes["double"] < sizes["float"] + 64 * 4 + 1024  # the smaller constants, and a node that widens
