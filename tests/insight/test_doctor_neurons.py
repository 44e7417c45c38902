"""The doctor on neurons: dead, saturated, copied, and weights that are no numbers; each planted, and nearly there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pellucid import Adam, BinaryCrossEntropy, Dense, Network, SquaredError, Tanh, diagnose, train
from pellucid.examples import xor
from pellucid.layers import LayerNorm
from pellucid.random import Random

X = Random(1).normal((60, 3))
Y = (X[:, 0] * X[:, 1] > 0).astype(float)
LOSS = BinaryCrossEntropy()


def relu_network(n_dead: int, n_neurons: int = 8) -> Network:
    network = Network([Dense(n_neurons, weight_initializer="he"), "relu", Dense(1)], n_inputs=3, rng=0)
    network.named_parameters["0.bias"][:] = 1.0
    network.named_parameters["0.bias"][:n_dead] = -100.0
    return network


def names(report: Any) -> list[str]:
    return [finding.name for finding in report.findings]


@pytest.mark.parametrize(("n_dead", "severity"), [(2, "warning"), (7, "warning"), (8, "problem")])
def test_dead_relus_are_found_and_counted(n_dead: int, severity: str) -> None:
    (finding,) = diagnose(relu_network(n_dead), X, Y, loss=LOSS)["dead ReLUs"]
    assert (finding.layer, finding.neurons, finding.severity) == ("1", tuple(range(n_dead)), severity)
    assert finding.figures["dead"] == n_dead
    assert finding.figures["largest_z"] < -50
    assert finding.mend == "network = Network([Dense(8, weight_initializer='he'), LeakyReLU(), Dense(1)], n_inputs=3)"


def test_fewer_than_a_quarter_of_dead_relus_are_no_finding() -> None:
    assert not diagnose(relu_network(1), X, Y, loss=LOSS)["dead ReLUs"]


def test_a_relu_that_fires_in_a_single_row_is_not_dead() -> None:
    network = relu_network(8)
    z = X @ network.named_parameters["0.weight"]
    network.named_parameters["0.bias"][...] = -(z.max(axis=0) + np.sort(z, axis=0)[-2]) / 2
    assert not diagnose(network, X, Y, loss=LOSS)["dead ReLUs"]


def test_the_mend_of_dead_relus_lets_the_network_learn() -> None:
    dead = relu_network(8)
    train(dead, X, Y, loss=LOSS, optimizer=Adam(learning_rate=0.05), epochs=200)
    report = diagnose(dead, X, Y, loss=LOSS)
    assert report["stuck outputs"]
    (finding,) = report["dead ReLUs"]
    scope: dict[str, Any] = {}
    exec(f"from pellucid import *; {finding.mend}", scope)
    network = scope["network"]
    network.named_parameters["0.bias"][:] = -1.0
    train(network, X, Y, loss=LOSS, optimizer=Adam(learning_rate=0.05), epochs=200)
    assert not names(diagnose(network, X, Y, loss=LOSS))


@pytest.mark.parametrize("function", ["sigmoid", "tanh"])
def test_saturated_neurons_are_found(function: str) -> None:
    network = Network([Dense(4), function, Dense(1)], n_inputs=3, rng=0)
    network.named_parameters["0.weight"][...] *= 300
    (finding,) = diagnose(network, X, Y, loss=LOSS)["saturated neurons"]
    assert (finding.layer, finding.neurons, finding.severity) == ("1", (0, 1, 2, 3), "problem")
    assert finding.figures["share_passed"] < 0.05


def test_large_but_unsaturated_sums_are_no_finding() -> None:
    network = Network([Dense(4), "sigmoid", Dense(1)], n_inputs=3, rng=0)
    network.named_parameters["0.weight"][...] *= 10  # sums of about ±8: a fifth of the slope comes through
    assert not diagnose(network, X, Y, loss=LOSS)["saturated neurons"]


def test_the_stuck_start_of_the_tutorial_is_explained_and_the_solved_one_is_healthy(capsys: Any) -> None:
    loss = SquaredError(reduction="half_sum")
    report = diagnose(xor.main(74), xor.X, xor.y, loss=loss)
    assert names(report) == ["saturated neurons"]
    assert diagnose(xor.main(0), xor.X, xor.y, loss=loss).healthy


def test_a_solved_network_may_be_saturated() -> None:
    network = Network([Dense(4), "tanh", Dense(1)], n_inputs=3, rng=0)
    network.named_parameters["0.weight"][...] *= 300
    target = network.predict(X)
    assert not diagnose(network, X, target, loss="squared_error")["saturated neurons"]


def test_an_output_may_be_saturated() -> None:
    network = Network([Dense(1), "sigmoid"], n_inputs=3, rng=0)
    network.named_parameters["0.weight"][...] *= 1000
    assert not diagnose(network, X, Y, loss="squared_error")["saturated neurons"]


@pytest.mark.parametrize("start", ["zeros", 0.5])
def test_neurons_that_start_equal_stay_equal_and_are_found(start: Any) -> None:
    weights = "zeros" if start == "zeros" else np.full((3, 6), start)
    out = "zeros" if start == "zeros" else np.full((6, 1), start)
    layers = [Dense(6, weight_initializer=weights), Tanh(), Dense(1, weight_initializer=out)]
    network = Network(layers, n_inputs=3)
    train(network, X, Y, loss=LOSS, optimizer="adam", epochs=50, batch_size=7)
    (finding,) = diagnose(network, X, Y, loss=LOSS)["symmetric neurons"]
    assert (finding.layer, finding.neurons) == ("0", (0, 1, 2, 3, 4, 5))
    assert finding.figures == {"copies": 5, "of": 6, "distinct": 1}
    assert "Dense(6), Tanh()" in finding.mend


def test_equal_weights_in_but_not_out_part_by_themselves() -> None:
    network = Network([Dense(6, weight_initializer="zeros"), "tanh", Dense(1)], n_inputs=3)
    assert not diagnose(network, X, Y, loss=LOSS)["symmetric neurons"]


def test_one_pair_of_twins_in_a_wide_layer_is_no_finding() -> None:
    network = Network([Dense(6), "tanh", Dense(1)], n_inputs=3)
    network.named_parameters["0.weight"][:, 1] = network.named_parameters["0.weight"][:, 0]
    network.named_parameters["2.weight"][1] = network.named_parameters["2.weight"][0]
    assert not diagnose(network, X, Y, loss=LOSS)["symmetric neurons"]


def test_twins_are_not_looked_for_where_a_layer_between_mixes_them() -> None:
    network = Network([Dense(4, weight_initializer="zeros"), ["tanh", Dense(4)], Dense(1)], n_inputs=3)
    assert not diagnose(network, X, Y, loss=LOSS)["symmetric neurons"]
    twins = Network(
        [Dense(4, weight_initializer="zeros"), LayerNorm(), Dense(1, weight_initializer="zeros")], n_inputs=3
    )
    assert diagnose(twins, X, Y, loss=LOSS)["symmetric neurons"]


def test_weights_that_are_not_finite_are_found_and_the_rest_left_unexamined() -> None:
    network = Network([Dense(4), "tanh", Dense(1)], n_inputs=3)
    network.named_parameters["2.weight"][1] = np.nan
    report = diagnose(network, X, Y, loss=LOSS)
    (finding,) = report["weights not finite"]
    assert (finding.layer, finding.figures["not_finite"]) == ("2", 1)
    assert report.unexamined["stuck outputs"] == "the outputs are not finite"
    assert report.largest_losses == {}


def test_huge_but_finite_weights_are_finite() -> None:
    network = Network([Dense(4), "tanh", Dense(1)], n_inputs=3)
    network.parameters[...] *= 1e200
    assert not diagnose(network, X, Y, loss=LOSS)["weights not finite"]
