"""Classes keep their type and order, numbers their unit and range; a target that cannot be learned is named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas
import pytest

from pellucid import TabularClassifier, TabularRegressor
from pellucid.errors import ShapeError, TargetError
from pellucid.losses import BinaryCrossEntropy, CrossEntropy, SquaredError
from pellucid.tabular.targets import SMALLEST_DEVIATION

SIZE = np.random.default_rng(0).normal(size=60)
X = {"size": SIZE}
LEARNED: dict[str, Any] = {"epochs": 40, "batch_size": 8, "hidden_layer_sizes": (16,)}


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        (["b", "a"], ["a", "b"]),
        (["10", "9"], ["10", "9"]),  # text is in the order of text
        ([10, 9], [9, 10]),
        ([3, -1, 2], [-1, 2, 3]),
        ([True, False], [False, True]),
        ([1.0, 2.0], [1.0, 2.0]),
        (["z", "é", "A"], ["A", "z", "é"]),
    ],
)
def test_classes_are_sorted_and_keep_their_type(values: list[Any], classes: list[Any], quick: Any) -> None:
    which = np.digitize(SIZE, [-0.4, 0.4]) if len(values) == 3 else (SIZE > 0).astype(int)
    y = [values[index] for index in which]
    model = TabularClassifier(**{**quick, **LEARNED}).fit(X, y)
    assert model.classes_.tolist() == classes
    found = model.predict(X)
    assert found.dtype == model.classes_.dtype
    assert type(found.tolist()[0]) is type(values[0])
    probabilities = model.predict_proba(X)
    assert probabilities.shape == (60, len(classes))
    np.testing.assert_array_equal(found, model.classes_[probabilities.argmax(axis=1)])
    accuracy = model.score(X, y)
    assert accuracy == np.mean(found == np.array(y))
    assert accuracy > 0.8  # the columns of the probabilities stand for the right classes


def test_two_classes_have_one_output_and_more_have_one_each(data: Any, quick: Any) -> None:
    binary = TabularClassifier(**quick).fit(data.table, data.binary)
    assert (binary.network_.n_outputs, type(binary.loss_)) == (1, BinaryCrossEntropy)
    several = TabularClassifier(**quick).fit(data.table, data.classes)
    assert (several.network_.n_outputs, type(several.loss_)) == (3, CrossEntropy)


def test_labels(data: Any, quick: Any) -> None:
    names = ["large", "old", "red"]
    for labels in (data.labels, data.labels.astype(bool), pandas.DataFrame(data.labels, columns=names)):
        model = TabularClassifier(**quick).fit(data.table, labels)
        assert model.classes_.tolist() == [0, 1, 2]
        probabilities = model.predict_proba(data.table)
        assert probabilities.shape == (60, 3)
        assert not np.allclose(probabilities.sum(axis=1), 1)
        np.testing.assert_array_equal(model.predict(data.table), (probabilities > 0.5).astype(int))
        assert 0 <= model.score(data.table, data.labels) <= 1
    for wrong in ([2, 0, 1], [0.5, 0, 1]):
        with pytest.raises(TargetError, match="neither 0 nor 1"):
            TabularClassifier(**quick).fit(data.table, [wrong] * 60)


def test_labels_that_never_differ_are_predicted(quick: Any) -> None:
    labels = np.stack([SIZE > 0, np.zeros(60), np.ones(60)], axis=1)
    found = TabularClassifier(**{**quick, **LEARNED}).fit(X, labels).predict(X)
    assert (found[:, 1:] == [0, 1]).all()


def test_several_numbers(data: Any, quick: Any) -> None:
    model = TabularRegressor(**quick).fit(data.table, data.numbers)
    assert (model.network_.n_outputs, type(model.loss_)) == (2, SquaredError)
    assert model.predict(data.table).shape == (60, 2)
    assert TabularRegressor(**quick).fit(data.table, data.numbers[:, :1]).predict(data.table).shape == (60, 1)
    assert TabularRegressor(**quick).fit(data.table, data.number).predict(data.table).shape == (60,)
    frame = pandas.DataFrame(data.numbers, columns=["price", "cost"])
    np.testing.assert_array_equal(
        TabularRegressor(**quick).fit(data.table, frame).predict(data.table), model.predict(data.table)
    )
    with pytest.raises(TargetError, match=r"column 1 .* is 7.0 in every row"):
        TabularRegressor(**quick).fit(data.table, np.stack([data.number, np.full(60, 7.0)], axis=1))


BAD_ROW = pytest.mark.parametrize("bad", [None, float("nan"), ""])


@BAD_ROW
def test_a_missing_class_is_named_with_its_row(bad: Any, data: Any, quick: Any) -> None:
    y = [*data.classes[:41], bad, *data.classes[42:]]
    with pytest.raises(TargetError, match=r"'species', row 41 .*missing"):
        TabularClassifier(**quick).fit(data.table, pandas.Series(y, name="species", dtype=object))


@pytest.mark.parametrize(("bad", "reason"), [(np.nan, "missing"), (np.inf, "not finite"), (-np.inf, "not finite")])
def test_a_number_that_is_none_is_named_with_its_row(bad: float, reason: str, data: Any, quick: Any) -> None:
    y = data.number.copy()
    y[41] = bad
    with pytest.raises(TargetError, match=rf"'price', row 41 .*{reason}"):
        TabularRegressor(**quick).fit(data.table, pandas.Series(y, name="price"))


@pytest.mark.parametrize(
    ("estimator", "y", "message"),
    [
        (TabularClassifier, ["a"] * 60, "of one class 'a'"),
        (TabularClassifier, SIZE, "use TabularRegressor"),
        (TabularClassifier, [], "no rows"),
        (TabularRegressor, [1.5] * 60, "is 1.5 in every row"),
        (TabularRegressor, ["a"] * 60, "use TabularClassifier"),
        (TabularRegressor, [], "no rows"),
    ],
)
def test_targets_that_cannot_be_learned(estimator: Any, y: Any, message: str, quick: Any) -> None:
    with pytest.raises(TargetError, match=message):
        estimator(**quick).fit(X, y)


@pytest.mark.parametrize(("estimator", "y"), [(TabularClassifier, ["a", "b"] * 29), (TabularRegressor, SIZE[:-1])])
def test_rows_and_targets_of_different_number_are_refused(estimator: Any, y: Any, quick: Any) -> None:
    with pytest.raises(ShapeError, match=rf"X has 60 rows and y has {len(y)}"):
        estimator(**quick).fit(X, y)
    for shape in ((), (60, 2, 2)):
        with pytest.raises(ShapeError):
            estimator(**quick).fit(X, np.ones(shape))


@pytest.mark.parametrize("scale", [1e-300, 1e-12, 1.0, 1e12, 1e300])
def test_predictions_stay_within_the_range_that_was_seen(scale: float, quick: Any) -> None:
    y = SIZE * scale
    model = TabularRegressor(**{**quick, **LEARNED}).fit(X, y)
    found = model.predict({"size": np.linspace(-1e6, 1e6, 101)})
    assert ((found >= y.min()) & (found <= y.max())).all()
    assert model.score(X, y) > 0.8 if 1e-100 < scale < 1e100 else np.isfinite(found).all()


@pytest.mark.parametrize("outlier", [1e6, 1e100, 1.7e308])
def test_an_extreme_outlier_in_the_target_breaks_nothing(outlier: float, quick: Any) -> None:
    y = SIZE.copy()
    y[7], y[8] = outlier, -outlier
    found = TabularRegressor(**quick).fit(X, y).predict(X)
    assert np.isfinite(found).all()
    assert (np.abs(found) <= outlier).all()


def test_numbers_too_close_to_tell_apart_are_refused(quick: Any) -> None:
    with pytest.raises(TargetError, match="varies only from"):
        TabularRegressor(**quick).fit({"size": [1.0, 2.0]}, [0.0, SMALLEST_DEVIATION / 2])
