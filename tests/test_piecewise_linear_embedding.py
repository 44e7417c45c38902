"""Piecewise linear embeddings: curves by interpolation, edges, columns of few values, and refusals."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid.engine import forward
from pellucid.engine.native import library
from pellucid.engine.predictor import Predictor
from pellucid.errors import DataError, NotInitializedError, OptionError, ShapeError
from pellucid.initializers import Normal
from pellucid.layers import Chain, Columns, Dense, PiecewiseLinearEmbedding, Scale
from pellucid.layers.piecewise_linear_embedding import edges_of
from pellucid.losses import SquaredError
from pellucid.model.file import read_model, write_model
from pellucid.network import Network
from pellucid.random import Random
from tests.tolerances import rounding

LOADED = library()
native = pytest.mark.skipif(isinstance(LOADED, str), reason=f"native engine: {LOADED}")
DTYPES = pytest.mark.parametrize("dtype", ["float32", "float64"])


def curves(rows: Any, n_outputs: int = 3, dtype: str = "float64", **options: Any) -> Network:
    """Return a network of the layer alone, for training rows (n_rows, n_inputs), with biases at no special values."""
    rows = np.asarray(rows, dtype).reshape(len(rows), -1)
    network = Network([PiecewiseLinearEmbedding(n_outputs, **options)], rows.shape[1], dtype=dtype).initialize(rows)
    network.named_parameters["0.bias"][...] = Random(8).normal(network.n_outputs)
    return network


def interpolated(network: Network, column: int, curve: int, x: Any) -> Any:
    """Return one curve by interpolation between its heights at the edges, and straight on beyond them."""
    edges = np.unique(network.named_buffers["0.edges"][column])
    at = column * (network.n_outputs // network.n_inputs) + curve
    rises = network.named_parameters["0.weight"][: len(edges) - 1, at]
    heights = network.named_parameters["0.bias"][at] + np.append(0, np.cumsum(rises))
    if len(edges) == 1:
        return np.full(len(x), heights[0])
    slopes = rises / np.diff(edges)
    before, after = np.minimum(x - edges[0], 0), np.maximum(x - edges[-1], 0)
    return np.interp(x, edges, heights) + before * slopes[0] + after * slopes[-1]


def test_curves_bend_at_the_edges_and_go_on_straight_beyond_them() -> None:
    rows = np.stack([Random(3).normal(500), np.arange(500) % 7.0, np.arange(500) % 2, np.full(500, 2.0)], axis=1)
    network = curves(rows)
    inner = rows[:60] + Random(4).normal((60, 1))
    x = np.concatenate([network.named_buffers["0.edges"].T, inner, [[9.0] * 4], [[-9.0] * 4]])
    y = network.predict(x)
    for j in range(4):
        for d in range(3):
            expected = interpolated(network, j, d, x[:, j])
            allowed = rounding(50, scale=float(np.abs(expected).max()) + 20)
            np.testing.assert_allclose(y[:, 3 * j + d], expected, rtol=0, atol=allowed)
    assert np.ptp(y[:, 9:], axis=0).tolist() == [0, 0, 0]  # a constant column is its biases
    assert [len(np.unique(edges)) for edges in network.named_buffers["0.edges"]] == [49, 7, 2, 1]


def test_edges_are_the_quantiles_of_numbers_that_differ() -> None:
    for n_rows in (49, 60, 1000):
        x = Random(n_rows).normal(n_rows)
        expected = np.quantile(x, np.linspace(0, 1, 49))
        np.testing.assert_allclose(edges_of(x, 48), expected, rtol=0, atol=rounding(1, scale=float(np.abs(x).max())))


@pytest.mark.parametrize("n_bins", [1, 2, 5, 48])
def test_common_values_are_edges_and_the_others_are_quantiles_of_the_rest(n_bins: int) -> None:
    x = np.concatenate([np.zeros(700), np.full(25, -1.0), np.full(3, 0.5), Random(6).normal(300)])
    found = edges_of(x, n_bins)
    rows_of = {value: int((x == value).sum()) for value in np.unique(x)}
    common = [value for value, n_rows in rows_of.items() if n_rows > len(x) / n_bins]
    assert common == {1: [], 2: [0.0], 5: [0.0], 48: [-1.0, 0.0]}[n_bins]
    rest = x[~np.isin(x, common)]
    quantiles = np.quantile(rest, np.linspace(0, 1, n_bins + 1 - len(common)))
    expected = np.sort([*common, *quantiles])
    np.testing.assert_allclose(found, expected, rtol=0, atol=rounding(1, scale=float(np.abs(x).max())))
    assert (found[0], found[-1]) == (x.min(), x.max())
    np.testing.assert_array_equal(edges_of(x[::-1], n_bins), found)


def test_few_numbers_are_the_edges() -> None:
    assert edges_of(np.array([3.0]), 4).tolist() == [3.0]
    assert edges_of(np.array([2.0, 1.0, 1.0]), 4).tolist() == [1.0, 2.0]
    assert edges_of(np.array([2.0, 1.0, 7.0]), 1).tolist() == [1.0, 7.0]
    assert edges_of(np.arange(50) % 5.0, 48).tolist() == [0, 1, 2, 3, 4]


def test_edges_that_round_to_one_are_one() -> None:
    found = edges_of(np.float32(1e8) + np.arange(48, dtype=np.float32), 48)
    assert found.dtype == np.float32 and len(found) == 7  # float32 steps by 8 there
    found = edges_of(np.array([0.0, 5e-324, 1e-300, 1.0]), 3)
    assert found.tolist() == [0.0, 1e-300, 1.0] and np.isfinite(1 / np.diff(found)).all()


def test_unused_bins_have_no_slopes() -> None:
    network = curves([[0.0], [1.0], [4.0]], n_bins=9)
    n_bins = len(np.unique(network.named_buffers["0.edges"])) - 1
    network.loss_and_gradient(Random(1).normal((20, 1)) * 9, np.zeros((20, 3)), SquaredError())
    used = network.named_gradients["0.weight"].any(axis=1)
    assert used[:n_bins].all() and not used[n_bins:].any()


@pytest.mark.parametrize("n_bins", [4, 48, 300])
def test_first_rises_have_the_deviation_of_one_over_the_root_of_the_bins(n_bins: int) -> None:
    network = Network([PiecewiseLinearEmbedding(n_bins=n_bins)], n_inputs=30, rng=5).initialize(np.zeros((1, 30)))
    weight = network.named_parameters["0.weight"] * np.sqrt(n_bins)
    np.testing.assert_allclose(weight.std(), 1, rtol=5 / np.sqrt(2 * weight.size))
    assert not network.named_parameters["0.bias"].any()
    assert network.weight_decay_factor.sum() == weight.size
    given = np.arange(n_bins * 60.0).reshape(n_bins, 60)
    layer = PiecewiseLinearEmbedding(2, n_bins=n_bins, weight_initializer=given)
    network = Network([layer], n_inputs=30).initialize(np.zeros((1, 30)))
    np.testing.assert_array_equal(network.named_parameters["0.weight"], given)


@DTYPES
def test_edges_inside_columns_and_after_layers_are_those_of_what_enters(dtype: str) -> None:
    X = Random(4).normal((60, 3))
    part = Chain([Scale(), Dense(2, weight_initializer=[[1, 2], [4, 8]]), PiecewiseLinearEmbedding(5, n_bins=4)])
    network = Network([Columns({"a": (1, 3, part)})], n_inputs=3, dtype=dtype).initialize(X, forward=forward)
    entering = X[:, 1:] @ np.array([[1.0, 2.0], [4.0, 8.0]])
    expected = np.quantile(entering, np.linspace(0, 1, 5), axis=0).T
    scale = float(np.abs(entering).max())
    np.testing.assert_allclose(network.named_buffers["0.a.2.edges"], expected, rtol=0, atol=rounding(3, dtype, scale))
    twin = pickle.loads(pickle.dumps(network))
    np.testing.assert_array_equal(twin.buffers, network.buffers)
    np.testing.assert_array_equal(twin.predict(X), network.predict(X))


@DTYPES
def test_a_model_file_keeps_the_edges(dtype: str, tmp_path: Path) -> None:
    X = Random(4).normal((60, 3)).astype(dtype)
    network = Network([Columns({"a": (1, 3, PiecewiseLinearEmbedding(2, n_bins=5))})], 3, dtype=dtype).initialize(X)
    arrays = {**network.named_parameters, **network.named_buffers}
    write_model(tmp_path / "model", {"network": network.to_config()}, arrays)
    document, tensors, _ = read_model(tmp_path / "model")
    assert sorted(tensors) == ["0.a.bias", "0.a.edges", "0.a.weight"]
    twin = Network.from_config(document["network"])
    for name, view in {**twin.named_parameters, **twin.named_buffers}.items():
        view[...] = tensors[name]
    twin.initialized = True
    np.testing.assert_array_equal(twin.predict(X), network.predict(X))


@native
@DTYPES
@pytest.mark.parametrize(("n_outputs", "n_bins"), [(16, 48), (1, 1), (5, 17), (33, 2)])
def test_natively_hostile_numbers_give_what_numpy_gives(n_outputs: int, n_bins: int, dtype: str) -> None:
    rows = np.stack([Random(3).normal(90), np.arange(90) % 3.0, np.full(90, 2.0)], axis=1)
    network = curves(rows, n_outputs, dtype, n_bins=n_bins)
    edges = network.named_buffers["0.edges"]
    beside = [np.nextafter(edges, side, dtype=dtype) for side in (-9, 9)]
    x = np.concatenate([edges.T, *(near.T for near in beside), [[1e9] * 3, [-1e9] * 3, [np.nan] * 3, [0, np.nan, 1]]])
    x = x.astype(dtype)
    for _ in range(2):
        found, expected = Predictor(network).predict(x), network.predict(x)
        scale = np.abs(np.nan_to_num(expected)).max(axis=1, keepdims=True) + 4
        assert (np.isnan(found) == np.isnan(expected)).all()
        assert (np.abs(np.nan_to_num(found - expected)) <= rounding(n_bins, dtype) * scale).all()
        edges[...] = edges[:, ::-1]  # a damaged file must not lead beyond the table: no bin is left


@native
def test_natively_any_edges_find_a_bin() -> None:
    network = curves(Random(1).normal((90, 2)), 2, n_bins=20)
    network.named_buffers["0.edges"][...] = Random(2).normal((2, 21))  # in no order
    x = Random(3).normal((300, 2)) * 2
    scale = float(np.abs(network.predict(x)).max())
    np.testing.assert_allclose(
        Predictor(network).predict(x), network.predict(x), rtol=0, atol=rounding(20, scale=scale)
    )


def test_refusals() -> None:
    network = Network([PiecewiseLinearEmbedding()], n_inputs=2)
    with pytest.raises(NotInitializedError, match="initialize"):
        network.predict(np.zeros((1, 2)))
    with pytest.raises(NotInitializedError, match=r"network\.initialize\(X\)"):
        network.initialize()
    with pytest.raises(DataError, match="no rows"):
        network.initialize(np.zeros((0, 2)))
    with pytest.raises(DataError, match="NaN or infinity"):
        network.initialize(np.array([[1.0, np.nan]]))
    with pytest.raises(OptionError, match="weight_initializer"):
        PiecewiseLinearEmbedding(weight_initializer="unit_variance")
    with pytest.raises(ShapeError, match=r"weight: .*\(48, 32\)"):
        Network([PiecewiseLinearEmbedding(weight_initializer=[[1.0]])], n_inputs=2).initialize(np.zeros((3, 2)))
    assert "Normal" in repr(PiecewiseLinearEmbedding(weight_initializer=Normal()))
