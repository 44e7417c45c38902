"""An ONNX file as the reader sees it: nodes in order and the constants they use, taken from bytes without trust.

Nothing but the file itself is opened: numbers that an ONNX file keeps in other files are refused. The memory of a
constant is taken only after its shape was compared with the numbers that are there.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.errors import ForeignModelError, listed, require
from pellucid.importing.parts import content
from pellucid.layers.base import Array

OLDEST_OPSET = 7
STANDARD = ("", "ai.onnx")
FIELDS = {"FLOAT": "float_data", "DOUBLE": "double_data", "INT64": "int64_data", "INT32": "int32_data"}


@dataclass(frozen=True)
class Node:
    """One operator of the graph, with what it reads, what it writes and its attributes."""

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    place: str


@dataclass(frozen=True)
class Graph:
    """The nodes, in an order in which each reads only what is there; the constants; the name and shape of the input.

    input_shape : its sizes, None where any will do; None as a whole where the file does not say
    """

    model: str
    n_bytes: int
    nodes: list[Node]
    constants: dict[str, Any]
    input_name: str
    input_shape: tuple[int | None, ...] | None
    outputs: tuple[str, ...]

    def array(self, name: str, place: str) -> Array:
        """Return a constant as an array; ``place`` is who asks."""
        constant = self.constants[name]
        return constant if isinstance(constant, np.ndarray) else _array(constant, f"{place}: its constant {name!r}")


def read_graph(path: str | os.PathLike[str]) -> Graph:
    """Return the graph of a file; raises `ForeignModelError` unless it is an ONNX file of one graph with one input."""
    onnx = require("onnx", extra="onnx", purpose="from_onnx")
    from google.protobuf.message import DecodeError

    model = f"from_onnx: {os.fspath(path)!r}"
    file = content(path, "an ONNX file")
    proto = onnx.ModelProto()
    try:
        proto.ParseFromString(file)
    except DecodeError as error:
        raise ForeignModelError(f"{model} is no ONNX file, or is damaged: {error}. Export the model again.") from error
    graph = proto.graph
    if not graph.node or not graph.output:
        raise ForeignModelError(f"{model} holds no graph: it is no ONNX file, or is damaged. Export the model again.")
    _check_opset(proto, onnx.defs.onnx_opset_version(), model)
    if graph.sparse_initializer:
        raise ForeignModelError(f"{model} has sparse weights; it expects dense ones. Export the model with those.")
    constants: dict[str, Any] = {tensor.name: tensor for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in constants]
    if len(inputs) != 1:
        raise ForeignModelError(
            f"{model} has {len(inputs)} inputs; it expects one, the rows of features. Export the model with one "
            "matrix of numbers as its input."
        )
    nodes: list[Node] = []
    known = {inputs[0].name, *constants}
    for index, node in enumerate(graph.node):
        read = _node(node, f"{model}: node {index + 1} of {len(graph.node)}, {node.op_type} {node.name!r},")
        for name in read.inputs:
            if name and name not in known:
                raise ForeignModelError(f"{read.place} reads {name!r}, which nothing before it writes. Export again.")
        written = {name for name in read.outputs if name}
        if not read.outputs or not read.outputs[0]:
            raise ForeignModelError(f"{read.place} writes nothing. The file is damaged: export it again.")
        if written & known:
            raise ForeignModelError(f"{read.place} writes {min(written & known)!r} a second time. Export again.")
        known |= written
        value = _constant(read, constants)
        if value is None:
            nodes.append(read)
        else:
            constants[read.outputs[0]] = value
    outputs = tuple(output.name for output in graph.output)
    return Graph(model, len(file), nodes, constants, inputs[0].name, _input_shape(inputs[0], model), outputs)


def _check_opset(proto: Any, newest: int, model: str) -> None:
    versions = [opset.version for opset in proto.opset_import if opset.domain in STANDARD]
    if len(versions) != 1 or not OLDEST_OPSET <= versions[0] <= newest:
        raise ForeignModelError(
            f"{model} uses ONNX's operators in version {', '.join(map(str, versions)) or 'unknown'}; it expects "
            f"{OLDEST_OPSET} to {newest}, the newest one that the installed onnx knows. Export with opset 21."
        )


def _node(node: Any, place: str) -> Node:
    """Return a node; operators of another domain than ONNX's own have it in their name: ``"ai.onnx.ml.ZipMap"``."""
    from onnx.helper import get_attribute_value

    if not all(isinstance(name, str) for name in (node.op_type, node.domain, *node.input, *node.output)):
        raise ForeignModelError(f"{place} has a name that is no text. The file is damaged: export it again.")
    attributes = {}
    for attribute in node.attribute:
        if attribute.ref_attr_name:
            raise ForeignModelError(
                f"{place} refers to an attribute of a function. Export the model without functions."
            )
        try:
            attributes[attribute.name] = get_attribute_value(attribute)
        except ValueError as error:
            raise ForeignModelError(f"{place} has a damaged attribute: {error}. Export the model again.") from error
    operator = node.op_type if node.domain in STANDARD else f"{node.domain}.{node.op_type}"
    return Node(operator, tuple(node.input), tuple(node.output), attributes, place)


def _constant(node: Node, constants: Mapping[str, Any]) -> Any:
    """Return what a node writes that depends on constants alone, or None if it depends on rows."""
    from onnx import TensorProto

    if node.operator == "Constant":
        [kind, *others] = node.attributes or [""]
        value = node.attributes.get(kind)
        if kind == "value" and isinstance(value, TensorProto) and not others:
            return value
        if kind in ("value_float", "value_int") and isinstance(value, float | int) and not others:
            return np.array(value, np.float32 if kind == "value_float" else np.int64)
        if kind in ("value_floats", "value_ints") and isinstance(value, list) and not others:
            return np.array(value, np.float32 if kind == "value_floats" else np.int64)
        raise ForeignModelError(f"{node.place} holds {listed(node.attributes)}; it expects one constant of numbers.")
    if not node.inputs or not all(name in constants for name in node.inputs):
        return None
    if node.operator == "Identity":
        return constants[node.inputs[0]]
    if node.operator == "Transpose" and node.attributes.get("perm", [1, 0]) == [1, 0]:
        array = constants[node.inputs[0]]
        array = array if isinstance(array, np.ndarray) else _array(array, f"{node.place} its input")
        return array.T if array.ndim == 2 else None
    return None


def _input_shape(value: Any, model: str) -> tuple[int | None, ...] | None:
    from onnx import TensorProto

    kind = value.type.tensor_type
    numbers = {TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.INT32, TensorProto.INT64}
    if kind.elem_type not in numbers:
        raise ForeignModelError(f"{model} takes {value.name!r}, which is no matrix of float, double or whole numbers.")
    if not kind.HasField("shape"):
        return None
    return tuple(size.dim_value if size.HasField("dim_value") else None for size in kind.shape.dim)


def _array(tensor: Any, what: str) -> Array:
    from onnx import TensorProto
    from onnx.numpy_helper import to_array

    if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
        raise ForeignModelError(
            f"{what} is kept in another file, which is not opened; it expects all in one. Write it so: "
            "onnx.save(onnx.load(path), 'whole.onnx')."
        )
    names = {value: name for name, value in TensorProto.DataType.items()}
    kind = names.get(tensor.data_type, str(tensor.data_type))
    if kind not in FIELDS:
        raise ForeignModelError(f"{what} is of type {kind}; it expects FLOAT or DOUBLE. Export the model in float32.")
    shape = tuple(tensor.dims)
    n_bytes = 8 if kind in ("DOUBLE", "INT64") else 4
    there = len(tensor.raw_data) / n_bytes if tensor.HasField("raw_data") else len(getattr(tensor, FIELDS[kind]))
    if min(shape, default=1) < 0 or math.prod(shape) != there or tensor.HasField("segment"):
        raise ForeignModelError(
            f"{what} says its shape is {shape} and holds {there:g} numbers. The file is damaged: export it again."
        )
    return np.asarray(to_array(tensor))
