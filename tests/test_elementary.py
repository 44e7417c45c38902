"""The elementary functions against mpmath, within the 2 units in the last place that they promise."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import mpmath
import numpy as np

from pellucid.elementary import cosine, exponential, logarithm, logarithms, power, total
from pellucid.random import Random
from tests.tolerances import rounding

FAR = [709.78, 709.782712893384, -708.4, -745.13, 0.0, -0.0, 1e-300, -1e-17]


def assert_within_two_units(got: Iterable[float], points: Iterable[Any], exact: Callable[..., Any]) -> None:
    with mpmath.workdps(50):
        for value, point in zip(got, points, strict=True):
            right = exact(*map(mpmath.mpf, np.atleast_1d(point).tolist()))
            assert abs(mpmath.mpf(value) - right) <= 2 * math.ulp(float(right)), point


def test_exponential() -> None:
    x = np.array([*Random(1).uniform(3000, -745.0, 709.7), *Random(2).uniform(3000, -1.0, 1.0), *FAR])
    assert_within_two_units(exponential(x).tolist(), x, mpmath.exp)
    narrow = Random(3).uniform(3000, -87.0, 88.0, dtype=np.float32)
    got = exponential(narrow)
    assert got.dtype == np.float32
    np.testing.assert_array_max_ulp(got, np.array([math.exp(value) for value in narrow.tolist()], np.float32), 1)


def test_exponential_at_the_ends() -> None:
    ends = np.array([[np.inf, 710.0], [-np.inf, -746.0], [1e308, -1e308]])
    assert exponential(ends).tolist() == [[np.inf, np.inf], [0.0, 0.0], [np.inf, 0.0]]
    assert np.isnan(exponential(np.array([np.nan, 1.0]))).tolist() == [True, False]
    assert exponential(np.zeros((0, 3))).shape == (0, 3)


def test_logarithm() -> None:
    x = [*exponential(Random(4).uniform(1000, -740.0, 709.0)).tolist(), *Random(5).uniform(1000, 0.5, 2.0).tolist()]
    x += [5e-324, 1.0, math.nextafter(1.0, 2.0), math.nextafter(1.0, 0.0), 1.7976931348623157e308]
    assert_within_two_units(map(logarithm, x), x, mpmath.log)


def test_logarithms() -> None:
    x = np.array([*exponential(Random(4).uniform(2000, -740.0, 709.0)), *Random(5).uniform(4000, 0.5, 2.0)])
    near = [math.nextafter(1.0, 2.0), math.nextafter(1.0, 0.0), math.sqrt(0.5), math.nextafter(math.sqrt(0.5), 0.0)]
    x = np.array([*x, *near, 5e-324, 1.0, 1.7976931348623157e308])
    assert_within_two_units(logarithms(x).tolist(), x, mpmath.log)
    narrow = Random(3).uniform(3000, 0.0, 88.0, dtype=np.float32)
    got = logarithms(narrow)
    assert got.dtype == np.float32
    np.testing.assert_array_max_ulp(got, np.array([math.log(value) for value in narrow.tolist()], np.float32), 1)


def test_logarithms_at_the_ends() -> None:
    assert logarithms(np.array([[0.0, -0.0], [np.inf, 1.0]])).tolist() == [[-np.inf, -np.inf], [np.inf, 0.0]]
    assert np.isnan(logarithms(np.array([np.nan, -1.0, -np.inf]))).all()
    assert logarithms(np.zeros((0, 3))).shape == (0, 3)


def test_total() -> None:
    for length in range(40):
        values = Random(10 + length).normal((3, length))
        before = values.copy()
        sums = [math.fsum(row) for row in values.tolist()]
        np.testing.assert_allclose(total(values), sums, rtol=0, atol=rounding(length))
        np.testing.assert_array_equal(values, before)
        np.testing.assert_array_equal(total(np.asfortranarray(values)), total(values))
    assert total(np.array([1e16, 1.0, -1e16, 1.0])).item() == 2.0  # (1e16 - 1e16) + (1 + 1), in the written order


def test_power() -> None:
    points = [*zip(exponential(Random(6).uniform(1000, -700.0, 0.0)), Random(7).uniform(1000), strict=True)]
    points += [(0.01, 0.0), (0.01, 1.0), (1.0, 0.3), (5e-324, 0.5)]
    assert_within_two_units([power(float(base), float(share)) for base, share in points], points, mpmath.power)


def test_cosine() -> None:
    borders = [k / 8 + step for k in range(9) for step in (-1e-9, -1e-17, 1e-17, 1e-9)]
    turns = [*Random(8).uniform(4000).tolist(), *Random(9).uniform(1000, -9.0, 9.0).tolist(), *borders]
    assert_within_two_units(map(cosine, turns), turns, lambda t: mpmath.cospi(2 * t))
    assert [cosine(quarter / 4) for quarter in range(-4, 5)] == [1, 0, -1, 0, 1, 0, -1, 0, 1]
