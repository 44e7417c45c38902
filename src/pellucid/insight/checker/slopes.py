"""Slopes of any function by finite differences, with how far each may be off, and where the function bends or jumps."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.errors import DataError
from pellucid.layers.base import Array

EPS = float(np.finfo(np.float64).eps)

STEP = 2.0**-10
"""The step h, larger only where |x| is above 2^16. Near eps^(1/5), the h⁴ left of the error and eps / h are alike."""

_FAR = np.array([6.0, 10.0, 20.0, 40.0, 100.0, 800.0])
GRID = np.concatenate([-_FAR[::-1], np.arange(-20, 21) / 4, _FAR])
"""Where functions are looked at: around 0 with the usual corners (0, ±1, ±2.5, ±3, ±6), and far out, saturated."""


@dataclass(frozen=True)
class Slopes:
    """A function at points x: its values, its slope from each side and through the middle, and the slope's error.

    ``bends`` marks corners, where the two sides differ; ``jumps`` marks where there is no slope.
    """

    x: Array
    value: Array
    left: Array
    right: Array
    middle: Array
    error: Array
    bends: Array
    jumps: Array

    @property
    def smooth(self) -> Array:
        """The points with one slope."""
        return ~(self.bends | self.jumps)


def evaluate(function: Callable[[Any], Any], x: Array, name: str) -> Array:
    """Return a function of numbers at all of x: called once with the array, or one by one if it takes only numbers."""
    with np.errstate(all="ignore"):
        try:
            values = function(x.copy())
        except (TypeError, ValueError):  # `if x > 0` has no truth value for an array, and math.exp takes one number
            values = [function(float(number)) for number in x]
    try:
        array = np.asarray(values, dtype=np.float64)
        return np.broadcast_to(array, x.shape).copy()
    except (TypeError, ValueError):
        raise DataError(
            f"check_derivative: {name} returned {type(values).__name__} for {x.size} numbers; it expects as many "
            "numbers back, one for each."
        ) from None


def slopes(function: Callable[[Any], Any], x: Array) -> Slopes:
    """Return the slopes of ``function`` at points ``x : (n_points,)``; points where it is not finite are left out.

    Differences at h and h/2 are combined so that the error's first term cancels (Richardson 1911): h² through the
    middle, h from one side. What a further halving changes, and the rounding of the values, bound what is left.
    """
    h = STEP * np.maximum(1.0, 2.0 ** np.floor(np.log2(np.maximum(np.abs(x), 1.0)) - 16))  # x + h must not be x
    steps = (1.0, 0.5, 0.25, 0.125)

    def at(moved: Array) -> Array:
        return evaluate(function, moved, "f")

    value = at(x)
    above = [at(x + share * h) for share in steps]
    below = [at(x - share * h) for share in steps]
    finite = np.isfinite(np.stack([value, *above, *below])).all(axis=0)
    with np.errstate(all="ignore"):
        through = [(a - b) / (2 * share * h) for a, b, share in zip(above, below, steps, strict=True)]
        middles = [(4 * fine - coarse) / 3 for coarse, fine in itertools.pairwise(through)]
        sides = []
        for values, sign in ((below, -1), (above, 1)):
            one_sided = [(v - value) / (sign * share * h) for v, share in zip(values, steps, strict=True)]
            sides.append([2 * fine - coarse for coarse, fine in itertools.pairwise(one_sided)])
        left, right = sides
        rounding = 64 * EPS * np.maximum.reduce([np.abs(v) for v in (value, *above, *below)]) / h
        error = 10 * np.abs(middles[1] - middles[0]) + rounding + 64 * EPS * np.maximum(1, np.abs(middles[1]))
        gaps = [np.abs(after - before) for before, after in zip(left, right, strict=True)]
        scale = np.maximum.reduce([np.abs(left[-1]), np.abs(right[-1]), 8 * rounding / 1e-6])
        apart = (gaps[-1] > 1e-6 * scale) & (gaps[-1] > 0.7 * gaps[0])  # what is smooth shrinks to a 16th
        jumps = apart & (gaps[-1] > 2 * gaps[0])  # a jump's slope grows as the step shrinks
    bends = apart & ~jumps
    fields = (x, value, left[-1], right[-1], middles[1], error, bends, jumps)
    return Slopes(*(field[finite] for field in fields))
