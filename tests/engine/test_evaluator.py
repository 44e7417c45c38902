"""The evaluator equals the network and the loss, in fixed blocks: whatever the threads, the calls, the batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pellucid.engine import evaluator as room
from pellucid.engine import forward
from pellucid.engine.evaluator import Evaluator, evaluator
from pellucid.engine.native import library
from pellucid.errors import DataError, ShapeError
from pellucid.layers import Dense, Layer, Scale
from pellucid.losses import Loss, SquaredError
from pellucid.network import Network
from pellucid.optimizers import SGD
from pellucid.random import Random
from pellucid.training import train
from tests.contracts.examples import LayerExample, LossExample, enrolled, numbers
from tests.tolerances import rounding

pytestmark = pytest.mark.skipif(isinstance(library(), str), reason=f"native engine: {library()}")
N_ROWS = 600  # three blocks, the last of 88 rows


def made(network: Network, *samples: Any) -> Evaluator:
    found = evaluator(network, *samples)
    assert isinstance(found, Evaluator)
    return found


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("example", enrolled(Loss))
def test_outputs_and_loss_equal_the_reference(example: LossExample, weighted: bool) -> None:
    loss = example.make()
    target = loss.check_target(example.target(N_ROWS), example.n_outputs)
    weight = Random(3).uniform(N_ROWS, 0.0, 2.0) if weighted else None
    network, X = Network([Dense(7), "tanh", Dense(example.n_outputs)], n_inputs=5), numbers(N_ROWS, 5)
    found = made(network, loss, target, weight)
    outputs, natively = found.loss(X)
    np.testing.assert_allclose(outputs, network.predict(X), rtol=0, atol=rounding(12, scale=5))
    np.testing.assert_array_equal(outputs, found.outputs(X))
    value, _ = loss.value_and_gradient(outputs, target, weight)
    assert natively == pytest.approx(value, rel=0, abs=rounding(N_ROWS, scale=max(1, abs(value))))


def test_threads_calls_and_batches_change_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = numbers(N_ROWS, 90), numbers(N_ROWS, 2, seed=4)
    judged = []
    for threads, longest, batch_size in (("1", 2e9, None), ("3", 2e9, 64), ("2", 1.0, 7)):
        monkeypatch.setenv("PELLUCID_THREADS", threads)
        monkeypatch.setattr(room, "_LONGEST", longest)
        network = Network([Dense(80), "gelu", Dense(2)], n_inputs=90, dtype="float32")
        still = SGD(learning_rate=0.0)
        options: dict[str, Any] = {"loss": SquaredError(), "optimizer": still, "batch_size": batch_size, "epochs": 1}
        history = train(network, X, y, X_val=X, y_val=y, metrics=["r2", "rmse"], engine="native", **options)
        judged.append([history[name] for name in history.columns if name.startswith("validation_")])
    assert judged[0] == judged[1] == judged[2]


def test_threads_that_judged_together_predict_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    network, X = Network([Dense(80), "gelu", Dense(2)], n_inputs=9), numbers(20 * N_ROWS, 9)
    monkeypatch.setenv("PELLUCID_THREADS", "1")
    expected = made(network).outputs(X)
    monkeypatch.setenv("PELLUCID_THREADS", "3")
    found = made(network, SquaredError(), expected)
    for _ in range(3):
        outputs, loss = found.loss(X)
        assert loss == 0
        np.testing.assert_array_equal(outputs, expected)
        np.testing.assert_array_equal(found.outputs(X), expected)


@pytest.mark.parametrize("example", enrolled(Layer))
def test_forward_equals_the_layers_own(example: LayerExample) -> None:
    network = Network([example.make()], n_inputs=example.n_inputs, rng=4)
    network.buffers[...] += Random(5).uniform(network.buffers.shape)
    (layer,), X = network.layers, example.rows(40)
    expected, _ = layer.forward(X)
    np.testing.assert_allclose(forward(layer, X), expected, rtol=0, atol=rounding(12, scale=20))


def test_weights_from_rows_are_those_that_training_starts_from() -> None:
    X = numbers(50, 4)
    layers: list[Any] = [Dense(9, weight_initializer="unit_variance"), "gelu", [Dense(5), "silu"]]
    by_hand = Network([*layers, Dense(2, weight_initializer="unit_variance")], n_inputs=4)
    by_training = by_hand.copy()
    handed = []

    def spying(layer: Layer, x: Any) -> Any:
        handed.append(repr(layer))
        return forward(layer, x)

    by_hand.initialize(X, forward=spying)
    assert handed[:2] == [repr(layer) for layer in by_hand.layers[:2]]
    train(by_training, X, X[:, :2], loss=SquaredError(), optimizer=SGD(learning_rate=0.0), epochs=1)
    np.testing.assert_array_equal(by_hand.parameters, by_training.parameters)


class Own(Scale):
    """A layer that the engine does not know."""


def test_a_layer_of_ones_own_goes_forward_on_numpy() -> None:
    network, X = Network([Own()], n_inputs=3), numbers(4, 3)
    np.testing.assert_array_equal(forward(network.layers[0], X), X)
    assert "Own" in str(evaluator(network))


def test_rows_that_do_not_fit_never_reach_c() -> None:
    network, y = Network([Dense(2)], n_inputs=3), numbers(5, 2)
    found = made(network, SquaredError(), y)
    with pytest.raises(ShapeError, match=r"\(5, 4\)"):
        found.outputs(numbers(5, 4))
    with pytest.raises(ShapeError, match="the rows whose target"):
        found.loss(numbers(6, 3))
    with pytest.raises(ShapeError, match="the rows whose target"):
        made(network).loss(numbers(5, 3))
    with pytest.raises(DataError):
        found.outputs([["a"] * 3])
    assert found.outputs(numbers(0, 3)).shape == (0, 2)
