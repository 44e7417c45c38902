"""The proof of an export: the program is run in its own runtime, and its outputs are compared with the model's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pellucid.errors import ProofError
from pellucid.export.evaluation import evaluate
from pellucid.export.graph import Graph, Output
from pellucid.export.target import Target
from pellucid.export.vectors import ORDINARY, Vectors, rows_for, tied
from pellucid.layers.base import Array
from pellucid.random import Random

TOLERANCES = {"float": 1e-5, "double": 1e-9}
ROWS = 1000


@dataclass(frozen=True)
class Proof:
    """What running a program showed: the largest difference by output, on so many rows, in which runtime.

    Differences of numbers are in deviations of the target, over 1 + the number's size. ``n_ties`` rows have another
    label, where the model's own two best are closer than the tolerance.
    """

    runtime: str
    n_rows: int
    n_vectors: int
    tolerance: float
    differences: Mapping[str, float]
    n_ties: int

    @property
    def largest(self) -> float:
        """The largest of all differences."""
        return max(self.differences.values(), default=0.0)


def prove(target: Target, path: Path, graph: Graph, vectors: Vectors, runtime: str) -> Proof:
    """Run a written program on its vectors and on generated rows, and compare.

    Raises `ProofError` if it cannot be run, fails its self-test, or differs by more than its tolerance.
    """
    fresh = rows_for(graph, ROWS - ORDINARY, Random(1))
    columns = {name: np.concatenate([vectors.columns[name], fresh[name]]) for name in fresh}
    expected = evaluate(graph, columns)
    found = target.run(path, graph, columns)
    differences, n_ties = {}, 0
    for output in graph.outputs:
        own, other = expected[output.name], found[output.name]
        if own.shape != other.shape:
            raise ProofError(f"{path.name}: {output.name} has shape {other.shape}; the model's has {own.shape}.")
        if output.kind in ("label", "labels"):
            n_ties += _labels_differ(path, output, own, other, expected, vectors.tolerance)
            continue
        off = difference(output, own, other, vectors)
        row = int(np.argmax(off.max(axis=1)))
        differences[output.name] = float(off.max(initial=0.0))
        if not differences[output.name] <= vectors.tolerance:
            given = {name: value[row] for name, value in columns.items()}
            raise ProofError(
                f"{path.name}: {output.name} differs from the model's by {differences[output.name]:.3g}; at most "
                f"{vectors.tolerance:g} is allowed. Row: {given}; the program gives {other[row].tolist()}, the model "
                f"{own[row].tolist()}."
            )
    return Proof(runtime, len(next(iter(columns.values()))), vectors.n_rows, vectors.tolerance, differences, n_ties)


def difference(output: Output, own: Array, other: Array, vectors: Vectors) -> Array:
    """Return by how much two outputs differ, (n_rows, size); infinitely where only one is NaN."""
    with np.errstate(invalid="ignore"):
        off = np.abs(own.astype(np.float64) - other)
    if output.kind == "numbers":
        unit = vectors.unit[output.name]
        off = off / (unit + np.abs(own))
    return np.where(np.isnan(off) & ~(np.isnan(own) & np.isnan(other)), np.inf, np.where(np.isnan(off), 0.0, off))


def _labels_differ(
    path: Path, output: Output, own: Array, other: Array, expected: Mapping[str, Array], tolerance: float
) -> int:
    """Return in how many rows the label is another because the model's two best are as good as equal."""
    differ = (own != other).any(axis=1)
    probabilities = expected["probabilities"].astype(np.float64)
    wrong = np.flatnonzero(differ & ~tied(output, probabilities, tolerance))
    if len(wrong):
        row = int(wrong[0])
        raise ProofError(
            f"{path.name}: in {len(wrong)} rows the label is another than the model's, such as {other[row].tolist()} "
            f"instead of {own[row].tolist()} with probabilities {probabilities[row].tolist()}."
        )
    return int(differ.sum())
