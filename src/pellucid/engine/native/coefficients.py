"""The coefficients of `mathematics.h` are minimax polynomials, which this script finds and prints as `coefficients.h`.

    python coefficients.py > coefficients.h        (needs mpmath; seconds)

Each polynomial p of degree n makes the greatest of w(x) |g(x) - p(x)| on an interval as small as it can be, where the
weight w turns an error of p into a relative error of the final result. Such a p has n + 2 points at which that error is
greatest and alternates in sign; the exchange method starts with a guess of the points, solves for p, moves the points
to where its error is greatest, and repeats. The degree is the lowest that reaches the precision asked for.

Source: E. Y. Remez, "Sur la détermination des polynômes d'approximation de degré donnée", Comm. Soc. Math. Kharkov 10
(1934) 41-63; N. Brisebarre and J.-M. Muller, "Elementary functions", 3rd edition, 2016, chapter 3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import mpmath  # type: ignore[import-untyped]
from mpmath import mp, mpf

Function = Callable[[Any], Any]

PRECISIONS = {"f32": (24, "float", "f"), "f64": (53, "double", "")}
# Φ's variable is 1 / (1 + slope a): a power of two keeps slope a exact; 1/4 needs the lowest degree, while with 1/2 the
# polynomial is flatter and passes on less of its variable's rounding.
CDF_SLOPE = {"f32": mpf("0.5"), "f64": mpf("0.25")}
CDF_END = {"f32": mpf("14.5"), "f64": mpf("38.75")}  # Φ(-a) rounds to zero beyond


def minimax(g: Function, w: Function, low: Any, high: Any, degree: int) -> tuple[list[Any], Any]:
    """Return the coefficients of p, constant first, and the greatest weighted error."""
    n = degree + 2
    grid = [(low + high - (high - low) * mpmath.cospi(mpf(i) / (24 * n))) / 2 for i in range(24 * n + 1)]
    grid = [x for x in grid if w(x) != 0]
    values, weights = [g(x) for x in grid], [w(x) for x in grid]
    chosen = [round((len(grid) - 1) * i / (n - 1)) for i in range(n)]
    for _ in range(30):
        rows = [[grid[i] ** k for k in range(degree + 1)] + [(-1) ** j / weights[i]] for j, i in enumerate(chosen)]
        solution = mpmath.lu_solve(mpmath.matrix(rows), mpmath.matrix([values[i] for i in chosen]))
        p = list(solution[: degree + 1])
        errors = [w * (v - horner(p, x)) for w, v, x in zip(weights, values, grid, strict=True)]
        peaks = _alternating_peaks(errors, n)
        worst = max(abs(e) for e in errors)
        if len(peaks) < n or worst < abs(solution[degree + 1]) * mpf("1.0001"):
            break
        chosen = peaks
    return p, worst


def _alternating_peaks(errors: Sequence[Any], n: int) -> list[int]:
    """Return the indices of n errors of alternating sign: the greatest of each run of one sign, fewer at the ends."""
    peaks: list[int] = []
    for i, e in enumerate(errors):
        if peaks and (e > 0) == (errors[peaks[-1]] > 0):
            if abs(e) > abs(errors[peaks[-1]]):
                peaks[-1] = i
        else:
            peaks.append(i)
    while len(peaks) > n:
        peaks.pop(0 if abs(errors[peaks[0]]) < abs(errors[peaks[-1]]) else -1)
    return peaks


def horner(p: Sequence[Any], x: Any) -> Any:
    """Return p(x)."""
    value = mpf(0)
    for c in reversed(p):
        value = value * x + c
    return value


def lowest_degree(g: Function, w: Function, low: Any, high: Any, bits: float, first: int) -> tuple[list[Any], Any]:
    """Return the polynomial of the lowest degree, from ``first`` on, with an error below 2^-bits."""
    degree = first
    while True:
        p, error = minimax(g, w, low, high, degree)
        if error < mpf(2) ** -bits:
            return p, error
        degree += 1


def polynomials(kind: str, bits: int) -> dict[str, tuple[str, list[Any], Any]]:
    """Return for each name its meaning, coefficients and error."""
    wide = bits > 24
    half = mpmath.log(2) / 2 * (1 + mpf(2) ** -10)  # a rounded quotient may pass the middle between two integers
    s_end = ((mpmath.sqrt(2) - 1) / (mpmath.sqrt(2) + 1)) * (1 + mpf(2) ** -10)
    eighth = mpf(1) / 8
    tiny = mpf(2) ** -40  # the functions below are 0/0 at 0; this near to it they are their limits
    slope, end = CDF_SLOPE[kind], CDF_END[kind]

    def exp(x: Any) -> Any:
        return (mpmath.exp(x) - 1 - x) / x**2

    def log(z: Any) -> Any:
        s = mpmath.sqrt(z)
        return (2 * mpmath.atanh(s) / s - 2) / z

    def tanh(z: Any) -> Any:
        x = mpmath.sqrt(z)
        return (mpmath.tanh(x) / x - 1) / z

    def cos(z: Any) -> Any:
        return (mpmath.cospi(2 * mpmath.sqrt(z)) - 1) / z

    def sin(z: Any) -> Any:
        u = mpmath.sqrt(z)
        return (mpmath.sinpi(2 * u) / u - 2 * mp.pi) / z

    def mills(t: Any) -> Any:
        """(1 + slope a) Φ(-a) exp(a²/2) with t = 2 / (1 + slope a) - 1."""
        a = (2 / (1 + t) - 1) / slope
        return (1 + slope * a) * mpmath.erfc(a / mpmath.sqrt(2)) / 2 * mpmath.exp(a * a / 2)

    goal = bits + 4.5
    return {
        "exp": (
            "(exp r - 1 - r) / r^2 for |r| <= log(2)/2",
            *lowest_degree(exp, lambda r: abs(r), -half, half, goal, 8 if wide else 3),
        ),
        "log": (
            "(2 atanh(s) / s - 2) / s^2 in s^2, for s = f / (2 + f), sqrt(1/2) <= 1 + f <= sqrt(2)",
            *lowest_degree(log, lambda z: z / 2, tiny, s_end**2, goal, 6 if wide else 2),
        ),
        "tanh": (
            "(tanh(x) / x - 1) / x^2 in x^2, for |x| <= 5/8",
            *lowest_degree(tanh, lambda z: z, tiny, mpf("0.390625"), goal, 8 if wide else 3),
        ),
        "cos": (
            "(cos(2 pi u) - 1) / u^2 in u^2, for |u| <= 1/8",
            *lowest_degree(cos, lambda z: z, tiny, eighth**2, goal, 5 if wide else 2),
        ),
        "sin": (
            "(sin(2 pi u) / u - 2 pi) / u^2 in u^2, for |u| <= 1/8",
            *lowest_degree(sin, lambda z: z / 6, tiny, eighth**2, goal, 5 if wide else 2),
        ),
        "cdf": (
            f"(1 + a / {int(1 / slope)}) Phi(-a) exp(a^2/2) in t = 2 / (1 + a / {int(1 / slope)}) - 1, 0 <= a <= {end}",
            *lowest_degree(mills, lambda t: 1 / mills(t), 2 / (1 + slope * end) - 1, mpf(1), goal, 20 if wide else 9),
        ),
    }


def constants(kind: str, bits: int) -> dict[str, list[Any]]:
    """Return numbers that need more than one precision: each as itself rounded, then what is left of it."""
    exact = {"log_2": mpmath.log(2), "two_pi": 2 * mp.pi, "density_0": 1 / mpmath.sqrt(2 * mp.pi)}
    pairs = {}
    for name, value in exact.items():
        upper = rounded(value, bits)
        pairs[name] = [upper, rounded(value - upper, bits)]
    return {**pairs, "log2_e": [rounded(1 / mpmath.log(2), bits)]}


def rounded(x: Any, bits: int) -> Any:
    """Return x with a significand of ``bits`` bits."""
    with mpmath.workprec(bits):
        return +mpf(x)


def literal(x: Any, bits: int, suffix: str) -> str:
    """Return the C literal of x, rounded, which stands for it exactly."""
    return float(rounded(x, bits)).hex() + suffix


def main() -> None:
    """Print the header."""
    mp.dps = 45
    print(
        "/* Minimax polynomials and constants of mathematics.h, constant term first. Written by coefficients.py: change"
    )
    print("   that. Behind each polynomial stands its greatest error, relative to the final result. */")
    for kind, (bits, real, suffix) in PRECISIONS.items():
        print()
        for name, values in constants(kind, bits).items():
            body = ", ".join(literal(v, bits, suffix) for v in values)
            print(f"static const {real} {name}_{kind}[] = {{{body}}};")
        for name, (meaning, values, error) in polynomials(kind, bits).items():
            print(f"\n/* {meaning}; 2^{mpmath.nstr(mpmath.log(error, 2), 4)} */")
            print(f"static const {real} {name}_terms_{kind}[] = {{")
            for v in values:
                print(f"    {literal(v, bits, suffix)},")
            print("};")


if __name__ == "__main__":
    main()
