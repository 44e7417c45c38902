"""Class weights multiply the weights of rows, so that a class counts more or less than its rows are many."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pellucid.errors import OptionError, listed, near_miss
from pellucid.layers.base import Array
from pellucid.tabular.splitting import Rows


def class_factors(class_weight: str | Mapping[Any, Any], classes: Sequence[Any], codes: Array) -> Array:
    """Return by how much each class's rows count, (n_classes,) float64.

    "balanced" is n_rows / (n_classes × rows of the class), so that all classes count the same together; with a mapping,
    classes that it does not name count 1.

    codes : (n_rows,), the class of each row, each class in one at least

    Raises `OptionError` for a class that is not there, or a weight that is no number above 0.

    >>> import numpy as np
    >>> class_factors("balanced", ["no", "yes"], np.array([0, 0, 0, 1])).round(4).tolist()
    [0.6667, 2.0]
    """
    if isinstance(class_weight, str):
        return len(codes) / (len(classes) * np.bincount(codes, minlength=len(classes)))
    factors = np.ones(len(classes))
    code_of = {value: code for code, value in enumerate(classes)}
    for name, factor in class_weight.items():
        if name not in code_of:
            hint = near_miss(str(name), map(str, classes)) or "."
            raise OptionError(f"class_weight: no class {name!r}; the target has {listed(classes)}{hint}")
        if isinstance(factor, bool) or not isinstance(factor, int | float | np.number) or not 0 < factor < math.inf:
            raise OptionError(
                f"class_weight: class {name!r} got {factor!r}; it expects a number above 0. To leave a class out, "
                "leave out its rows."
            )
        factors[code_of[name]] = factor
    return factors


def weighted(rows: Rows, factors: Array) -> Rows:
    """Return the rows with their weights multiplied by their class's factor, and scaled to a mean of 1."""
    weight = factors[rows.target] * (1.0 if rows.weight is None else rows.weight)
    weight = weight / weight.max()  # so that no sum overflows
    return dataclasses.replace(rows, weight=(weight / weight.mean()).astype(np.float32))
