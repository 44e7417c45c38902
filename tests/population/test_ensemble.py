"""An ensemble predicts what its networks predict, each by itself, however it is asked and wherever it was copied to."""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from pellucid.engine.evaluator import Evaluator, evaluator
from pellucid.engine.native import library
from pellucid.layers import Dense
from pellucid.losses import BinaryCrossEntropy, CrossEntropy, Loss, SquaredError
from pellucid.network import Network
from pellucid.population import ensemble as room
from pellucid.population.ensemble import Ensemble
from tests.contracts.examples import numbers

N_ROWS = 700
WEIGHTS = (0.5, 0.3, 0.2)
native = pytest.mark.skipif(isinstance(library(), str), reason=f"native engine: {library()}")


def made(loss: Loss, n_outputs: int, n_networks: int = 3) -> Ensemble:
    sizes = (5, 40, 300)[:n_networks]
    networks = [Network([Dense(s), "gelu", Dense(n_outputs)], n_inputs=6, rng=s, dtype="float32") for s in sizes]
    return Ensemble(tuple(networks), WEIGHTS if n_networks == 3 else (1.0,), loss)


def one_by_one(ensemble: Ensemble, rows: np.ndarray) -> np.ndarray:
    """Return the weighted mean of predictions by evaluators that are made for this call alone."""
    mean = np.zeros((len(rows), ensemble.networks[0].n_outputs))
    for network, weight in zip(ensemble.networks, ensemble.weights, strict=True):
        found = evaluator(network)
        outputs = found.outputs(rows) if isinstance(found, Evaluator) else network.predict(rows)
        mean += weight * ensemble.loss.predict(outputs.astype(np.float64))
    return mean


@pytest.mark.parametrize("n_networks", [1, 3])
@pytest.mark.parametrize(("loss", "n_outputs"), [(CrossEntropy(), 9), (BinaryCrossEntropy(), 1), (SquaredError(), 2)])
@pytest.mark.parametrize("engine", [pytest.param("native", marks=native), "numpy"])
def test_it_predicts_the_bits_of_its_networks_one_by_one(
    engine: str, loss: Loss, n_outputs: int, n_networks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if engine == "numpy":
        monkeypatch.setenv("PELLUCID_ENGINE", "numpy")
    ensemble, rows = made(loss, n_outputs, n_networks), numbers(N_ROWS, 6).astype(np.float32)
    assert ensemble.is_native == (engine == "native")
    for part in (rows, rows[:1], rows[:0]):
        np.testing.assert_array_equal(ensemble.predict(part), one_by_one(ensemble, part))


@native
def test_where_blocks_of_rows_end_and_how_many_threads_compute_changes_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    ensemble, rows = made(CrossEntropy(), 4), numbers(N_ROWS, 6).astype(np.float32)
    expected = ensemble.predict(rows)
    monkeypatch.setattr(room, "BLOCK", 300)
    monkeypatch.setenv("PELLUCID_THREADS", "3")
    np.testing.assert_array_equal(ensemble.predict(rows), expected)


@native
def test_it_follows_weights_that_change_and_the_engine_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    ensemble, rows = made(SquaredError(), 1, 1), numbers(3, 6).astype(np.float32)
    before = ensemble.predict(rows)
    ensemble.networks[0].named_parameters["2.bias"][...] += 8.0
    assert (ensemble.predict(rows) > before + 7.0).all()
    ensemble.networks[0].parameters = np.zeros_like(ensemble.networks[0].parameters)
    assert not ensemble.predict(rows).any()
    monkeypatch.setenv("PELLUCID_ENGINE", "numpy")
    assert not ensemble.is_native


def test_copies_have_networks_of_their_own() -> None:
    ensemble, rows = made(SquaredError(), 1, 1), numbers(3, 6).astype(np.float32)
    expected = ensemble.predict(rows)
    twins = [copy.deepcopy(ensemble), pickle.loads(pickle.dumps(ensemble))]
    ensemble.networks[0].parameters[...] = 0.0
    for twin in twins:
        np.testing.assert_array_equal(twin.predict(rows), expected)


@native
def test_threads_may_ask_it_at_the_same_time() -> None:
    ensemble, rows = made(CrossEntropy(), 4), numbers(N_ROWS, 6).astype(np.float32)
    expected = one_by_one(ensemble, rows)
    with ThreadPoolExecutor(4) as threads:
        parts = list(threads.map(lambda row: ensemble.predict(rows[row : row + 1]), range(N_ROWS)))
    np.testing.assert_array_equal(np.concatenate(parts), expected)
