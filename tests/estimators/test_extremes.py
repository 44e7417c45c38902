"""Tables that a population meets at the edge: rare classes, columns and targets out of the ordinary, wide tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pellucid import Columns, TabularClassifier, TabularRegressor
from pellucid.errors import DataError, TargetError
from pellucid.population.configuration import Configuration
from pellucid.population.plan import plan_population
from pellucid.population.recipe import CODED_WIDTH, GROUP, suited
from pellucid.tabular import Encoder
from pellucid.tabular.outliers import outlier_remarks

QUICK: dict[str, Any] = {"members": 2, "epochs": 3, "hidden_layer_sizes": (8,), "random_state": 0}
WORK = 6 * (10_000 * 128 + 128 * 128 + 128)  # of a row, of 10,000 columns


def numbers(n_rows: int, n_columns: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {f"n{index}": rng.normal(size=n_rows) for index in range(n_columns)}


def test_a_class_with_fewer_rows_than_folds_is_learned_and_said() -> None:
    table = numbers(60, 2)
    y = np.where(table["n0"] > 0, "high", "low").astype(object)
    y[:2] = "rare"
    model = TabularClassifier(**QUICK, folds=4).fit(table, y)
    assert any("too few rows in class 'rare' for each of 4 folds" in remark for remark in model.remarks_)
    found = model.predict_proba(table)
    assert found.shape == (60, 3)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=0, atol=8 * np.finfo(float).eps)


@pytest.mark.parametrize("members", [1, 2])
def test_columns_that_tell_nothing_are_said_and_change_no_prediction(members: int) -> None:
    table = numbers(60, 2)
    more = {**table, "same": ["x"] * 60, "one": np.ones(60), "id": [f"user {row}" for row in range(60)]}
    model = TabularClassifier(**{**QUICK, "members": members}).fit(more, table["n0"] > 0)
    assert model.remarks_[0] == "1 column holds text that is another in each row: left out: 'id'"
    assert model.remarks_[1] == "2 columns hold one value throughout, which tells nothing: 'one', 'same'"
    other = {**more, "id": [f"guest {row}" for row in range(60)]}
    np.testing.assert_array_equal(model.predict_proba(more), model.predict_proba(other))


def test_a_column_of_grades_most_of_which_are_numbers_is_said() -> None:
    table = {**numbers(60, 2), "grade": ["9", "10", "11", "12", "other"] * 12}
    model = TabularClassifier(**QUICK).fit(table, table["n0"] > 0)
    (remark,) = (text for text in model.remarks_ if "grade" in text)
    assert remark.startswith("1 column holds few values, most but not all of them numbers: taken as a category")
    assert "missing=" in remark


def test_outliers_of_a_target_are_said_and_predictions_stay_within_its_range() -> None:
    table = numbers(80, 2)
    y = 2 * table["n0"]
    y[3] = 1e12
    model = TabularRegressor(**QUICK, folds=2).fit(table, y)
    (remark,) = (text for text in model.remarks_ if "of 80 values" in text)
    assert remark.startswith("1 of 80 values of the target lies")
    found = model.predict(table)
    assert ((found >= y.min()) & (found <= y.max())).all()


def test_ordinary_targets_have_no_outliers() -> None:
    rng = np.random.default_rng(0)
    mostly_zero = np.where(rng.uniform(size=500) < 0.9, 0.0, 1e6)
    for values in (rng.normal(size=500), np.exp(rng.normal(size=500)), mostly_zero, np.array([1.0, 2.0])):
        assert outlier_remarks(((values - values.mean()) / values.std())[:, None]) == ()


def test_two_rows_are_learned_or_refused_with_the_reason() -> None:
    model = TabularRegressor(**QUICK).fit({"a": [1.0, 2.0]}, [1.0, 2.0])
    assert "2 folds rather than 4: there are 2 rows" in model.remarks_
    with pytest.raises(DataError, match=r"each of the 2 classes has one row.*give two rows or more"):
        TabularClassifier(**QUICK).fit({"a": [1.0, 2.0]}, ["x", "y"])
    with pytest.raises(TargetError, match="all of the 2 rows are of one class 'x'"):
        TabularClassifier(**QUICK).fit({"a": [1.0, 2.0]}, ["x", "x"])


def test_rows_without_a_single_value_are_learned_and_predicted() -> None:
    table = numbers(90, 3)
    for column in table.values():
        column[:30] = np.nan
    y = np.where(np.isnan(table["n0"]), "none", np.where(table["n0"] > 0, "high", "low"))
    model = TabularClassifier(**{**QUICK, "epochs": 30}, folds=2).fit(table, y)
    assert (model.predict(table)[:30] == "none").all()


def test_five_hundred_classes_have_a_probability_each() -> None:
    y = np.repeat(np.arange(500), 2)
    model = TabularClassifier(**{**QUICK, "epochs": 1}, folds=2).fit(numbers(1000, 2), y)
    found = model.predict_proba(numbers(7, 2))
    assert found.shape == (7, 500)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=0, atol=500 * np.finfo(float).eps)


def test_one_in_a_hundred_is_in_each_fold() -> None:
    table = numbers(400, 2)
    y = table["n0"] >= np.sort(table["n0"])[-4]
    model = TabularClassifier(**QUICK, folds=4).fit(table, y)
    assert not any("too few rows" in remark for remark in model.remarks_)
    assert model.predict_proba(table)[:, 1].mean() == pytest.approx(0.01, abs=0.05)


def test_two_thousand_categories_are_embedded_in_groups() -> None:
    rng = np.random.default_rng(0)
    n_columns = 2 * GROUP + 1  # more than layers can stand side by side
    table = {f"c{index}": np.array(list("abcdefghij"))[rng.integers(0, 10, 40)] for index in range(n_columns)}
    options = {**QUICK, "members": 1, "epochs": 1, "one_hot_limit": 0, "min_category_count": 1}
    model = TabularClassifier(**options, embedding_size=1).fit(table, rng.integers(0, 2, 40))
    groups = model.network_.layers[0]
    assert isinstance(groups, Columns)
    assert [len(group.children) for group in groups.children.values()] == [GROUP, GROUP, 1]
    assert np.isfinite(model.predict_proba(table)).all()


def test_the_more_categories_the_smaller_their_embeddings_unless_decided() -> None:
    table = {f"c{index}": ["a", "b", "c"] for index in range(CODED_WIDTH // 4)}
    encoder = Encoder(one_hot_limit=0).fit(table)
    assert suited(Configuration(embedding_size=8), encoder, {}).embedding_size == 4
    assert suited(Configuration(embedding_size=2), encoder, {}).embedding_size == 2
    assert suited(Configuration(embedding_size=8), encoder, {"embedding_size": 8}).embedding_size == 8


def test_wide_and_long_tables_have_a_plan_with_fewer_folds_then_fewer_epochs() -> None:
    wide = plan_population(1000, [WORK])
    assert (wide.n_members, wide.n_folds, wide.epochs) == (4, 1, 60)
    assert "the least for networks of this size" in wide.reasons[0]
    long = plan_population(60_000, [WORK])
    assert (long.n_members, long.n_folds) == (4, 1)
    assert 15 <= long.epochs < 45
    assert plan_population(10_000, [WORK], folds=3, epochs=40).n_folds == 3
    assert plan_population(10_000, [WORK], folds=3, epochs=40).epochs == 40


@pytest.mark.parametrize("n_rows", [100, 1000, 10_000, 50_000, 500_000])
def test_ordinary_tables_keep_folds_and_epochs(n_rows: int) -> None:
    plan = plan_population(n_rows, [6 * (512 * 128 + 128 * 128 + 128)])
    assert plan.n_folds == (1 if n_rows > 50_000 else 4)
    assert plan.epochs == {100: 60, 1000: 60, 10_000: 90}.get(n_rows, 45)  # of more rows there is no time for 90
