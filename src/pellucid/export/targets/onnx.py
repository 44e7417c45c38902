"""Export to ONNX: one file that onnxruntime and others run, raw columns in, predictions out."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from pellucid.errors import ProofError, require
from pellucid.export.graph import Graph, Output, Squeeze
from pellucid.export.target import Program, Target
from pellucid.export.targets.onnx_nodes import Nodes, onnx_package
from pellucid.export.targets.onnx_operations import OPERATIONS, add_squeezed, write
from pellucid.export.vectors import TIED, Vectors
from pellucid.layers.base import Array

OPSETS = {"": 21, "ai.onnx.ml": 4}
IR_VERSION = 10  # that onnxruntime reads; the newest one, which onnx would write, is ahead of it


class ONNX(Target):
    """A graph of standard operators; each raw column is an input by its name, [rows, 1], or [rows, size] of a vector.

    The file's metadata say, as JSON, what its inputs and outputs are, and hold the test vectors.
    """

    name = "onnx"
    suffix = ".onnx"
    operations = OPERATIONS
    needs = "the Python package onnxruntime"

    def write(self, graph: Graph, vectors: Vectors, stem: str) -> Program:
        """Return the one file, which onnx itself has checked."""
        onnx, helper = onnx_package(), onnx_package("onnx.helper")
        nodes = Nodes(column.name for column in graph.columns)
        outputs = {output.name: nodes.name(output.name) for output in graph.outputs}
        for column in graph.columns:
            nodes.types[column.name] = "str" if column.kind == "category" else "float64"
        tensors = _tensors(graph, nodes)
        for output in graph.outputs:
            _add_output(output, nodes, tensors[output.value], outputs[output.name])
        body = helper.make_graph(
            nodes.nodes,
            "pellucid",
            [nodes.described(each.name, each.size) for each in graph.columns],
            [
                nodes.described(outputs[each.name], 0 if each.kind == "label" else len(each.labels))
                for each in graph.outputs
            ],
            nodes.initializers,
        )
        model = helper.make_model(
            body,
            producer_name="Pellucid",
            producer_version=dict(graph.metadata)["pellucid"],
            doc_string=graph.title,
            ir_version=IR_VERSION,
            opset_imports=[helper.make_opsetid(*opset) for opset in OPSETS.items()],
        )
        helper.set_model_props(model, _metadata(graph, vectors, outputs))
        onnx.checker.check_model(model, full_check=True)
        return Program({f"{stem}.onnx": model.SerializeToString()})

    def runtime(self) -> str | None:
        """Onnxruntime, in this process."""
        return None if find_spec("onnxruntime") is None else f"onnxruntime {_onnxruntime().__version__}"

    def run(self, path: Path, graph: Graph, columns: Mapping[str, Array]) -> dict[str, Array]:
        """Run the model on its test vectors, one row at a time, and on all rows at once."""
        with _refusals(path):
            session = _onnxruntime().InferenceSession(path, providers=["CPUExecutionProvider"])
            _self_test(path, session)
            found = session.run(None, {each.name: _fed(each, columns[each.name]) for each in session.get_inputs()})
        return {output.name: _numbers(output, values) for output, values in zip(graph.outputs, found, strict=True)}


def _onnxruntime() -> ModuleType:
    return require("onnxruntime", extra="onnx", purpose="the proof of a file in ONNX")


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    """Turn what onnxruntime raises into `ProofError`; its errors have no base but Exception."""
    try:
        yield
    except Exception as error:
        if not type(error).__module__.startswith("onnxruntime"):
            raise
        raise ProofError(f"{path.name}: onnxruntime cannot run it: {error}") from error


def _tensors(graph: Graph, nodes: Nodes) -> dict[str, str]:
    """Add the nodes of all operations; return the tensors by value. Columns of numbers are squeezed together."""
    tensors, waiting = {column.name: column.name for column in graph.columns}, list[Squeeze]()
    for operation in graph.operations:
        if not {each.output for each in waiting}.isdisjoint(operation.inputs):
            _add_squeezes(waiting, nodes, tensors)
            waiting = []
        if isinstance(operation, Squeeze):
            waiting.append(operation)
        else:
            tensors[operation.output] = write(operation, nodes, [tensors[name] for name in operation.inputs])
    if waiting:
        _add_squeezes(waiting, nodes, tensors)
    return tensors


def _add_squeezes(operations: Sequence[Squeeze], nodes: Nodes, tensors: dict[str, str]) -> None:
    center, scale = np.array([(each.center, each.scale) for each in operations]).T
    x = nodes.add("Concat", *(tensors[each.x] for each in operations), axis=1)
    parts = nodes.split(add_squeezed(nodes, x, center, scale), len(operations))
    for each, part in zip(operations, parts, strict=True):
        tensors[each.output], nodes.types[part] = part, each.dtype


def _labels(output: Output) -> Array:
    """Return the labels as they come out: whole or other numbers, true and false, or text."""
    labels = np.array(output.labels)
    kinds = {"i": np.int64, "u": np.int64, "f": np.float64, "b": np.bool_}
    return labels.astype(kinds.get(labels.dtype.kind, np.str_))


def _add_output(output: Output, nodes: Nodes, x: str, name: str) -> None:
    if output.kind == "label":
        labels, one = _labels(output), nodes.constant([1], "int64")
        place = nodes.add("Squeeze", nodes.cast(x, "int64"), one)
        nodes.add("Gather", nodes.constant(labels), place, axis=0, output=name)
        nodes.types[name] = labels.dtype.name
    else:
        x = nodes.cast(x, "int64") if output.kind == "labels" else x
        nodes.add("Identity", x, output=name)
        nodes.types[name] = nodes.types[x]


def _metadata(graph: Graph, vectors: Vectors, outputs: Mapping[str, str]) -> dict[str, str]:
    """Return what the file says of itself, with the test vectors and by how much each number of theirs may differ.

    Of a label there is no such number, and null in its place where two are as good as equal.
    """
    expected, allowed = {}, {}
    for output in graph.outputs:
        if output.kind == "label":
            known, codes = _labels(output).tolist(), vectors.outputs[output.name][:, 0].astype(int).tolist()
            expected[outputs[output.name]] = [None if code == TIED else known[code] for code in codes]
        elif output.kind == "labels":
            flags = vectors.outputs[output.name].astype(int).tolist()
            expected[outputs[output.name]] = [None if TIED in row else row for row in flags]
        elif output.kind in ("numbers", "probabilities"):
            values, name = vectors.outputs[output.name], outputs[output.name]
            unit = vectors.unit[output.name] + np.abs(values) if output.kind == "numbers" else np.ones_like(values)
            expected[name], allowed[name] = _plain(values.tolist()), _plain((vectors.tolerance * unit).tolist())
    rows = {name: values.reshape(vectors.n_rows, -1).tolist() for name, values in vectors.columns.items()}
    documents = {
        "inputs": [{"name": each.name, "kind": each.kind} for each in graph.columns],
        "outputs": [
            {"name": outputs[each.name], "kind": each.kind, "labels": _plain(_labels(each).tolist())}
            for each in graph.outputs
        ],
        "vectors": {
            "inputs": {name: _plain(values) for name, values in rows.items()},
            "outputs": expected,
            "allowed": allowed,
        },
    }
    texts = {name: json.dumps(document, allow_nan=False) for name, document in documents.items()}
    return {"title": graph.title, **dict(graph.metadata), **texts}


def _plain(value: Any) -> Any:
    """Return nested lists as JSON can hold them: null for NaN, text for infinities, which NumPy reads back."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value


def _self_test(path: Path, session: Any) -> None:
    """Raise `ProofError` unless each test vector, alone, gives the numbers and labels that are kept beside it."""
    said = session.get_modelmeta().custom_metadata_map
    test, described = json.loads(said["vectors"]), {each["kind"]: each for each in json.loads(said["outputs"])}
    given = {each.name: _fed(each, np.array(test["inputs"][each.name], dtype=object)) for each in session.get_inputs()}
    for row in range(len(next(iter(given.values())))):
        names = list(test["outputs"])
        found = session.run(names, {name: values[row : row + 1] for name, values in given.items()})
        for name, values in zip(names, found, strict=True):
            own, expected = values.tolist()[0], test["outputs"][name][row]
            if name in test["allowed"]:
                numbers, allowed = (np.array(test[key][name][row], dtype=np.float64) for key in ("outputs", "allowed"))
                agrees = np.isclose(values[0], numbers, rtol=0, atol=allowed, equal_nan=True).all()
            else:
                agrees = expected is None or own == expected
            if not agrees:
                raise ProofError(
                    f"{path.name}: its self-test fails: in row {row} {name} is {own!r}; the model's is {expected!r}."
                )
            if name == described.get("label", {}).get("name") and expected is not None:
                best = int(np.argmax(found[names.index(described["probabilities"]["name"])][0]))
                if described["label"]["labels"][best] != expected:
                    raise ProofError(f"{path.name}: its self-test fails: its list of classes is in another order.")


def _numbers(output: Output, values: Array) -> Array:
    """Return an output as `evaluate` does: a label as its number."""
    if output.kind != "label":
        return values
    known = _labels(output).tolist()
    return np.array([[known.index(label)] for label in values.tolist()])


def _fed(tensor: Any, values: Array) -> Array:
    """Return a column's values as an input takes them."""
    text = tensor.type == "tensor(string)"
    return values.astype(np.object_ if text else np.float64).reshape(len(values), tensor.shape[1])
