"""Periodic layers: their formula in exact arithmetic, their first numbers, and their silence at the start."""

from __future__ import annotations

import math

import mpmath  # type: ignore[import-untyped]
import numpy as np
import pytest

from pellucid.engine import Predictor
from pellucid.layers import Columns, PeriodicEmbedding, PeriodicFeatures
from pellucid.network import Network
from pellucid.random import Random
from tests.tolerances import rounding


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("native", [False, True])
def test_an_embedding_is_its_formula_in_exact_arithmetic(native: bool, dtype: str) -> None:
    network = Network([PeriodicEmbedding(n_frequencies=5, n_outputs=4, deviation=2.0)], n_inputs=3, rng=1, dtype=dtype)
    x = Random(2).normal((6, 3)).astype(dtype)
    f, c, V, b = (network.named_parameters[f"0.{name}"] for name in ("frequency", "phase", "weight", "bias"))
    expected = np.zeros((6, 15))
    for i in range(6):
        expected[i, :3] = x[i]
        for j in range(3):
            for d in range(4):
                total = mpmath.mpf(float(b[4 * j + d]))
                for t in range(5 * j, 5 * j + 5):
                    turns = mpmath.mpf(float(x[i, j])) * float(f[t]) + float(c[t])
                    total += mpmath.cospi(2 * turns) * float(V[t, d])
                expected[i, 3 + 4 * j + d] = total
    found = Predictor(network).predict(x) if native else network.predict(x)
    most_turns = 1 + float(np.abs(x).max() * np.abs(f).max())  # whose rounding, times 2π, is that of the angle
    np.testing.assert_allclose(found, expected, rtol=0, atol=rounding(5, dtype, 2 * math.pi * most_turns))


def test_first_numbers_follow_their_distributions() -> None:
    network = Network([PeriodicEmbedding(n_frequencies=16, deviation=0.1)], n_inputs=1000)
    f, c, V, b = (network.named_parameters[f"0.{name}"] for name in ("frequency", "phase", "weight", "bias"))
    assert abs(f.std() / 0.1 - 1) < 5 / math.sqrt(2 * f.size) and abs(f.mean()) < 5 * 0.1 / math.sqrt(f.size)
    for values, end in ((c, 0.5), (V, 0.25), (b, 0.25)):
        assert np.abs(values).max() <= end
        assert abs(values.mean()) < 5 * end / math.sqrt(3 * values.size)
        assert abs(values.var() / (end * end / 3) - 1) < 5 / math.sqrt(values.size)
    assert len(np.unique(np.concatenate([f, c, V.ravel(), b]))) > 0.999 * (f.size + c.size + V.size + b.size)


def test_features_are_silent_until_they_learn() -> None:
    network = Network([PeriodicFeatures(n_frequencies=3)], n_inputs=2)
    x = Random(5).normal((4, 2))
    np.testing.assert_array_equal(network.predict(x), np.hstack([x, np.zeros((4, 6))]))
    network.named_parameters["0.factor"][2] = 2.0
    f, c = (network.named_parameters[f"0.{name}"][2] for name in ("frequency", "phase"))
    wave = 2 * np.cos(2 * np.pi * (x[:, 0] * f + c))
    np.testing.assert_allclose(network.predict(x)[:, 4], wave, rtol=0, atol=rounding(3, scale=2 * math.pi))
    assert (network.predict(x)[:, [2, 3, 5, 6, 7]] == 0).all()


def test_large_numbers_keep_their_digits_where_turns_are_exact() -> None:
    network = Network([PeriodicFeatures(n_frequencies=1)], n_inputs=1)
    for name, value in (("frequency", 0.25), ("phase", 0.0), ("factor", 1.0), ("shift", 0.0)):
        network.named_parameters[f"0.{name}"][...] = value
    x = np.array([[0.0], [1.0], [2.0], [4.0e9], [4.0e9 + 2]])
    np.testing.assert_allclose(network.predict(x)[:, 1], [1, 0, -1, 1, -1], rtol=0, atol=4e-16)


def test_parts_of_a_table_have_waves_of_their_own() -> None:
    parts = {"a": (0, 2, PeriodicEmbedding(n_outputs=1)), "b": (2, 3, PeriodicFeatures(n_frequencies=2))}
    network = Network([Columns(parts)], n_inputs=3)
    assert network.n_outputs == 4 + 3
    names = [name for name in network.named_parameters if name.startswith("0.b.")]
    assert names == ["0.b.frequency", "0.b.phase", "0.b.factor", "0.b.shift"]
