"""The derivative check: a learner's derivative beside finite differences of the function, with the mistake named."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from pellucid.activations import Activation, Elementwise
from pellucid.errors import DataError, OptionError
from pellucid.insight.checker.rendering import Rendered, Table
from pellucid.insight.checker.report import COLORS, KNOWN, RIGHT, UNKNOWN
from pellucid.insight.checker.slopes import GRID, Slopes, evaluate, slopes
from pellucid.layers.base import Array
from pellucid.options import registered

Candidate: TypeAlias = tuple[str, str, str, Array, Array, Any]

NOTHING = ("", "", "")

FEWEST_POINTS = 4
"""From fewer points no fault is named: almost anything goes through one or two."""

N_POINTS = 5


@dataclass(frozen=True)
class Point:
    """A point of the check: yours, and the slope, which at a corner may be anything from ``low`` to ``high``."""

    x: float
    yours: float | None
    low: float
    high: float
    right: bool


@dataclass(frozen=True, repr=False)
class DerivativeReport(Rendered):
    """The verdict on a derivative; true where it is right.

    Attributes
    ----------
    verdict : ``"right"``, ``"known fault"`` or ``"unknown fault"``
    fault, title, mend : the fault's name, what went wrong in words, and the line that mends it; or ""
    first : the smallest x at which it is wrong, or None
    error : the largest difference, relative to the largest slope
    points : every point that was checked
    notes : what else was seen
    """

    verdict: str
    fault: str
    title: str
    mend: str
    first: float | None
    error: float | None
    points: tuple[Point, ...]
    notes: tuple[str, ...]

    def __bool__(self) -> bool:
        return self.verdict == RIGHT

    @property
    def color(self) -> str:  # type: ignore[override]
        """The color of the verdict."""
        return COLORS[self.verdict]

    def _sentence(self) -> str:
        count = f"{len(self.points)} points from {self.points[0].x:g} to {self.points[-1].x:g}"
        if self:
            return f"Your derivative is right at all {count} (largest relative difference {self.error:.1e})."
        wrong = sum(not point.right for point in self.points)
        known = "and the fault is known" if self.verdict == KNOWN else "in a way that is not among the known faults"
        return f"Your derivative is wrong at {wrong} of {count}, first at x = {self.first:g}, {known}."

    def _blocks(self) -> list[list[str] | Table]:
        blocks: list[list[str] | Table] = [[self.title, f"  mend:  {self.mend}"]] if self.title else []
        wrong = [point for point in self.points if not point.right]
        wrong.sort(key=lambda point: -np.inf if point.yours is None else -abs(point.yours - point.low))
        rows = []
        for point in wrong[:N_POINTS]:
            slope = f"{point.low:.8g}" if point.low == point.high else f"{point.low:.8g} to {point.high:.8g}"
            rows.append([f"x = {point.x:g}", "not finite" if point.yours is None else f"{point.yours:.8g}", slope])
        return [
            *blocks,
            *([Table(["point", "yours", "right"], rows)] if rows else []),
            *([note] for note in self.notes),
        ]


def check_derivative(f: Callable[[Any], Any], df: Callable[[Any], Any], x: Any = None) -> DerivativeReport:
    """Check a derivative of your own against finite differences; where it is wrong, name the fault and its mend.

    Parameters
    ----------
    f, df : a function of numbers and its derivative, both given z (not the output); an array in, an array out, or one
        number in, one number out
    x : (n_points,) where to look; by default 53 points from -800 to 800 that include the usual corners and saturation.
        Where f itself is not finite nothing is checked; at a corner any slope between those of its two sides is right.

    Raises `OptionError` for what is no function, and `DataError` for points or values that are no numbers, and for a
    function whose outputs depend on each other, such as softmax.

    >>> import numpy as np
    >>> from pellucid import check_derivative
    >>> def sigmoid(z): return 1 / (1 + np.exp(-z))
    >>> check_derivative(sigmoid, lambda z: sigmoid(z) * (1 - sigmoid(z))).verdict
    'right'
    >>> report = check_derivative(sigmoid, lambda x: x * (1 - x))
    >>> report.fault
    'written_for_the_output'
    """
    for name, value in (("f", f), ("df", df)):
        if not callable(value):
            raise OptionError(f"check_derivative: {name} got {value!r}; it expects a function, such as np.tanh.")
    found = slopes(f, _points(x))
    if not found.x.size:
        raise DataError("check_derivative: f is not finite at any of the points; pass x where it is, such as x=[1, 2].")
    _refuse_coupled(f, found.x)
    yours = evaluate(df, found.x, "df")
    low = np.where(found.bends, np.minimum(found.left, found.right), found.middle)
    high = np.where(found.bends, np.maximum(found.left, found.right), found.middle)
    right = (yours >= low - found.error) & (yours <= high + found.error) | found.jumps
    scale = float(np.abs(found.middle[~found.jumps]).max(initial=0)) or 1.0
    finite = np.isfinite(yours)
    off = np.maximum(np.maximum(low - yours, yours - high), 0)[~found.jumps]
    points = tuple(
        Point(float(at), float(mine) if ok else None, float(lo), float(hi), bool(good))
        for at, mine, ok, lo, hi, good, jump in zip(
            found.x, yours, finite, low, high, right & finite, found.jumps, strict=True
        )
        if not jump
    )
    wrong = [point.x for point in points if not point.right]
    fault, title, mend = _named(f, df, found, yours, right & finite) if wrong else NOTHING
    notes = tuple(f"f jumps at x = {at:g}: it has no derivative there." for at in found.x[found.jumps])
    return DerivativeReport(
        verdict=(KNOWN if fault else UNKNOWN) if wrong else RIGHT,
        fault=fault,
        title=title,
        mend=mend,
        first=min(wrong, default=None),
        error=float(off.max(initial=0)) / scale if finite.all() else None,
        points=points,
        notes=notes,
    )


def _points(x: Any) -> Array:
    if x is None:
        return GRID
    try:
        points = np.asarray(x, dtype=np.float64).ravel()
    except (TypeError, ValueError):
        points = np.array([np.nan])
    if not points.size or not np.isfinite(points).all():
        raise DataError(f"check_derivative: x got {x!r}; it expects finite numbers, such as np.linspace(-3, 3, 13).")
    return np.unique(points)


def _refuse_coupled(f: Callable[[Any], Any], x: Array) -> None:
    alone = np.array([evaluate(f, x[i : i + 1], "f")[0] for i in range(len(x))])
    together = evaluate(f, x, "f")
    if not np.allclose(alone, together, rtol=1e-9, atol=1e-12):
        raise DataError(
            "check_derivative: f gives other values for the same numbers when they come together, as softmax does: its "
            "outputs depend on all of its inputs, so one derivative per number does not describe it. Check the whole "
            "pass with compare_backward."
        )


def _named(
    f: Callable[[Any], Any], df: Callable[[Any], Any], found: Slopes, yours: Array, right: Array
) -> tuple[str, str, str]:
    """Return name, title and mend of the first known fault that fits at all points with one slope."""
    if not np.isfinite(yours).all():
        at = found.x[~np.isfinite(yours)][0]
        return (
            "not_finite",
            f"df is not finite at x = {at:g}, though f is: something overflows where the function is saturated",
            "a = f(z), and df in terms of a: no exponential of a large number is left",
        )
    smooth = found.smooth
    if right[smooth].all():
        corner = found.x[~right][0]
        i = int(np.flatnonzero(found.x == corner)[0])
        return (
            "wrong_at_a_corner",
            f"right everywhere but at the corner x = {corner:g}, where any number between the slopes of the two sides "
            f"would do",
            f"df({corner:g}) = {found.left[i]:g} or {found.right[i]:g}",
        )
    if smooth.sum() < FEWEST_POINTS:
        return NOTHING
    on_one_side = _one_side(found, yours, right)
    candidates = [] if on_one_side else [_of_other_functions(found, yours)]
    for name, title, mend, predicted, mine, share in itertools.chain(_candidates(f, df, found, yours), *candidates):
        allowed = np.abs(share) * found.error[smooth] + 1e-9 * np.maximum(np.abs(predicted), np.abs(mine))
        if np.isfinite(predicted).all() and (np.abs(predicted - mine) <= allowed).all():
            return name, title, mend
    return on_one_side or NOTHING


def _candidates(f: Callable[[Any], Any], df: Callable[[Any], Any], found: Slopes, yours: Array) -> Iterator[Candidate]:
    """Yield name, title, mend, what the fault predicts, what that is compared with, and how it magnifies errors."""
    smooth = found.smooth
    x, y, slope, mine = (values[smooth] for values in (found.x, found.value, found.middle, yours))
    yield "sign_turned", "the sign is turned", "df = -df", -slope, mine, 1.0
    yield (
        "written_for_the_output",
        "df is written in terms of the output a = f(z), but was given z; called with f(z) it is right",
        "df(f(z))   # as both tutorials call it: sigmoid_derivative(output)",
        slope,
        evaluate(df, y, "df"),
        1.0,
    )
    inner = slopes(f, y)
    if inner.x.size == y.size:
        title = "df takes the derivative at the output: f is applied twice"
        yield "function_applied_twice", title, "the slope at z, not at f(z)", inner.middle, mine, 1.0 + inner.error
    factors = {"f(z)": y, "1 - f(z)": 1 - y, "1 + f(z)": 1 + y, "z": x, "2 * z": 2 * x}
    for text, factor in factors.items():
        title, mend = f"the factor {text} is missing", f"df = df * ({text})"
        yield "factor_missing", title, mend, slope, mine * factor, 1.0
    yield "square_missing", "a square is missing", "df = df**2", slope, mine**2, 1.0
    yield "value_for_derivative", "this is f itself, not its derivative", "the slope of f, not its value", y, mine, 0.0
    for text, factor in {"f(z)": y, "1 - f(z)": 1 - y, "the derivative itself": slope, "z": x}.items():
        title, mend = f"there is a factor too many: {text}", "leave it out"
        yield "factor_too_many", title, mend, slope * factor, mine, np.abs(factor) + np.abs(slope)
    constant = float(mine @ slope / (slope @ slope)) if slope @ slope else 0.0
    if constant:
        title = f"df is {constant:.6g} times the slope everywhere: a constant factor {1 / constant:.6g} is missing"
        yield "constant_factor", title, f"df = {1 / constant:.6g} * df", constant * slope, mine, abs(constant)
    shift = float(np.median(mine - slope))
    title = f"df is {shift:.6g} more than the slope everywhere: a constant was added"
    yield "constant_added", title, "the derivative of a constant is 0", slope + shift, mine, 1.0


def _of_other_functions(found: Slopes, yours: Array) -> Iterator[Candidate]:
    """Yield the derivatives of the library's own activations."""
    x, mine = found.x[found.smooth], yours[found.smooth]
    for other in registered(Activation).values():  # type: ignore[type-abstract]
        if issubclass(other, Elementwise):
            function = other()
            title = f"this is the derivative of {other.__name__}, and f is another function"
            predicted = function.derivative(x, function.value(x))
            yield "derivative_of_another_function", title, "differentiate f", predicted, mine, 0.0


def _one_side(found: Slopes, yours: Array, right: Array) -> tuple[str, str, str] | None:
    """Return the fault of being wrong on one side of 0 only."""
    smooth = found.smooth
    for side, other, text in ((found.x < 0, found.x > 0, "z < 0"), (found.x > 0, found.x < 0, "z > 0")):
        if (smooth & side & ~right).any() and (smooth & other).any() and right[smooth & other].all():
            i = int(np.flatnonzero(smooth & side & ~right)[0])
            title = (
                f"right on one side of 0, wrong where {text}: at {found.x[i]:g} it is {yours[i]:.6g}, and the slope "
            )
            title += f"{found.middle[i]:.6g}"
            return "wrong_on_one_side", title, f"look at the branch for {text}"
    return None
