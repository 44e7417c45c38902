"""Exponential, logarithm, power, cosine and sum by exact operations: the same bits on every machine.

A library's functions of these names, NumPy's among them, change their last bits with the processor, and with them what
is made of them: a learning rate, a first bias, the epoch that counts as the best. These use only what is rounded in one
way everywhere: +, -, *, / of IEEE 754 in a written order, splitting off and putting back the exponent, and Python's
decimal arithmetic. All functions are within 2 units in the last place.
"""

from __future__ import annotations

import functools
import math
from decimal import Context, Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SQRT_HALF = 0.70710678118654752440
_LOG_2 = 0.69314718055994530942
_LOG_2_UPPER = float.fromhex("0x1.62e42feep-1")  # 32 bits, so that its product with a whole number is exact
_LOG_2_LOWER = 1.9082149292705877000e-10
_DIGITS = Context(prec=30)


def exponential(x: NDArray[Any]) -> NDArray[Any]:
    """Return eˣ, computed in float64 and rounded once to the dtype of ``x``; NaN stays NaN.

    With k the whole number next to x / log 2 and r = x - k log 2, |r| <= 0.347, eˣ = 2ᵏ eʳ. The Taylor polynomial of
    degree 13 leaves out less than 2⁻⁵⁷ of eʳ.

    >>> exponential(np.array([0.0, 1.0])).round(14).tolist()
    [1.0, 2.71828182845905]
    """
    wide = np.clip(x.astype(np.float64), -746.0, 710.0)  # beyond, the result is 0 or ∞ all the same
    k = np.rint(np.nan_to_num(wide) / _LOG_2)
    r = (wide - k * _LOG_2_UPPER) - k * _LOG_2_LOWER
    value = np.full_like(r, 1.0 / math.factorial(13))
    for power_of_r in range(12, -1, -1):
        value *= r
        value += 1.0 / math.factorial(power_of_r)
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(np.ldexp(value, k.astype(np.int32)).astype(x.dtype))


@functools.lru_cache(2**14)  # the networks of a population ask for those of the same moments of their schedules
def logarithm(x: float) -> float:
    """Return log x for positive x, computed with 30 digits.

    >>> logarithm(2.0)
    0.6931471805599453
    """
    return float(_DIGITS.ln(Decimal(x)))


def logarithms(x: NDArray[Any]) -> NDArray[Any]:
    """Return log x of each number, computed in float64 and rounded once to its dtype; log 0 is -∞, below it is NaN.

    With x = 2ᵏ (1 + f) and √½ <= 1 + f < √2, log x = k log 2 + log(1 + f). With s = f / (2 + f), |s| <= 0.1716,
    log(1 + f) = 2 artanh s = f - s (f - r) with r = 2 (s²/3 + s⁴/5 + ...), of which the powers above s²⁰ are less than
    2⁻⁵⁸; written as f - (f²/2 - s (f²/2 + r)), only small terms are rounded before the last subtraction.

    Source: fdlibm, e_log.c (Sun Microsystems, 1993), with the Taylor series in place of its fitted polynomial.

    >>> logarithms(np.array([1.0, 2.0, 0.0])).tolist()
    [0.0, 0.6931471805599453, -inf]
    """
    wide = x.astype(np.float64)
    ordinary = (wide > 0) & (wide < np.inf)
    mantissa, exponent = np.frexp(np.where(ordinary, wide, 1.0))
    low = mantissa < _SQRT_HALF
    f = mantissa * (1.0 + low) - 1.0
    k = (exponent - low).astype(np.float64)
    s = f / (2.0 + f)
    square = s * s
    r = np.full_like(s, 2.0 / 21)
    for divisor in range(19, 1, -2):
        r *= square
        r += 2.0 / divisor
    r *= square
    half = 0.5 * f * f
    value = k * _LOG_2_UPPER - ((half - (s * (half + r) + k * _LOG_2_LOWER)) - f)
    if not ordinary.all():
        beyond = np.where(wide == 0, -np.inf, np.where(wide == np.inf, np.inf, np.nan))
        value = np.where(ordinary, value, beyond)
    return np.asarray(value.astype(x.dtype))


def total(values: NDArray[Any]) -> NDArray[Any]:
    """Return the sum over the last axis: the second half is added to the first, number by number, until one is left.

    What a library's sum makes of the same numbers depends on its version and the memory's layout; here the order is
    written. Rounding grows with the logarithm of the length.

    >>> total(np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])).tolist()
    [6.0, 15.0]
    """
    if values.shape[-1] == 0:
        return np.zeros(values.shape[:-1], values.dtype)
    while (length := values.shape[-1]) > 1:
        half = (length + 1) // 2
        upper = values[..., half:]
        values = values[..., :half].copy()
        values[..., : length - half] += upper
    return np.asarray(values[..., 0])


def power(base: float, exponent: float) -> float:
    """Return ``base ** exponent`` for a positive base: e to the power of exponent · log base, with 30 digits.

    >>> power(0.01, 0.5)
    0.1
    """
    return float(_DIGITS.exp(_DIGITS.multiply(Decimal(exponent), _DIGITS.ln(Decimal(base)))))


def cosine(turns: float) -> float:
    """Return the cosine of so many turns, cos(2π turns); quarters and halves give exactly 1, 0 and -1.

    The distance from the nearest whole turn, and all that is subtracted from it, is exact: cos 2πd = -cos 2π(½ - d)
    leaves at most a quarter, and cos 2πd = sin 2π(¼ - d) an eighth. There the Taylor polynomials of sine and cosine, to
    the powers 17 and 16, leave out less than 4e-19 and 2e-18.

    >>> [cosine(turns) for turns in (0.0, 0.25, 0.5)]
    [1.0, 0.0, -1.0]
    """
    distance = abs(turns - round(turns))
    sign, distance = (-1.0, 0.5 - distance) if distance > 0.25 else (1.0, distance)
    near = distance <= 0.125
    u = distance if near else 0.25 - distance
    square, rest = u * u, 0.0
    for coefficient in _COSINE if near else _SINE:
        rest = rest * square + coefficient
    return sign * (1.0 + square * rest if near else u * _TWO_PI + (u * _TWO_PI_LOWER + u * square * rest))


_TWO_PI, _TWO_PI_LOWER = 6.283185307179586, 2.4492935982947064e-16
# ± (2π)ⁿ / n! for n = 16, 14, ..., 2 and for n = 17, 15, ..., 3
_COSINE = [
    0.28200596845579123,
    -1.714390711088672,
    7.903536371318469,
    -26.4262567833744,
    60.24464137187666,
    -85.45681720669373,
    64.9393940226683,
    -19.739208802178716,
]
_SINE = [
    0.10422916220813984,
    -0.7181223017785006,
    3.819952584848282,
    -15.09464257682299,
    42.058693944897655,
    -76.70585975306139,
    81.60524927607506,
    -41.34170224039976,
]
