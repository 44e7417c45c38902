"""A row's weight says how much it counts: 0 is not there, 2 is there twice."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars
import pytest

from pellucid import TabularClassifier, TabularRegressor
from pellucid.errors import DataError, ShapeError, TargetError
from pellucid.tabular.splitting import checked_weight
from tests.tolerances import rounding


@pytest.mark.parametrize("task", ["binary", "classes", "number", "numbers", "labels"])
def test_rows_of_weight_zero_count_as_if_they_were_not_there(data: Any, task: str, quick: Any) -> None:
    kind = TabularRegressor if task.startswith("number") else TabularClassifier
    table, y = polars.DataFrame(data.table), np.array(getattr(data, task))
    weight = np.random.default_rng(0).integers(0, 4, 60).astype(float)
    there = weight > 0
    expected = kind(**quick).fit(table.filter(there), y[there], weight[there])
    hostile = y.copy()
    hostile[~there] = 1e9 if kind is TabularRegressor else y[0]
    wild = table.with_columns(size=polars.when(polars.Series(there)).then(polars.col("size")).otherwise(1e30))
    for X, target in ((table, y), (wild, hostile)):
        model = kind(**quick).fit(X, target, weight)
        np.testing.assert_array_equal(model.network_.parameters, expected.network_.parameters)
        np.testing.assert_array_equal(model.predict(table), expected.predict(table))
        assert model.target_.to_json() == expected.target_.to_json()


def test_messages_count_the_rows_of_weight_zero(data: Any, quick: Any) -> None:
    y = data.number.copy()
    y[41] = np.nan
    with pytest.raises(TargetError, match="row 41"):
        TabularRegressor(**quick).fit(data.table, y, np.arange(60) >= 30)


def test_a_class_whose_rows_all_have_weight_zero_is_no_class(data: Any, quick: Any) -> None:
    model = TabularClassifier(**quick).fit(data.table, data.classes, np.array(data.classes) != "red")
    assert model.classes_.tolist() == ["blue", "green"]
    with pytest.raises(TargetError, match="of one class 'red'"):
        TabularClassifier(**quick).fit(data.table, data.classes, np.array(data.classes) == "red")


def test_a_weight_of_two_is_the_row_twice_in_the_loss() -> None:
    """Truth values are encoded alike whatever the rows; one batch a step and no dropout leave the weights alone."""
    options: dict[str, Any] = {"members": 1, "epochs": 4, "hidden_layer_sizes": (8,), "random_state": 0}
    options |= {"dropout": 0.0, "batch_size": 1000}
    rng = np.random.default_rng(1)
    table = polars.DataFrame({name: rng.random(60) < 0.5 for name in "abc"})
    y = (table["a"] | (table["b"] & table["c"])).to_numpy().astype(int) + table["c"].to_numpy()
    twice = rng.random(60) < 0.5
    rows = np.concatenate([np.arange(60), np.flatnonzero(twice)])
    for target in (y, np.minimum(y, 1)):
        held = {"X_val": table, "y_val": target}
        weighted = TabularClassifier(**options).fit(table, target, 1.0 + twice, **held).history_
        doubled = TabularClassifier(**options).fit(table[rows], target[rows], **held).history_
        plain = TabularClassifier(**options).fit(table, target, **held).history_
        close = rounding(len(rows), np.float32)
        assert weighted["loss"][0] == pytest.approx(doubled["loss"][0], rel=close)  # at the same weights
        assert abs(weighted["loss"][0] - plain["loss"][0]) > 10 * close
        # Adam divides by the gradient's size, so where it nearly cancels rounding moves a weight by up to the rate.
        assert weighted["validation_loss"] == pytest.approx(doubled["validation_loss"], rel=1e-3)


@pytest.mark.parametrize("scale", [1e-300, 1e-6, 2.0, 3.0, 8e307])
def test_only_the_ratios_of_weights_matter(data: Any, scale: float, quick: Any) -> None:
    weight = np.random.default_rng(0).uniform(0.5, 2.0, 60)
    one = TabularClassifier(**quick).fit(data.table, data.classes, weight).predict_proba(data.table)
    other = TabularClassifier(**quick).fit(data.table, data.classes, weight * scale).predict_proba(data.table)
    np.testing.assert_allclose(other, one, rtol=0, atol=1e-4)
    same = TabularClassifier(**quick).fit(data.table, data.classes, np.full(60, scale))
    none = TabularClassifier(**quick).fit(data.table, data.classes)
    np.testing.assert_allclose(same.predict_proba(data.table), none.predict_proba(data.table), rtol=0, atol=1e-4)


def test_weights_move_predictions(data: Any, quick: Any) -> None:
    red = np.array(data.classes) == "red"
    heavy = TabularClassifier(**quick).fit(data.table, data.classes, np.where(red, 50.0, 1.0))
    even = TabularClassifier(**quick).fit(data.table, data.classes)
    which = heavy.classes_.tolist().index("red")
    assert heavy.predict_proba(data.table)[:, which].mean() > even.predict_proba(data.table)[:, which].mean() + 0.1


def test_a_class_of_few_rows_is_learned(quick: Any) -> None:
    rng = np.random.default_rng(0)
    size = rng.normal(size=400)
    y = (size > 2.0).astype(int)
    assert 4 <= y.sum() <= 20
    options = {**quick, "epochs": 60, "batch_size": 32, "hidden_layer_sizes": (16,)}
    found = TabularClassifier(**options).fit({"size": size}, y).predict({"size": [-1.0, 0.0, 1.0, 3.5]})
    assert found.tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize(
    ("weight", "error", "message"),
    [
        (1.0, ShapeError, r"shape \(\); it expects \(60,\)"),
        (np.ones(59), ShapeError, r"shape \(59,\)"),
        (np.ones((60, 1)), ShapeError, r"shape \(60, 1\)"),
        ([-1.0, *np.ones(59)], DataError, "is -1.0 in row 0"),
        ([*np.ones(58), np.nan, 1.0], DataError, "is nan in row 58"),
        ([*np.ones(59), np.inf], DataError, "is inf in row 59"),
        (np.zeros(60), DataError, "is zero in every row"),
        (["heavy"] * 60, DataError, "no number"),
        ([[1.0]] * 59 + [[1.0, 2.0]], DataError, "no number"),
    ],
)
@pytest.mark.parametrize("name", ["sample_weight", "sample_weight_val"])
def test_weights_that_make_no_sense_are_refused(
    data: Any, weight: Any, error: Any, message: str, name: str, quick: Any
) -> None:
    with pytest.raises(error, match=f"{name} .*{message}"):
        TabularRegressor(**quick).fit(data.table, data.number, X_val=data.table, y_val=data.number, **{name: weight})


def test_weights_of_any_array(data: Any, quick: Any) -> None:
    import pandas

    weight = [1.0, 2.0] * 30
    expected = TabularRegressor(**quick).fit(data.table, data.number, weight).predict(data.table)
    for form in (np.array, pandas.Series, polars.Series, tuple, lambda w: np.array(w, dtype=np.float32)):
        found = TabularRegressor(**quick).fit(data.table, data.number, form(weight)).predict(data.table)
        np.testing.assert_array_equal(found, expected)


def test_checked_weights_have_the_mean_one() -> None:
    found = checked_weight([1.0, 3.0, 0.0, 4.0], 4, "sample_weight")
    assert found is not None
    assert found.tolist() == [0.375, 1.125, 0.0, 1.5]
    assert checked_weight(None, 4, "sample_weight") is None
