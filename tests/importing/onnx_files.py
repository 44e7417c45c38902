"""Small ONNX files to import in tests."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from onnx import ModelProto, helper, numpy_helper, save

FLOAT, DOUBLE = 1, 11
NODE = tuple[Any, ...]


def weights(*shape: int, seed: int = 0, dtype: Any = np.float32) -> Any:
    """Return random numbers from -0.5 to 0.5."""
    return (np.random.default_rng(seed).random(shape) - 0.5).astype(dtype)


def model(
    nodes: Sequence[NODE],
    constants: dict[str, Any],
    *,
    opset: int = 21,
    shape: Any = ("n", 3),
    outputs: Sequence[str] = ("y",),
    elem_type: int = FLOAT,
    inputs: Sequence[str] = ("x",),
) -> ModelProto:
    """Return a model of nodes (operator, inputs, outputs, attributes), with spaces between names."""
    made = [
        helper.make_node(kind, read.split(), written.split(), name=f"{kind}_{index}", **(rest[0] if rest else {}))
        for index, (kind, read, written, *rest) in enumerate(nodes)
    ]
    graph = helper.make_graph(
        made,
        "graph",
        [helper.make_tensor_value_info(name, elem_type, shape) for name in inputs],
        [helper.make_tensor_value_info(name, elem_type, None) for name in outputs],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def write(folder: Path, proto: ModelProto) -> Path:
    """Write a model and return its path."""
    save(proto, folder / "model.onnx")
    return folder / "model.onnx"
