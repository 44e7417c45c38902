"""How raw columns are read in SQL: numbers, truth values, dates and categories of SQLite and DuckDB alike."""

from __future__ import annotations

from pellucid.export.graph import Column
from pellucid.export.targets.sql.statement import INPUT, Statement, Term, number, quoted
from pellucid.tabular.values import MICROSECONDS_PER_DAY


def names(column: Column) -> list[str]:
    """Return the table's columns that hold a raw column: a vector x is in x0, x1, ..."""
    return [f"{column.name}{index}" for index in range(column.size)] if column.kind == "vector" else [column.name]


def read(statement: Statement, column: Column) -> list[Term]:
    """Add what reads a raw column: NULL where it is missing, but for categories, which are empty there."""
    # with the table's name before it, as SQLite takes an unknown "name" for a text
    given = [f"{INPUT}.{quoted(name)}" for name in names(column)]
    if column.kind == "vector":
        return [statement.add(f"CAST({each} AS DOUBLE)", (), raw=True) for each in given]
    (x,) = given
    if column.kind == "date":
        return [_moment(statement, x)]
    if column.kind == "boolean":
        words = "WHEN 'true' THEN 1e0 WHEN '1' THEN 1e0 WHEN '1.0' THEN 1e0 "
        words += "WHEN 'false' THEN 0e0 WHEN '0' THEN 0e0 WHEN '0.0' THEN 0e0"
        return [statement.add(f"CASE lower(CAST({x} AS TEXT)) {words} END", (), raw=True)]
    if column.kind == "category":
        return [statement.add(_category(x), (), raw=True)]
    filled = f"CASE WHEN CAST({x} AS TEXT) = '' THEN NULL ELSE CAST({x} AS DOUBLE) END"
    v = statement.add(filled, (), raw=True)
    # DuckDB's NaN is above all numbers, and its inverse, too; that of a number or infinity is not
    return [statement.add(f"CASE WHEN {v} > 1e308 AND NOT 1e0 / {v} < 1e-307 THEN NULL ELSE {v} END", (v,))]


def _category(x: str) -> str:
    """Return a text: whole numbers without a point, compared letter by letter (|| takes off SQLite's collation)."""
    text, kind = f"CAST({x} AS TEXT)", f"typeof({x})"
    return (
        f"CASE WHEN {x} IS NULL OR ({kind} IN ('DOUBLE', 'FLOAT') AND {text} = 'nan') THEN '' "
        f"WHEN {kind} IN ('real', 'DOUBLE', 'FLOAT') AND substr({text}, -2) = '.0' "
        f"THEN substr({text}, 1, length({text}) - 2) ELSE {text} || '' END"
    )


def _moment(statement: Statement, x: str) -> Term:
    """Return microseconds since 1970-01-01 of ISO 8601 text, a DATE, a TIMESTAMP, or microseconds, by way of text."""
    day = number(MICROSECONDS_PER_DAY)
    t = statement.add(f"CASE WHEN CAST({x} AS TEXT) = '' THEN NULL ELSE trim(CAST({x} AS TEXT)) END", (), raw=True)
    iso = f"substr({t}, 5, 1) = '-' AND substr({t}, 8, 1) = '-'"
    micros = statement.add(f"CASE WHEN {iso} THEN NULL ELSE CAST({t} AS DOUBLE) END", (t,))
    y, m, d = (
        statement.add(f"CASE WHEN {iso} THEN CAST(substr({t}, {at}, {size}) AS DOUBLE) END", (t,))
        for at, size in ((1, 4), (6, 2), (9, 2))
    )
    clock = statement.add(f"substr({t}, 12)", (t,))
    # years begin in March, so that a leap day is their last: H. Hinnant, "chrono-compatible low-level date algorithms"
    year = statement.add(f"{y} - CASE WHEN {m} > 2e0 THEN 0e0 ELSE 1e0 END", (y, m))
    month = f"({m} + CASE WHEN {m} > 2e0 THEN -3e0 ELSE 9e0 END)"
    of_year = statement.add(f"floor((153e0 * {month} + 2e0) / 5e0) + {d} - 1e0", (m, d))
    leaps = f"floor({year} / 4e0) - floor({year} / 100e0) + floor({year} / 400e0)"
    days = statement.add(f"365e0 * {year} + {leaps} + {of_year} - 719468e0", (year, of_year))
    found = " ".join(f"WHEN instr({clock}, '{sign}') > 0 THEN instr({clock}, '{sign}')" for sign in "+-Z")
    cut = statement.add(f"CASE {found} ELSE length({clock}) + 1 END", (clock,))
    time = statement.add(f"trim(substr({clock}, 1, {cut} - 1))", (clock, cut))
    offset = statement.add(f"replace(substr({clock}, {cut}), ':', '')", (clock, cut))

    def part(text: Term, at: int, size: int = 2) -> str:
        return f"CASE WHEN length({text}) > {at} THEN CAST(substr({text}, {at}, {size}) AS DOUBLE) ELSE 0e0 END"

    fraction = f"CASE WHEN length({time}) > 9 THEN CAST(substr(substr({time}, 10) || '000000', 1, 6) AS DOUBLE) "
    seconds = f"3600e0 * {part(time, 1)} + 60e0 * {part(time, 4)} + {part(time, 7)}"
    east = (
        f"(60e0 * {part(offset, 2)} + {part(offset, 4)}) * CASE substr({offset}, 1, 1) WHEN '-' THEN -6e7 ELSE 6e7 END"
    )
    within = statement.add(f"1e6 * ({seconds}) + {fraction} ELSE 0e0 END - {east}", (time, offset))
    return statement.add(
        f"CASE WHEN {days} IS NULL THEN {micros} ELSE {day} * {days} + {within} END", (days, micros, within)
    )
