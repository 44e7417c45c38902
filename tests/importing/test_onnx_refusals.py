"""What an ONNX file may not be: another graph than a chain of layers, damaged, or made to deceive."""

import itertools
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, save

from pellucid import from_onnx
from pellucid.errors import ForeignModelError, MissingExtraError
from tests.importing.onnx_files import model, weights, write

GOLDEN = Path(__file__).parent / "golden"
W, V = weights(3, 4), weights(4, 2)
BATCH = {"s": weights(3), "v": weights(3) + 1}


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([("Conv", "x W", "y")], r"node 1 of 1, Conv 'Conv_0', is an operator that no layer expresses"),
        ([("relu", "x", "y")], "did you mean 'Relu'"),
        ([("MatMul", "x W", "a"), ("MatMul", "x W", "b"), ("Add", "a b", "y")], "node 2 of 3, MatMul .* a branch"),
        ([("MatMul", "x W", "a"), ("Relu", "a", "b"), ("Add", "a b", "y")], "node 3 of 3, Add .* no bias"),
        ([("MatMul", "x x", "y")], "no constant of the file"),
        ([("MatMul", "S x", "y")], "mixes rows"),
        ([("Gemm", "x W", "y", {"transA": 1})], "mixes rows"),
        ([("Gemm", "x W", "y", {"alpha": float("nan")})], "has alpha nan"),
        ([("Gemm", "x W", "y", {"color": 1})], "has the attribute 'color', which is not known"),
        ([("Gemm", "x W", "y", {"alpha": "red"})], "alpha = b'red', which should be of type float"),
        ([("Gemm", "x W R", "y")], r"adds a constant of shape \(2, 4\) to rows of 4 numbers"),
        ([("MatMul", "x W", "a"), ("Mul", "a a", "y")], "not as SiLU or Mish do"),
        ([("MatMul", "x W", "a"), ("LeakyRelu", "a", "y", {"alpha": -1.0})], "no layer takes .*slope"),
        ([("MatMul", "x W", "a"), ("Gelu", "a", "y", {"approximate": "tanh"})], "approximation by tanh"),
        ([("MatMul", "x W", "a"), ("Selu", "a", "y", {"alpha": 1.0})], r"has alpha 1\.0"),
        ([("MatMul", "x W", "a"), ("Softmax", "a", "y", {"axis": 0})], "over the rows"),
        ([("MatMul", "x W", "a"), ("Flatten", "a", "y", {"axis": 0})], "joins rows"),
        ([("MatMul", "x W", "a"), ("Reshape", "a shape", "y")], r"another shape, \[-1, 1\]"),
        ([("MatMul", "x W", "a"), ("Cast", "a", "y", {"to": TensorProto.FLOAT16})], "another kind than float"),
        ([("BatchNormalization", "x s s s v", "y", {"training_mode": 1})], "export the model for inference"),
        ([("BatchNormalization", "x s s s W", "y")], "has statistics of the shapes"),
        ([("LayerNormalization", "x s", "y", {"axis": 0})], "another axis than the columns"),
        ([("MatMul", "x W", "a"), ("Dropout", "a r t", "y")], "may silence inputs"),
        ([("MatMul", "x W", "a"), ("ArgMax", "a", "b", {"axis": 1}), ("Relu", "a", "y")], "after the labels"),
        ([("MatMul", "x W", "a"), ("ArgMax", "a", "y", {"axis": 0})], "makes no label"),
        ([("MatMul", "x W", "a"), ("Sub", "one a", "y")], "makes no label"),
        ([("MatMul", "x W", "a"), ("Sigmoid", "a", "b"), ("Sub", "two b", "y")], "makes no label"),
        ([("MatMul", "x W", "a"), ("Sigmoid", "a", "b"), ("Concat", "b b", "y", {"axis": 1})], "makes no label"),
        ([("MatMul", "x W", "a"), ("Softplus", "a", "b"), ("Greater", "a one", "g")], "linear above 1"),
        ([("MatMul", "x W", "y"), ("Relu", "y", "b")], "output 'y' in the middle"),
        ([("MatMul", "x V", "y")], r"'x' has the shape \(None, 3\); its first weights take rows of 4"),
        ([("MatMul", "x W", "a"), ("MatMul", "a W", "y")], "takes 3 columns, and 4 come from the layer before"),
        ([("MatMul", "x I", "y")], "has weights of int64"),
        ([("MatMul", "x D", "a"), ("MatMul", "a V", "y")], r"float64 \(.*\) and float32 \(.*\); it expects"),
        ([("MatMul", "x N", "y")], "a weight that is NaN or infinite"),
        ([("Relu", "x", "y")], "has no weights"),
        ([("MatMul", "x s", "y")], r"has a weight of shape \(3,\)"),
        ([("Relu", "z", "y")], "reads 'z', which nothing before it writes"),
        ([("Relu", "x", "x")], "writes 'x' a second time"),
        ([("Relu", "x", "")], "writes nothing"),
        ([("Gemm", "", "y")], "which is not what the layer before it gives"),
        ([("Constant", "", "c", {"value_string": "red"}), ("MatMul", "x c", "y")], "expects one constant of numbers"),
    ],
)  # fmt: skip
def test_what_no_layer_expresses_is_named(nodes: Any, message: str, tmp_path: Path) -> None:
    constants = {"W": W, "V": V, "D": W.astype(float), "I": np.ones((3, 4), int), "N": W * np.inf}
    constants |= {"R": weights(2, 4), "S": weights(3, 3), "one": np.float32(1), "two": np.float32(2), **BATCH}
    constants |= {"shape": np.array([-1, 1]), "r": np.float32(0.5), "t": np.array(True)}
    with pytest.raises(ForeignModelError, match=message):
        from_onnx(write(tmp_path, model(nodes, constants)))


def test_rows_of_more_than_one_axis_need_a_flatten(tmp_path: Path) -> None:
    with pytest.raises(ForeignModelError, match="or with Flatten first"):
        from_onnx(write(tmp_path, model([("MatMul", "x W", "y")], {"W": W}, shape=("n", 5, 3))))


def test_two_inputs_and_another_kind_of_input_are_refused(tmp_path: Path) -> None:
    nodes = [("MatMul", "x W", "y")]
    with pytest.raises(ForeignModelError, match="has 2 inputs"):
        from_onnx(write(tmp_path, model(nodes, {"W": W}, inputs=["x", "z"])))
    with pytest.raises(ForeignModelError, match="no matrix of float"):
        from_onnx(write(tmp_path, model(nodes, {"W": W}, elem_type=TensorProto.STRING)))


@pytest.mark.parametrize("opset", [6, 10_000])
def test_versions_of_operators_that_are_not_known_are_refused(opset: int, tmp_path: Path) -> None:
    with pytest.raises(ForeignModelError, match=f"operators in version {opset}; it expects 7 to"):
        from_onnx(write(tmp_path, model([("MatMul", "x W", "y")], {"W": W}, opset=opset)))


def test_weights_in_another_file_are_refused_though_it_is_there(tmp_path: Path) -> None:
    proto = model([("MatMul", "x W", "y")], {"W": W})
    save(proto, tmp_path / "model.onnx", save_as_external_data=True, location="weights.bin", size_threshold=0)
    assert (tmp_path / "weights.bin").exists()
    with pytest.raises(ForeignModelError, match="constant 'W' is kept in another file, which is not opened"):
        from_onnx(tmp_path / "model.onnx")


@pytest.mark.parametrize("shape", [(2**31, 2**31), (3, 5), (0, 10**12), (-3, -4), (2**62, 2**62, 2**62)])
def test_a_shape_that_its_numbers_do_not_fill_is_refused_before_memory_is_taken(shape: Any, tmp_path: Path) -> None:
    proto = model([("MatMul", "x W", "y")], {"W": W})
    proto.graph.initializer[0].dims[:] = shape
    with pytest.raises(ForeignModelError, match="and holds 12 numbers"):
        from_onnx(write(tmp_path, proto))


def test_an_empty_weight_of_many_columns_is_refused(tmp_path: Path) -> None:
    proto = model([("MatMul", "x W", "y")], {"W": W})
    proto.graph.initializer[0].CopyFrom(helper.make_tensor("W", 1, (0, 10**12), b"", raw=True))
    with pytest.raises(ForeignModelError, match=r"weight of shape \(0, 1000000000000\)"):
        from_onnx(write(tmp_path, proto))


def test_half_precision_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ForeignModelError, match="is of type FLOAT16; it expects FLOAT or DOUBLE"):
        from_onnx(write(tmp_path, model([("MatMul", "x W", "y")], {"W": W.astype(np.float16)})))


def test_weights_that_are_used_again_and_again_cannot_fill_the_memory(tmp_path: Path) -> None:
    names = ["x", *(f"a{i}" for i in range(99)), "y"]
    nodes = [("MatMul", f"{name} W", then) for name, then in itertools.pairwise(names)]
    with pytest.raises(ForeignModelError, match="uses weights again that stand elsewhere"):
        from_onnx(write(tmp_path, model(nodes, {"W": weights(500, 500)}, shape=("n", 500))))


def test_a_chain_of_more_layers_than_any_network_has_is_refused(tmp_path: Path) -> None:
    names = ["x", *(f"a{i}" for i in range(1000)), "y"]
    nodes = [("Relu", name, then) for name, then in itertools.pairwise(names)]
    with pytest.raises(ForeignModelError, match="is one of more than 1,000 layers"):
        from_onnx(write(tmp_path, model(nodes, {})))


@pytest.mark.parametrize("text", [b"", b"\x00" * 50, b"PK\x03\x04", b"a,b\n1,2\n", b"\x08\x0a"])
def test_a_file_of_another_kind_is_refused(text: bytes, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(text)
    with pytest.raises(ForeignModelError, match="is no ONNX file, or is damaged"):
        from_onnx(tmp_path / "model.onnx")


def test_a_folder_and_a_path_of_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ForeignModelError, match="is a folder"):
        from_onnx(tmp_path)
    with pytest.raises(ForeignModelError, match="does not exist"):
        from_onnx(tmp_path / "none.onnx")


@pytest.mark.parametrize("name", ["skl2onnx_two_classes", "torch_bent_20", "torch_classifier_13"])
def test_a_file_with_changed_bytes_is_a_network_or_an_error_with_a_name(name: str, tmp_path: Path) -> None:
    whole = (GOLDEN / f"{name}.onnx").read_bytes()
    dice = random.Random(0)
    refused = 0
    for _ in range(300):
        changed = bytearray(whole)
        for _ in range(dice.randint(1, 4)):
            changed[dice.randrange(len(changed))] = dice.randrange(256)
        (tmp_path / "model.onnx").write_bytes(changed[: dice.choice([None, dice.randrange(len(changed))])])
        try:
            from_onnx(tmp_path / "model.onnx")
        except ForeignModelError:
            refused += 1
    assert 100 < refused < 300


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtraError, match=r"from_onnx needs the package 'onnx'.*pellucid\[onnx\]"):
        from_onnx(tmp_path / "model.onnx")
