"""Importances are the metric's loss under permutation, with its spread, the same each time, for every kind of task."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas
import pytest

from pellucid import TabularClassifier, TabularRegressor, feature_importances, plot_importances
from pellucid.errors import MissingColumnError, NotInitializedError, OptionError, ShapeError
from pellucid.insight.importance import Importances
from pellucid.random import Purpose, Random
from pellucid.training import AUROC, LogLoss

N = 240
OPTIONS: dict[str, Any] = {"members": 1, "hidden_layer_sizes": (16,), "epochs": 20, "random_state": 0}
TABLE: dict[str, list[Any]] = {
    "size": Random(1).normal(N).tolist(),
    "nothing": [None] * N,
    "noise": Random(2).normal(N).tolist(),
    "color": ["red" if u < 0.5 else "blue" for u in Random(3).uniform(N)],
}
NUMBER = 3 * np.array(TABLE["size"]) + (np.array(TABLE["color"]) == "red")
TARGETS: dict[str, Any] = {
    "number": NUMBER,
    "numbers": np.stack([NUMBER, -NUMBER], axis=1),
    "yes or no": np.where(NUMBER > 0, "yes", "no"),
    "classes": np.array(["a", "b", "c"])[np.digitize(NUMBER, [-1, 1.5])],
    "labels": np.stack([NUMBER > 0, np.array(TABLE["color"]) == "red"], axis=1).astype(int),
}


@pytest.fixture(scope="module")
def models() -> dict[str, Any]:
    return {
        kind: (TabularRegressor if kind.startswith("number") else TabularClassifier)(**OPTIONS).fit(TABLE, y)
        for kind, y in TARGETS.items()
    }


@pytest.mark.parametrize("kind", TARGETS)
def test_what_the_target_is_made_of_is_important_and_the_rest_is_not(models: dict[str, Any], kind: str) -> None:
    found = models[kind].feature_importances(TABLE, TARGETS[kind])
    assert found.columns == tuple(TABLE)
    assert found.losses.shape == (4, 5)
    size, nothing, noise, color = found.means
    assert size > 5 * abs(noise)
    assert nothing == 0.0 and found.spreads[1] == 0.0
    assert color > noise
    assert found.to_dict()["column"][0] in ("size", "color")
    assert found.metric == ("rmse" if kind.startswith("number") else "log_loss")
    assert str(found).splitlines()[1].startswith(found.to_dict()["column"][0])


def test_each_number_is_the_metric_with_the_column_shuffled(models: dict[str, Any]) -> None:
    model, y = models["yes or no"], TARGETS["yes or no"]
    for metric, sign in (("log_loss", 1), ("auroc", -1)):
        found = feature_importances(model, TABLE, y, metric=metric, repeats=2, rng=5)
        judge = LogLoss() if metric == "log_loss" else AUROC()
        truth = model.target_.encode(y)
        assert found.value == judge.value(model.predict_proba(TABLE), truth)
        for place, name in enumerate(TABLE):
            for repeat in range(2):
                order = Random(5, Purpose.SAMPLE, place, repeat).permutation(N)
                shuffled = {**TABLE, name: [TABLE[name][row] for row in order]}
                after = judge.value(model.predict_proba(shuffled), truth)
                assert found.losses[place, repeat] == sign * (after - found.value)
        np.testing.assert_array_equal(found.means, found.losses.mean(axis=1))
        np.testing.assert_array_equal(found.spreads, found.losses.std(axis=1, ddof=1))


def test_losses_of_infinity_have_no_spread() -> None:
    found = Importances(("a", "b"), np.array([[np.inf, 1.0], [1.0, 2.0]]), "log_loss", 0.5)
    np.testing.assert_array_equal(found.means, [np.inf, 1.5])
    np.testing.assert_array_equal(found.spreads, [np.nan, np.sqrt(0.5)])


def test_a_population_has_importances_too() -> None:
    model = TabularRegressor(**{**OPTIONS, "members": 2}).fit(TABLE, NUMBER)
    found = model.feature_importances(TABLE, NUMBER)
    assert found.to_dict()["column"][0] == "size"
    assert found.means[1] == 0.0


def test_the_same_address_gives_the_same_numbers(models: dict[str, Any]) -> None:
    model, y = models["number"], TARGETS["number"]
    first, again, other = (feature_importances(model, TABLE, y, rng=rng) for rng in (0, 0, 1))
    np.testing.assert_array_equal(first.losses, again.losses)
    assert (first.losses[0] != other.losses[0]).all()
    backwards = dict(reversed(TABLE.items()))
    np.testing.assert_array_equal(feature_importances(model, backwards, y).losses, first.losses)


def test_rows_of_weight_zero_do_not_count(models: dict[str, Any]) -> None:
    model, y = models["number"], TARGETS["number"]
    weight = (np.arange(N) < 100).astype(float)
    found = feature_importances(model, TABLE, y, sample_weight=weight)
    error = model.predict(TABLE)[:100] - y[:100]
    assert found.value == pytest.approx(np.sqrt(np.square(error).mean()), rel=1e-6)


def test_arrays_have_columns_too() -> None:
    X = np.stack([TABLE["size"], TABLE["noise"]], axis=1)
    model = TabularRegressor(**OPTIONS).fit(X, NUMBER)
    found = model.feature_importances(X, NUMBER, repeats=1)
    assert found.columns == ("x0", "x1")
    assert found.means[0] > found.means[1]
    assert np.isnan(found.spreads).all()
    with pytest.raises(ShapeError, match="expecting 2 features"):
        model.feature_importances(X[:, :1], NUMBER)
    named = pandas.DataFrame(X, columns=["size", "noise"])
    with pytest.warns(UserWarning, match="fitted without feature names"):
        again = model.feature_importances(named, NUMBER, repeats=1)
    np.testing.assert_array_equal(again.losses, found.losses)
    frame = TabularRegressor(**OPTIONS).fit(named, NUMBER).feature_importances(named, NUMBER, repeats=1)
    np.testing.assert_array_equal(frame.losses, found.losses)
    assert frame.columns == ("size", "noise")


def test_the_picture_has_a_bar_for_each_column_with_its_spread(models: dict[str, Any]) -> None:
    found = models["number"].feature_importances(TABLE, TARGETS["number"])
    axis = found.plot().figure.axes[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == found.to_dict()["column"]
    np.testing.assert_array_equal([bar.get_width() for bar in axis.patches], found.to_dict()["importance"])
    (segments,) = [line.get_segments() for line in axis.collections]
    np.testing.assert_allclose(np.ptp(np.array(segments)[:, :, 0], axis=1), 2 * np.array(found.to_dict()["spread"]))
    assert "rmse" in axis.get_xlabel()
    many = plot_importances([f"column {index}" for index in range(50)], np.arange(50.0), np.full(50, np.nan), "r2")
    axis = many.figure.axes[0]
    assert (len(axis.patches), axis.get_yticklabels()[0].get_text()) == (30, "column 49")
    assert "first 30 of 50" in axis.get_title(loc="left")
    assert many._repr_png_()[:4] == b"\x89PNG"


def test_what_cannot_be_measured_is_refused(models: dict[str, Any]) -> None:
    model, y = models["number"], TARGETS["number"]
    with pytest.raises(OptionError, match="repeats got 0"):
        feature_importances(model, TABLE, y, repeats=0)
    with pytest.raises(OptionError, match="judges classification"):
        feature_importances(model, TABLE, y, metric="auroc")
    with pytest.raises(ShapeError, match="240 rows and y has 239"):
        feature_importances(model, TABLE, y[1:])
    with pytest.raises(MissingColumnError, match="size"):
        feature_importances(model, {"noise": TABLE["noise"], "color": TABLE["color"]}, y)
    with pytest.raises(NotInitializedError, match="after fit"):
        feature_importances(TabularRegressor(), TABLE, y)
