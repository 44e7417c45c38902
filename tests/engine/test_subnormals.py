"""Subnormal numbers count as 0 while the engine works, and the caller's arithmetic stays as it was."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid import SGD, Dense, Network, SquaredError, train
from pellucid.engine import Predictor
from pellucid.engine.native import library, limited_threads

if isinstance(library(), str):
    pytest.skip(str(library()), allow_module_level=True)
LEAST = np.finfo(np.float32).smallest_normal


def network_of(width: int, weight: float) -> Network:
    network = Network([Dense(width)], 1, rng=0, dtype="float32")
    views = network.views(network.parameters)
    views["0.weight"][...], views["0.bias"][...] = weight, 0
    return network


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("width", [1, 300])
def test_training_takes_subnormal_outputs_as_zero(threads: int, width: int) -> None:
    network, x = network_of(width, LEAST), np.full((64, 1), 0.5, dtype=np.float32)
    before = network.parameters.copy()
    target = np.zeros((64, width), dtype=np.float32)
    with limited_threads(threads):
        train(network, x, target, loss=SquaredError(), optimizer=SGD(learning_rate=1.0), epochs=1, engine="native")
    np.testing.assert_array_equal(network.parameters, before)  # with outputs of 0 there is no slope
    assert (network.predict(x) == LEAST / 2).all()  # NumPy's, in the same thread


@pytest.mark.parametrize(("weight", "output"), [(LEAST, 0.0), (2 * LEAST, LEAST)])
def test_predictions_take_subnormal_outputs_as_zero_and_normal_ones_as_they_are(weight: float, output: float) -> None:
    found = Predictor(network_of(3, weight)).predict(np.full((4, 1), 0.5, dtype=np.float32))
    np.testing.assert_array_equal(found, np.full((4, 3), output))
