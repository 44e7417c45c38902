"""The plane in which the rows of an experiment are shown, and the inputs over it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.errors import OptionError
from pellucid.layers.base import Array
from pellucid.playground.rows import Rows, featured

MARGIN = 0.08  # beside the rows of a table, as a share of their range


@dataclass(frozen=True)
class Plane:
    """A plane through the inputs: where each row lies, and the inputs at each cell of a grid over it.

    points : (n_rows, 2); grid : (resolution², n_inputs), row by row from the low end of the second axis
    """

    points: Array
    grid: Array
    extent: tuple[float, float, float, float]
    axes: tuple[str, str]


def plane_of(rows: Rows, view: Mapping[str, Any]) -> Plane:
    """Return the plane that the section ``view`` of a configuration chooses."""
    resolution = view["resolution"]
    if rows.coordinates is not None:
        reach = max(6.0, float(np.abs(rows.coordinates).max())) if np.abs(rows.coordinates).max() > 1 else 1.5
        extent = (-reach, reach, -reach, reach)
        cells = _cells(extent, resolution)
        return Plane(rows.coordinates, featured(cells, rows.features), extent, ("x1", "x2"))
    X, codes = rows.X, list(rows.codes)
    learned = X[~rows.is_test]
    center = learned.mean(axis=0)
    for column in codes:  # between two levels there is none: the plane lies at the most frequent
        center[column] = np.bincount(learned[:, column].astype(np.int64)).argmax()
    if view["plane"] == "components":
        spread = learned - center
        spread[:, codes] = 0.0
        _, _, directions = np.linalg.svd(spread, full_matrices=False)
        basis = np.zeros((2, X.shape[1]))
        basis[: min(2, len(directions))] = directions[:2]
        basis[:, codes] = 0.0
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
    for column in set(chosen) & set(codes):
        grid[:, column] = np.clip(np.rint(grid[:, column]), 0, rows.codes[column] - 1)
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
