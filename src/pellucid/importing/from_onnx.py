"""A multi-layer perceptron in an ONNX file becomes a network with the same outputs."""

from __future__ import annotations

import math
import os

from pellucid.errors import ForeignModelError, OptionError, listed, near_miss
from pellucid.importing.answers import ANSWERS
from pellucid.importing.chain import Chain
from pellucid.importing.onnx_graph import Graph, Node, read_graph
from pellucid.importing.onnx_operators import OPERATORS, READS_BEFORE, REAL
from pellucid.importing.parts import build
from pellucid.network import Network


def from_onnx(path: str | os.PathLike[str]) -> Network:
    """Return the network that an ONNX file describes, such as ``torch.onnx.export`` or skl2onnx writes it.

    The file's graph must be one chain of dense layers (Gemm, or MatMul with or without Add), activations, and
    normalizations with running statistics or over columns; Dropout, Identity, Flatten and casts between kinds of
    numbers are passed over. The operators are those of opset 7 and later; the network has the dtype of the weights.

    ``network.predict(X)`` is the file's output, a Softmax or Sigmoid at its end included. Where the file goes on to
    labels (ArgMax, ZipMap and their like), the network ends before, with the probabilities; for two classes these are
    one column, the probability of the second. The losses of this library take outputs before Softmax and Sigmoid: to
    train further, take that last layer off.

    Only this one file is opened. Raises `ForeignModelError`, before anything is built, that names the node which no
    layer expresses, or what is damaged; `MissingExtraError` without the package onnx.

    >>> import tempfile
    >>> import numpy as np
    >>> from onnx import helper, numpy_helper, save
    >>> weight = numpy_helper.from_array(np.array([[1.0, -1.0]], "float32"), "weight")
    >>> node = helper.make_node("Gemm", ["x", "weight"], ["y"], transB=1)
    >>> x, y = (helper.make_tensor_value_info(name, 1, None) for name in "xy")
    >>> model = helper.make_model(helper.make_graph([node], "one neuron", [x], [y], [weight]))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(model, f"{folder}/model.onnx")
    ...     network = from_onnx(f"{folder}/model.onnx")
    >>> network.layers, float(network.predict([[5.0, 2.0]])[0, 0])
    ((Dense(1, bias=False),), 3.0)
    """
    graph = read_graph(path)
    chain = Chain(graph, value={graph.input_name})
    for node in graph.nodes:
        _read(node, chain)
    for name in graph.outputs:
        if name not in chain.value and name not in chain.answers:
            raise ForeignModelError(
                f"{graph.model} has the output {name!r} in the middle of its chain of layers; it expects outputs at "
                "its end alone. Export the model with one output."
            )
    _check_input(graph, chain)
    return build(chain.parts, graph.model)


def _read(node: Node, chain: Chain) -> None:
    """Let the chain grow by what a node does."""
    operator = node.operator
    if operator not in OPERATORS and operator not in ANSWERS:
        raise chain.refused(node, f"is an operator that no layer expresses{near_miss(operator, OPERATORS)}")
    if operator in ANSWERS and ANSWERS[operator](node, chain):
        return
    if operator not in OPERATORS:
        raise chain.refused(node, "makes no label of the outputs of a network")
    function, known = OPERATORS[operator]
    unknown = node.attributes.keys() - known
    if unknown:
        raise chain.refused(node, f"has the attribute {listed(unknown)}, which is not known")
    for name, value in node.attributes.items():
        expected = float if name in REAL else bytes if name == "approximate" else int
        if not isinstance(value, expected):
            raise chain.refused(
                node, f"has the attribute {name} = {value!r}, which should be of type {expected.__name__}"
            )
    if operator not in READS_BEFORE and (not node.inputs or not chain.value.intersection(node.inputs)):
        raise chain.refused(node, f"reads {listed(node.inputs)}, which is not what the layer before it gives: a branch")
    try:
        function(node, chain)
    except OptionError as error:
        raise chain.refused(node, f"has an attribute that no layer takes ({error})") from error


def _check_input(graph: Graph, chain: Chain) -> None:
    """Raise unless the file's input is rows of as many numbers as the first weights take, or is made so by Flatten."""
    n_inputs = next((part.n_inputs for part in chain.parts if part.n_inputs is not None), None)
    shape = graph.input_shape
    if shape is None or n_inputs is None:
        return
    known = None not in shape[1:]
    one_axis = len(shape) == 2 or (len(shape) > 2 and chain.flattened)
    if not one_axis or (known and math.prod(size or 0 for size in shape[1:]) != n_inputs):
        raise ForeignModelError(
            f"{graph.model} says that {graph.input_name!r} has the shape {shape}; its first weights take rows of "
            f"{n_inputs} numbers, (n_rows, {n_inputs}). Export the model with such an input, or with Flatten first."
        )
