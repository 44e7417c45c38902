"""Numbers as C constants that give each of them back exactly."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from pellucid.layers.base import Array

FORMATS = {"float": "%.9g", "double": "%.17g"}  # digits that give each number back exactly
LINE = 120


def numbers(array: Array, kind: str) -> str:
    """Return the numbers of an array as lines of constants."""
    texts = (" ".join([FORMATS[kind]] * array.size) % tuple(array.ravel().tolist())).split()
    return filled([_suffixed(text, kind) for text in texts])


def number(value: float, kind: str) -> str:
    """Return a number as a constant of a type.

    >>> number(0.1, "float"), number(0.1, "double"), number(2.0, "float"), number(float("-inf"), "double")
    ('0.100000001f', '0.10000000000000001', '2.0f', '-INFINITY')
    """
    return _suffixed(FORMATS[kind] % (np.float32(value) if kind == "float" else value), kind)


def _suffixed(text: str, kind: str) -> str:
    if text[-1] in "nf":  # nan, inf
        sign = "-" if text[0] == "-" else ""
        return sign + ("NAN" if text[-1] == "n" else "INFINITY")
    text = text if "." in text or "e" in text else f"{text}.0"
    return f"{text}f" if kind == "float" else text


def filled(entries: Iterable[str]) -> str:
    """Return entries with commas between them, in lines, at least one."""
    lines, line = list[str](), "   "
    for entry in entries:
        if len(line) + len(entry) + 2 > LINE:
            lines.append(line)
            line = "   "
        line += f" {entry},"
    return "\n".join([*lines, line if line.strip() else "    0"]).removesuffix(",")
