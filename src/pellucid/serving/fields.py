"""A field is a column that a model needs, with the JSON values that a cell of it may hold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pellucid.serving.refusals import Refusal
from pellucid.tabular.encoder import Encoder
from pellucid.tabular.encodings import CategoryEncoding
from pellucid.tabular.values import number_text, shown

if TYPE_CHECKING:
    import polars

EXPECTED = {
    "number": "a number",
    "boolean": "true or false",
    "date": "text such as '2026-07-01' or '2026-07-01T09:30:00'",
}
TYPES: dict[str, tuple[type, ...]] = {"number": (int, float), "boolean": (bool,), "date": (str,), "category": (str,)}


@dataclass(frozen=True)
class Field:
    """One column: its kind, for a category the levels that are known, and the texts that stand for a missing value.

    A category whose levels are numbers, or true and false, takes these besides text.
    """

    name: str
    kind: str
    levels: tuple[str, ...]
    missing: frozenset[str]
    types: tuple[type, ...]

    def read(self, value: Any, row: int) -> float | bool | str | None:
        """Return a JSON value as the column's series holds it, or raise `Refusal`; ``row`` is counted from 0."""
        if value is None or (type(value) is str and value in self.missing):
            return None
        if type(value) not in self.types:
            raise self._refused("wrong_type", row, f"got {_described(value)}; it expects {self.expected}, or null")
        if type(value) in (int, float):
            self._require_finite(value, row)
        if self.kind == "number":
            return float(value)
        if self.kind == "category":
            value = number_text(value)
        if type(value) is str and not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
            raise self._refused("bad_value", row, f"{ascii(value)[:60]} holds half of a surrogate pair: it is no text")
        return value

    def series(self, values: Sequence[Any]) -> polars.Series:
        """Return what `read` returned for each row as a series, whose type depends on the column alone."""
        import polars as pl

        dtype = {"number": pl.Float64(), "boolean": pl.Boolean()}.get(self.kind, pl.String())
        return pl.Series(self.name, values, dtype=dtype)

    @property
    def expected(self) -> str:
        """What a cell holds, in words."""
        if self.kind != "category":
            return EXPECTED[self.kind]
        return f"text such as {', '.join(map(repr, self.levels[:3]))}" if self.levels else "text"

    def _require_finite(self, value: int | float, row: int) -> None:
        try:
            is_finite = math.isfinite(value)
        except OverflowError:  # a whole number beyond the range of float64
            is_finite = False
        if not is_finite:
            raise self._refused("not_finite", row, f"{shown(value)} is not finite; write null for a missing value")

    def _refused(self, kind: str, row: int, problem: str) -> Refusal:
        message = f"column {self.name!r}, row {row} (counted from 0): {problem}."
        return Refusal(422, kind, message, column=self.name, row=row)


def fields_of(encoder: Encoder, missing: Sequence[str]) -> tuple[Field, ...]:
    """Return a field for each column that the encoder uses; ``missing`` are texts that stand for a missing value."""
    absent = frozenset({"", *missing})
    made = []
    for encoding in encoder.encodings:
        types, levels = TYPES[encoding.kind], tuple[str, ...]()
        if isinstance(encoding, CategoryEncoding):
            levels = encoding.levels
            if any(_is_number(level) for level in levels):
                types += (int, float)
            if {"true", "false"} & set(levels):
                types += (bool,)
        made.append(Field(encoding.name, encoding.kind, levels, absent, types))
    return tuple(made)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _described(value: Any) -> str:
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "an object"
    noun = "text" if isinstance(value, str) else "truth value" if isinstance(value, bool) else "number"
    return f"the {noun} {str(value).lower() if isinstance(value, bool) else ascii(value)[:60]}"
