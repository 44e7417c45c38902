"""Nodes and constants of an ONNX graph, each under a name that no column and no other value has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from pellucid.errors import require
from pellucid.export.targets.python_program import narrowed
from pellucid.layers.base import Array

WORTH_NARROWING = 256  # numbers: for fewer, the node that widens them again is larger than what it saves


def onnx_package(module: str = "onnx") -> ModuleType:
    """Return the package onnx or a module of it, which only this target needs."""
    return require(module, extra="onnx", purpose="export to onnx")


class Nodes:
    """Collects nodes and constants; every tensor is known by its name, and its type by `types`.

    taken : names that are not to be used
    """

    def __init__(self, taken: Iterable[str]) -> None:
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self.types: dict[str, str] = {}
        self._taken = set(taken)
        self._counts: Counter[str] = Counter()
        self._made: dict[tuple[Any, ...], str] = {}
        self._helper = onnx_package("onnx.helper")

    def name(self, wanted: str) -> str:
        """Return a new name, the wanted one if it is free."""
        name = wanted
        while name in self._taken:
            self._counts[wanted] += 1
            name = f"{wanted}_{self._counts[wanted]}"
        self._taken.add(name)
        return name

    def add(self, operator: str, *inputs: str, domain: str = "", output: str | None = None, **attributes: Any) -> str:
        """Add a node of one output; return the output's name."""
        output = self.name(operator) if output is None else output
        made = self._helper.make_node(operator, inputs, [output], domain=domain, **attributes)
        self.nodes.append(made)
        return output

    def split(self, x: str, count: int) -> list[str]:
        """Add a node that takes a tensor's columns apart; return their names."""
        outputs = [self.name("Split") for _ in range(count)]
        self.nodes.append(self._helper.make_node("Split", [x], outputs, axis=1, num_outputs=count))
        return outputs

    def described(self, name: str, size: int) -> Any:
        """Return how the file announces an input or output: [rows, size], or [rows] for a size of 0."""
        shape = ["rows", size] if size else ["rows"]
        return self._helper.make_tensor_value_info(name, self._type(self.types[name]), shape)

    def _type(self, dtype: str) -> int:
        """Return the number of a type, by its name in NumPy."""
        return int(self._helper.np_dtype_to_tensor_dtype(np.dtype(object if dtype.startswith("str") else dtype)))

    def constant(self, values: Array | float | Sequence[Any], dtype: str | None = None) -> str:
        """Return the name of a constant, added once; what is as exact in float32 is stored so, and widened by a node.

        Text becomes a tensor of strings.
        """
        array = np.asarray(values, dtype=dtype)
        key = ("constant", array.dtype.str, array.shape, array.tobytes())
        if key not in self._made:
            kept = narrowed(array) if array.dtype == np.float64 and array.size >= WORTH_NARROWING else array
            stored = self._stored(kept)
            self._made[key] = stored if kept.dtype == array.dtype else self.cast(stored, array.dtype.name)
        return self._made[key]

    def _stored(self, array: Array) -> str:
        name = self.name("constant")
        if array.dtype.kind == "U":
            texts = [text.encode() for text in array.ravel().tolist()]
            self.initializers.append(self._helper.make_tensor(name, self._type("str"), array.shape, texts))
        else:
            kept = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes()
            kind = self._type(array.dtype.name)
            self.initializers.append(self._helper.make_tensor(name, kind, array.shape, kept, raw=True))
        self.types[name] = array.dtype.name
        return name

    def cast(self, x: str, dtype: str) -> str:
        """Return a tensor as one of another type: itself where it is of that type."""
        if self.types.get(x) == dtype:
            return x
        if ("cast", x, dtype) not in self._made:
            self._made["cast", x, dtype] = made = self.add("Cast", x, to=self._type(dtype))
            self.types[made] = dtype
        return self._made["cast", x, dtype]
