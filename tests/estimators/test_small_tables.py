"""Tables at the edge of what can be learned: few rows, many columns, columns that say nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pellucid import TabularClassifier, TabularRegressor
from pellucid.errors import DataError
from pellucid.layers import Dense


@pytest.mark.parametrize("n_rows", [2, 3, 4, 5])
def test_few_rows_of_numbers(n_rows: int, quick: Any) -> None:
    X = np.arange(n_rows, dtype=float)[:, None]
    model = TabularRegressor(**quick).fit(X, 2 * X[:, 0])
    assert ((model.predict(X) >= 0) & (model.predict(X) <= 2 * n_rows)).all()


@pytest.mark.parametrize("y", [list("aab"), list("aabb"), list("abcc"), list("aaaaaaaab"), [0, 1, 1]])
def test_few_rows_of_classes(y: list[Any], quick: Any) -> None:
    X = {"number": list(range(len(y))), "text": [f"row {index}" for index in range(len(y))]}
    for seed in range(5):
        model = TabularClassifier(**{**quick, "random_state": seed}).fit(X, y)
        assert model.classes_.tolist() == sorted(set(y))
        assert np.isfinite(model.predict_proba(X)).all()


@pytest.mark.parametrize("n_rows", [2, 3, 20])
def test_one_row_of_each_class_leaves_nothing_to_judge_by(n_rows: int, quick: Any) -> None:
    X, y = {"number": list(range(n_rows))}, [f"class {index}" for index in range(n_rows)]
    with pytest.raises(DataError, match=rf"each of the {n_rows} classes has one row.*X_val"):
        TabularClassifier(**quick).fit(X, y)
    model = TabularClassifier(**quick).fit(X, y, X_val=X, y_val=y)
    assert model.predict_proba(X).shape == (n_rows, n_rows)


def test_few_rows_of_labels(quick: Any) -> None:
    X = {"number": [1.0, 2.0]}
    assert TabularClassifier(**quick).fit(X, [[0, 1], [1, 0]]).predict_proba(X).shape == (2, 2)


def test_four_rows_of_exclusive_or_are_learned(quick: Any) -> None:
    X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    options = {"epochs": 300, "dropout": 0.0, "learning_rate": 0.02, "weight_decay": 0.0}
    model = TabularClassifier(**{**quick, "hidden_layer_sizes": (128, 128), **options}).fit(X, y, X_val=X, y_val=y)
    assert model.predict(X).tolist() == y


SHAPES = [(20, 500), (2, 50), (300, 1)]


@pytest.mark.parametrize(("n_rows", "n_columns"), SHAPES)
def test_wide_and_narrow_tables(n_rows: int, n_columns: int, quick: Any) -> None:
    X = np.random.default_rng(0).normal(size=(n_rows, n_columns))
    model = TabularRegressor(**quick).fit(X, X[:, 0])
    assert model.n_features_in_ == n_columns
    assert np.isfinite(model.predict(X)).all()
    if n_rows > 2:
        y = np.where(X[:, 0] > 0, "up", "down")
        assert np.isfinite(TabularClassifier(**quick).fit(X, y).predict_proba(X)).all()


@pytest.mark.parametrize(
    "column",
    [
        [1.0] * 30,
        ["same"] * 30,
        [True] * 30,
        [None] * 30,
        [float("nan")] * 30,
        [""] * 30,
        [None] * 29 + [3.5],
        [None] * 29 + ["once"],
        [None, "only"] * 15,
        [f"id {index}" for index in range(30)],
        ["2024-01-01"] * 30,
        [1e308, -1e308] * 15,
        [5e-324, 0.0] * 15,
        [float("inf")] * 15 + [float("-inf")] * 15,
    ],
    ids=lambda column: repr(column[-2:]),
)
def test_columns_that_say_little_do_no_harm(column: list[Any], quick: Any) -> None:
    size = np.linspace(-1, 1, 30)
    for seed in range(3):
        model = TabularRegressor(**{**quick, "random_state": seed}).fit({"size": size, "odd": column}, size)
        assert model.n_features_in_ == 2
        assert np.isfinite(model.predict({"size": size, "odd": column})).all()
        assert np.isfinite(model.predict({"size": size, "odd": column[::-1]})).all()


def test_an_empty_column_may_lack_at_prediction(quick: Any) -> None:
    size = np.linspace(-1, 1, 30)
    model = TabularRegressor(**quick).fit({"size": size, "nothing": [None] * 30}, size)
    np.testing.assert_array_equal(
        model.predict({"size": size}), model.predict({"size": size, "nothing": ["something"] * 30})
    )


def test_a_network_without_hidden_layers_or_with_many(quick: Any) -> None:
    size = np.linspace(-1, 1, 30)
    for sizes in ((), (4, 4, 4, 4), [6]):
        model = TabularRegressor(**{**quick, "hidden_layer_sizes": sizes}).fit({"size": size}, size)
        assert len([layer for layer in model.network_.layers if isinstance(layer, Dense)]) == len(sizes) + 1


def test_options_at_their_ends(quick: Any) -> None:
    rng = np.random.default_rng(0)
    X = {"city": [f"city {index}" for index in rng.integers(0, 5, 40)], "size": rng.normal(size=40)}
    for options in (
        {"one_hot_limit": 0},
        {"one_hot_limit": 100},
        {"embedding_size": 1, "one_hot_limit": 0},
        {"dropout": 0.0},
        {"dropout": 0.99},
        {"batch_size": 1},
        {"batch_size": 10**6},
        {"validation_share": 1e-9},
        {"validation_share": 1 - 1e-9},
        {"weight_decay": 0},
        {"activation": "tanh"},
    ):
        model = TabularRegressor(**{**quick, **options}).fit(X, X["size"])
        assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize("alone", ["a", "b", "c"])
def test_a_class_of_one_row_or_one_group_is_a_class(alone: str, quick: Any) -> None:
    """Some networks, or all, learn without it, wherever it stands in the order of the classes."""
    others = [name for name in "abc" if name != alone]
    size = np.linspace(-1, 1, 21)
    model = TabularClassifier(**quick).fit({"size": size}, [alone, *others * 10])
    assert model.predict_proba({"size": size}).shape == (21, 3)
    y, groups = [alone] * 4 + others * 10, [0] * 4 + [1 + row // 2 for row in range(20)]
    for seed in range(6):
        grouped = TabularClassifier(**{**quick, "random_state": seed})
        found = grouped.fit({"size": np.linspace(-1, 1, 24)}, y, groups=groups).predict_proba({"size": size})
        assert grouped.classes_.tolist() == ["a", "b", "c"]
        np.testing.assert_allclose(found.sum(axis=1), 1, rtol=0, atol=4 * np.finfo(float).eps)
