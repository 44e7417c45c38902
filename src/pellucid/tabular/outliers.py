"""Outliers of a target: values so far from the others that they decide what is learned."""

from __future__ import annotations

import numpy as np

from pellucid.layers.base import Array

LEAST_SPREAD = 0.01  # of the middle half of the values, in standard deviations; a normal distribution has 1.35
FAR = 100.0  # spreads from the median


def outlier_remarks(standardized: Array) -> tuple[str, ...]:
    """Return a sentence for each target, (n_rows, n_targets), whose standard deviation is that of few values only.

    Squared error then counts these alone, and all other rows are predicted alike. A target whose middle half is one
    value, such as one that is mostly 0, is not looked at.

    >>> outlier_remarks(np.array([[-0.5], [-0.5001], [-0.5002], [-0.5003], [2.0006]]))[0][:32]
    '1 of 5 values of the target lies'
    """
    n_rows, n_targets = standardized.shape
    found = []
    for index, values in enumerate(standardized.T):
        low, middle, high = np.quantile(values, (0.25, 0.5, 0.75))
        if not 0 < high - low < LEAST_SPREAD:
            continue
        n_far = np.count_nonzero(np.abs(values - middle) > FAR * (high - low))
        target = "the target" if n_targets == 1 else f"target {index}"
        verb = "lies" if n_far == 1 else "lie"
        found.append(
            f"{n_far:,} of {n_rows:,} values of {target} {verb} more than {FAR:.0f} times the spread of the middle "
            "half from the median, and the squared error is of little else; correct or leave out such rows, or learn "
            "the logarithm"
        )
    return tuple(found)
