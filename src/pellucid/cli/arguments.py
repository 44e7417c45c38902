"""Arguments that several commands share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from pellucid.errors import listed, near_miss

Model = Annotated[Path, typer.Argument(metavar="MODEL", help="A model that pellucid train saved.", show_default=False)]
Data = Annotated[
    Path,
    typer.Argument(
        metavar="DATA", help="A table: .csv, .tsv, .parquet or .jsonl, the texts also as .gz.", show_default=False
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document; messages go to standard error.")]
Force = Annotated[bool, typer.Option("--force", help="Replace the output if it exists.")]


def kinds_of(words: Sequence[str]) -> dict[str, str]:
    """Return column -> kind from words such as ``zip=category``."""
    from pellucid.tabular.columns import KINDS

    found: dict[str, str] = {}
    for word in words:
        name, equals, kind = word.rpartition("=")
        if not equals or not name or kind not in KINDS:
            raise typer.BadParameter(
                f"got {word!r}; it expects COLUMN=KIND with a kind that is one of {listed(KINDS)}"
                f"{near_miss(kind, KINDS)}",
                param_hint="--kind",
            )
        if found.setdefault(name, kind) != kind:
            raise typer.BadParameter(
                f"column {name!r} is given two kinds, {found[name]!r} and {kind!r}.", param_hint="--kind"
            )
    return found


def refuse_twice(names: Sequence[str], flag: str) -> None:
    """Refuse a column that is given twice as wrong usage."""
    for name in names:
        if names.count(name) > 1:
            raise typer.BadParameter(f"column {name!r} is given twice; give it once.", param_hint=flag)
