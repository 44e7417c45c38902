"""The rows of an experiment: what enters the network, the target, which rows test, and the plane in which they lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.errors import DataError, MissingColumnError, OptionError, listed, near_miss
from pellucid.examples import single_layer
from pellucid.examples import xor as xor_example
from pellucid.layers.base import Array
from pellucid.playground.configuration import MOST_CLASSES, MOST_ROWS
from pellucid.playground.datasets import CLASSIC, REGRESSION, Draw
from pellucid.playground.formula import evaluate
from pellucid.random import Purpose, Random

if TYPE_CHECKING:
    import polars

MOST_INPUTS = 256
MARGIN = 0.08  # beside the rows of a table, as a share of their range


@dataclass(frozen=True)
class Rows:
    """What an experiment learns from.

    X : (n_rows, n_inputs); target : (n_rows,) codes of classes, int64, or numbers; is_test : (n_rows,)
    coordinates : (n_rows, 2), where the inputs are made of two coordinates by ``features``; else None
    """

    inputs: list[str]
    X: Array
    target: Array
    classes: list[str]
    is_test: Array
    features: list[str] = field(default_factory=list)
    coordinates: Array | None = None
    remarks: list[str] = field(default_factory=list)

    @property
    def task(self) -> str:
        """Return "classification" or "regression"."""
        return "classification" if self.classes else "regression"


@dataclass(frozen=True)
class Plane:
    """A plane through the inputs: where each row lies, and the inputs at each cell of a grid over it.

    points : (n_rows, 2); grid : (resolution², n_inputs), row by row from the low end of the second axis
    """

    points: Array
    grid: Array
    extent: tuple[float, float, float, float]
    axes: tuple[str, str]


def make_rows(data: Mapping[str, Any], tables: Mapping[str, polars.DataFrame]) -> Rows:
    """Return the rows that the section ``data`` of a configuration describes; ``tables`` are those at hand by name."""
    kind = data["kind"]
    if kind == "table":
        return _of_table(data, tables)
    if kind in ("xor_table", "single_layer_table"):
        example = xor_example if kind == "xor_table" else single_layer
        X = np.asarray(example.X, dtype=np.float64)
        target = np.asarray(example.y).ravel().astype(np.int64)
        if X.shape[1] == 2:
            return _of_points(X, target, ["0", "1"], data)
        names = [f"x{index + 1}" for index in range(X.shape[1])]
        return Rows(names, X, target, ["0", "1"], _parting(len(X), data))
    if kind == "points":
        if len(data["points"]) < 2:
            raise DataError(f"data: {len(data['points'])} points are drawn; draw at least two.")
        points = np.array(data["points"], dtype=np.float64)
        return _judged(points[:, :2], points[:, 2], data["task"], data)
    draw = Draw(data["seed"], data["n_rows"])
    if kind == "formula":
        X = np.column_stack([draw.uniform(-6, 6), draw.uniform(-6, 6)])
        judged = X + data["noise"] * np.column_stack([draw.uniform(-6, 6), draw.uniform(-6, 6)])
        return _judged(X, evaluate(data["formula"], {"x1": judged[:, 0], "x2": judged[:, 1]}), data["task"], data)
    X, target = CLASSIC[kind](draw, data["n_rows"], data["noise"])
    return _judged(X, target, "regression" if kind in REGRESSION else "classification", data)


def _judged(points: Array, target: Array, task: str, data: Mapping[str, Any]) -> Rows:
    """Return rows whose target is numbers, or codes of classes."""
    if task == "auto":
        whole = bool((target == np.round(target)).all())
        task = "classification" if whole and target.min() >= 0 and target.max() < MOST_CLASSES else "regression"
    if task == "regression":
        return _of_points(points, target, [], data)
    codes = np.round(target)
    if codes.min() < 0 or codes.max() >= MOST_CLASSES:
        raise DataError(
            f"data: the classes run from {codes.min():g} to {codes.max():g}; they are the whole numbers from 0 to "
            f"{MOST_CLASSES - 1}. For other numbers choose regression."
        )
    n_classes = max(2, int(codes.max()) + 1)
    return _of_points(points, codes.astype(np.int64), [str(code) for code in range(n_classes)], data)


def _of_points(points: Array, target: Array, classes: list[str], data: Mapping[str, Any]) -> Rows:
    names = list(data["features"])
    return Rows(
        names, featured(points, names), target, classes, _parting(len(points), data), features=names, coordinates=points
    )


def featured(points: Array, names: list[str]) -> Array:
    """Return the features of points, ``(n_rows, n_features)``."""
    x1, x2 = points.T
    known = {
        "x1": x1, "x2": x2, "x1²": x1 * x1, "x2²": x2 * x2, "x1x2": x1 * x2, "sin x1": np.sin(x1), "sin x2": np.sin(x2)
    }  # fmt: skip
    return np.column_stack([known[name] for name in names])


def _parting(n_rows: int, data: Mapping[str, Any]) -> Array:
    """Return which rows test: a share of them, and never so many that none is left to learn from."""
    n_test = min(round(data["test_share"] * n_rows), n_rows - 1)
    is_test = np.zeros(n_rows, dtype=bool)
    is_test[Random(data["seed"], Purpose.SHUFFLE).permutation(n_rows)[:n_test]] = True
    return is_test


def _of_table(data: Mapping[str, Any], tables: Mapping[str, polars.DataFrame]) -> Rows:
    from pellucid.tabular import ClassTarget, Encoder, NumberTarget, infer_task

    name, target_name = data["table"], data["target"]
    if name not in tables:
        there = f"there are {listed(tables)}{near_miss(name, tables)}" if tables else "no table was given yet"
        raise DataError(f"data: no table {name!r}; {there}. Give the playground the file.")
    table = tables[name]
    if target_name not in table.columns:
        hint = near_miss(target_name, table.columns)
        raise MissingColumnError(f"{name} has no column {target_name!r} to learn; it has {listed(table.columns)}{hint}")
    remarks = []
    if table.height > MOST_ROWS:
        chosen = np.sort(Random(data["seed"], Purpose.SAMPLE).permutation(table.height)[:MOST_ROWS])
        remarks.append(f"{MOST_ROWS:,} of the {table.height:,} rows are used, drawn by the seed")
        table = table[chosen]
    y = table[target_name]
    if y.null_count():
        remarks.append(f"{y.null_count():,} rows without {target_name!r} are left out")
        table = table.filter(y.is_not_null())
        y = table[target_name]
    task = data["task"] if data["task"] != "auto" else infer_task(y).task
    classes = ClassTarget().fit(y, target_name) if task == "classification" else None
    if classes is not None and len(classes.classes) > MOST_CLASSES:
        raise DataError(
            f"{name}: {target_name!r} has {len(classes.classes)} classes; the playground shows up to {MOST_CLASSES}."
        )
    is_test = _parting(table.height, data)
    features = table.drop(target_name)
    encoder = Encoder(one_hot_limit=MOST_INPUTS).fit(features.filter(~is_test))
    remarks += encoder.remarks
    X = encoder.transform(features, np.float64)
    if X.shape[1] > MOST_INPUTS:
        raise DataError(f"{name} makes {X.shape[1]} inputs; the playground takes up to {MOST_INPUTS}: drop columns.")
    if classes is not None:
        target, labels = classes.encode(y), [str(each) for each in classes.classes.tolist()]
    else:
        learned = y.to_numpy()[~is_test]
        target, labels = NumberTarget().fit(learned, target_name).encode(y)[:, 0], []
        remarks.append(f"{target_name!r} is learned as its distance from the mean in standard deviations")
    return Rows(list(encoder.feature_names), X, target, labels, is_test, remarks=remarks)


def plane_of(rows: Rows, view: Mapping[str, Any]) -> Plane:
    """Return the plane that the section ``view`` of a configuration chooses."""
    resolution = view["resolution"]
    if rows.coordinates is not None:
        reach = max(6.0, float(np.abs(rows.coordinates).max())) if np.abs(rows.coordinates).max() > 1 else 1.5
        extent = (-reach, reach, -reach, reach)
        cells = _cells(extent, resolution)
        return Plane(rows.coordinates, featured(cells, rows.features), extent, ("x1", "x2"))
    X = rows.X
    center = X[~rows.is_test].mean(axis=0)
    if view["plane"] == "components":
        _, _, directions = np.linalg.svd(X[~rows.is_test] - center, full_matrices=False)
        basis = np.zeros((2, X.shape[1]))
        basis[: min(2, len(directions))] = directions[:2]
        points = (X - center) @ basis.T
        extent = _extent(points)
        grid = center + _cells(extent, resolution) @ basis
        return Plane(points, grid, extent, ("component 1", "component 2"))
    chosen = list(view["columns"][:2])
    if max(chosen) >= X.shape[1]:
        if view["columns"] != [0, 1]:
            raise OptionError(f"view: columns got {chosen}; the inputs are the columns 0 to {X.shape[1] - 1}.")
        chosen = [0, 0]  # of a single input, both axes are it
    points = X[:, chosen]
    extent = _extent(points)
    grid = np.tile(center, (resolution * resolution, 1))
    grid[:, chosen] = _cells(extent, resolution)
    return Plane(points, grid, extent, (rows.inputs[chosen[0]], rows.inputs[chosen[1]]))


def _extent(points: Array) -> tuple[float, float, float, float]:
    low, high = points.min(axis=0), points.max(axis=0)
    margin = MARGIN * np.where(high > low, high - low, 1.0)
    (x_low, y_low), (x_high, y_high) = low - margin, high + margin
    return float(x_low), float(x_high), float(y_low), float(y_high)


def _cells(extent: tuple[float, float, float, float], resolution: int) -> Array:
    """Return the centers of the cells of a grid, ``(resolution², 2)``."""
    x_low, x_high, y_low, y_high = extent
    places = (np.arange(resolution) + 0.5) / resolution
    x, y = np.meshgrid(x_low + (x_high - x_low) * places, y_low + (y_high - y_low) * places)
    return np.column_stack([x.ravel(), y.ravel()])
