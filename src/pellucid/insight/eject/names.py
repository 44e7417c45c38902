"""The names of an ejected page: which are taken, and how other names become names of the page."""

from __future__ import annotations

import keyword
import re

RESERVED = frozenset(
    {"step", "rows", "predict", "outputs", "average", "gradients", "train", "encode", "targets", "read"}
)
"""Names that the page itself uses where a carried function might come to bear the same."""


def snake_case(name: str) -> str:
    """Return the name of a class as that of a function.

    >>> snake_case("OneCycle"), snake_case("LBFGS")
    ('one_cycle', 'lbfgs')
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def as_identifier(name: str, taken: set[str], otherwise: str) -> str:
    """Return a variable's name for a column of a table, and add it to those that are taken.

    >>> as_identifier("Bill length (mm)", set(), "column_3")
    'bill_length_mm'
    """
    found = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    if not found.isidentifier() or keyword.iskeyword(found) or found in taken or len(found) > 30:
        found = otherwise
    taken.add(found)
    return found
