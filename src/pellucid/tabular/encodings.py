"""The encoding of one column of a table as columns of numbers, one class for each kind of column.

Everything is float64 arithmetic of IEEE 754's exact operations (+ - * / and square root) in a fixed order, without a
library's logarithm, sine or sum: the same table gives the same bits on every machine.
"""

from __future__ import annotations

import dataclasses
import functools
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from pellucid.errors import DataError
from pellucid.tabular.values import (
    MICROSECONDS_PER_DAY,
    number_text,
    parsed_numbers,
    to_booleans,
    to_moments,
    to_numbers,
    to_text,
)

if TYPE_CHECKING:
    import polars

CLIP = 3.0
FARTHEST = 2.0**30  # from there on z / sqrt(1 + z²) is exactly 1 in float64
SMALLEST_SCALE = 2.0**-1021  # its half is the smallest normal number, so halving it is exact
DAYS_IN_400_YEARS = 146_097  # the Gregorian calendar repeats after these
GROUPS = ("scaled", "bounded", "one_hot", "code")
UNKNOWN, MISSING, FIRST_LEVEL = 0, 1, 2


@dataclasses.dataclass(frozen=True)
class Feature:
    """One column of the encoded matrix: its name, and the group of columns that it stands with.

    "scaled" are numbers after scaling and smooth clipping; "bounded" are -1/+1, 0/1 indicators, and sines and cosines;
    "one_hot" are 0/1, one for each level; "code" is the number of a level.
    """

    name: str
    group: str


@dataclasses.dataclass(frozen=True)
class ColumnEncoding(ABC):
    """What fitting kept of one column, and how a column of that name becomes numbers."""

    kind: ClassVar[str]
    name: str
    missing_seen: bool

    @abstractmethod
    def features(self) -> list[Feature]:
        """Return the features, in the order in which `encode` returns their values."""

    @abstractmethod
    def encode(self, series: polars.Series) -> list[np.ndarray]:
        """Return the values of each feature, (n_rows,) each, float64 or whole numbers."""

    def to_json(self) -> dict[str, Any]:
        """Return the state as JSON data."""
        fields = dataclasses.asdict(self).items()
        return {
            "kind": self.kind,
            **{name: list(value) if isinstance(value, tuple) else value for name, value in fields},
        }

    def _indicator(self) -> list[Feature]:
        return [Feature(f"{self.name} is missing", "bounded")] if self.missing_seen else []


@dataclasses.dataclass(frozen=True)
class NumberEncoding(ColumnEncoding):
    """A number, centered at the median, scaled by the interquartile range, and smoothly clipped to -3..3.

        z = (x - center) / scale        y = 3 u / sqrt(1 + u²)  with u = z / 3

    A missing value takes the center, which is 0 here. With scale 0 (a constant column) everything is 0. The scale and
    the clip are those of RealMLP (Holzmüller, Grinsztajn, Steinwart: Better by default, 2024).
    """

    kind: ClassVar[str] = "number"
    center: float
    scale: float

    @classmethod
    def fit(cls, series: polars.Series) -> NumberEncoding:
        """Fit on a column; infinite values take no part in center and scale."""
        numbers = to_numbers(series)
        missing = np.isnan(numbers)
        center, scale = center_and_scale(numbers[np.isfinite(numbers)])
        return cls(series.name, bool(missing.any()), center, scale)

    def features(self) -> list[Feature]:
        return [Feature(self.name, "scaled"), *self._indicator()]

    def encode(self, series: polars.Series) -> list[np.ndarray]:
        numbers = to_numbers(series)
        encoded = [squeezed(numbers, self.center, self.scale)]
        return [*encoded, np.isnan(numbers)] if self.missing_seen else encoded


@dataclasses.dataclass(frozen=True)
class BooleanEncoding(ColumnEncoding):
    """A truth value: false is -1, true +1, missing 0."""

    kind: ClassVar[str] = "boolean"

    @classmethod
    def fit(cls, series: polars.Series) -> BooleanEncoding:
        return cls(series.name, bool(np.isnan(to_booleans(series)).any()))

    def features(self) -> list[Feature]:
        return [Feature(self.name, "bounded"), *self._indicator()]

    def encode(self, series: polars.Series) -> list[np.ndarray]:
        flags = to_booleans(series)
        missing = np.isnan(flags)
        encoded = [np.where(missing, 0.0, 2.0 * flags - 1.0)]
        return [*encoded, missing] if self.missing_seen else encoded


@dataclasses.dataclass(frozen=True)
class DateEncoding(ColumnEncoding):
    """A date or time: days since 1970-01-01 as a number, and its place in the year, the week and the day on a circle.

    The days (with their fraction) are scaled as `NumberEncoding` does. The place in the year is counted in the mean
    Gregorian year of 146097/400 = 365.2425 days, so it needs no calendar and stays within two days of the calendar's
    own; the place in the week starts on Monday. The time of day takes part where it differed among the rows of the fit.
    Each place, a fraction of a turn, becomes the sine and cosine of that turn. A missing date is 0 in all of them.
    """

    kind: ClassVar[str] = "date"
    center: float
    scale: float
    with_time: bool

    @classmethod
    def fit(cls, series: polars.Series) -> DateEncoding:
        moments, missing = to_moments(series)
        present = moments[~missing]
        times = present % MICROSECONDS_PER_DAY
        center, scale = center_and_scale(present / MICROSECONDS_PER_DAY)
        return cls(series.name, bool(missing.any()), center, scale, bool((times != times[:1]).any()))

    def _circles(self) -> list[str]:
        return ["year", "week", "day"] if self.with_time else ["year", "week"]

    def features(self) -> list[Feature]:
        waves = [f"{of} {wave}" for of in self._circles() for wave in ("sine", "cosine")]
        circles = [Feature(f"{self.name} ({wave})", "bounded") for wave in waves]
        return [Feature(self.name, "scaled"), *circles, *self._indicator()]

    def encode(self, series: polars.Series) -> list[np.ndarray]:
        moments, missing = to_moments(series)
        days = moments // MICROSECONDS_PER_DAY
        turns = {
            "year": (days * 400 % DAYS_IN_400_YEARS) / DAYS_IN_400_YEARS,
            "week": ((days + 3) % 7) / 7.0,  # 1970-01-01 was a Thursday
            "day": (moments % MICROSECONDS_PER_DAY) / MICROSECONDS_PER_DAY,
        }
        with_gaps = np.where(missing, np.nan, moments / MICROSECONDS_PER_DAY)
        encoded = [squeezed(with_gaps, self.center, self.scale)]
        for of in self._circles():
            encoded += [np.where(missing, 0.0, wave) for wave in sine_and_cosine(turns[of])]
        return [*encoded, missing] if self.missing_seen else encoded


@dataclasses.dataclass(frozen=True)
class CategoryEncoding(ColumnEncoding):
    """A category: ``levels`` are those known, in the order of their text; ``form`` is how they are written.

    - "binary", for two levels: -1 for the first, +1 for the second, 0 for an unknown or missing one
    - "one_hot": a 0/1 column for each level; all are 0 for an unknown one; a missing value has a column of its own
      where fitting met one, and is all 0 otherwise
    - "code": one column of codes for an embedding: 0 is an unknown or rare level, 1 a missing value, 2, 3, ... the
      levels
    """

    kind: ClassVar[str] = "category"
    levels: tuple[str, ...]
    form: str

    @classmethod
    def fit(cls, series: polars.Series, *, one_hot_limit: int, min_count: int) -> CategoryEncoding:
        """Fit on a column; a level in fewer than ``min_count`` rows counts as unknown."""
        text = to_text(series)
        counts = Counter({row[0]: row[1] for row in text.drop_nulls().value_counts().iter_rows()})
        levels = tuple(sorted(level for level, count in counts.items() if count >= min_count))
        form = "binary" if len(levels) == 2 else "one_hot" if len(levels) <= one_hot_limit else "code"
        return cls(series.name, text.null_count() > 0, levels, form)

    @property
    def n_codes(self) -> int:
        """The number of codes: the levels, the unknown and the missing."""
        return FIRST_LEVEL + len(self.levels)

    def features(self) -> list[Feature]:
        if self.form == "code":
            return [Feature(f"{self.name} (code)", "code")]
        if self.form == "binary":
            return [Feature(f"{self.name}={self.levels[1]}", "bounded"), *self._indicator()]
        hot = [f"{self.name}={level}" for level in self.levels]
        return [Feature(name, "one_hot") for name in ([*hot, f"{self.name} is missing"] if self.missing_seen else hot)]

    def codes(self, series: polars.Series) -> np.ndarray:
        """Return the code of each row, int64 (n_rows,): 0 unknown, 1 missing, 2, 3, ... the levels."""
        import polars as pl

        text = to_text(series)
        known = text.cast(_enumeration(self.levels), strict=False).to_physical()  # null where a text is no level
        codes = known.cast(pl.Float64).to_numpy() + FIRST_LEVEL
        codes = np.where(np.isnan(codes), UNKNOWN, codes).astype(np.int64)
        return codes if text.null_count() == 0 else np.where(text.is_null().to_numpy(), MISSING, codes)

    def encode(self, series: polars.Series) -> list[np.ndarray]:
        self._refuse_numbers(series)
        codes = self.codes(series)
        if self.form == "code":
            return [codes]
        missing = [codes == MISSING] if self.missing_seen else []
        if self.form == "binary":
            return [np.array([0.0, 0.0, -1.0, 1.0])[codes], *missing]
        return [*(codes == code for code in range(FIRST_LEVEL, self.n_codes)), *missing]

    def _refuse_numbers(self, series: polars.Series) -> None:
        """Raise `DataError` if the column holds numbers, and no level is the text of one."""
        import polars as pl

        if not series.dtype.is_numeric() or series.null_count() == len(series) or not self.levels:
            return
        held = series.drop_nulls()
        if parsed_numbers(pl.Series(self.levels)).null_count() == len(self.levels):
            levels = ", ".join(repr(level) for level in self.levels[:3])
            raise DataError(
                f"column {self.name!r} holds numbers ({series.dtype}), such as {number_text(held[0])}; it was fitted "
                f"on categories such as {levels}, none of which is a number: hand over the column that was fitted."
            )


@functools.lru_cache(maxsize=1024)
def _enumeration(levels: tuple[str, ...]) -> polars.Enum:
    import polars as pl

    return pl.Enum(levels)


ENCODINGS: dict[str, type[ColumnEncoding]] = {
    cls.kind: cls for cls in (NumberEncoding, BooleanEncoding, DateEncoding, CategoryEncoding)
}


def encoding_from_json(state: Mapping[str, Any]) -> ColumnEncoding:
    """Build the encoding that `ColumnEncoding.to_json` described."""
    fields: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in state.items() if name != "kind"
    }
    return ENCODINGS[state["kind"]](**fields)


def center_and_scale(numbers: np.ndarray) -> tuple[float, float]:
    """Return the median and the scale of finite numbers.

    The scale is q75 - q25; if that is 0, half of max - min; if that is 0 too, or there are no numbers, 0. A quantile q
    of n sorted numbers stands at position h = q (n - 1): a + (h - floor h)(b - a), with a and b the numbers beside it.

    >>> center_and_scale(np.array([1.0, 2.0, 4.0, 8.0, 100.0]))
    (4.0, 6.0)
    """
    if len(numbers) == 0:
        return 0.0, 0.0
    last = len(numbers) - 1
    positions = [fraction * last for fraction in (0.25, 0.5, 0.75)]
    around = {min(int(position) + step, last) for position in positions for step in (0, 1)}
    ordered = np.partition(0.5 * numbers, sorted(around | {0, last}))  # halves: no difference overflows

    def quantile(position: float) -> float:
        low = int(position)
        a, b = float(ordered[low]), float(ordered[min(low + 1, last)])
        return a + (position - low) * (b - a)

    q25, q50, q75 = (quantile(position) for position in positions)
    for half_scale in (q75 - q25, 0.5 * float(ordered[-1]) - 0.5 * float(ordered[0])):
        if half_scale >= 0.5 * SMALLEST_SCALE:
            return 2.0 * q50 + 0.0, 2.0 * min(half_scale, 0.5 * float(np.finfo(np.float64).max))
    return 2.0 * q50 + 0.0, 0.0


def squeezed(numbers: np.ndarray, center: float, scale: float) -> np.ndarray:
    """Return scaled and smoothly clipped numbers; NaN, a missing value, becomes 0 and ±inf exactly ±3.

    >>> squeezed(np.array([1.0, 4.0, np.inf, np.nan]), center=1.0, scale=1.0)
    array([0.        , 2.12132034, 3.        , 0.        ])
    """
    if scale == 0.0:
        return np.zeros(len(numbers))
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):  # beyond the range is far, and far is ±3
        u = (0.5 * numbers - 0.5 * center) / (0.5 * scale) / CLIP  # halves: the difference cannot overflow
        u = np.clip(np.where(np.isnan(numbers), 0.0, u), -FARTHEST, FARTHEST)
        return np.asarray(CLIP * (u / np.sqrt(1.0 + u * u)))


def sine_and_cosine(turns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return sine and cosine of fractions of a turn in [0, 1), within 2e-16.

    A turn is reduced to at most an eighth from the nearest quarter, which is exact, and the Taylor polynomials there,
    to the powers 17 and 16 by Horner's rule, leave out less than 4e-19 and 2e-18.

    >>> [wave.tolist() for wave in sine_and_cosine(np.array([0.0, 0.25, 0.5]))]
    [[0.0, 1.0, 0.0], [1.0, 0.0, -1.0]]
    """
    quarter = np.floor(4.0 * turns + 0.5)
    angle = 2.0 * np.pi * (turns - 0.25 * quarter)
    square = angle * angle
    sine, cosine = np.ones_like(angle), np.ones_like(angle)
    for power in range(16, 0, -2):
        sine = 1.0 - square / (power * (power + 1)) * sine
        cosine = 1.0 - square / (power * (power - 1)) * cosine
    sine = angle * sine
    which = quarter.astype(np.int64) % 4
    return (
        np.choose(which, [sine, cosine, -sine, -cosine]) + 0.0,  # + 0.0 turns -0.0 into 0.0
        np.choose(which, [cosine, -sine, -cosine, sine]) + 0.0,
    )
