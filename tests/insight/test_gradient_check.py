"""The gradient check itself: it passes what is right and names what is wrong, down to a thousandth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pellucid.errors import OptionError
from pellucid.insight import gradient_check
from pellucid.layers import BatchNorm, Dense, Dropout
from pellucid.losses import BinaryCrossEntropy, CrossEntropy, Penalty, Poisson, SquaredError
from pellucid.network import Network
from pellucid.random import Random

X = Random(1).normal((8, 3))
Y = Random(2).normal((8, 2))


class Scaled(Dense):
    """A dense layer whose weight gradient is ``factor`` times what it should be."""

    factor = 1.001

    def backward(self, dz: Any, x: Any, *, input_gradient: bool = True) -> Any:
        dx = super().backward(dz, x, input_gradient=input_gradient)
        self.gradients["weight"] *= self.factor
        return dx


class Undefined(Scaled):
    factor = np.nan


def network_with(layer: Dense) -> Network:
    return Network([Dense(4), "tanh", layer, "tanh", Dense(2)], n_inputs=3, rng=4)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("loss", [SquaredError(), SquaredError(reduction="half_sum"), BinaryCrossEntropy(), Poisson()])
def test_right_gradients_pass(loss: Any, training: bool) -> None:
    network = Network([Dense(4), BatchNorm(), "gelu", Dropout(0.3), Dense(2)], n_inputs=3, rng=4)
    weight = Random(3).uniform((8,), 0.0, 2.0)
    verdict = gradient_check(
        network,
        loss,
        X,
        (Y > 0).astype(float),
        sample_weight=weight,
        penalty=Penalty(l1=0.01, l2=0.1),
        training=training,
    )
    assert verdict.passed, repr(verdict)
    assert set(verdict.errors) == set(network.named_parameters)
    assert "passed" in repr(verdict)
    assert gradient_check(network_with(Dense(3)), CrossEntropy(label_smoothing=0.1), X, np.arange(8) % 2)


@pytest.mark.parametrize("wrong", [Scaled, Undefined])
def test_a_wrong_gradient_is_named(wrong: type[Scaled]) -> None:
    verdict = gradient_check(network_with(wrong(3)), SquaredError(), X, Y)
    assert not verdict
    failed = {name for name, error in verdict.errors.items() if not error <= verdict.tolerance}
    assert failed == {"2.weight"}
    assert not verdict.direction_error <= verdict.tolerance
    (marked,) = (line for line in repr(verdict).splitlines() if "2.weight" in line)
    assert marked.endswith("<-")


def test_the_tolerance_decides() -> None:
    network = network_with(Scaled(3))
    assert not gradient_check(network, SquaredError(), X, Y)
    assert gradient_check(network, SquaredError(), X, Y, tolerance=0.1)


def test_the_network_is_left_as_it_was() -> None:
    network = network_with(Dense(3))
    parameters, buffers = network.parameters.copy(), network.buffers.copy()
    gradient_check(network, SquaredError(), X, Y)
    np.testing.assert_array_equal(network.parameters, parameters)
    np.testing.assert_array_equal(network.buffers, buffers)
    _, gradient = network.copy().loss_and_gradient(X, Y, SquaredError())
    np.testing.assert_array_equal(network.gradients, gradient)


def test_float32_is_refused() -> None:
    with pytest.raises(OptionError, match="dtype='float64'"):
        gradient_check(Network([Dense(1)], n_inputs=3, dtype="float32"), SquaredError(), X, Y[:, 0])
