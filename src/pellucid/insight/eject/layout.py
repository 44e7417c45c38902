"""The layout of an ejected page: values written as code, and lines broken as the formatter ruff would at 120."""

from __future__ import annotations

import base64
import unicodedata
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from pellucid.layers.base import Array

WIDTH = 120
MOST_LITERALS = 64
"""Arrays of more numbers than this are embedded as base64."""
_CHARACTERS_A_LINE = 112


@dataclass(frozen=True)
class Group:
    """Expressions between brackets: ``Group("np.array(", items, ")")``."""

    opening: str
    items: tuple[Expression, ...]
    closing: str

    @property
    def is_call(self) -> bool:
        """Whether these are the arguments of a call, which may share a line of their own."""
        return self.opening.endswith("(") and len(self.opening) > 1

    def __str__(self) -> str:
        comma = "," if self.opening == "(" and len(self.items) == 1 else ""
        return f"{self.opening}{', '.join(map(str, self.items))}{comma}{self.closing}"


@dataclass(frozen=True)
class Pieces:
    """One long text, as pieces on lines of their own."""

    pieces: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join(self.pieces)


@dataclass(frozen=True)
class Noted:
    """An item of a list with a comment behind it; a list with one is never joined in one line."""

    expression: Expression
    note: str

    def __str__(self) -> str:
        return str(self.expression)


Expression: TypeAlias = str | Group | Pieces | Noted


def call(name: str, *arguments: Expression) -> Group:
    """Return a call as an expression."""
    return Group(f"{name}(", arguments, ")")


def tuple_of(items: Any) -> Group:
    """Return a tuple as an expression."""
    return Group("(", tuple(items), ")")


def list_of(items: Any) -> Group:
    """Return a list as an expression."""
    return Group("[", tuple(items), "]")


def laid_out(expression: Expression, *, before: str = "", after: str = "", indent: int = 0) -> list[str]:
    """Return the lines of ``before expression after``, broken as ruff breaks them."""
    if isinstance(expression, Noted):
        return _noted(expression, before, after, indent)
    margin = " " * indent
    line = f"{margin}{before}{expression}{after}"
    if isinstance(expression, Pieces):
        lines = [margin + piece for piece in expression.pieces]
        return [*lines[:-1], lines[-1] + after]
    noted = isinstance(expression, Group) and any(isinstance(item, Noted) for item in expression.items)
    if isinstance(expression, str) or not expression.items or (width(line) <= WIDTH and not noted):
        return [line]
    lines = [f"{margin}{before}{expression.opening}"]
    body = " " * (indent + 4) + ", ".join(map(str, expression.items))
    if expression.is_call and width(body) <= WIDTH and not any(isinstance(item, Pieces) for item in expression.items):
        lines.append(body)
    else:
        comma = "" if expression.is_call and len(expression.items) == 1 else ","
        for item in expression.items:
            lines += laid_out(item, after=comma, indent=indent + 4)
    return [*lines, f"{margin}{expression.closing}{after}"]


def _noted(item: Noted, before: str, after: str, indent: int) -> list[str]:
    """Return the lines of an item with its note, which is cut where it would reach beyond the line."""
    lines = laid_out(item.expression, before=before, after=after, indent=indent)
    room = WIDTH - width(lines[-1]) - 4
    note = " ".join(item.note.split())
    while width(note) > room and note:
        note = note[:-1]
    return [*lines[:-1], f"{lines[-1]}  # {note}" if note.strip() else lines[-1]]


def width(text: str) -> int:
    """Return how many columns a text takes; those of East Asia count two."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(letter) else 1 + (unicodedata.east_asian_width(letter) in "WF") for letter in text
    )


def quoted(text: str) -> str:
    """Return a text as code, in double quotes unless others need fewer escapes.

    >>> print(quoted("red"), quoted('5" wide'))
    "red" '5" wide'
    """
    written = repr(text)
    inner = written[1:-1].replace("\\'", "'") if written[0] == "'" else written[1:-1]
    quote = "'" if text.count('"') > text.count("'") else '"'
    return quote + inner.replace(quote, "\\" + quote) + quote


def code(value: Any) -> str:
    """Return a number, truth value, text or None as code that reads back the same."""
    return quoted(value) if isinstance(value, str) else repr(value)


def array_code(array: Array) -> Expression:
    """Return an array as code that makes it again, bit for bit.

    Up to `MOST_LITERALS` numbers are written out, in the shortest form that reads back the same, where a row of them
    fits in a line; others are the base64 text of their little-endian bytes, which the page's function `unpack` reads.
    """
    kind = array.dtype.name
    if array.size <= MOST_LITERALS and np.isfinite(array).all() and array.ndim <= 2:
        maker = "np.array" if kind in ("float64", "int64") else f"np.{kind}"
        rows = _nested(array) if array.ndim == 2 else list_of([_nested(array)])
        assert isinstance(rows, Group)
        if all(width(str(row)) <= WIDTH - 12 for row in rows.items):
            return call(maker, _nested(array))
    raw = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
    encoded = base64.b64encode(raw).decode()
    starts = range(0, len(encoded), _CHARACTERS_A_LINE)
    pieces = tuple(f'"{encoded[start : start + _CHARACTERS_A_LINE]}"' for start in starts)
    text: Expression = Pieces(pieces) if len(pieces) > 1 else "".join(pieces) or '""'
    return call("unpack", quoted(kind), str(array.shape), text)


def is_packed(array: Array) -> bool:
    """Return whether an array becomes base64."""
    return str(array_code(array)).startswith("unpack(")


def _nested(array: Array) -> Expression:
    if array.ndim == 0:
        return _number(array[()])
    return list_of(_nested(entry) for entry in array)


def _number(value: Any) -> str:
    """Return the shortest decimal that becomes the same number again; a float32 number may round twice on its way."""
    short = str(value)
    if isinstance(value, np.float32) and (np.float32(float(short)) != value or "." not in short):
        return repr(float(value))
    return repr(value.item()) if not isinstance(value, np.float32) else short
