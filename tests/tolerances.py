"""The one table of tolerances: each follows from the precision and from how many numbers a result sums."""

from __future__ import annotations

from typing import Any

import numpy as np

EPS = float(np.finfo(np.float64).eps)

STEP = EPS ** (1 / 3)
"""The step h of a central difference at which its two errors, h² f''' / 6 and eps f / h, are about equal."""


def rounding(length: int, dtype: Any = np.float64, scale: float = 1.0) -> float:
    """Return how far a sum of ``length`` terms of size ``scale`` may be off.

    Each of the products and sums rounds by at most eps / 2 of the partial sum, whatever the order of the sum; 16 more
    are granted for the operations around it (an exponential, a root, a division), and both sides of a comparison round.
    """
    return float(np.finfo(dtype).eps) * (length + 16) * scale


def difference(scale: float = 1.0) -> float:
    """Return how far a central difference of a function of size ``scale`` may be off.

    Both errors are about eps^(2/3) = 4e-11 of that size; the factor 100 is room for third derivatives and sums.
    """
    return 100 * STEP**2 * scale


def trajectory(n_steps: int, length: int, growth: float = 4.0) -> float:
    """Return how far two float64 trainings with different orders of summation may drift apart.

    Every step adds the rounding of sums of ``length`` terms. What is there already is multiplied from step to step by
    about 1 + learning rate * curvature, and a rule that divides by a root of squared slopes passes on their relative
    error, which is larger where a slope nearly cancels: ``growth`` is granted for both.
    """
    return rounding(length) * n_steps * growth
