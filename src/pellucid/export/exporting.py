"""Exporting a model: its graph is written in a target's language, run there, compared, and only then put in place."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pellucid.errors import OptionError, ProofError, listed, near_miss
from pellucid.export.evaluation import evaluate
from pellucid.export.graph import Graph
from pellucid.export.lowering import lower, precision_of
from pellucid.export.proof import TOLERANCES, Proof, difference, prove
from pellucid.export.target import Target
from pellucid.export.targets import TARGETS
from pellucid.export.vectors import Vectors, make_vectors
from pellucid.layers.base import Array
from pellucid.model.output import check_writable, unwritten
from pellucid.network import Network

Location = str | os.PathLike[str]


@dataclass(frozen=True)
class Export:
    """What was written where, what its target says of it, and its proof; None where the runtime is missing."""

    target: str
    precision: str
    files: tuple[Path, ...]
    n_bytes: int
    n_constants: int
    notes: tuple[str, ...]
    proof: Proof | None


def export(
    model: Any,
    path: Location,
    *,
    target: str | None = None,
    precision: str | None = None,
    coverage: float | None = None,
    overwrite: bool = False,
    require_proof: bool = False,
    to_overwrite: str = "overwrite=True",
) -> Export:
    """Write a model as a program for another runtime: raw row in, prediction out.

    Parameters
    ----------
    model : a fitted TabularClassifier or TabularRegressor, or a Network
    path : what to write; by default its suffix names the target
    target : the name of a target, such as "c"
    precision : of the networks' arithmetic, "float" or "double"; by default the networks' own, if the target has it
    coverage : of a regression, also write the ends of the interval of this coverage, such as 0.9
    overwrite, require_proof : whether to replace files, and whether to fail where the runtime is missing

    Raises
    ------
    OptionError : the model cannot be written in this language
    OutputError : a file exists, or cannot be written
    ProofError : the program differs from the model, or there is no runtime and a proof is required; nothing is left
    """
    path = Path(path)
    writer = choose(path, target)
    own = precision_of(model)
    if precision is None:
        precision = own if own in writer.precisions else writer.precisions[0]
    if precision not in writer.precisions:
        raise OptionError(
            f"export to {writer.name}: precision got {precision!r}; it expects {listed(writer.precisions)}."
        )
    graph = lower(model, coverage=coverage, precision=precision)
    writer.check(graph)
    check_writable(path, overwrite=overwrite, noun="a program", to_overwrite=to_overwrite)
    vectors = make_vectors(graph, TOLERANCES[precision], _units(model, graph))
    check_against_model(model, graph, vectors)
    program = writer.write(graph, vectors, path.stem)
    names = [path.name, *list(program.files)[1:]]
    if path.name in names[1:]:
        raise OptionError(
            f"export to {writer.name}: its second file is called {path.name!r} too; give a name that ends in "
            f"{writer.suffix}."
        )
    for name in names[1:]:
        check_writable(path.parent / name, overwrite=overwrite, noun="a program", to_overwrite=to_overwrite)
    refused = f"cannot write a program to {str(path)!r}"
    with tempfile.TemporaryDirectory(prefix=".pellucid-", dir=path.parent) as folder:
        try:
            for name, content in zip(names, program.files.values(), strict=True):
                (Path(folder) / name).write_bytes(content.encode() if isinstance(content, str) else content)
        except OSError as error:
            raise unwritten(refused, error) from error
        runtime = writer.runtime()
        if runtime is None and require_proof:
            raise ProofError(
                f"export to {writer.name}: a proof is required, and there is nothing here to run the program with: "
                f"{writer.needs}. Install it, or leave the proof out."
            )
        proof = None if runtime is None else prove(writer, Path(folder) / path.name, graph, vectors, runtime)
        try:
            _put_in_place(Path(folder), names, path.parent, overwrite=overwrite)
        except OSError as error:
            raise unwritten(refused, error) from error
    files = tuple(path.parent / name for name in names)
    return Export(writer.name, precision, files, program.n_bytes, graph.n_constants, program.notes, proof)


def _put_in_place(made: Path, names: Sequence[str], folder: Path, *, overwrite: bool) -> None:
    """Rename all files, or leave none that was not there."""
    placed: list[Path] = []
    try:
        for name in names:
            if not overwrite:
                open(folder / name, "xb").close()  # of two writers at the same moment, only one gets the name
                placed.append(folder / name)
            os.replace(made / name, folder / name)
    except BaseException:
        for path in placed:
            path.unlink()
        raise


def choose(path: Path, name: str | None) -> Target:
    """Return the target of a name, or of a path's suffix."""
    if name is not None:
        if name not in TARGETS:
            raise OptionError(f"export: target got {name!r}; it expects {listed(TARGETS)}{near_miss(name, TARGETS)}.")
        return TARGETS[name]()
    for target in TARGETS.values():
        if target.suffix == path.suffix.lower():
            return target()
    suffixes = dict.fromkeys(target.suffix for target in TARGETS.values())
    raise OptionError(
        f"export: got {str(path)!r}; it expects a name that ends in {listed(suffixes)}"
        f"{near_miss(path.suffix, suffixes)}, or a target."
    )


def check_against_model(model: Any, graph: Graph, vectors: Vectors) -> None:
    """Raise `ProofError` if the graph does not predict the test vectors as the model itself does."""
    if isinstance(model, Network):
        _check_against_network(model, graph, vectors)
        return
    table, expected = _table(graph, vectors), evaluate(graph, vectors.columns)
    if "prediction" in expected:
        own, tolerance = np.asarray(model.predict(table)).reshape(vectors.n_rows, -1), model.target_.deviation * 1e-5
        off = np.abs(own - expected["prediction"]) / tolerance
    else:
        off = np.abs(model.predict_proba(table) - expected["probabilities"]) / TOLERANCES["float"]
    if not off.max() <= 1:
        raise ProofError(
            f"export: the graph differs from the model's own predictions in row {int(off.max(axis=1).argmax())}."
        )


def _check_against_network(network: Network, graph: Graph, vectors: Vectors) -> None:
    """Compare with a network in double, of which the graph may be one in float; one in float is its own measure."""
    if precision_of(network) == "float":
        return
    own, found = network.predict(vectors.columns["x"]), vectors.outputs["outputs"]
    off = difference(graph.outputs[0], own, found, vectors).max(axis=1)
    if not off.max() <= vectors.tolerance:
        row = int(off.argmax())
        raise ProofError(
            f"export: in {vectors.columns['x'][row].tolist()} the graph gives {found[row].tolist()}, the network "
            f"{own[row].tolist()}: more than {vectors.tolerance:g} apart. The network computes in double: leave "
            "precision out, or give double."
        )


def _table(graph: Graph, vectors: Vectors) -> Any:
    import polars as pl

    converted: dict[str, Any] = {"date": int, "boolean": bool}
    types = {"date": pl.Int64, "boolean": pl.Boolean, "category": pl.String, "number": pl.Float64}
    found = {}
    for column in graph.columns:
        convert = converted.get(column.kind)
        given = [None if value != value or value == "" else value for value in vectors.columns[column.name].tolist()]
        values = [value if value is None or convert is None else convert(value) for value in given]
        series = pl.Series(values, dtype=types[column.kind])
        found[column.name] = series.cast(pl.Datetime("us")) if column.kind == "date" else series
    return pl.DataFrame(found)


def _units(model: Any, graph: Graph) -> dict[str, Array]:
    """Return by what differences of numbers are measured: the target's deviations, or 1."""
    target = getattr(model, "target_", None)
    deviation = getattr(target, "deviation", None)
    return {
        output.name: np.ones(len(output.labels)) if deviation is None else np.asarray(deviation)
        for output in graph.outputs
        if output.kind == "numbers"
    }
