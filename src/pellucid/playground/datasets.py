"""The classic sets: points in a plane with a class or a number each, as TensorFlow Playground draws them.

Coordinates run from -6 to 6. ``noise`` is from 0 to 0.5, and means in each set what it means there
(github.com/tensorflow/playground, dataset.ts).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pellucid.layers.base import Array
from pellucid.random import Purpose, Random

Points = tuple[Array, Array]
"""Coordinates, (n_rows, 2), and the class or number of each, (n_rows,)."""

HUMPS = np.array([[-4, 2.5, 1], [0, 2.5, -1], [4, 2.5, 1], [-4, -2.5, -1], [0, -2.5, 1], [4, -2.5, -1]])
"""Where the bumps of `gauss_regression` stand, and their signs."""


class Draw:
    """Draws columns of random numbers, each from an address of its own."""

    def __init__(self, seed: int, n_rows: int) -> None:
        self._address, self._n_rows, self._count = Random(seed, Purpose.SAMPLE), n_rows, 0

    def uniform(self, low: float, high: float) -> Array:
        """Return (n_rows,) from low to high."""
        return self._next().uniform(self._n_rows, low, high)

    def normal(self) -> Array:
        """Return (n_rows,) standard normal numbers."""
        return self._next().normal(self._n_rows)

    def _next(self) -> Random:
        self._count += 1
        return self._address.at(step=self._count)


def circle(draw: Draw, n_rows: int, noise: float) -> Points:
    """A disk of one class in a ring of the other."""
    inner = np.arange(n_rows) < n_rows // 2
    radius = np.where(inner, draw.uniform(0, 2.5), draw.uniform(3.5, 5))
    angle = draw.uniform(0, 2 * np.pi)
    X = np.column_stack([radius * np.sin(angle), radius * np.cos(angle)])
    judged = X + noise * np.column_stack([draw.uniform(-5, 5), draw.uniform(-5, 5)])
    return X, (np.hypot(*judged.T) < 2.5).astype(np.float64)


def xor(draw: Draw, n_rows: int, noise: float) -> Points:
    """Quadrants: where both coordinates have one sign, one class."""
    X = np.column_stack([draw.uniform(-5, 5), draw.uniform(-5, 5)])
    X += np.where(X > 0, 0.3, -0.3)
    judged = X + noise * np.column_stack([draw.uniform(-5, 5), draw.uniform(-5, 5)])
    return X, (judged.prod(axis=1) >= 0).astype(np.float64)


def gauss(draw: Draw, n_rows: int, noise: float) -> Points:
    """Two clouds, around (2, 2) and (-2, -2), with variances from 0.5 to 4."""
    y = (np.arange(n_rows) < n_rows // 2).astype(np.float64)
    deviation = np.sqrt(0.5 + 7 * noise)
    center = np.where(y == 1, 2.0, -2.0)
    return np.column_stack([center + deviation * draw.normal(), center + deviation * draw.normal()]), y


def spiral(draw: Draw, n_rows: int, noise: float) -> Points:
    """Two arms that wind around each other."""
    half = n_rows // 2
    y = (np.arange(n_rows) < half).astype(np.float64)
    place = np.where(y == 1, np.arange(n_rows) / half, (np.arange(n_rows) - half) / (n_rows - half))
    angle = 1.75 * place * 2 * np.pi + np.where(y == 1, 0, np.pi)
    radius = 5 * place
    X = np.column_stack([radius * np.sin(angle), radius * np.cos(angle)])
    return X + noise * np.column_stack([draw.uniform(-1, 1), draw.uniform(-1, 1)]), y


def plane(draw: Draw, n_rows: int, noise: float) -> Points:
    """A number that rises along the diagonal, from -1 to 1."""
    X = np.column_stack([draw.uniform(-6, 6), draw.uniform(-6, 6)])
    judged = X + noise * np.column_stack([draw.uniform(-6, 6), draw.uniform(-6, 6)])
    return X, judged.sum(axis=1) / 10


def gauss_regression(draw: Draw, n_rows: int, noise: float) -> Points:
    """Six bumps of alternating sign, each a cone of radius 2; a point takes the highest."""
    X = np.column_stack([draw.uniform(-6, 6), draw.uniform(-6, 6)])
    judged = X + noise * np.column_stack([draw.uniform(-6, 6), draw.uniform(-6, 6)])
    distance = np.hypot(judged[:, :1] - HUMPS[:, 0], judged[:, 1:] - HUMPS[:, 1])
    heights = np.clip(1 - distance / 2, 0, 1) * HUMPS[:, 2]
    return X, heights[np.arange(n_rows), np.abs(heights).argmax(axis=1)]


CLASSIC: dict[str, Callable[[Draw, int, float], Points]] = {
    "circle": circle,
    "xor": xor,
    "gauss": gauss,
    "spiral": spiral,
    "plane": plane,
    "gauss_regression": gauss_regression,
}
REGRESSION = ("plane", "gauss_regression")
