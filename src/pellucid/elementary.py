"""Exponential, logarithm, power and cosine by exact operations: the same bits on every machine.

A library's functions of these names, NumPy's among them, change their last bits with the processor, and with them what
is made of them: a learning rate, a first bias, the epoch that counts as the best. These use only what is rounded in one
way everywhere: +, -, *, / of IEEE 754 in a written order, splitting off and putting back the exponent, and Python's
decimal arithmetic. All are within 2 units in the last place.
"""

from __future__ import annotations

import math
from decimal import Context, Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

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


def logarithm(x: float) -> float:
    """Return log x for positive x, computed with 30 digits.

    >>> logarithm(2.0)
    0.6931471805599453
    """
    return float(_DIGITS.ln(Decimal(x)))


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
