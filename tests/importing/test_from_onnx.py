"""An ONNX file as a network: the outputs that onnxruntime computes, over operators, versions and exporters."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from pellucid import Network, from_onnx
from tests.importing.onnx_files import DOUBLE, FLOAT, model, weights, write
from tests.importing.output_rounding import output_rounding

GOLDEN = Path(__file__).parent / "golden"
TORCH = json.loads((GOLDEN / "torch_outputs.json").read_text(encoding="utf-8"))
X = np.random.default_rng(5).normal(size=(20, 3)) * 2
W, B, V = weights(3, 4, seed=1), weights(4, seed=2), weights(4, 2, seed=3)


def by_onnxruntime(path: Path, rows: Any) -> list[Any]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: rows})


def check(path: Path, rows: Any = X) -> Network:
    """Hold the network's outputs to onnxruntime's and return it."""
    network = from_onnx(path)
    rows = rows.astype(network.dtype)
    expected = by_onnxruntime(path, rows)[0]
    flat = rows.reshape(len(rows), -1)
    outputs = network.predict(flat)
    assert outputs.shape == expected.shape
    assert (np.abs(outputs - expected) <= output_rounding(network, flat)).all()
    return network


@pytest.mark.parametrize("opset", [7, 9, 11, 13, 15, 18, 20, 21, 23])
def test_a_chain_has_the_same_outputs_in_every_version_of_the_operators(opset: int, tmp_path: Path) -> None:
    nodes = [
        ("Gemm", "x W B", "a", {"alpha": 0.5, "beta": 3.0}),
        ("Relu", "a", "b"),
        ("BatchNormalization", "b s B m v", "c", {"epsilon": 0.01}),
        ("Dropout", "c", "d"),
        ("MatMul", "d V", "e"),
        ("Add", "e b2", "f"),
        ("Softmax", "f", "y", {"axis": 1}),
    ]
    constants = {"W": W, "B": B, "V": V, "b2": weights(1, 2), "s": weights(4), "m": weights(4, seed=7), "v": B**2 + 1}
    network = check(write(tmp_path, model(nodes, constants, opset=opset)))
    assert repr(network.layers) == (
        "(Dense(4), ReLU(), BatchNorm(epsilon=0.01), Dense(2), Softmax())"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("operator", "attributes", "opset", "layer"),
    [
        ("Elu", {"alpha": 0.3}, 7, "ELU(alpha=0.3)"),
        ("Gelu", {}, 20, "GELU()"),
        ("Identity", {}, 7, None),
        ("LeakyRelu", {}, 7, "LeakyReLU()"),
        ("LeakyRelu", {"alpha": 0.2}, 16, "LeakyReLU(slope=0.2)"),
        ("Mish", {}, 18, "Mish()"),
        ("Relu", {}, 14, "ReLU()"),
        ("Selu", {}, 7, "SELU()"),
        ("Sigmoid", {}, 13, "Sigmoid()"),
        ("Softmax", {}, 11, "Softmax()"),
        ("Softmax", {}, 13, "Softmax()"),
        ("Softmax", {"axis": -1}, 21, "Softmax()"),
        ("Softplus", {}, 7, "Softplus()"),
        ("Tanh", {}, 7, "Tanh()"),
    ],
)
def test_each_activation_has_its_layer(operator: str, attributes: Any, opset: int, layer: str, tmp_path: Path) -> None:
    nodes = [("MatMul", "x W", "a"), (operator, "a", "y", attributes)]
    network = check(write(tmp_path, model(nodes, {"W": 8 * W}, opset=opset)))
    assert [repr(one) for one in network.layers[1:]] == ([layer] if layer else [])


@pytest.mark.parametrize(
    ("shape", "added"), [((4,), "a b"), ((1, 4), "a b"), ((1,), "a b"), ((), "a b"), ((4,), "b a"), ((1, 1), "b a")]
)
def test_a_bias_may_have_any_shape_that_is_added_to_each_row(shape: Any, added: str, tmp_path: Path) -> None:
    nodes = [("MatMul", "x W", "a"), ("Add", added, "y")]
    check(write(tmp_path, model(nodes, {"W": W, "b": weights(*shape)})))


def test_weights_may_lie_on_their_side_in_gemm_or_by_a_transpose_of_a_constant(tmp_path: Path) -> None:
    nodes = [
        ("Transpose", "V", "Vt", {"perm": [1, 0]}),
        ("Gemm", "x W", "a", {"transB": 1}),
        ("Identity", "Vt", "Vt2"),
        ("MatMul", "a Vt2", "y"),
    ]
    check(write(tmp_path, model(nodes, {"W": weights(4, 3), "V": weights(2, 4)})))


def test_double_weights_give_a_double_network(tmp_path: Path) -> None:
    normalize = ("BatchNormalization", "a B B B v", "b", {"epsilon": 0.1})  # an attribute is 0.1 in float32 here, too
    nodes = [("Gemm", "x W B", "a"), normalize, ("MatMul", "b V", "y")]
    constants = {name: array.astype(np.float64) for name, array in (("W", W), ("B", B), ("V", V), ("v", B**2))}
    network = check(write(tmp_path, model(nodes, constants, elem_type=DOUBLE)))
    assert network.dtype == np.float64


def test_silu_layer_normalization_and_flatten_are_understood(tmp_path: Path) -> None:
    nodes = [
        ("Flatten", "x", "r"),
        ("MatMul", "r W", "a"),
        ("Sigmoid", "a", "s"),
        ("Mul", "s a", "b"),
        ("LayerNormalization", "b B", "c", {"epsilon": 0.1}),
        ("MatMul", "c V", "y"),
    ]
    proto = model(nodes, {"W": weights(6, 4), "B": B, "V": V}, shape=("n", 2, 3))
    network = check(write(tmp_path, proto), np.random.default_rng(0).normal(size=(5, 2, 3)))
    assert [type(layer).__name__ for layer in network.layers][2] == "LayerNorm"


def test_initializers_may_also_be_inputs_as_older_files_have_them(tmp_path: Path) -> None:
    proto = model([("MatMul", "x W", "y")], {"W": W}, opset=8)
    proto.graph.input.append(model([("Relu", "x", "y")], {}, inputs=["W"], shape=(3, 4)).graph.input[0])
    check(write(tmp_path, proto))


def test_a_constant_node_may_hold_weights(tmp_path: Path) -> None:
    tensor = model([("Relu", "x", "y")], {"W": W}).graph.initializer[0]
    nodes = [("Constant", "", "W", {"value": tensor}), ("Constant", "", "b", {"value_float": 2.0})]
    proto = model([*nodes, ("MatMul", "x W", "a"), ("Add", "a b", "y")], {})
    assert check(write(tmp_path, proto)).named_parameters["0.bias"].tolist() == [2.0] * 4


@pytest.mark.parametrize("version", [13, 20])
@pytest.mark.parametrize("name", ["classifier", "regressor", "bent"])
def test_what_pytorch_exports_has_the_outputs_of_pytorch_and_onnxruntime(name: str, version: int) -> None:
    rows = np.array(TORCH["rows"])
    outputs = []
    for two in np.split(rows, 3):  # the files say that they take two rows
        network = check(GOLDEN / f"torch_{name}_{version}.onnx", two)
        outputs.append(network.predict(two))
    assert (np.abs(np.concatenate(outputs) - TORCH[name]) <= output_rounding(network, rows)).all()


@pytest.mark.parametrize("name", ["two_classes", "two_names", "three_classes", "three_classes_double", "labels"])
def test_what_skl2onnx_exports_of_a_classifier_ends_with_its_probabilities(name: str) -> None:
    path = GOLDEN / f"skl2onnx_{name}.onnx"
    network = from_onnx(path)
    rows = X.astype(network.dtype)
    said = by_onnxruntime(path, rows)[1]
    expected = np.array([list(row.values()) for row in said]) if isinstance(said, list) else said
    expected = expected[:, expected.shape[1] - network.n_outputs :]  # of 1 - p and p the latter
    assert (np.abs(network.predict(rows) - expected) <= output_rounding(network, rows)).all()


@pytest.mark.parametrize(("name", "dtype"), [("number", FLOAT), ("number_double", DOUBLE)])
def test_what_skl2onnx_exports_of_a_regressor_is_its_network(name: str, dtype: int) -> None:
    assert check(GOLDEN / f"skl2onnx_{name}.onnx").dtype == ("float32" if dtype == FLOAT else "float64")
