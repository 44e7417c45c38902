"""Remarks: what looks as if it was not meant in a table that can be used as it is."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from pellucid.tabular import Column
from pellucid.tabular.columns import MIXED

FEW_LEVELS = 10
READ = {"category": "counts as categories", "identifier": "is left out, as text that is another in each row"}
DRESSED_NUMBER = re.compile(r"[^\w\s]?\s?[-+]?\d[\d.,' ]*\s?(%|[^\W\d_]{1,3})?")  # $ 1,200.50, 75 %, 12 kg
OTHER_DATE = re.compile(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}\b.*")


def remarks(columns: Sequence[Column], n_rows: int, targets: Collection[str]) -> list[str]:
    """Return a sentence for each column of text that looks like something else.

    >>> weight = Column("weight", "category", 0, 60, ("72 kg", "44 kg"), "text")
    >>> remarks([weight], 200, ["y"])
    ["column 'weight' counts as categories; if 72 kg is a number, write it as a plain one, such as 1234.5"]
    """
    found = []
    for column in columns:
        if column.kind not in READ or column.name in targets:
            continue
        start, example = f"column {column.name!r} {READ[column.kind]}", column.examples[0]
        if column.reason == MIXED:
            found.append(f"{start}, few and most of them numbers; if one stands for a missing value, --missing says so")
        elif column.n_distinct <= FEW_LEVELS:
            continue
        elif all(OTHER_DATE.fullmatch(text) for text in column.examples):
            found.append(f"{start}; if {example} is a date, write it as YYYY-MM-DD")
        elif all(DRESSED_NUMBER.fullmatch(text) for text in column.examples):
            found.append(f"{start}; if {example} is a number, write it as a plain one, such as 1234.5")
        elif column.kind == "category" and column.n_distinct == n_rows - column.n_missing:
            found.append(f"{start}, each with a single row, from which nothing can be learned; --drop leaves it out")
    return found
