"""A proportion of few rows is uncertain: Wilson's interval says how much."""

from __future__ import annotations

import numpy as np

from pellucid.layers.base import Array

Z = 1.959963984540054  # 97.5 % of a normal distribution lie below: the middle 95 % within


def wilson(successes: Array | float, counts: Array | float) -> tuple[Array, Array]:
    """Return the ends of the 95 % interval of a proportion, which lie within 0 and 1; (0, 1) where there is no row.

    All p with |p̂ - p| ≤ z √(p (1 - p) / n): the score test's inversion.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927) 209.

    >>> low, high = wilson(8, 10)
    >>> round(float(low), 4), round(float(high), 4)
    (0.4902, 0.9433)
    """
    n = np.asarray(counts, dtype=np.float64)
    share = np.asarray(successes, dtype=np.float64) / np.maximum(n, 1)
    middle = share * n + Z * Z / 2
    reach = Z * np.sqrt(n * share * (1 - share) + Z * Z / 4)
    return np.maximum((middle - reach) / (n + Z * Z), 0.0), np.minimum((middle + reach) / (n + Z * Z), 1.0)
