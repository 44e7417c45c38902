"""What each ONNX operator adds to the chain of layers; the formulas are those of the operators' own pages.

Source: https://onnx.ai/onnx/operators, versions of opset 7 and later.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from pellucid.activations import (
    ELU,
    GELU,
    SELU,
    Activation,
    LeakyReLU,
    Mish,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from pellucid.importing.chain import Chain
from pellucid.importing.onnx_graph import Node
from pellucid.importing.parts import Part, activated, dense
from pellucid.layers import ActivationLayer, BatchNorm, Dense, LayerNorm
from pellucid.layers.base import Array

Read = Callable[[Node, Chain], None]

FLOAT, DOUBLE = 1, 11  # numbers of ONNX's types
READS_BEFORE = ("Greater", "Mul")  # operators that may read what entered the last layers
REAL = ("alpha", "beta", "epsilon", "gamma", "momentum", "ratio")  # attributes that are no whole numbers
SELU_CONSTANTS = {"alpha": SELU.alpha, "gamma": SELU.scale}


def gemm(node: Node, chain: Chain) -> None:
    """Y = alpha · X B + beta · C, where transB says that B is (n_outputs, n_inputs)."""
    if node.attributes.get("transA", 0) or node.inputs[0] not in chain.value:
        raise chain.refused(node, "multiplies from the left: it mixes rows")
    weight = constant(node, chain, 1)
    weight = weight.T if node.attributes.get("transB", 0) else weight
    n_outputs = weight.shape[-1] if weight.ndim == 2 else 0
    bias = vector(node, chain, 2, n_outputs) if len(node.inputs) > 2 and node.inputs[2] else None
    weight = scaled(weight, "alpha", node, chain)
    bias = None if bias is None else scaled(bias, "beta", node, chain)
    chain.add(dense(weight, bias, node.place), node)


def matmul(node: Node, chain: Chain) -> None:
    """Y = X B; the bias may follow as Add."""
    if node.inputs[0] not in chain.value:
        raise chain.refused(node, "multiplies from the left: it mixes rows")
    chain.add(dense(constant(node, chain, 1), None, node.place), node)


def add(node: Node, chain: Chain) -> None:
    """The bias of the dense layer before it."""
    before = chain.parts[-1] if chain.parts else None
    if before is None or not isinstance(before.layer, Dense) or before.layer.bias:
        raise chain.refused(node, "adds what is no bias of a MatMul before it")
    place = 0 if node.inputs[-1] in chain.value else 1
    bias = vector(node, chain, place, before.layer.n_outputs)
    chain.value = chain.sources.pop()
    chain.parts.pop()
    chain.add(dense(before.arrays["weight"], bias, before.place), node)


def multiply(node: Node, chain: Chain) -> None:
    """SiLU is z · sigmoid(z), and Mish z · tanh(softplus(z)): so PyTorch writes them."""
    for pattern, function in (((Sigmoid,), SiLU()), ((Softplus, Tanh), Mish())):
        n_parts = len(pattern)
        last = [
            part.layer.function if isinstance(part.layer, ActivationLayer) else None for part in chain.parts[-n_parts:]
        ]
        if len(last) < n_parts or not all(map(isinstance, last, pattern)):
            continue
        if len(node.inputs) != 2:
            break
        values = (chain.value, chain.sources[-n_parts])
        if any(node.inputs[0] in values[i] and node.inputs[1] in values[1 - i] for i in (0, 1)):
            return chain.replace_last(n_parts, function, node)
    raise chain.refused(node, "multiplies values, and not as SiLU or Mish do")


def greater(node: Node, chain: Chain) -> None:
    """Where z is so large that softplus(z) = z to rounding, as log(1 + e⁻ᶻ) < e⁻ᶻ: PyTorch asks for z > 20."""
    if not isinstance(last_activation(chain), Softplus) or node.inputs[0] not in chain.sources[-1]:
        raise chain.refused(node, "compares, and not the input of a Softplus")
    threshold = constant(node, chain, 1)
    eps = np.finfo("float32" if chain.dtype == "float32" else "float64").eps
    if threshold.shape != () or not threshold > 0 or np.exp(-float(threshold)) > eps * float(threshold):
        raise chain.refused(node, f"makes Softplus linear above {threshold}, where it is not yet in {chain.dtype}")
    chain.where_linear = node.outputs[0]


def where(node: Node, chain: Chain) -> None:
    """The last Softplus, in the form in which PyTorch writes it."""
    softplus = isinstance(last_activation(chain), Softplus) and node.inputs[0] == chain.where_linear
    if len(node.inputs) != 3 or not softplus or node.inputs[1] not in chain.sources[-1]:
        raise chain.refused(node, "chooses between values")
    chain.keep(node)


def batch_normalization(node: Node, chain: Chain) -> None:
    """Y = (X - mean) / sqrt(variance + epsilon) · scale + B, with the running statistics."""
    if node.attributes.get("training_mode", 0) or not node.attributes.get("spatial", 1):
        raise chain.refused(node, "normalizes by the batch's own statistics; export the model for inference")
    names = ("scale", "shift", "mean", "variance")
    arrays = {name: constant(node, chain, place) for place, name in enumerate(names, 1)}
    if len({array.shape for array in arrays.values()}) > 1 or arrays["scale"].ndim != 1:
        raise chain.refused(node, f"has statistics of the shapes {', '.join(str(a.shape) for a in arrays.values())}")
    momentum = 1 - node.attributes.get("momentum", 0.9)  # ONNX's is the share that stays
    epsilon = short(node.attributes.get("epsilon", 1e-5), arrays["scale"].dtype)
    layer = BatchNorm(epsilon=epsilon, momentum=round(momentum, 6))
    chain.add(Part(layer, arrays, node.place), node)


def layer_normalization(node: Node, chain: Chain) -> None:
    """The same over the columns of each row, with their own mean and variance."""
    if node.attributes.get("axis", -1) not in (-1, 1):
        raise chain.refused(node, "normalizes over another axis than the columns")
    scale = constant(node, chain, 1)
    if scale.ndim != 1:
        raise chain.refused(node, f"has a scale of shape {scale.shape}, and not one for each column")
    shift = vector(node, chain, 2, len(scale)) if len(node.inputs) > 2 and node.inputs[2] else np.zeros_like(scale)
    layer = LayerNorm(epsilon=short(node.attributes.get("epsilon", 1e-5), scale.dtype))
    chain.add(Part(layer, {"scale": scale, "shift": shift}, node.place), node)


def pass_over(node: Node, chain: Chain) -> None:
    """Go on with the same numbers."""
    chain.keep(node)


def dropout(node: Node, chain: Chain) -> None:
    """Nothing, unless it is told to act as in training."""
    if len(node.inputs) > 2 and node.inputs[2]:
        raise chain.refused(node, "may silence inputs; export the model for inference")
    chain.keep(node)


def cast(node: Node, chain: Chain) -> None:
    """A change between kinds of numbers that the network's own dtype makes needless."""
    if node.attributes.get("to") not in (FLOAT, DOUBLE):
        raise chain.refused(node, "turns the numbers into another kind than float or double")
    chain.keep(node)


def flatten(node: Node, chain: Chain) -> None:
    """Rows of numbers stay as they are."""
    if node.attributes.get("axis", 1) != 1:
        raise chain.refused(node, "joins rows")
    chain.flattened = chain.flattened or chain.n_columns is None
    chain.keep(node)


def reshape(node: Node, chain: Chain) -> None:
    """Rows of n numbers stay as they are: the shape must be (as many as there are, n)."""
    shape = constant(node, chain, 1).tolist()
    fits = shape == [0, -1]
    if isinstance(shape, list) and len(shape) == 2 and shape[0] in (0, -1):
        fits = fits or shape[1] == chain.n_columns or (chain.n_columns is None and shape[1] > 0)
    if not fits:
        raise chain.refused(node, f"gives the rows another shape, {shape}")
    chain.flattened = chain.flattened or chain.n_columns is None
    chain.keep(node)


def softmax(node: Node, chain: Chain) -> None:
    """Over the columns of each row, axis 1 of the two: the default, too, in every version."""
    if node.attributes.get("axis", -1) not in (-1, 1):
        raise chain.refused(node, "takes the softmax over the rows")
    chain.add(activated(Softmax(), node.place), node)


def gelu(node: Node, chain: Chain) -> None:
    """The exact function; not its approximation by tanh."""
    if node.attributes.get("approximate", b"none") != b"none":
        raise chain.refused(node, "is the approximation by tanh, and GELU is exact")
    chain.add(activated(GELU(), node.place), node)


def selu(node: Node, chain: Chain) -> None:
    """With its two constants, as float32 holds them."""
    for name, value in SELU_CONSTANTS.items():
        if np.float32(node.attributes.get(name, value)) != np.float32(value):
            raise chain.refused(node, f"has {name} {node.attributes[name]}, and SELU {value}")
    chain.add(activated(SELU(), node.place), node)


def swish(node: Node, chain: Chain) -> None:
    """Y = z · sigmoid(alpha z), which is SiLU for alpha 1."""
    if node.attributes.get("alpha", 1.0) != 1.0:
        raise chain.refused(node, f"has alpha {node.attributes['alpha']}, and SiLU 1")
    chain.add(activated(SiLU(), node.place), node)


def elementwise(function: type[Activation], attribute: str = "", option: str = "", default: float = 0.0) -> Read:
    """Return the reader of an operator that is an activation with at most one option."""

    def read(node: Node, chain: Chain) -> None:
        options = {option: short(node.attributes.get(attribute, default), chain.dtype)} if option else {}
        chain.add(activated(function(**options), node.place), node)

    return read


def last_activation(chain: Chain) -> Activation | None:
    """Return the activation that was read last, if a layer did not come after it."""
    layer = chain.parts[-1].layer if chain.parts else None
    return layer.function if isinstance(layer, ActivationLayer) else None


def constant(node: Node, chain: Chain, place: int) -> Array:
    """Return an input that must be a constant of the file."""
    name = node.inputs[place] if place < len(node.inputs) else ""
    if name not in chain.graph.constants:
        raise chain.refused(node, f"computes with {name!r}, which is no constant of the file")
    return chain.graph.array(name, node.place)


def vector(node: Node, chain: Chain, place: int, size: int) -> Array:
    """Return a constant that is added to each row, as ``(size,)``."""
    array = constant(node, chain, place)
    if array.shape not in ((), (1,), (1, 1), (size,), (1, size)):
        raise chain.refused(node, f"adds a constant of shape {array.shape} to rows of {size} numbers")
    return np.broadcast_to(array.reshape(-1), (size,))


def scaled(array: Array, name: str, node: Node, chain: Chain) -> Array:
    """Return an array times the factor that an attribute gives, 1 if there is none."""
    factor = node.attributes.get(name, 1.0)
    if not np.isfinite(factor):
        raise chain.refused(node, f"has {name} {factor}")
    with np.errstate(over="ignore"):  # what becomes infinite is refused with the weights
        return array if factor == 1 else array * array.dtype.type(factor)


def short(number: float, dtype: Any) -> float:
    """Return the number; for float32 the shortest that is the same there, as attributes are kept in float32.

    >>> short(0.009999999776482582, "float32"), short(0.009999999776482582, "float64")
    (0.01, 0.009999999776482582)
    """
    return float(str(np.float32(number))) if dtype == "float32" else number


OPERATORS: dict[str, tuple[Read, Collection[str]]] = {
    "Add": (add, ()),
    "BatchNormalization": (batch_normalization, ("epsilon", "momentum", "spatial", "training_mode")),
    "Cast": (cast, ("round_mode", "saturate", "to")),
    "Dropout": (dropout, ("ratio", "seed")),
    "Elu": (elementwise(ELU, "alpha", "alpha", 1.0), ("alpha",)),
    "Flatten": (flatten, ("axis",)),
    "Gelu": (gelu, ("approximate",)),
    "Gemm": (gemm, ("alpha", "beta", "transA", "transB")),
    "Greater": (greater, ()),
    "Identity": (pass_over, ()),
    "LayerNormalization": (layer_normalization, ("axis", "epsilon", "stash_type")),
    "LeakyRelu": (elementwise(LeakyReLU, "alpha", "slope", 0.01), ("alpha",)),
    "MatMul": (matmul, ()),
    "Mish": (elementwise(Mish), ()),
    "Mul": (multiply, ()),
    "Relu": (elementwise(ReLU), ()),
    "Reshape": (reshape, ("allowzero",)),
    "Selu": (selu, ("alpha", "gamma")),
    "Sigmoid": (elementwise(Sigmoid), ()),
    "Softmax": (softmax, ("axis",)),
    "Softplus": (elementwise(Softplus), ()),
    "Swish": (swish, ("alpha",)),
    "Tanh": (elementwise(Tanh), ()),
    "Where": (where, ()),
}
