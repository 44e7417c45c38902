"""Tests of the scores and the baselines, against numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pellucid import TabularClassifier, TabularRegressor
from pellucid.cli.baselines import baselines
from pellucid.cli.scores import class_scores, number_scores, scores
from pellucid.tabular import ClassTarget, NumberTarget


def test_class_scores_by_hand() -> None:
    codes = np.array([0, 0, 1, 1])
    plum = np.array([0.1, 0.6, 0.4, 0.9])
    found = class_scores(codes, np.stack([1 - plum, plum], axis=1))
    assert found["accuracy"] == 0.5
    assert found["AUROC"] == 0.75  # of the four pairs of a plum and none, three stand in the right order
    assert found["log-loss"] == pytest.approx(
        -(math.log(0.9) + math.log(0.4) + math.log(0.4) + math.log(0.9)) / 4, rel=1e-14
    )


def test_auroc_of_many_classes_leaves_out_those_without_rows() -> None:
    probabilities = np.array([[0.5, 0.3, 0.2], [0.2, 0.6, 0.2], [0.6, 0.3, 0.1]])
    assert class_scores(np.array([0, 1, 1]), probabilities)["AUROC"] == np.mean([0.5, 0.75])
    assert math.isnan(class_scores(np.array([1, 1, 1]), probabilities)["AUROC"])


def test_a_certain_mistake_costs_infinitely_much() -> None:
    assert class_scores(np.array([0]), np.array([[0.0, 1.0]]))["log-loss"] == math.inf


def test_number_scores_by_hand() -> None:
    found = number_scores(np.array([1.0, 2.0, 6.0]), np.array([2.0, 2.0, 4.0]))
    assert found == {"RMSE": math.sqrt(5 / 3), "MAE": 1.0, "R2": 1 - 5 / 14}
    assert math.isnan(number_scores(np.array([2.0, 2.0]), np.array([1.0, 2.0]))["R2"])


def test_several_targets_are_scored_one_by_one() -> None:
    y = np.array([[1.0, 10.0], [3.0, 30.0]])
    found = scores(NumberTarget().fit(y), ["a", "b"], y, y + np.array([1.0, 2.0]))
    assert found["MAE of a"] == 1.0
    assert found["MAE of b"] == 2.0
    labels = np.array([[0, 1], [1, 1]])
    found = scores(ClassTarget().fit(labels), ["a", "b"], labels, np.array([[0.1, 0.9], [0.2, 0.8]]))
    assert found["accuracy of a"] == 0.5
    assert found["accuracy of b"] == 1.0


def test_baselines_of_classes() -> None:
    size = np.arange(60.0)
    table = {
        "size": size,
        "code": ["abcdefghijkl"[index % 12] for index in range(60)],
    }  # more levels than become one-hot
    y = np.where(size < 15, "few", "many")
    estimator = TabularClassifier(epochs=1, hidden_layer_sizes=(4,), random_state=0).fit(table, y)
    found = baselines(estimator, table, y, {"size": [1.0, 50.0], "code": ["b", "unheard of"]})
    assert np.array_equal(found["majority class"], [[0.25, 0.75]] * 2)
    assert found["linear model"][0].argmax() == 0
    assert found["linear model"][1].argmax() == 1


def test_baselines_of_numbers() -> None:
    color = ["red", "blue"] * 20
    y = np.array([10.0, 20.0] * 20)
    estimator = TabularRegressor(epochs=1, hidden_layer_sizes=(4,), random_state=0).fit({"color": color}, y)
    found = baselines(estimator, {"color": color}, y, {"color": ["blue", "red"]})
    assert found["mean"].tolist() == [15.0, 15.0]
    assert found["linear model"] == pytest.approx([20.0, 10.0], abs=0.5)  # the ridge pulls a little to the mean
