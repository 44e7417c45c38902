"""Tables of every kind of column, and targets that follow from them."""

from __future__ import annotations

import datetime
from typing import Any, NamedTuple

import numpy as np
import pytest


class Example(NamedTuple):
    """A table as a dict of columns, and a target of each kind."""

    table: dict[str, list[Any]]
    binary: list[str]
    classes: list[str]
    number: np.ndarray
    labels: np.ndarray
    numbers: np.ndarray


def example(n_rows: int = 60, seed: int = 0) -> Example:
    rng = np.random.default_rng(seed)
    size = rng.normal(size=n_rows)
    city = [f"city {index}" for index in rng.integers(0, 12, n_rows)]  # more levels than become one-hot columns
    color = rng.choice(["red", "green", "blue"], n_rows).tolist()
    old = rng.random(n_rows) < 0.5
    day = [datetime.date(2024, 1, 1) + datetime.timedelta(days=int(day)) for day in rng.integers(0, 700, n_rows)]
    table: dict[str, list[Any]] = {
        "size": [None if index % 9 == 4 else float(value) for index, value in enumerate(size)],
        "city": [None if index % 11 == 5 else name for index, name in enumerate(city)],
        "color": color,
        "old": old.tolist(),
        "day": [None if index % 13 == 6 else value for index, value in enumerate(day)],
    }
    number = 3.0 * size + 2.0 * old + (np.array(color) == "red")
    return Example(
        table,
        np.where(size > 0, "yes", "no").tolist(),
        color,
        number,
        np.stack([size > 0, old, np.array(color) == "red"], axis=1).astype(int),
        np.stack([number, -2.0 * number + old], axis=1),
    )


@pytest.fixture(scope="session")
def data() -> Example:
    return example()


ONE_OR_SEVERAL: dict[str, dict[str, Any]] = {"one": {"members": 1}, "several": {"members": 2, "folds": 2}}


@pytest.fixture(scope="session", params=ONE_OR_SEVERAL)
def quick(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Options of a training that ends at once: of one network, and of a population."""
    return {"epochs": 4, "hidden_layer_sizes": (8,), "random_state": 0, **ONE_OR_SEVERAL[request.param]}
