"""A table of every kind of column; for every kind of target a network fitted to it, and a small population."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pellucid import TabularClassifier, TabularRegressor

RNG = np.random.default_rng(0)
SIZE = RNG.normal(size=50)
TABLE: dict[str, list[Any]] = {
    "size": [None if index % 9 == 4 else float(value) for index, value in enumerate(SIZE)],
    "city": [None if index % 11 == 5 else f"città {index % 12}" for index in range(50)],
    "color": RNG.choice(["red", "green", "blue"], 50).tolist(),
    "old": (RNG.random(50) < 0.5).tolist(),
    "day": [f"2024-0{1 + index % 9}-11T0{index % 7}:00" for index in range(50)],
    "nothing": [None] * 50,
}
TARGETS: dict[str, tuple[type[Any], Any]] = {
    "binary": (TabularClassifier, np.where(SIZE > 0, "yes", "no")),
    "truth values": (TabularClassifier, SIZE > 0),
    "multiclass": (TabularClassifier, TABLE["color"]),
    "whole numbers": (TabularClassifier, np.digitize(SIZE, [-0.5, 0.5]) - 1),
    "float classes": (TabularClassifier, np.where(SIZE > 0, 1.5, -2.5)),
    "labels": (TabularClassifier, np.stack([SIZE > 0, np.array(TABLE["old"])], axis=1).astype(int)),
    "number": (TabularRegressor, SIZE * 1e6),
    "numbers": (TabularRegressor, np.stack([SIZE, -SIZE * 1e-30], axis=1)),
    "one column": (TabularRegressor, SIZE[:, None]),
}
QUICK: dict[str, Any] = {"epochs": 3, "hidden_layer_sizes": (8,), "random_state": 4}
SETTINGS: dict[str, dict[str, Any]] = {"": {"members": 1}, ", population": {"members": 2, "folds": 2}}
FITTED = [name + setting for name in TARGETS for setting in SETTINGS]


@pytest.fixture(scope="session")
def fitted() -> dict[str, Any]:
    return {
        name + setting: kind(**QUICK, **given).fit(TABLE, y)
        for name, (kind, y) in TARGETS.items()
        for setting, given in SETTINGS.items()
    }
