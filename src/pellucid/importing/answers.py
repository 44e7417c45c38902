"""What an ONNX file makes of its network's outputs, such as labels: recognized, checked, and left out.

skl2onnx writes, for two classes, the other one's probability as 1 - p, the two side by side, the label as the place of
the larger, and the probabilities as a dictionary. None of this is a layer, and all of it follows from the outputs.
"""

from __future__ import annotations

from collections.abc import Callable

from pellucid.activations import Sigmoid
from pellucid.importing.chain import Chain
from pellucid.importing.onnx_graph import Node
from pellucid.importing.onnx_operators import last_activation

Answer = Callable[[Node, Chain], bool]

OTHER, BOTH, LABELS = "1 - p", "1 - p and p", "labels"


def one_minus(node: Node, chain: Chain) -> bool:
    """The probability of the other class."""
    if not isinstance(last_activation(chain), Sigmoid) or len(node.inputs) != 2 or node.inputs[1] not in chain.value:
        return False
    if node.inputs[0] not in chain.graph.constants or not (chain.graph.array(node.inputs[0], node.place) == 1).all():
        return False
    return said(node, chain, OTHER)


def side_by_side(node: Node, chain: Chain) -> bool:
    """The probabilities of both classes."""
    if len(node.inputs) != 2 or node.attributes.get("axis") not in (1, -1):
        return False
    other, own = node.inputs
    return chain.answers.get(other) == OTHER and own in chain.value and said(node, chain, BOTH)


def labels(node: Node, chain: Chain) -> bool:
    """Labels by the outputs, or the outputs as a dictionary."""
    value = node.inputs[0] if node.inputs else ""
    axis_of_columns = node.operator != "ArgMax" or node.attributes.get("axis", 0) in (1, -1)
    from_outputs = value in chain.value or chain.answers.get(value) == BOTH
    return from_outputs and axis_of_columns and bool(chain.parts) and said(node, chain, LABELS)


def named_classes(node: Node, chain: Chain) -> bool:
    """The names of the classes at the places that were found."""
    names = node.inputs[0] in chain.graph.constants if len(node.inputs) == 2 else False
    return names and chain.answers.get(node.inputs[1]) == LABELS and said(node, chain, LABELS)


def the_same(node: Node, chain: Chain) -> bool:
    """What is said already, in another form; of the network's own outputs, the operators of layers decide."""
    known = chain.answers.get(node.inputs[0]) if node.inputs else None
    return known is not None and said(node, chain, known)


def said(node: Node, chain: Chain, what: str) -> bool:
    """Note what a node gives."""
    chain.answers[node.outputs[0]] = what
    return True


ANSWERS: dict[str, Answer] = {
    "ArgMax": labels,
    "Cast": the_same,
    "Concat": side_by_side,
    "Identity": the_same,
    "Reshape": the_same,
    "Sub": one_minus,
    "ai.onnx.ml.ArrayFeatureExtractor": named_classes,
    "ai.onnx.ml.Binarizer": labels,
    "ai.onnx.ml.ZipMap": labels,
}
