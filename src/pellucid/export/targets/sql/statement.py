"""A statement in the making: expressions in levels, each a common table expression that reads the one before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

INPUT = "input"
ROW = "pellucid_row"
CHAIN = 100  # terms of a sum in a row, as SQLite's expressions may not be deeper than 1000


@dataclass(frozen=True)
class Term:
    """A column that a level gives, or a number (level 0): what expressions are made of."""

    text: str
    level: int

    def __str__(self) -> str:
        return self.text


class Statement:
    """Expressions by level. An expression stands in the level after those of its terms, so each is computed once."""

    def __init__(self) -> None:
        self.levels: list[dict[str, str]] = []
        self._last_use: dict[str, int] = {}
        self._made: dict[str, int] = {}

    def add(self, expression: str, terms: Iterable[Term], *, raw: bool = False) -> Term:
        """Return the column that an expression of these terms becomes; a number where there are none.

        raw : the expression reads the table itself
        """
        used = [term for term in terms if term.level]
        if not used and not raw:
            return Term(f"({expression})", 0)
        level = 1 + max((term.level for term in used), default=0)
        if level > len(self.levels):
            self.levels.append({})
        name = f"v{len(self._made) + 1}"
        self.levels[level - 1][name] = expression
        self._made[name] = level
        for term in used:
            self._last_use[term.text] = max(self._last_use.get(term.text, 0), level)
        return Term(name, level)

    def keep(self, terms: Iterable[Term]) -> None:
        """Carry columns to the end."""
        for term in terms:
            self._last_use[term.text] = len(self.levels) + 1

    def columns(self) -> list[list[str]]:
        """Return what each level selects: those earlier columns that later levels need, and its own."""
        found = []
        for level, made in enumerate(self.levels, 1):
            carried = [name for name, of in self._made.items() if of < level < self._last_use.get(name, 0)]
            found.append([ROW, *carried, *(f"{text} AS {name}" for name, text in made.items())])
        return found

    def tables(self) -> list[str]:
        """Return the common table expressions; the last is called ``level`` and its number.

        They are materialized: SQLite would otherwise write each expression out in every place that uses it.
        """
        found = []
        for level, columns in enumerate(self.columns(), 1):
            before = INPUT if level == 1 else f"level{level - 1}"
            selected = ",\n    ".join(columns)
            found.append(f"level{level} AS MATERIALIZED (\n  SELECT\n    {selected}\n  FROM {before}\n)")
        return found


def number(value: float) -> str:
    """Return a double; with an exponent, as DuckDB would take it for an exact decimal without."""
    text = repr(float(value))
    if text in ("inf", "-inf"):
        return text.replace("inf", "9e999")
    return text if "e" in text else f"{text}e0"


def quoted(name: str) -> str:
    """Return a name of a column."""
    return '"' + name.replace('"', '""') + '"'


def text_literal(text: str) -> str:
    """Return a text."""
    return "'" + text.replace("'", "''") + "'"


def added(parts: Sequence[str]) -> str:
    """Return a sum, no deeper than its parts are many in groups."""
    while len(parts) > CHAIN:
        parts = [f"({' + '.join(parts[start : start + CHAIN])})" for start in range(0, len(parts), CHAIN)]
    return " + ".join(parts) if parts else number(0.0)
