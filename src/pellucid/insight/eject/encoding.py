"""The preprocessing part of an ejected page: functions from raw rows to the network's matrix, column by column."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from pellucid.errors import OptionError
from pellucid.insight.eject.layout import Expression, Noted, call, laid_out, list_of, quoted, tuple_of
from pellucid.insight.eject.names import as_identifier
from pellucid.insight.eject.page import Page
from pellucid.insight.eject.sources import Sources
from pellucid.tabular import Encoder, values
from pellucid.tabular.encodings import (
    DAYS_IN_400_YEARS,
    GROUPS,
    MISSING,
    BooleanEncoding,
    CategoryEncoding,
    ColumnEncoding,
    DateEncoding,
    NumberEncoding,
    sine_and_cosine,
    squeezed,
)
from pellucid.tabular.values import MICROSECONDS_PER_DAY, number_text

FUNCTIONS = frozenset(("np", "rows", "columns", "numbers", "flags", "codes", "moments", "squeezed", "circles"))

Items = list[tuple[str, Expression]]
"""Parts of the matrix: the group that each belongs to, and its column, or a starred list of columns, as code."""


def write_encoder(page: Page, encoder: Encoder, missing: tuple[str, ...], dtype: str) -> None:
    """Write the function `encode` and all that it calls; ``missing`` are texts that stand for a missing value."""
    sources = page.sources
    page.constant("MISSING", tuple_of(map(quoted, dict.fromkeys(("", *missing)))))
    numbers = [repr(number) for number in map(_as_number, missing) if number is not None]
    if numbers:
        page.constant("MISSING_NUMBERS", tuple_of(numbers))
    write_reading(sources, with_numbers=bool(numbers))
    taken, reading, items = set(FUNCTIONS), [], []
    for index, encoding in enumerate(encoder.encodings):
        if type(encoding) not in TEMPLATES:
            raise OptionError(f"eject: the encoding of column {encoding.name!r}, {encoding!r}, has no template.")
        name = as_identifier(encoding.name, taken, f"column_{index}")
        taken.add(f"{name}_missing")
        lines, parts = TEMPLATES[type(encoding)](sources, encoding, name)
        reading += lines
        items += parts
    columns = list_of(expression for group in GROUPS for owner, expression in items if owner == group)
    page.function(
        "encode",
        [
            "def encode(rows):",
            f'    """Return X : (n, {encoder.n_columns}), the rows as numbers."""',
            *reading,
            *laid_out(columns, before="columns = ", indent=4),
            f"    return np.stack(columns, axis=1).astype(np.{dtype})",
        ],
    )
    sources.modules.add("numpy")


def _read(name: str, reader: str, column: str, *more: Expression) -> list[str]:
    return laid_out(call(reader, "rows", quoted(column), *more), before=f"{name} = ", indent=4)


def number(sources: Sources, encoding: NumberEncoding, name: str) -> tuple[list[str], Items]:
    """A number, centered, scaled and squeezed; and whether it is missing."""
    write_numbers(sources)
    sources.function(squeezed)
    scaled = call("squeezed", name, repr(encoding.center), repr(encoding.scale))
    items = _noted(encoding, [("scaled", scaled), ("bounded", f"np.isnan({name})")])
    return _read(name, "numbers", encoding.name), items


def boolean(sources: Sources, encoding: BooleanEncoding, name: str) -> tuple[list[str], Items]:
    """False as -1, true as 1, missing as 0; and whether it is missing."""
    write_flags(sources)
    signs = f"np.where(np.isnan({name}), 0.0, 2.0 * {name} - 1.0)"
    return _read(name, "flags", encoding.name), _noted(encoding, [("bounded", signs), ("bounded", f"np.isnan({name})")])


def date(sources: Sources, encoding: DateEncoding, name: str) -> tuple[list[str], Items]:
    """Days as a number, and their places in the year, the week and the day on circles; and whether they are missing."""
    write_moments(sources)
    sources.function(squeezed)
    sources.function(sine_and_cosine)
    sources.text(
        "circles",
        f'''
        def circles(moments, missing, with_time):
            """Return sine and cosine of the place in the year, in the week and, with_time, in the day."""
            days = moments // MICROSECONDS_PER_DAY
            turns = [(days * 400 % {DAYS_IN_400_YEARS}) / {DAYS_IN_400_YEARS}, ((days + 3) % 7) / 7.0]
            if with_time:
                turns.append((moments % MICROSECONDS_PER_DAY) / MICROSECONDS_PER_DAY)
            return [np.where(missing, 0.0, wave) for turn in turns for wave in sine_and_cosine(turn)]
        ''',
    )
    gone = f"{name}_missing"
    lines = laid_out(call("moments", "rows", quoted(encoding.name)), before=f"{name}, {gone} = ", indent=4)
    days = f"np.where({gone}, np.nan, {name} / MICROSECONDS_PER_DAY)"
    scaled = call("squeezed", days, repr(encoding.center), repr(encoding.scale))
    waves = f"*circles({name}, {gone}, {encoding.with_time})"
    return lines, _noted(encoding, [("scaled", scaled), ("bounded", waves), ("bounded", gone)])


def category(sources: Sources, encoding: CategoryEncoding, name: str) -> tuple[list[str], Items]:
    """A category as a sign, as 0/1 columns, or as a code."""
    write_codes(sources)
    lines = _read(name, "codes", encoding.name, list_of(map(quoted, encoding.levels)))
    if encoding.form == "code":
        return lines, [("code", Noted(name, encoding.features()[0].name))]
    if encoding.form == "binary":
        signs = f"np.array([0.0, 0.0, -1.0, 1.0])[{name}]"
        return lines, _noted(encoding, [("bounded", signs), ("bounded", f"{name} == {MISSING}")])
    hot = [f"{name} == {code}" for code in range(MISSING + 1, encoding.n_codes)]
    return lines, _noted(encoding, [("one_hot", column) for column in [*hot, f"{name} == {MISSING}"]])


TEMPLATES: dict[type[ColumnEncoding], Callable[[Sources, Any, str], tuple[list[str], Items]]] = {
    BooleanEncoding: boolean,
    CategoryEncoding: category,
    DateEncoding: date,
    NumberEncoding: number,
}


def _noted(encoding: ColumnEncoding, items: Items) -> Items:
    """Return the items with their features' names, without the last, the indicator, where none was missing."""
    kept = items if encoding.missing_seen else items[:-1]
    names: Iterator[str] = (feature.name for feature in encoding.features())
    found: Items = []
    for group, expression in kept:
        name = next(names)
        is_circles = str(expression).startswith("*circles(")
        found.append((group, Noted(expression, encoding.name if is_circles else name)))
        for _ in range(2 * (2 + getattr(encoding, "with_time", False)) - 1 if is_circles else 0):
            next(names)
    return found


def _as_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def write_reading(sources: Sources, *, with_numbers: bool) -> None:
    """Write the function that reads a CSV file, and the one that knows missing values."""
    sources.text(
        "read",
        '''
        def read(path):
            """Return the rows of a CSV file as dicts."""
            with open(path, encoding="utf-8-sig", newline="") as file:
                names, *rows = csv.reader(file, strict=True)
            return [dict(zip(names, row or [""], strict=True)) for row in rows if row or len(names) == 1]
        ''',
        "csv",
    )
    otherwise = "value in MISSING_NUMBERS" if with_numbers else "False"
    sources.text(
        "is_missing",
        f'''
        def is_missing(value):
            """Return whether a value is None, NaN, or stands for a missing one."""
            if value is None or value != value:
                return True
            return value in MISSING if isinstance(value, str) else {otherwise}
        ''',
    )
    sources.text(
        "number",
        '''
        def number(value):
            """Return a value as a number, NaN where it is missing."""
            if isinstance(value, str) and not is_missing(value):
                if "_" in value:  # Python's own 1_000 is no number in a table
                    raise ValueError(f"{value!r} is not a number")
                value = float(value)
            return float("nan") if is_missing(value) else float(value)
        ''',
    )


def write_numbers(sources: Sources) -> None:
    """Write the function that reads a column of numbers."""
    sources.text(
        "numbers",
        '''
        def numbers(rows, name):
            """Return a column as numbers, (n,)."""
            return np.array([number(row[name]) for row in rows], dtype=np.float64)
        ''',
    )


def write_flags(sources: Sources) -> None:
    """Write the function that reads a column of truth values."""
    sources.text(
        "flags",
        '''
        def flags(rows, name):
            """Return a column of true and false, or of 1 and 0, as 1.0, 0.0 and NaN where it is missing, (n,)."""
            words = {"true": 1.0, "false": 0.0}
            found = [words.get(str(row[name]).lower(), row[name]) for row in rows]
            values = np.array([number(value) for value in found], dtype=np.float64)
            if not np.isin(values[~np.isnan(values)], [0.0, 1.0]).all():
                raise ValueError(f"column {name!r} holds something that is neither true nor false")
            return values
        ''',
    )


def write_codes(sources: Sources) -> None:
    """Write the function that reads a column of categories."""
    sources.function(number_text)
    sources.text(
        "codes",
        '''
        def codes(rows, name, levels):
            """Return a column of categories as codes, (n,): 0 unknown, 1 missing, 2, 3, ... the levels."""
            known = {level: code for code, level in enumerate(levels, start=2)}
            found = [1 if is_missing(row[name]) else known.get(number_text(row[name]), 0) for row in rows]
            return np.array(found, dtype=np.int64)
        ''',
    )


def write_moments(sources: Sources) -> None:
    """Write the functions that read a column of dates."""
    sources.function(number_text)
    sources.constant(values, "ISO_MOMENT")
    sources.text("MICROSECONDS_PER_DAY", f"MICROSECONDS_PER_DAY = {MICROSECONDS_PER_DAY:_}")
    sources.text(
        "moment",
        '''
        def moment(value):
            """Return a date or time as microseconds since 1970-01-01, in UTC where it has an offset."""
            match = re.match(ISO_MOMENT, number_text(value).strip())
            if match is None:
                raise ValueError(f"{value!r} is not a date such as 2026-07-01 or 2026-07-01T09:30:00")
            day, hour, minute, second, fraction, offset = (part or "" for part in match.groups())
            digits = re.sub("[Z+:-]", "", offset)
            minutes = int(digits[:2] or 0) * 60 + int(digits[2:4] or 0)
            east = -minutes if offset.startswith("-") else minutes
            seconds = (int(hour or 0) * 60 + int(minute or 0) - east) * 60 + int(second or 0)
            days = int(np.datetime64(day, "D").astype(np.int64))
            return days * MICROSECONDS_PER_DAY + seconds * 1_000_000 + int(fraction.ljust(6, "0")[:6])
        ''',
        "re",
    )
    sources.text(
        "moments",
        '''
        def moments(rows, name):
            """Return a column of dates as microseconds since 1970-01-01, (n,), and where it is missing, (n,)."""
            missing = np.array([is_missing(row[name]) for row in rows], dtype=bool)
            found = [0 if gone else moment(row[name]) for row, gone in zip(rows, missing)]
            return np.array(found, dtype=np.int64), missing
        ''',
    )
