"""The normal distribution against mpmath at 40 digits, and against Python's own `statistics.NormalDist`."""

from __future__ import annotations

import math
import statistics

import mpmath
import numpy as np
import pytest

from pellucid import normal
from pellucid.errors import OptionError

DTYPES = [np.float32, np.float64]
TINIEST = {np.float32: float(np.finfo(np.float32).smallest_subnormal), np.float64: 5e-324}

# Rounding errors, in units of eps = 2^-52, each step adding at most 1/2 to 1: two exponentials and their product
# (exponent error 1.25 at most: |y - c||y + c| < 2.5 with one rounding), two Horner chains whose coefficients are all of
# one sign (the last two or three steps count), a division, a product. Ten bounds their sum with room for a libm at 1.
ULP = 10.0


def points(low: float, high: float, n: int = 600) -> np.ndarray:
    """Return even, tiny and border points of an interval around zero."""
    tiny = np.array([0.0, -0.0, 5e-324, -1e-300, 1e-20, -1e-8])
    borders = np.array([0.67448975, 0.6744897501960817, math.sqrt(32.0), 5.65685425])
    around = np.concatenate([np.nextafter(borders, 0.0), borders, np.nextafter(borders, 99.0)])
    return np.concatenate([np.linspace(low, high, n), tiny, around, -around])


def errors_in_ulp(got: np.ndarray, exact: list[mpmath.mpf]) -> np.ndarray:
    """Return |got - exact| in eps * |exact|, or in the smallest subnormal number where that is larger."""
    kind = got.dtype.type
    eps = float(np.finfo(kind).eps)
    return np.array(
        [
            float(abs(mpmath.mpf(float(g)) - e) / max(mpmath.mpf(eps) * abs(e), mpmath.mpf(TINIEST[kind])))
            for g, e in zip(got, exact, strict=True)
        ]
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_cdf_equals_mpmath_in_both_tails(dtype: type) -> None:
    x = points(-39.0, 9.0).astype(dtype)
    with mpmath.workdps(40):
        exact = [mpmath.erfc(-mpmath.mpf(float(v)) / mpmath.sqrt(2)) / 2 for v in x]
        errors = errors_in_ulp(normal.cdf(x), exact)
    assert errors.max() <= (ULP if dtype is np.float64 else 1.0), x[errors.argmax()]


@pytest.mark.parametrize("dtype", DTYPES)
def test_density_equals_mpmath(dtype: type) -> None:
    x = points(-39.0, 39.0).astype(dtype)
    with mpmath.workdps(40):
        exact = [mpmath.npdf(mpmath.mpf(float(v))) for v in x]
        errors = errors_in_ulp(normal.density(x), exact)
    assert errors.max() <= (ULP if dtype is np.float64 else 1.0), x[errors.argmax()]


def test_quantile_equals_mpmath() -> None:
    borders = [5e-324, 2.0**-53, 0.075, 0.0750000001, math.exp(-25)]
    tails = np.concatenate([10.0 ** -np.arange(1.0, 308.0, 4.0), borders])
    p = np.concatenate([np.linspace(0.001, 0.999, 400), tails, 1.0 - tails[tails > 2.0**-53]])
    with mpmath.workdps(60):
        for probability, got in zip(p, normal.quantile(p), strict=True):
            exact = mpmath_quantile(mpmath.mpf(float(probability)))
            # PPND16 claims 1e-16; two Horner chains with coefficients of one sign, a division and a product add to it.
            # The middle formula subtracts 1/2 from p exactly, so that there is no cancellation.
            assert abs(got - exact) <= ULP * np.finfo(float).eps * abs(exact), probability


def mpmath_quantile(p: mpmath.mpf) -> mpmath.mpf:
    """Return the root of Φ(x) = p by Newton's method on log Φ, from the library's own float64 guess."""
    if p == 0.5:
        return mpmath.mpf(0)
    sign, tail = (1, p) if p < 0.5 else (-1, 1 - p)
    x = mpmath.mpf(statistics.NormalDist().inv_cdf(float(tail)))
    for _ in range(6):
        probability = mpmath.erfc(-x / mpmath.sqrt(2)) / 2
        x -= mpmath.log(probability / tail) * probability / mpmath.npdf(x)
    return sign * x


def test_agrees_with_the_standard_library() -> None:
    python = statistics.NormalDist()
    p = np.linspace(0.0005, 0.9995, 2000)
    x = np.linspace(-5.0, 5.0, 500)
    np.testing.assert_allclose(normal.quantile(p), [python.inv_cdf(v) for v in p], rtol=1e-15, atol=1e-16)
    np.testing.assert_allclose(normal.cdf(x), [python.cdf(v) for v in x], rtol=0, atol=4e-16)


def test_own_logarithm_is_good_to_two_ulp() -> None:
    x = np.concatenate([np.geomspace(5e-324, 0.08, 3000), [2.2250738585072014e-308, math.sqrt(0.5) / 16]])
    with mpmath.workdps(40):
        for value, got in zip(x, normal._logarithm(x), strict=True):
            exact = mpmath.log(mpmath.mpf(float(value)))
            assert abs(got - exact) <= 2.0 * np.finfo(float).eps * abs(exact)


def test_quantile_uses_no_operation_but_those_that_ieee_rounds() -> None:
    """The same steps, one number at a time in Python's own float64, give the same bits."""

    def horner(coefficients: list[float], x: float) -> float:
        value = coefficients[0]
        for coefficient in coefficients[1:]:
            value = value * x + coefficient
        return value

    def one(p: float) -> float:
        q = p - 0.5
        if abs(q) <= 0.425:
            r = 0.180625 - q * q
            return q * (horner(normal._QUANTILE_MIDDLE[0], r) / horner(normal._QUANTILE_MIDDLE[1], r))
        m, e = math.frexp(p if q < 0 else 1.0 - p)
        if m < 0.70710678118654752440:
            m, e = m * 2.0, e - 1
        s = (m - 1.0) / (m + 1.0)
        series = horner([1.0 / k for k in range(21, 0, -2)], s * s)
        log = e * 0.69314718036912381649 + (e * 1.9082149292705877e-10 + (2.0 * s) * series)
        r = math.sqrt(-log)
        top, bottom = normal._QUANTILE_NEAR if r <= 5.0 else normal._QUANTILE_FAR
        r -= 1.6 if r <= 5.0 else 5.0
        return math.copysign(horner(top, r) / horner(bottom, r), q)

    p = np.concatenate([np.random.default_rng(0).random(3000), 10.0 ** -np.arange(1.0, 300.0)])
    assert normal.quantile(p).tolist() == [one(v) for v in p.tolist()]


@pytest.mark.parametrize("dtype", DTYPES)
def test_limits_nan_dtype_shape_and_purity(dtype: type) -> None:
    x = np.array([[-np.inf, np.inf, np.nan], [-1e4, 1e4, np.finfo(dtype).max]], dtype=dtype)
    kept = x.copy()
    np.testing.assert_array_equal(normal.cdf(x), np.array([[0, 1, np.nan], [0, 1, 1]], dtype=dtype))
    np.testing.assert_array_equal(normal.density(x), np.array([[0, 0, np.nan], [0, 0, 0]], dtype=dtype))
    p = np.array([0.0, 0.5, 1.0, np.nan], dtype=dtype)
    np.testing.assert_array_equal(normal.quantile(p), np.array([-np.inf, 0, np.inf, np.nan], dtype=dtype))
    np.testing.assert_array_equal(x, kept)
    for function in (normal.cdf, normal.density, normal.quantile):
        assert function(np.full((2, 3), 0.5, dtype=dtype)).dtype == dtype
        assert function(np.full((2, 3), 0.5, dtype=dtype)).shape == (2, 3)
        assert function(np.empty((0, 3), dtype=dtype)).shape == (0, 3)
        assert function(dtype(0.5)).shape == ()


def test_symmetry_is_exact() -> None:
    p = np.arange(1, 2**12, 2) / 2**13
    np.testing.assert_array_equal(normal.quantile(p), -normal.quantile(1.0 - p))


@pytest.mark.parametrize("bad", [-0.1, 1.0000001, np.inf, -np.inf])
def test_quantile_refuses_what_is_no_probability(bad: float) -> None:
    with pytest.raises(OptionError, match="numbers from 0 to 1"):
        normal.quantile([0.5, bad])
