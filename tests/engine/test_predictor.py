"""The predictor gives each row the same bits however rows are divided, packed or shared among threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from pellucid.engine import Predictor
from pellucid.engine.native import Library, library
from pellucid.errors import DataError, PellucidError, ShapeError
from pellucid.layers import BatchNorm, Columns, Dense, Embedding, Layer, LayerNorm, Residual
from pellucid.network import Network

LOADED = library()
if isinstance(LOADED, str):
    pytest.skip(LOADED, allow_module_level=True)
assert isinstance(LOADED, Library)
DTYPES = pytest.mark.parametrize("dtype", ["float32", "float64"])
NETWORKS: dict[str, tuple[int, Callable[[], list[Layer | str]]]] = {
    "small": (20, lambda: [Dense(64), "relu", Dense(64), "relu", Dense(2)]),
    "ragged": (7, lambda: [Dense(13), "tanh", Dense(33), "gelu", Dense(3), "softmax"]),
    "packed in two groups of columns and two blocks of steps": (
        300,
        lambda: [Dense(300), "relu", Dense(270), "silu", Dense(9)],
    ),
    "without products": (5, lambda: ["sigmoid"]),
    "of many layers": (
        6,
        lambda: [BatchNorm(), Residual([LayerNorm(), Dense(6, bias=False), "elu"]), Dense(40), Dense(1)],
    ),
}


def made(name: str, dtype: str = "float32") -> tuple[Predictor, Any]:
    n_inputs, layers = NETWORKS[name]
    network = Network(layers(), n_inputs=n_inputs, rng=1, dtype=dtype)
    rng = np.random.default_rng(0)
    network.initialize()
    network.parameters[:] += 0.1 * rng.standard_normal(network.parameters.size)
    return Predictor(network), rng.standard_normal((1001, n_inputs)).astype(dtype)


@DTYPES
@pytest.mark.parametrize("name", NETWORKS)
def test_one_by_one_in_sevens_and_all_at_once(name: str, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    predictor, X = made(name, dtype)
    rows = np.array([predictor.predict_one(row) for row in X])
    np.testing.assert_array_equal(rows, np.concatenate([predictor.predict(row[None]) for row in X]))
    np.testing.assert_array_equal(rows, np.concatenate([predictor.predict(X[i : i + 7]) for i in range(0, 1001, 7)]))
    for threads in ("1", "2", "3", "7"):
        monkeypatch.setenv("PELLUCID_THREADS", threads)
        np.testing.assert_array_equal(rows, predictor.predict(X))


@DTYPES
@pytest.mark.parametrize("name", NETWORKS)
def test_every_instruction_set_gives_the_same_bits(name: str, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(LOADED, Library)
    predictor, X = made(name, dtype)
    expected = predictor.predict(X)
    for isa in LOADED.instruction_sets:
        monkeypatch.setenv("PELLUCID_ISA", isa)
        other, _ = made(name, dtype)
        monkeypatch.delenv("PELLUCID_ISA")  # the predictor stays with the one it was packed for
        np.testing.assert_array_equal(expected, other.predict(X))


@DTYPES
@pytest.mark.parametrize("name", NETWORKS)
def test_it_equals_the_network(name: str, dtype: str) -> None:
    n_inputs, layers = NETWORKS[name]
    network = Network(layers(), n_inputs=n_inputs, rng=1, dtype=dtype)
    network.initialize()
    X = np.random.default_rng(0).standard_normal((50, n_inputs)).astype(dtype)
    expected = network.predict(X)
    longest = max(300, n_inputs)  # the terms of the longest sum
    bound = np.finfo(dtype).eps * longest * max(1.0, float(np.abs(expected).max()))
    np.testing.assert_allclose(Predictor(network).predict(X), expected, rtol=0, atol=bound)


def test_threads_may_share_it() -> None:
    predictor, X = made("small")
    expected = predictor.predict(X)
    with ThreadPoolExecutor(4) as pool:
        for got in pool.map(lambda i: (predictor.predict(X), predictor.predict_one(X[i])), range(40)):
            np.testing.assert_array_equal(got[0], expected)
    got_rows = ThreadPoolExecutor(4).map(predictor.predict_one, X)
    np.testing.assert_array_equal(np.array(list(got_rows)), expected)


def test_what_it_returned_stays() -> None:
    predictor, X = made("small")
    first = predictor.predict_one(X[0])
    kept = first.copy()
    predictor.predict_one(X[1])
    np.testing.assert_array_equal(first, kept)


def test_training_further_does_not_change_it() -> None:
    network = Network([Dense(3), "tanh", Dense(2)], n_inputs=4, rng=1)
    network.initialize()
    predictor, X = Predictor(network), np.ones((5, 4))
    before = predictor.predict(X)
    network.parameters[:] = 7
    np.testing.assert_array_equal(predictor.predict(X), before)


def test_other_numbers_and_layouts_are_converted() -> None:
    predictor, X = made("small")
    expected = predictor.predict(X)
    np.testing.assert_array_equal(predictor.predict(X.astype(np.float64)), expected)
    np.testing.assert_array_equal(predictor.predict(np.asfortranarray(X)), expected)
    np.testing.assert_array_equal(predictor.predict(X.repeat(2, axis=1)[:, ::2]), expected)
    np.testing.assert_array_equal(predictor.predict_one(X[3].tolist()), expected[3])
    np.testing.assert_array_equal(predictor.predict_one(X.astype(np.float64)[3]), expected[3])


def test_rows_that_do_not_fit_are_refused() -> None:
    predictor, X = made("small")
    for wrong in (X[:, :19], X[0], X[None]):
        with pytest.raises(PellucidError):
            predictor.predict(wrong)
    for wrong in (X[0, :19], X[:1], np.float32(1)):
        with pytest.raises(ShapeError):
            predictor.predict_one(wrong)


def test_a_code_that_is_none_is_refused() -> None:
    columns = Columns({"color": (0, 1, Embedding(3, 2)), "size": (1, 2, Dense(2))})
    network = Network([columns, Dense(1)], n_inputs=2, rng=1)
    network.initialize()
    predictor = Predictor(network)
    np.testing.assert_array_equal(predictor.predict_one([2, 0.5]), predictor.predict([[2, 0.5]])[0])
    for codes in ([3, 0.5], [0.5, 0.5], [np.nan, 0.5]):
        with pytest.raises(DataError):
            predictor.predict_one(codes)
        with pytest.raises(DataError):
            predictor.predict([codes])
