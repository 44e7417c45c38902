"""The export graph is a model as a short typed list of operations on a row: all that exporters see of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.layers.base import Array

KINDS = ("number", "boolean", "date", "category", "vector")


@dataclass(frozen=True)
class Column:
    """A raw column that goes in, a value of the graph by its own name.

    - "number": float64, NaN where missing
    - "boolean": float64, 0 false, 1 true, NaN missing
    - "date": float64, microseconds since 1970-01-01 UTC, NaN missing
    - "category": text, empty where missing
    - "vector": ``size`` numbers, what a bare network gets; none may be missing
    """

    name: str
    kind: str
    size: int = 1


@dataclass(frozen=True, eq=False)
class Operation:
    """A step: it computes the value called ``output``, (n_rows, ``size``), of type ``dtype``, from earlier values.

    In formulas x is the value that the field ``x`` names. Arrays are constants, of the same dtype. Everything is
    computed in ``dtype``, "float32" or "float64"; codes are whole numbers in it.
    """

    output: str
    size: int
    dtype: str

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the values that it takes."""
        return (self.x,) if hasattr(self, "x") else ()

    @property
    def constants(self) -> dict[str, Array]:
        """Its arrays by field."""
        found = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {name: value for name, value in found.items() if isinstance(value, np.ndarray)}


@dataclass(frozen=True, eq=False)
class Missing(Operation):
    """1 where x is NaN, else 0; x is a raw column."""

    x: str


@dataclass(frozen=True, eq=False)
class Squeeze(Operation):
    """``3 u / sqrt(1 + u²)`` with ``u = (x - center) / scale / 3``; 0 where x is NaN or scale is 0, ±3 at ±infinity.

    `pellucid.tabular.encodings.squeezed` says how no difference overflows: halves are taken, and u is kept in ±2³⁰.
    """

    x: str
    center: float
    scale: float


@dataclass(frozen=True, eq=False)
class Sign(Operation):
    """-1 where x is 0, +1 where it is 1, 0 where it is NaN; x is a boolean column."""

    x: str


@dataclass(frozen=True, eq=False)
class Days(Operation):
    """``x / 86,400,000,000``: a date column in days, NaN where x is NaN."""

    x: str


@dataclass(frozen=True, eq=False)
class Circle(Operation):
    """Sine and cosine of a date column's place in the "year", the "week" or the "day"; 0, 0 where x is NaN.

    With ``days = floor(x / 86,400,000,000)`` and remainders that are never negative, the place in turns is
    ``(400 days mod 146097) / 146097``, ``((days + 3) mod 7) / 7`` or ``(x mod 86,400,000,000) / 86,400,000,000``.
    """

    x: str
    period: str


@dataclass(frozen=True, eq=False)
class Code(Operation):
    """The code of a category column: 0 a text that is no level, 1 a text that stands for missing, 2, 3, ... the levels.

    ``missing`` has the empty text first; a text that is in both is missing.
    """

    x: str
    levels: tuple[str, ...]
    missing: tuple[str, ...] = ("",)


@dataclass(frozen=True, eq=False)
class Lookup(Operation):
    """``table[x]``: the row of ``table : (n_codes, size)`` that the code x names."""

    x: str
    table: Array


@dataclass(frozen=True, eq=False)
class Join(Operation):
    """The columns of several values side by side, each converted to ``dtype``."""

    parts: tuple[str, ...]

    @property
    def inputs(self) -> tuple[str, ...]:
        """The parts."""
        return self.parts


@dataclass(frozen=True, eq=False)
class Select(Operation):
    """The columns ``start`` to ``start + size`` of x."""

    x: str
    start: int


@dataclass(frozen=True, eq=False)
class Cast(Operation):
    """x, rounded to ``dtype``."""

    x: str


@dataclass(frozen=True, eq=False)
class Affine(Operation):
    """``x @ weight + bias`` with ``weight : (n_inputs, size)`` and ``bias : (size,)``."""

    x: str
    weight: Array
    bias: Array


@dataclass(frozen=True, eq=False)
class GroupedAffine(Operation):
    """``y_gd = Σ_k x_gk weight_gkd + bias_gd``: neighboring columns of x, n_k at a time, each times its weight.

    ``weight : (n_groups, n_k, n_d)``, ``bias : (n_groups, n_d)``; y_gd is column ``g n_d + d`` of the output.
    """

    x: str
    weight: Array
    bias: Array


@dataclass(frozen=True, eq=False)
class Scale(Operation):
    """``x * factor + shift`` with ``factor, shift : (size,)``."""

    x: str
    factor: Array
    shift: Array


@dataclass(frozen=True, eq=False)
class Curves(Operation):
    """Piecewise linear curves, n_d of each column j: column ``j n_d + d`` of the output is

    ``knots[j, t, d] + (x_j - edges[j, t]) * slopes[j, t, d]`` with t the number of edges but the first that x_j reaches
    (is at or above).

    ``edges : (n_inputs, n_bins)``, ascending, each column's last ones infinite where it has fewer bins;
    ``knots, slopes : (n_inputs, n_bins, n_d)``.
    """

    x: str
    edges: Array
    knots: Array
    slopes: Array


@dataclass(frozen=True, eq=False)
class Waves(Operation):
    """``cos(2π τ)`` with ``τ_jk = x_j frequency_jk + phase_jk``, column ``j n_k + k`` of the output.

    Whole turns are taken off τ before it is multiplied by 2π. ``frequency, phase : (n_inputs, n_k)``.
    """

    x: str
    frequency: Array
    phase: Array


@dataclass(frozen=True, eq=False)
class Normalize(Operation):
    """``(x - mean) / sqrt(variance + epsilon)``, mean and variance over the columns of each row."""

    x: str
    epsilon: float


@dataclass(frozen=True, eq=False)
class Activate(Operation):
    """An activation by its name, with its parameter, such as a slope, where it has one.

    Besides the names of `pellucid.activations` there are "exp", "log" (of 0 as of the smallest positive number,
    2⁻¹⁰⁷⁴) and "log_odds", ``log x - log(1 - x)`` by that logarithm. "softmax" is over the columns of each row.
    """

    x: str
    function: str
    parameter: float = 0.0


@dataclass(frozen=True, eq=False)
class Blend(Operation):
    """``x + blend * (y - x)`` with ``blend : (size,)``."""

    x: str
    y: str
    blend: Array

    @property
    def inputs(self) -> tuple[str, ...]:
        """X and y."""
        return self.x, self.y


@dataclass(frozen=True, eq=False)
class Sum(Operation):
    """``Σ_k weights[k] * parts[k]``, added in this order."""

    parts: tuple[str, ...]
    weights: tuple[float, ...]

    @property
    def inputs(self) -> tuple[str, ...]:
        """The parts."""
        return self.parts


@dataclass(frozen=True, eq=False)
class Clip(Operation):
    """x, kept from ``low`` to ``high``, both (size,)."""

    x: str
    low: Array
    high: Array


@dataclass(frozen=True, eq=False)
class Complement(Operation):
    """``[1 - x, x]`` for x of one column: the probabilities of no and yes."""

    x: str


@dataclass(frozen=True, eq=False)
class Largest(Operation):
    """The number of the largest of x's columns, the first among equals."""

    x: str


@dataclass(frozen=True, eq=False)
class Above(Operation):
    """1 where x is above ``threshold``, else 0."""

    x: str
    threshold: float


@dataclass(frozen=True)
class Output:
    """What comes out: a value of the graph under a name of its own.

    kind : "numbers"; "probabilities", one column for each of ``labels``; "label", the number of the label that holds;
        or "labels", 0 or 1 for each of ``labels``
    labels : class names, or for numbers the names of the columns
    """

    name: str
    value: str
    kind: str
    labels: tuple[Any, ...]


@dataclass(frozen=True)
class Graph:
    """Columns go in, operations follow in order, outputs come out.

    title : one line that says what it is
    metadata : what a reader of the artefact wants to know of its origin, text by name
    """

    title: str
    columns: tuple[Column, ...]
    operations: tuple[Operation, ...]
    outputs: tuple[Output, ...]
    metadata: tuple[tuple[str, str], ...] = ()

    @property
    def n_constants(self) -> int:
        """The number of numbers in all constants."""
        return sum(array.size for operation in self.operations for array in operation.constants.values())

    def used(self) -> Iterator[type[Operation]]:
        """Yield the types of its operations, each once, in the order in which they come up."""
        yield from dict.fromkeys(type(operation) for operation in self.operations)
