"""The doctor on what a network can express: no hidden layer for XOR, no bias where one is needed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pellucid import BinaryCrossEntropy, CrossEntropy, Dense, Network, SquaredError, diagnose, train
from pellucid.random import Random

XOR, EXCLUSIVE = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
X = Random(1).normal((200, 3))
BENT = (X[:, 0] * X[:, 1] > 0).astype(float)
STRAIGHT = (X[:, 0] - X[:, 1] + 0.5 * Random(2).normal((200,)) > 0).astype(float)
LOSS = BinaryCrossEntropy()


@pytest.mark.parametrize(
    ("layers", "loss"),
    [([Dense(1)], LOSS), ([Dense(1), "sigmoid"], SquaredError()), ([Dense(2)], CrossEntropy())],
)
def test_xor_without_a_hidden_layer_is_found_and_mended(layers: Any, loss: Any) -> None:
    network = Network(layers, n_inputs=2)
    train(network, XOR, EXCLUSIVE, loss=loss, optimizer="adam", epochs=200)
    (finding,) = diagnose(network, XOR, EXCLUSIVE, loss=loss)["no hidden layer"]
    assert finding.figures["loss_with"] < 0.05 * finding.figures["loss_without"]
    assert finding.figures["loss_without"] == pytest.approx(finding.figures["baseline"], rel=1e-3)
    scope: dict[str, Any] = {}
    exec(f"from pellucid import *; {finding.mend}", scope)
    mended = scope["network"]
    train(mended, XOR, EXCLUSIVE, loss=loss, optimizer="lbfgs", epochs=200)
    assert not diagnose(mended, XOR, EXCLUSIVE, loss=loss)["no hidden layer"]
    assert ((loss.predict(mended.predict(XOR))[:, -1] > 0.5) == EXCLUSIVE).all()


def test_layers_without_an_activation_between_are_found() -> None:
    network = Network([Dense(8), Dense(1)], n_inputs=3)
    (finding,) = diagnose(network, X, BENT, loss=LOSS)["no hidden layer"]
    assert finding.mend == "network = Network([Dense(8), ReLU(), Dense(1)], n_inputs=3)"
    assert "on rows that it has not seen" in finding.explanation


@pytest.mark.parametrize("target", ["and", "or"])
def test_gates_that_a_line_parts_need_none(target: str) -> None:
    y = (XOR.sum(axis=1) > (1 if target == "and" else 0)).astype(float)
    assert not diagnose(Network([Dense(1)], n_inputs=2), XOR, y, loss=LOSS)["no hidden layer"]


def test_a_straight_task_with_noise_needs_none() -> None:
    assert not diagnose(Network([Dense(1)], n_inputs=3), X, STRAIGHT, loss=LOSS)["no hidden layer"]
    few = diagnose(Network([Dense(1)], n_inputs=3), X[:30], BENT[:30], loss=LOSS)
    assert "30 rows are too few" in few.unexamined["hidden layer"]


def test_a_network_with_a_hidden_layer_is_not_asked_for_one() -> None:
    assert not diagnose(Network([Dense(2), "relu", Dense(1)], n_inputs=3), X, BENT, loss=LOSS)["no hidden layer"]


def test_a_bias_that_is_lacking_is_found_and_mended() -> None:
    x = np.array([[0.0], [1.0], [2.0]])
    y = 3 * x[:, 0] + 1
    network = Network([Dense(1, bias=False)], n_inputs=1)
    train(network, x, y, loss="squared_error", optimizer="adam", epochs=500)
    (finding,) = diagnose(network, x, y, loss="squared_error")["no bias"]
    assert (finding.layer, finding.figures["loss_without"]) == ("0", pytest.approx(0.4))
    assert finding.figures["loss_with"] < 1e-9
    assert finding.mend == "network = Network([Dense(1)], n_inputs=1)"


def test_a_column_of_ones_or_a_target_around_zero_need_no_bias() -> None:
    rows = np.column_stack([X, np.ones(200)])
    for x, n_inputs in ((rows, 4), (X, 3)):
        network = Network([Dense(1, bias=False)], n_inputs=n_inputs)
        assert not diagnose(network, x, X[:, 0] - X[:, 1] + 0.1 * X[:, 2] ** 3, loss="squared_error")["no bias"]


def test_a_normalization_after_the_layer_has_the_bias() -> None:
    network = Network([Dense(4, bias=False), "tanh", Dense(1)], n_inputs=3)
    assert diagnose(network, X, X[:, 0], loss="squared_error")["no bias"] == []  # the last layer has one
    from pellucid import BatchNorm

    normalized = Network([Dense(4, bias=False), BatchNorm(), "tanh", Dense(1)], n_inputs=3)
    assert diagnose(normalized, X, BENT, loss=LOSS)["no bias"] == []
