"""Evaluation computes an export graph with NumPy: what each operation means, and what exported programs are held to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import singledispatch
from typing import Any

import numpy as np

from pellucid.activations import activation, sigmoid, softmax
from pellucid.errors import ShapeError
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
    Graph,
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
from pellucid.export.layers import PARAMETERS
from pellucid.layers.base import Array
from pellucid.layers.periodic import waves
from pellucid.tabular.encodings import DAYS_IN_400_YEARS, FIRST_LEVEL, MISSING, UNKNOWN, sine_and_cosine, squeezed
from pellucid.tabular.temperature import SMALLEST
from pellucid.tabular.values import MICROSECONDS_PER_DAY

Values = Mapping[str, Array]


def evaluate(graph: Graph, columns: Values) -> dict[str, Array]:
    """Return the outputs by name, (n_rows, size) each.

    columns : by name, (n_rows,) float64, or text of a category, or (n_rows, size) of a vector

    >>> import numpy as np
    >>> from pellucid import Dense, Network
    >>> from pellucid.export import lower
    >>> network = Network([Dense(1, weight_initializer=[[2.0], [3.0]])], n_inputs=2)
    >>> evaluate(lower(network), {"x": np.array([[1.0, 10.0]])})["outputs"].tolist()
    [[32.0]]
    """
    values: dict[str, Array] = {}
    for column in graph.columns:
        given = np.asarray(columns[column.name])
        values[column.name] = given if column.kind == "vector" else given[:, None]
    if len({len(value) for value in values.values()}) > 1:
        raise ShapeError("evaluate: the columns have different numbers of rows; give each as many.")
    with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
        for operation in graph.operations:
            x = [values[name] for name in operation.inputs]
            values[operation.output] = np.asarray(compute(operation, *x), dtype=operation.dtype)
    return {output.name: values[output.value] for output in graph.outputs}


@singledispatch
def compute(operation: Operation, *x: Array) -> Any:
    """Return what an operation makes of its inputs, (n_rows, n) each."""
    raise NotImplementedError(type(operation).__name__)


@compute.register
def _(operation: Missing, x: Array) -> Any:
    return np.isnan(x)


@compute.register
def _(operation: Squeeze, x: Array) -> Any:
    return squeezed(x[:, 0], operation.center, operation.scale)[:, None]


@compute.register
def _(operation: Sign, x: Array) -> Any:
    return np.where(np.isnan(x), 0.0, 2.0 * x - 1.0)


@compute.register
def _(operation: Days, x: Array) -> Any:
    return x / MICROSECONDS_PER_DAY


@compute.register
def _(operation: Circle, x: Array) -> Any:
    x = x[:, 0]
    days = np.floor(x / MICROSECONDS_PER_DAY)
    turns = {
        "year": lambda: days * 400 % DAYS_IN_400_YEARS / DAYS_IN_400_YEARS,
        "week": lambda: (days + 3) % 7 / 7,
        "day": lambda: x % MICROSECONDS_PER_DAY / MICROSECONDS_PER_DAY,
    }[operation.period]()
    both = sine_and_cosine(np.where(np.isfinite(turns), turns, 0.0))
    return np.where(np.isfinite(x)[:, None], np.stack(both, axis=1), 0.0)


@compute.register
def _(operation: Code, x: Array) -> Any:
    known = {level: code for code, level in enumerate(operation.levels, start=FIRST_LEVEL)}
    known |= dict.fromkeys(operation.missing, MISSING)
    return np.array([[known.get(text, UNKNOWN)] for text in x[:, 0].tolist()], dtype=float).reshape(-1, 1)


@compute.register
def _(operation: Lookup, x: Array) -> Any:
    return operation.table[x[:, 0].astype(np.intp)]


@compute.register
def _(operation: Join, *parts: Array) -> Any:
    return np.concatenate([part.astype(operation.dtype) for part in parts], axis=1)


@compute.register
def _(operation: Select, x: Array) -> Any:
    return x[:, operation.start : operation.start + operation.size]


@compute.register
def _(operation: Cast, x: Array) -> Any:
    return x


@compute.register
def _(operation: Affine, x: Array) -> Any:
    return x @ operation.weight + operation.bias


@compute.register
def _(operation: GroupedAffine, x: Array) -> Any:
    grouped = x.reshape(len(x), *operation.weight.shape[:2])
    return (np.einsum("ngk,gkd->ngd", grouped, operation.weight) + operation.bias).reshape(len(x), operation.size)


@compute.register
def _(operation: Scale, x: Array) -> Any:
    return x * operation.factor + operation.shift


@compute.register
def _(operation: Curves, x: Array) -> Any:
    bins = (x[:, :, None] >= operation.edges[:, 1:]).sum(axis=2)
    column = np.arange(x.shape[1])
    beyond = (x - operation.edges[column, bins])[:, :, None]
    return (operation.knots[column, bins] + beyond * operation.slopes[column, bins]).reshape(len(x), operation.size)


@compute.register
def _(operation: Waves, x: Array) -> Any:
    return waves(x, operation.frequency.ravel(), operation.phase.ravel())[0]


@compute.register
def _(operation: Normalize, x: Array) -> Any:
    centered = x - x.mean(axis=1, keepdims=True)
    return centered / np.sqrt(np.square(centered).mean(axis=1, keepdims=True) + x.dtype.type(operation.epsilon))


def _log(x: Array) -> Array:
    return np.asarray(np.log(np.maximum(x, SMALLEST)))


FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "exp": lambda x: np.asarray(np.exp(x)),
    "log": _log,
    "log_odds": lambda x: _log(x) - _log(1 - x),
    "sigmoid": sigmoid,
    "softmax": softmax,
}


@compute.register
def _(operation: Activate, x: Array) -> Any:
    if operation.function in FUNCTIONS:
        return FUNCTIONS[operation.function](x)
    name = PARAMETERS.get(operation.function)
    function = activation(operation.function)
    if name is not None:
        function = type(function)(**{name: operation.parameter})
    return function.value(x)


@compute.register
def _(operation: Blend, x: Array, y: Array) -> Any:
    return x + operation.blend * (y - x)


@compute.register
def _(operation: Sum, *parts: Array) -> Any:
    found = np.zeros_like(parts[0])
    for weight, part in zip(operation.weights, parts, strict=True):
        found = found + weight * part
    return found


@compute.register
def _(operation: Clip, x: Array) -> Any:
    return np.clip(x, operation.low, operation.high)


@compute.register
def _(operation: Complement, x: Array) -> Any:
    return np.concatenate([1 - x, x], axis=1)


@compute.register
def _(operation: Largest, x: Array) -> Any:
    return x.argmax(axis=1)[:, None]


@compute.register
def _(operation: Above, x: Array) -> Any:
    return x > operation.threshold
