"""A penalty on more parameters than one block of the native sum, beside NumPy's and for any number of threads."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid.engine.native import Library, library
from pellucid.errors import DivergenceError
from pellucid.layers import Dense
from pellucid.losses import Penalty, SquaredError
from pellucid.network import Network
from pellucid.optimizers import SGD
from pellucid.random import Random
from pellucid.training import train
from tests.tolerances import rounding

LOADED = library()
pytestmark = pytest.mark.skipif(isinstance(LOADED, str), reason=f"native engine: {LOADED}")
INSTRUCTION_SETS = LOADED.instruction_sets if isinstance(LOADED, Library) else []
DTYPES = pytest.mark.parametrize("dtype", ["float32", "float64"])
BOTH = Penalty(l1=0.01, l2=0.02)
X = Random(1).normal((40, 4))
Y = np.sin(X[:, :2])


def network_of(dtype: str) -> Network:
    """10,502 parameters that all count: three blocks of 4,096, the last with a rest of six beyond groups of 16."""
    network = Network([Dense(1500), "tanh", Dense(2)], n_inputs=4, dtype=dtype, rng=0)
    network.initialize()
    network.parameters[...] = Random(2).normal((10_502,)) / 10
    network.weight_decay_factor[...] = np.arange(10_502) % 3
    return network


def step(network: Network, engine: str, penalty: Penalty) -> float:
    optimizer = SGD(learning_rate=0.1)
    history = train(network, X, Y, loss=SquaredError(), optimizer=optimizer, epochs=1, penalty=penalty, engine=engine)
    assert history.engine == engine
    return float(history["loss"][0])


@DTYPES
@pytest.mark.parametrize("penalty", [BOTH, Penalty(l1=0.01), Penalty(l2=0.02)], ids=["both", "l1", "l2"])
def test_loss_and_step_are_those_of_numpy(dtype: str, penalty: Penalty) -> None:
    native, numpy = network_of(dtype), network_of(dtype)
    losses = [step(native, "native", penalty), step(numpy, "numpy", penalty)]
    assert losses[0] == pytest.approx(losses[1], rel=rounding(10_502, dtype))
    np.testing.assert_allclose(native.parameters, numpy.parameters, rtol=0, atol=rounding(1500, dtype))


@DTYPES
def test_the_same_bits_for_threads_and_instruction_sets(dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = set()
    for threads in ("1", "2", "3"):
        for isa in INSTRUCTION_SETS:
            monkeypatch.setenv("PELLUCID_THREADS", threads)
            monkeypatch.setenv("PELLUCID_ISA", isa)
            network = network_of(dtype)
            found.add((step(network, "native", BOTH), network.parameters.tobytes()))
    assert len(found) == 1


@pytest.mark.parametrize("engine", ["native", "numpy"])
def test_a_penalty_beyond_all_numbers_stops_before_the_step(engine: str) -> None:
    network = network_of("float32")
    network.parameters[1] = 1e30  # the loss stays finite, as tanh is at most 1; the square does not
    before = network.parameters.copy()
    with pytest.raises(DivergenceError), np.errstate(over="ignore"):
        step(network, engine, BOTH)
    np.testing.assert_array_equal(network.parameters, before)
