"""A row sum adds a 64-bit number for each row of a table, so it is the same in whichever order the rows stand.

It tells rows that have moved from other rows; that values are the same is for a SHA-256 to say. Each cell is a word:
the bits of a number as float64, the first 8 bytes of a text's SHA-256, or `MISSING`. It is mixed with the word of its
column's name; a row's number is their sum, mixed again. All sums are modulo 2⁶⁴.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

import numpy as np

from pellucid.layers.base import Array

MISSING = np.uint64(0x7FF8000000000000)  # the bits of a NaN, of whatever kind the column is


def row_sum(columns: Mapping[str, Array]) -> str:
    """Return the sum of columns of words, (n_rows,) each, by name, as 16 hexadecimal digits.

    >>> sizes, colors = number_words(np.array([1.0, 2.0])), text_words(["red", None])
    >>> row_sum({"size": sizes, "color": colors})
    'a985b80d6e3b059e'
    >>> row_sum({"size": sizes[::-1], "color": colors[::-1]}), row_sum({"size": sizes[::-1], "color": colors})
    ('a985b80d6e3b059e', 'b266a07205182db7')
    """
    names = text_words(list(columns))
    rows = sum(_mixed(words ^ name) for words, name in zip(columns.values(), names, strict=True))
    return f"{int(_mixed(np.asarray(rows, dtype=np.uint64)).sum(dtype=np.uint64)):016x}"


def added(*sums: str) -> str:
    """Return the row sum of all rows of several tables."""
    return f"{sum(int(each, 16) for each in sums) % 2**64:016x}"


def number_words(values: Array) -> Array:
    """Return the words of numbers, a NaN's being that of a missing value, and -0.0 being 0.0."""
    values = np.asarray(values, dtype=np.float64) + 0.0
    return np.where(np.isnan(values), MISSING, values.view(np.uint64))


def text_words(texts: Iterable[str | None]) -> Array:
    """Return the words of texts, None being a missing value."""
    texts = list(texts)
    known = {text: _word(text) for text in set(texts) if text is not None}
    return np.array([MISSING if text is None else known[text] for text in texts], dtype=np.uint64)


def _word(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8], "little")


def _mixed(words: Array) -> Array:
    """Return words of which each bit depends on all given ones: SplitMix64's finalizer (Steele, Lea and Flood 2014)."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))
