"""What each operation of an export graph becomes in ONNX: some nodes over (n_rows, n_columns) tensors."""

from __future__ import annotations

import math
from functools import singledispatch

import numpy as np

from pellucid.export.graph import (
    Above,
    Activate,
    Affine,
    Blend,
    Cast,
    Circle,
    Clip,
    Code,
    Complement,
    Curves,
    Days,
    GroupedAffine,
    Join,
    Largest,
    Lookup,
    Missing,
    Normalize,
    Operation,
    Scale,
    Select,
    Sign,
    Squeeze,
    Sum,
    Waves,
)
from pellucid.export.targets.onnx_activations import activated
from pellucid.export.targets.onnx_nodes import Nodes
from pellucid.layers.base import Array
from pellucid.tabular.encodings import CLIP, DAYS_IN_400_YEARS, FARTHEST, FIRST_LEVEL, MISSING, UNKNOWN
from pellucid.tabular.values import MICROSECONDS_PER_DAY

ML = "ai.onnx.ml"
MADE = {Missing: "bool", Above: "bool", Code: "int64", Largest: "int64"}
"""The types of tensors that are made in another type than the operation's; they are converted where they are used."""


def write(operation: Operation, nodes: Nodes, x: list[str]) -> str:
    """Add the nodes of an operation on tensors; return the tensor that they make."""
    if isinstance(operation, Lookup):
        x = [nodes.cast(x[0], "int64")]
    elif not isinstance(operation, (Code, Join)):
        x = [nodes.cast(each, operation.dtype) for each in x]
    made = add(operation, nodes, *x)
    nodes.types[made] = MADE.get(type(operation), operation.dtype)
    return made


@singledispatch
def add(operation: Operation, nodes: Nodes, *x: str) -> str:
    """Add an operation's nodes on tensors of its type."""
    raise NotImplementedError(type(operation).__name__)


@add.register
def _(operation: Missing, nodes: Nodes, x: str) -> str:
    return nodes.add("IsNaN", x)


@add.register
def _(operation: Squeeze, nodes: Nodes, x: str) -> str:
    return add_squeezed(nodes, x, np.array([operation.center]), np.array([operation.scale]))


def add_squeezed(nodes: Nodes, x: str, center: Array, scale: Array) -> str:
    """Add what `Squeeze` is on (n_rows, n_columns), with a center and a scale for each column."""
    there = scale != 0
    half = nodes.constant(0.5)
    u = nodes.add("Sub", nodes.add("Mul", x, half), nodes.constant(0.5 * center))
    u = nodes.add("Div", nodes.add("Div", u, nodes.constant(0.5 * np.where(there, scale, 1.0))), nodes.constant(CLIP))
    absent = nodes.add("IsNaN", x)
    if not there.all():
        absent = nodes.add("Or", absent, nodes.constant(~there))
    u = nodes.add("Where", absent, nodes.constant(0.0), u)
    u = nodes.add("Clip", u, nodes.constant(-FARTHEST), nodes.constant(FARTHEST))
    root = nodes.add("Sqrt", nodes.add("Add", nodes.constant(1.0), nodes.add("Mul", u, u)))
    return nodes.add("Mul", nodes.constant(CLIP), nodes.add("Div", u, root))


@add.register
def _(operation: Sign, nodes: Nodes, x: str) -> str:
    sign = nodes.add("Sub", nodes.add("Add", x, x), nodes.constant(1.0))
    return nodes.add("Where", nodes.add("IsNaN", x), nodes.constant(0.0), sign)


@add.register
def _(operation: Days, nodes: Nodes, x: str) -> str:
    return nodes.add("Div", x, nodes.constant(float(MICROSECONDS_PER_DAY)))


@add.register
def _(operation: Circle, nodes: Nodes, x: str) -> str:
    day = nodes.constant(float(MICROSECONDS_PER_DAY))
    days = nodes.add("Floor", nodes.add("Div", x, day))
    if operation.period == "year":
        turns = _remainder(nodes, nodes.add("Mul", days, nodes.constant(400.0)), DAYS_IN_400_YEARS)
    elif operation.period == "week":
        turns = _remainder(nodes, nodes.add("Add", days, nodes.constant(3.0)), 7)
    else:
        turns = nodes.add("Div", nodes.add("Sub", x, nodes.add("Mul", days, day)), day)
    both = nodes.add("Concat", turns, nodes.add("Add", turns, nodes.constant(0.25)), axis=1)
    both = nodes.add("Sin", nodes.add("Mul", both, nodes.constant(2 * math.pi)))
    return nodes.add("Where", nodes.add("IsNaN", x), nodes.constant(0.0), both)


def _remainder(nodes: Nodes, whole: str, divisor: int) -> str:
    """Add the remainder of whole numbers, never negative, as a part of the divisor."""
    by = nodes.constant(float(divisor))
    below = nodes.add("Mul", nodes.add("Floor", nodes.add("Div", whole, by)), by)
    return nodes.add("Div", nodes.add("Sub", whole, below), by)


@add.register
def _(operation: Code, nodes: Nodes, x: str) -> str:
    codes = {level: code for code, level in enumerate(operation.levels, start=FIRST_LEVEL)}
    codes |= dict.fromkeys(operation.missing, MISSING)
    keys, values = list(codes), list(codes.values())
    return nodes.add("LabelEncoder", x, domain=ML, keys_strings=keys, values_int64s=values, default_int64=UNKNOWN)


@add.register
def _(operation: Lookup, nodes: Nodes, x: str) -> str:
    rows = nodes.add("Squeeze", x, nodes.constant([1], "int64"))
    return nodes.add("Gather", nodes.constant(operation.table), rows, axis=0)


@add.register
def _(operation: Join, nodes: Nodes, *parts: str) -> str:
    if {nodes.types[part] for part in parts} == {"float64"}:  # one conversion instead of one for each
        joined = nodes.add("Concat", *parts, axis=1)
        nodes.types[joined] = "float64"
        return nodes.cast(joined, operation.dtype)
    return nodes.add("Concat", *(nodes.cast(part, operation.dtype) for part in parts), axis=1)


@add.register
def _(operation: Select, nodes: Nodes, x: str) -> str:
    start, stop = operation.start, operation.start + operation.size
    return nodes.add("Slice", x, *(nodes.constant([number], "int64") for number in (start, stop, 1)))


@add.register
def _(operation: Cast, nodes: Nodes, x: str) -> str:
    return x


@add.register
def _(operation: Affine, nodes: Nodes, x: str) -> str:
    return nodes.add("Gemm", x, nodes.constant(operation.weight), nodes.constant(operation.bias))


@add.register
def _(operation: GroupedAffine, nodes: Nodes, x: str) -> str:
    groups, each, _ = operation.weight.shape
    x = nodes.add("Transpose", reshaped(nodes, x, groups, each), perm=[1, 0, 2])
    y = nodes.add("MatMul", x, nodes.constant(operation.weight))
    y = nodes.add("Add", nodes.add("Transpose", y, perm=[1, 0, 2]), nodes.constant(operation.bias))
    return reshaped(nodes, y, operation.size)


def reshaped(nodes: Nodes, x: str, *sizes: int) -> str:
    """Add a reshape of each row."""
    return nodes.add("Reshape", x, nodes.constant([0, *sizes], "int64"))  # 0: as many rows as there are


@add.register
def _(operation: Scale, nodes: Nodes, x: str) -> str:
    scaled = nodes.add("Mul", x, nodes.constant(operation.factor))
    return nodes.add("Add", scaled, nodes.constant(operation.shift)) if operation.shift.any() else scaled


@add.register
def _(operation: Curves, nodes: Nodes, x: str) -> str:
    n_inputs, n_bins, n_outputs = operation.knots.shape
    last = nodes.constant([2], "int64")
    each = nodes.add("Unsqueeze", x, last)
    reached = nodes.add("GreaterOrEqual", each, nodes.constant(operation.edges[:, 1:]))
    bins = nodes.add("ReduceSum", nodes.cast(reached, "int64"), last, keepdims=0)
    place = nodes.add("Add", bins, nodes.constant(np.arange(n_inputs, dtype=np.int64) * n_bins))
    edge, knot, slope = (
        nodes.add("Gather", nodes.constant(array.reshape(n_inputs * n_bins, *array.shape[2:])), place, axis=0)
        for array in (operation.edges, operation.knots, operation.slopes)
    )
    beyond = nodes.add("Unsqueeze", nodes.add("Sub", x, edge), last)
    return reshaped(nodes, nodes.add("Add", knot, nodes.add("Mul", beyond, slope)), n_inputs * n_outputs)


@add.register
def _(operation: Waves, nodes: Nodes, x: str) -> str:
    each = nodes.add("Unsqueeze", x, nodes.constant([2], "int64"))
    turns = nodes.add("Mul", each, nodes.constant(operation.frequency))
    turns = nodes.add("Add", turns, nodes.constant(operation.phase))
    left = nodes.add("Abs", nodes.add("Sub", turns, nodes.add("Round", turns)))
    left = nodes.add("Sub", nodes.constant(0.25, operation.dtype), left)  # older runtimes have no cosine in float64
    angles = nodes.add("Mul", left, nodes.constant(2 * math.pi, operation.dtype))
    return reshaped(nodes, nodes.add("Sin", angles), operation.size)


@add.register
def _(operation: Normalize, nodes: Nodes, x: str) -> str:
    columns = nodes.constant([1], "int64")
    centered = nodes.add("Sub", x, nodes.add("ReduceMean", x, columns))
    variance = nodes.add("ReduceMean", nodes.add("Mul", centered, centered), columns)
    above = nodes.add("Add", variance, nodes.constant(operation.epsilon, operation.dtype))
    return nodes.add("Div", centered, nodes.add("Sqrt", above))


@add.register
def _(operation: Activate, nodes: Nodes, x: str) -> str:
    return activated(nodes, x, operation.function, operation.parameter, operation.dtype)


@add.register
def _(operation: Blend, nodes: Nodes, x: str, y: str) -> str:
    change = nodes.add("Mul", nodes.constant(operation.blend), nodes.add("Sub", y, x))
    return nodes.add("Add", x, change)


@add.register
def _(operation: Sum, nodes: Nodes, *parts: str) -> str:
    terms = [
        part if weight == 1 else nodes.add("Mul", part, nodes.constant(weight, operation.dtype))
        for part, weight in zip(parts, operation.weights, strict=True)
    ]
    return terms[0] if len(terms) == 1 else nodes.add("Sum", *terms)


@add.register
def _(operation: Clip, nodes: Nodes, x: str) -> str:
    return nodes.add("Min", nodes.add("Max", x, nodes.constant(operation.low)), nodes.constant(operation.high))


@add.register
def _(operation: Complement, nodes: Nodes, x: str) -> str:
    return nodes.add("Concat", nodes.add("Sub", nodes.constant(1.0, operation.dtype), x), x, axis=1)


@add.register
def _(operation: Largest, nodes: Nodes, x: str) -> str:
    return nodes.add("ArgMax", x, axis=1)


@add.register
def _(operation: Above, nodes: Nodes, x: str) -> str:
    return nodes.add("Greater", x, nodes.constant(operation.threshold, operation.dtype))


OPERATIONS = frozenset(add.registry) - {object, Operation}
