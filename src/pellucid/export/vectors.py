"""Test vectors are raw rows, ordinary and extreme, with what the model makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pellucid.export.evaluation import evaluate
from pellucid.export.graph import Cast, Code, Column, Graph, Join, Lookup, Output, Select, Squeeze
from pellucid.layers.base import Array
from pellucid.random import Purpose, Random
from pellucid.tabular.values import MICROSECONDS_PER_DAY

NUMBERS = (np.nan, np.inf, -np.inf, 1e308, -1e308, 5e-324, 0.0, -0.0)
YEAR_1, YEAR_9999 = -62_135_596_800_000_000.0, 253_402_214_400_000_000.0  # their first and last days
DATES = (np.nan, YEAR_1, YEAR_9999, 0.0, -1e6, 951_782_400_000_000.0)  # ... 2000-02-29
UNSEEN = ("no level, \"quoted\", 'quoted', \\ and \t", "no level: Ünïcödé ☃ 😀", " ", "NaN", "0")
VECTOR_NUMBERS = np.array([[0.0], [1.0], [-1.0], [100.0]])
VECTOR_PLACES = np.array([[0.0], [1 - 2**-53], [0.5], [0.25]])  # of codes among all codes: the first, the last, ...
ORDINARY = 16
TIED = -1.0


@dataclass(frozen=True)
class Vectors:
    """Raw columns by name, as `evaluate` takes them, and the outputs by name, (n_rows, size) float64.

    A label is `TIED` where the model's two best are as good as equal: there a program may give another.

    tolerance : what a program's self-test allows: largest difference of a probability, or of a number over 1 + its size
        in deviations of the target (in its own unit where there is none)
    unit : by output, what differences of numbers are divided by, (size,)
    """

    columns: Mapping[str, Array]
    outputs: Mapping[str, Array]
    tolerance: float
    unit: Mapping[str, Array]

    @property
    def n_rows(self) -> int:
        """The number of rows."""
        return len(next(iter(self.columns.values())))


def rows_for(graph: Graph, n_ordinary: int, rng: Random) -> dict[str, Array]:
    """Return raw rows: each extreme value of each column in some row, then so many ordinary rows."""
    extremes = {column.name: _extremes(column, graph) for column in graph.columns}
    n_extreme = max(len(values) for values in extremes.values())
    found: dict[str, Array] = {}
    for index, column in enumerate(graph.columns):
        own = extremes[column.name]
        turned = [own[(row + index) % len(own)] for row in range(n_extreme)]  # so that they meet in many ways
        ordinary = _ordinary(column, graph, n_ordinary, rng.at(purpose=Purpose.SAMPLE, layer=index, step=0))
        kind = object if column.kind == "category" else np.float64
        found[column.name] = np.array([*turned, *ordinary], dtype=kind)
    return found


def make_vectors(graph: Graph, tolerance: float, unit: Mapping[str, Array]) -> Vectors:
    """Return the vectors that are embedded in a program for this graph."""
    columns = rows_for(graph, ORDINARY, Random(0))
    outputs = {name: value.astype(np.float64) for name, value in evaluate(graph, columns).items()}
    for output in graph.outputs:
        if output.kind in ("label", "labels"):
            outputs[output.name][tied(output, outputs["probabilities"], tolerance)] = TIED
    return Vectors(columns, outputs, tolerance, unit)


def tied(output: Output, probabilities: Array, tolerance: float) -> Array:
    """Return in which rows a label may be another when each probability is off by at most the tolerance, (n_rows,)."""
    if output.kind == "label":
        best = np.sort(probabilities, axis=1)
        margin = best[:, -1] - best[:, -2]
    else:
        margin = np.abs(probabilities - 0.5).min(axis=1)
    return np.asarray(margin <= 2 * tolerance)


def _extremes(column: Column, graph: Graph) -> list[object]:
    if column.kind == "vector":
        numbers, places = (np.repeat(each, column.size, axis=1) for each in (VECTOR_NUMBERS, VECTOR_PLACES))
        return _with_codes(numbers, places, column, graph)
    if column.kind == "category":
        return ["", *(f"{level}" for level in _levels(column, graph)[:8]), *UNSEEN]
    return list({"number": NUMBERS, "boolean": (0.0, 1.0, np.nan), "date": DATES}[column.kind])


def _ordinary(column: Column, graph: Graph, n_rows: int, rng: Random) -> list[object]:
    if column.kind == "vector":
        shape = n_rows, column.size
        return _with_codes(rng.normal(shape), rng.at(step=1).uniform(shape), column, graph)
    if column.kind == "category":
        texts = _levels(column, graph) or [""]
        return [texts[int(u * len(texts))] for u in rng.uniform(n_rows)]
    if column.kind == "boolean":
        return list(np.floor(2 * rng.uniform(n_rows)))
    center, scale = _range(column, graph)
    numbers = center + (scale or 1.0) * rng.normal(n_rows)
    if column.kind == "date":
        return list(np.clip(np.rint(numbers * MICROSECONDS_PER_DAY), YEAR_1, YEAR_9999))
    return list(numbers)


def _with_codes(numbers: Array, places: Array, column: Column, graph: Graph) -> list[object]:
    """Return vectors of numbers, and of codes where a network reads codes: of n codes, that at a place from 0 to 1."""
    for index, n in _n_codes(column, graph).items():
        numbers[:, index] = np.floor(places[:, index] * n)
    return list(numbers)


def _n_codes(column: Column, graph: Graph) -> dict[int, int]:
    """Return how many codes there are in each place of a vector that is looked up in a table."""
    places: dict[str, list[int | None]] = {each.name: [None] * each.size for each in graph.columns}
    places[column.name] = list(range(column.size))  # of each value's columns, where in the vector they stand
    found: dict[int, int] = {}
    for each in graph.operations:
        given = [place for name in each.inputs for place in places[name]]
        if isinstance(each, Select):
            given = given[each.start : each.start + each.size]
        if isinstance(each, Lookup) and given[0] is not None:
            found[given[0]] = min(len(each.table), found.get(given[0], len(each.table)))
        places[each.output] = given if isinstance(each, Select | Cast | Join) else [None] * each.size
    return found


def _levels(column: Column, graph: Graph) -> list[str]:
    codes = [each for each in graph.operations if isinstance(each, Code) and each.x == column.name]
    return [level for code in codes for level in code.levels]


def _range(column: Column, graph: Graph) -> tuple[float, float]:
    """Return center and scale, of a date in days."""
    days = {each.output for each in graph.operations if column.name in each.inputs} | {column.name}
    squeezes = [each for each in graph.operations if isinstance(each, Squeeze) and each.x in days]
    return (squeezes[0].center, squeezes[0].scale) if squeezes else (0.0, 1.0)
