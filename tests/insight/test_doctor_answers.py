"""The doctor on answers: wrong labels, a constant class, stuck outputs, a link twice, targets out of reach."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pellucid import BinaryCrossEntropy, CrossEntropy, Dense, Network, SquaredError, diagnose, train
from pellucid.layers.base import Array
from pellucid.random import Random

N = 300
X = Random(1).normal((N, 2))
LOSS = BinaryCrossEntropy()


def apart(distance: float) -> tuple[Array, Array]:
    """Return two clouds of rows and their classes."""
    y = (np.arange(N) % 2).astype(float)
    rows = X.copy()
    rows[:, 0] += distance * (y - 0.5)
    return rows, y


def trained(rows: Array, y: Array, loss: Any = LOSS, n_outputs: int = 1, epochs: int = 100) -> Network:
    network = Network([Dense(4), "tanh", Dense(n_outputs)], n_inputs=rows.shape[1], rng=0)
    train(network, rows, y, loss=loss, optimizer="adam", epochs=epochs, batch_size=16)
    return network


def test_flipped_labels_are_found_and_named_by_row() -> None:
    rows, y = apart(8.0)
    flipped = [10, 77, 200]
    y[flipped] = 1 - y[flipped]
    (finding,) = diagnose(trained(rows, y), rows, y, loss=LOSS)["suspect labels"]
    assert set(finding.rows) == set(flipped)
    assert finding.severity == "note"
    assert (np.diff(finding.figures["losses"]) <= 0).all()
    assert set(diagnose(trained(rows, y), rows, y, loss=LOSS).largest_losses) == set(flipped)


@pytest.mark.parametrize("distance", [1.0, 2.0, 4.0, 8.0])
def test_classes_that_overlap_are_not_wrong_labels(distance: float) -> None:
    rows, y = apart(distance)
    assert not diagnose(trained(rows, y), rows, y, loss=LOSS)["suspect labels"]


def test_flipped_labels_of_three_classes_are_found() -> None:
    codes = np.arange(N) % 3
    rows = X + 8 * np.array([[0, 0], [1, 0], [0, 1]])[codes]
    y = codes.copy()
    y[[5, 50, 150]] = (codes[[5, 50, 150]] + 1) % 3
    network = trained(rows / 4, y, CrossEntropy(), 3)
    (finding,) = diagnose(network, rows / 4, y, loss="cross_entropy")["suspect labels"]
    assert set(finding.rows) <= {5, 50, 150}


def test_numbers_with_a_slipped_decimal_point_are_found() -> None:
    y = X[:, 0] + 5 + 0.1 * Random(2).normal((N,))
    slipped = [3, 30, 299]
    y[slipped] *= 10
    (finding,) = diagnose(trained(X, y, SquaredError()), X, y, loss=SquaredError())["suspect labels"]
    assert set(finding.rows) == set(slipped)


@pytest.mark.parametrize("tail", ["normal", "cubed"])
def test_noise_with_long_tails_is_no_wrong_label(tail: str) -> None:
    noise = Random(3).normal((N,))
    y = X[:, 0] + 5 + (noise if tail == "normal" else noise**3)
    assert not diagnose(trained(X, y, SquaredError()), X, y, loss=SquaredError())["suspect labels"]


def rare(share: float) -> Array:
    return (np.arange(N) < share * N).astype(float)


def test_a_constant_class_in_a_lopsided_table_is_found_and_mended_by_weights() -> None:
    rows, y = apart(0.0)
    y = rare(0.05)
    rows[:, 0] += y
    network = trained(rows, y, epochs=50)
    (finding,) = diagnose(network, rows, y, loss=LOSS)["class imbalance"]
    assert finding.figures == {"accuracy": 0.95, "majority_share": 0.95, "class": 0, "other_rows": 15}
    assert "np.where(np.ravel(y) == 0, 1, 19)" in finding.mend
    weight = np.where(np.ravel(y) == 0, 1, 19)
    train(network, rows, y, loss=LOSS, optimizer="adam", epochs=50, batch_size=16, sample_weight=weight)
    assert not diagnose(network, rows, y, loss=LOSS)["class imbalance"]


def test_a_rare_class_of_which_one_row_is_found_is_no_finding() -> None:
    y = rare(0.05)
    rows = X.copy()
    rows[0] = 20.0
    network = Network([Dense(1)], n_inputs=2)
    network.parameters[...] = [1.0, 0.0, -8.0]  # positive beyond 8 in the first column: row 0 alone
    assert not diagnose(network, rows, y, loss=LOSS)["class imbalance"]


def test_three_rows_to_two_are_not_lopsided() -> None:
    network = Network([Dense(1, weight_initializer="zeros", bias_initializer=[-1.0])], n_inputs=2)
    assert not diagnose(network, X, rare(0.4), loss=LOSS)["class imbalance"]


@pytest.mark.parametrize("loss", [LOSS, SquaredError()])
def test_outputs_stuck_at_the_mean_are_found(loss: Any) -> None:
    y = (np.arange(N) % 2).astype(float)
    layers = [Dense(1, weight_initializer="zeros", bias_initializer=[0.0])] + ["sigmoid"] * (loss is not LOSS)
    (finding,) = diagnose(Network(layers, n_inputs=2), X, y, loss=loss)["stuck outputs"]
    assert finding.severity == "problem"
    np.testing.assert_allclose(finding.figures["outputs_mean"], [0.5])
    assert "0.5" in finding.explanation


def test_outputs_that_vary_little_but_rightly_are_not_stuck() -> None:
    y = 0.08 * X[:, 0] + Random(4).normal((N,))
    y += 0.05 * X[:, 0] * np.sqrt(3000 / N)
    network = Network([Dense(1)], n_inputs=2)
    target = (y - y.mean()) / y.std()
    slope = float(X[:, 0] @ target / (X[:, 0] @ X[:, 0]))
    network.parameters[...] = [0.5 * slope, 0.0, 0.0]
    assert not diagnose(network, X, target, loss="squared_error")["stuck outputs"]


def test_a_network_before_training_is_not_stuck() -> None:
    y = (np.arange(N) % 2).astype(float)
    assert not diagnose(Network([Dense(4), "tanh", Dense(1)], n_inputs=2), X, y, loss=LOSS)["stuck outputs"]


@pytest.mark.parametrize(
    ("layers", "loss", "target"),
    [
        ([Dense(1), "sigmoid"], LOSS, np.arange(N) % 2),
        ([Dense(3), "softmax"], CrossEntropy(), np.arange(N) % 3),
    ],
)
def test_a_link_applied_twice_is_found(layers: Any, loss: Any, target: Any) -> None:
    (finding,) = diagnose(Network(layers, n_inputs=2), X, target, loss=loss)["link applied twice"]
    assert finding.layer == "1"
    assert finding.mend == f"network = Network([{layers[0]!r}], n_inputs=2)"
    alone = Dense(layers[0].n_outputs)
    assert not diagnose(Network([alone], n_inputs=2), X, target, loss=loss)["link applied twice"]


def test_the_tutorials_sigmoid_output_is_right_for_the_squared_error() -> None:
    report = diagnose(Network([Dense(1), "sigmoid"], n_inputs=2), X, np.arange(N) % 2, loss="squared_error")
    assert not report["link applied twice"]
    assert not report["target out of reach"]


@pytest.mark.parametrize(("function", "target"), [("sigmoid", X[:, 0]), ("tanh", X[:, 0]), ("relu", X[:, 0])])
def test_a_target_that_the_last_activation_cannot_give_is_found(function: str, target: Array) -> None:
    network = Network([Dense(1), function], n_inputs=2)
    (finding,) = diagnose(network, X, target, loss="squared_error")["target out of reach"]
    assert finding.figures["lowest_target"] == target.min()
    assert not diagnose(network, X, np.abs(target) / 10, loss="squared_error")["target out of reach"]
