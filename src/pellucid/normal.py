"""The normal distribution is the bell curve: its density, its cumulative probability and its quantile, on arrays.

`quantile` turns uniform numbers into normal ones. It uses only operations that IEEE 754 rounds correctly (+, -, *, /,
square root, and splitting off the exponent), each in a written order, so that C compiled without contraction
(``-ffp-contract=off``) draws the same bits. `cdf` and `density` use NumPy's exponential and are good to a few units in
the last place. All three compute in float64 and round once to the dtype that they were given.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pellucid.errors import OptionError

__all__ = ["cdf", "density", "quantile"]

Array = NDArray[np.floating[Any]]
Doubles = NDArray[np.float64]

_BEYOND = 40.0  # Φ(-40) and exp(-40²/2) are zero even among the subnormal float64 numbers
_ONE_OVER_SQRT_2PI = 0.39894228040143267794


def density(x: ArrayLike) -> Array:
    """Return the standard normal density, φ(x) = exp(-x²/2) / √(2π).

    x : array of any shape, float32 or float64; the result has its shape and dtype, and NaN stays NaN.

    >>> f"{density(0.0):.15f}"
    '0.398942280401433'
    """
    given = _floating(x)
    return _rounded(_bell(_distance(given)) * _ONE_OVER_SQRT_2PI, given)


def cdf(x: ArrayLike) -> Array:
    """Return the standard normal cumulative probability, Φ(x) = P(Z <= x).

    x : array of any shape, float32 or float64; the result has its shape and dtype. Φ(-∞) = 0, Φ(∞) = 1, and NaN stays
    NaN. The lower tail keeps its relative accuracy down to where it underflows, at about x = -38.5 in float64.

    Source: W. J. Cody, "Rational Chebyshev approximations for the error function", Mathematics of Computation 23
    (1969) 631-637, in the form for Φ of Algorithm 715, ACM Transactions on Mathematical Software 19 (1993) 22-32.

    >>> f"{cdf(-1.96):.15f}"
    '0.024997895148220'
    """
    given = _floating(x)
    y = _distance(given)
    signed = np.copysign(y, given)
    probability = np.empty_like(y)

    middle = y <= 0.67448975  # between the quartiles: Φ(x) = 1/2 + x R(x²)
    far = y > math.sqrt(32.0)
    side = ~(middle | far)  # NaN comes here and stays NaN

    v = signed[middle]
    probability[middle] = 0.5 + v * _ratio(CDF_MIDDLE, v * v)
    v = y[side]
    probability[side] = _bell(v) * _ratio(CDF_SIDE, v)
    v = y[far]
    square = 1.0 / (v * v)
    probability[far] = _bell(v) * (_ONE_OVER_SQRT_2PI - square * _ratio(CDF_FAR, square)) / v

    upper = ~middle & (signed > 0.0)  # so far the tail beyond |x| stands there
    probability[upper] = 1.0 - probability[upper]
    return _rounded(probability, given)


def quantile(p: ArrayLike) -> Array:
    """Return the number below which a standard normal variable lies with probability ``p``, Φ⁻¹(p).

    p : array of any shape of probabilities from 0 to 1, float32 or float64; the result has its shape and dtype.
    Φ⁻¹(0) = -∞, Φ⁻¹(1) = ∞, and NaN stays NaN. The relative error is about 1e-16 before rounding.

    Raises `OptionError` for a number outside [0, 1].

    Source: M. J. Wichura, "Algorithm AS 241: The percentage points of the normal distribution", Applied Statistics 37
    (1988) 477-484, the version for 16 digits (PPND16).

    >>> f"{quantile(0.975):.15f}"
    '1.959963984540054'
    """
    given = _floating(p)
    wide = given.astype(np.float64)
    outside = (wide < 0.0) | (wide > 1.0)
    if outside.any():
        raise OptionError(
            f"quantile: p got {float(wide[outside][0])!r}; it expects probabilities, numbers from 0 to 1. "
            "Divide counts by their sum, or percentages by 100."
        )
    q = wide - 0.5
    result = np.empty_like(wide)

    middle = np.abs(q) <= 0.425
    v = q[middle]
    result[middle] = v * _ratio(_QUANTILE_MIDDLE, 0.180625 - v * v)

    rest = ~middle  # NaN comes here and stays NaN
    tail = np.where(q < 0.0, wide, 1.0 - wide)[rest]  # exact: 1 - p is, for p of at least 1/2
    r = np.sqrt(-_logarithm(tail))
    near = r <= 5.0
    value = np.empty_like(r)
    value[near] = _ratio(_QUANTILE_NEAR, r[near] - 1.6)
    value[~near] = _ratio(_QUANTILE_FAR, r[~near] - 5.0)
    value[tail == 0.0] = np.inf
    result[rest] = np.copysign(value, q[rest])
    return _rounded(result, given)


def _logarithm(x: Doubles) -> Doubles:
    """Return log(x) for positive x, by exact operations in a fixed order.

    With x = m 2ᵉ and √½ <= m < √2, log x = e log 2 + log m, and log m = 2 (s + s³/3 + s⁵/5 + ...) where
    s = (m - 1)/(m + 1). As s² < 0.0295, eleven terms leave a relative error below 2⁻⁵⁵. The upper part of log 2 has 32
    bits, so that its product with e is exact.
    """
    mantissa, exponent = np.frexp(x)
    low = mantissa < _SQRT_HALF
    m = np.where(low, mantissa * 2.0, mantissa)
    e = (exponent - low).astype(np.float64)
    s = (m - 1.0) / (m + 1.0)
    return e * _LOG_2_UPPER + (e * _LOG_2_LOWER + (2.0 * s) * _polynomial(_ATANH, s * s))


def _bell(y: Doubles) -> Doubles:
    """Return exp(-y²/2) for y >= 0 without the loss of y²'s last bits, which the exponential would magnify.

    With c = y cut to a multiple of 1/16, c² is exact and y² = c² + (y - c)(y + c) has a small second term.
    """
    c = np.trunc(y * 16.0) * 0.0625
    return np.exp(c * c * -0.5) * np.exp((y - c) * (y + c) * -0.5)


def _polynomial(coefficients: Sequence[float], x: Doubles) -> Doubles:
    """Return a polynomial's value by Horner's rule, the highest power's coefficient first."""
    value = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        value = value * x + coefficient
    return value


def _ratio(fraction: tuple[Sequence[float], Sequence[float]], x: Doubles) -> Doubles:
    numerator, denominator = fraction
    return _polynomial(numerator, x) / _polynomial(denominator, x)


def _distance(x: Array) -> Doubles:
    """Return |x|, cut where the bell curve has underflowed, so that no square overflows; NaN stays NaN."""
    return np.minimum(np.abs(x.astype(np.float64)), _BEYOND)


def _floating(x: ArrayLike) -> Array:
    array = np.asarray(x)
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)


def _rounded(value: Doubles, given: Array) -> Array:
    result: Array = value.astype(given.dtype, copy=False)[()]  # a number for a number
    return result


_SQRT_HALF = 0.70710678118654752440
_LOG_2_UPPER = float.fromhex("0x1.62e42feep-1")
_LOG_2_LOWER = 1.9082149292705877000e-10
_ATANH = [1.0 / k for k in range(21, 0, -2)]

# Coefficients of Algorithm 715, the highest power first.
CDF_MIDDLE = (
    [
        0.065682337918207449113,
        2.2352520354606839287,
        161.02823106855587881,
        1067.6894854603709582,
        18154.981253343561249,
    ],
    [1.0, 47.20258190468824187, 976.09855173777669322, 10260.932208618978205, 45507.789335026729956],
)
CDF_SIDE = (
    [
        1.0765576773720192317e-8,
        0.39894151208813466764,
        8.8831497943883759412,
        93.506656132177855979,
        597.27027639480026226,
        2494.5375852903726711,
        6848.1904505362823326,
        11602.651437647350124,
        9842.7148383839780218,
    ],
    [
        1.0,
        22.266688044328115691,
        235.38790178262499861,
        1519.377599407554805,
        6485.558298266760755,
        18615.571640885098091,
        34900.952721145977266,
        38912.003286093271411,
        19685.429676859990727,
    ],
)
CDF_FAR = (
    [
        0.02307344176494017303,
        0.21589853405795699,
        0.1274011611602473639,
        0.022235277870649807,
        0.001421619193227893466,
        2.9112874951168792e-5,
    ],
    [
        1.0,
        1.28426009614491121,
        0.468238212480865118,
        0.0659881378689285515,
        0.00378239633202758244,
        7.29751555083966205e-5,
    ],
)

# Coefficients of Algorithm AS 241 (PPND16), the highest power first.
_QUANTILE_MIDDLE = (
    [
        2.5090809287301226727e3,
        3.3430575583588128105e4,
        6.7265770927008700853e4,
        4.5921953931549871457e4,
        1.3731693765509461125e4,
        1.9715909503065514427e3,
        1.3314166789178437745e2,
        3.3871328727963666080,
    ],
    [
        5.2264952788528545610e3,
        2.8729085735721942674e4,
        3.9307895800092710610e4,
        2.1213794301586595867e4,
        5.3941960214247511077e3,
        6.8718700749205790830e2,
        4.2313330701600911252e1,
        1.0,
    ],
)
_QUANTILE_NEAR = (
    [
        7.74545014278341407640e-4,
        2.27238449892691845833e-2,
        2.41780725177450611770e-1,
        1.27045825245236838258,
        3.64784832476320460504,
        5.76949722146069140550,
        4.63033784615654529590,
        1.42343711074968357734,
    ],
    [
        1.05075007164441684324e-9,
        5.47593808499534494600e-4,
        1.51986665636164571966e-2,
        1.48103976427480074590e-1,
        6.89767334985100004550e-1,
        1.67638483018380384940,
        2.05319162663775882187,
        1.0,
    ],
)
_QUANTILE_FAR = (
    [
        2.01033439929228813265e-7,
        2.71155556874348757815e-5,
        1.24266094738807843860e-3,
        2.65321895265761230930e-2,
        2.96560571828504891230e-1,
        1.78482653991729133580,
        5.46378491116411436990,
        6.65790464350110377720,
    ],
    [
        2.04426310338993978564e-15,
        1.42151175831644588870e-7,
        1.84631831751005468180e-5,
        7.86869131145613259100e-4,
        1.48753612908506148525e-2,
        1.36929880922735805310e-1,
        5.99832206555887937690e-1,
        1.0,
    ],
)
