"""The chain of layers that a graph's nodes turn out to be, as it is read from the first node to the last."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pellucid.activations import Activation
from pellucid.errors import ForeignModelError
from pellucid.importing.onnx_graph import Graph, Node
from pellucid.importing.parts import MOST_PARTS, Part, activated

LARGEST = 2**24  # numbers that a network may hold though its file holds fewer, by using them in several places


@dataclass
class Chain:
    """What was read so far.

    parts : the layers, and ``sources`` the name of the value that entered each
    value : the names of the value that left the last one; several where operators changed nothing
    answers : names of what is made of the chain's outputs, such as labels, and what each is
    where_linear : the name of the truth value of where the last Softplus is as good as its input
    flattened : whether rows of more than one axis were made rows of numbers before the first weights
    """

    graph: Graph
    parts: list[Part] = field(default_factory=list)
    sources: list[set[str]] = field(default_factory=list)
    value: set[str] = field(default_factory=set)
    answers: dict[str, str] = field(default_factory=dict)
    flattened: bool = False
    where_linear: str = ""

    @property
    def n_columns(self) -> int | None:
        """The number of columns that leave the last layer; None before the first weights."""
        return next((part.n_outputs for part in reversed(self.parts) if part.arrays), None)

    @property
    def dtype(self) -> Any:
        """The dtype of the weights, None before the first."""
        return next((array.dtype for part in self.parts for array in part.arrays.values()), None)

    def add(self, part: Part, node: Node) -> None:
        """Go on with a layer that reads the current value."""
        if self.answers:
            raise self.refused(node, "stands after the labels")
        needed = part.size + sum(part.size for part in self.parts)
        if len(self.parts) >= MOST_PARTS or needed > max(LARGEST, self.graph.n_bytes // 2):
            raise ForeignModelError(
                f"{node.place} is one of more than {MOST_PARTS:,} layers, or uses weights again that stand elsewhere, "
                f"which makes the network hold {needed:,} numbers of a file of {self.graph.n_bytes:,} bytes."
            )
        self.parts.append(part)
        self.sources.append(self.value)
        self.value = {node.outputs[0]}

    def keep(self, node: Node) -> None:
        """Go on past a node that changes nothing."""
        self.value.add(node.outputs[0])

    def replace_last(self, n_parts: int, function: Activation, node: Node) -> None:
        """Take the last parts for one activation, which ``node`` completes."""
        del self.parts[-n_parts:]
        source = self.sources[-n_parts]
        del self.sources[-n_parts:]
        self.value = source
        self.add(activated(function, node.place), node)

    def refused(self, node: Node, why: str) -> ForeignModelError:
        """Return the error that says why a node is no part of a chain of layers."""
        return ForeignModelError(
            f"{node.place} {why}; a Network is one chain of dense layers, activations and normalizations. Export that "
            "part alone, or run the file in onnxruntime."
        )
