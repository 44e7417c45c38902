"""The doctor on histories: a learning rate too high or too low, and overfitting; each trained, and nearly there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pellucid import (
    SGD,
    Adam,
    BinaryCrossEntropy,
    Dense,
    EarlyStopping,
    History,
    Network,
    SquaredError,
    diagnose,
    train,
)
from pellucid.insight import Report
from pellucid.random import Random

X = Random(1).normal((120, 3))
NOISE = Random(2).normal((120,))
LOSS = SquaredError()


def learned(optimizer: Any, epochs: int = 60, target: Any = X[:, 0] - X[:, 1] + 0.3 * NOISE, **options: Any) -> Report:
    network = Network([Dense(6), "tanh", Dense(1)], n_inputs=3, rng=0)
    history = train(network, X, target, loss=LOSS, optimizer=optimizer, epochs=epochs, **options)
    return diagnose(network, X, target, loss=LOSS, history=history)


@pytest.mark.parametrize(
    ("optimizer", "options"), [(SGD(learning_rate=0.9), {}), (Adam(learning_rate=1.0), {"batch_size": 10})]
)
def test_a_learning_rate_that_is_too_high_is_found(optimizer: Any, options: Any) -> None:
    report = learned(optimizer, **options)
    (finding,) = report["learning rate too high"]
    assert finding.figures["learning_rate"] == optimizer.learning_rate
    kind = type(optimizer).__name__
    assert f"{kind}(learning_rate={optimizer.learning_rate / 10:.3g})" in finding.mend
    assert not learned(type(optimizer)(learning_rate=optimizer.learning_rate / 10), **options)["learning rate too high"]


@pytest.mark.parametrize("epochs", [10, 60, 400])
def test_a_fast_but_sound_descent_is_not_too_high(epochs: int) -> None:
    for optimizer, options in ((SGD(learning_rate=0.3), {}), (Adam(learning_rate=0.02), {"batch_size": 10})):
        assert not learned(optimizer, epochs, **options)["learning rate too high"]


def test_a_learning_rate_that_is_too_low_is_found_and_ten_times_as_much_twice_is_right() -> None:
    (finding,) = learned(SGD(learning_rate=1e-4))["learning rate too low"]
    assert finding.severity == "warning"
    assert finding.figures["fall_last_quarter"] >= 0.5 * finding.figures["fall_first_quarter"]
    assert "SGD(learning_rate=0.001)" in finding.mend
    assert not learned(SGD(learning_rate=0.1))["learning rate too low"]


def test_a_target_that_cannot_be_learned_is_no_low_learning_rate() -> None:
    assert not learned(SGD(learning_rate=0.1), 400, target=NOISE)["learning rate too low"]
    assert not learned(Adam(), 100, target=NOISE, batch_size=10)["learning rate too low"]


def test_training_that_stopped_where_validation_turned_is_not_too_slow() -> None:
    slow = SGD(learning_rate=1e-3)
    assert learned(slow, X_val=X, y_val=X[:, 0] - X[:, 1])["learning rate too low"]
    turned = X[:, 1] - X[:, 0]  # the better the training rows are learned, the worse this is
    assert not learned(slow, X_val=X, y_val=turned)["learning rate too low"]


def test_the_half_sum_is_judged_by_rows() -> None:
    loss = SquaredError(reduction="half_sum")
    network = Network([Dense(6), "tanh", Dense(1)], n_inputs=3, rng=0)
    history = train(network, X, X[:, 0], loss=loss, optimizer=SGD(learning_rate=0.001), epochs=300)
    assert not diagnose(network, X, X[:, 0], loss=loss, history=history)["learning rate too high"]
    again = train(network, X, X[:, 0], loss=loss, optimizer=SGD(learning_rate=0.015), epochs=60)
    assert diagnose(network, X, X[:, 0], loss=loss, history=again)["learning rate too high"]


def overfitted(epochs: int, target: Any, **options: Any) -> Report:
    loss = BinaryCrossEntropy()
    network = Network([Dense(64), "relu", Dense(1)], n_inputs=3, rng=0)
    history = train(
        network, X[:60], target[:60], loss=loss, optimizer=Adam(learning_rate=0.02), epochs=epochs,
        X_val=X[60:], y_val=target[60:], **options,
    )  # fmt: skip
    return diagnose(network, X[:60], target[:60], loss=loss, history=history)


NOISY = (X[:, 0] + NOISE > 0).astype(float)


def test_overfitting_is_found_with_the_epoch_to_go_back_to() -> None:
    (finding,) = overfitted(200, NOISY)["overfitting"]
    assert 1 <= finding.figures["best_epoch"] < 60
    assert finding.figures["rise"] > 0.1
    assert "EarlyStopping()" in finding.mend


def test_stopping_at_the_best_epoch_is_no_overfitting() -> None:
    report = overfitted(200, NOISY, callbacks=[EarlyStopping(patience=200)])
    assert not report["overfitting"]
    assert overfitted(20, (X[:, 0] > 0).astype(float))["overfitting"] == []


def test_what_a_history_does_not_hold_is_said() -> None:
    network = Network([Dense(1)], n_inputs=3)
    history = train(network, X, X[:, 0], loss=LOSS, epochs=20)
    assert "no history" in diagnose(network, X, X[:, 0], loss=LOSS).unexamined["learning rate"]
    assert "X_val" in diagnose(network, X, X[:, 0], loss=LOSS, history=history).unexamined["overfitting"]
    short = train(network, X, X[:, 0], loss=LOSS, epochs=3)
    assert "3 epochs" in diagnose(network, X, X[:, 0], loss=LOSS, history=short).unexamined["learning rate"]
    searching = train(network, X, X[:, 0] + NOISE, loss=LOSS, optimizer="lbfgs", epochs=20)
    assert isinstance(searching, History)
    assert diagnose(network, X, X[:, 0] + NOISE, loss=LOSS, history=searching)["learning rate too high"] == []
    constant = np.ones(120)
    flat = train(network, X, constant, loss=LOSS, epochs=20)
    assert "same in every row" in diagnose(network, X, constant, loss=LOSS, history=flat).unexamined["learning rate"]
