"""Central differences: the slope of a function from its values on both sides, to hold derivatives against."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

STEP = float(np.cbrt(np.finfo(np.float64).eps))
"""The step at which the error of the difference, h² f''' / 6, and that of the rounding, eps f / h, are about equal."""

TOLERANCE = 1e-6
"""How far, relative to the largest slope, a right derivative may be from a difference; it leaves room for curvature."""


def central_difference(value_at: Callable[[float], float], size: float = STEP) -> float:
    """Return ``(f(h) - f(-h)) / 2h``, for f a function of how far to move.

    >>> round(central_difference(lambda h: (3 + h) ** 2), 6)
    6.0
    """
    ahead, behind = value_at(size), value_at(-size)
    return (ahead - behind) / (2 * size)


def one_sided(value_at: Callable[[float], float], size: float = STEP) -> tuple[float, float]:
    """Return the slopes to the left and to the right, each of the parabola through three points on that side.

    Where a function is smooth they agree as well as the central difference does; at a kink they do not.

    >>> one_sided(abs)
    (-1.0, 1.0)
    """
    here = 3 * value_at(0.0)
    left, right = (4 * value_at(sign * size) - value_at(2 * sign * size) - here for sign in (-1, 1))
    return -left / (2 * size), right / (2 * size)


def step_for(number: float) -> float:
    """Return how far to move a number of this size."""
    return STEP * max(1.0, abs(number))
