"""The display: how tables, scores and sizes are written to the terminal."""

from __future__ import annotations

import json
import math
import sys
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pellucid.cli.scores import LOWER_IS_BETTER, SHARES, Scores
from pellucid.layers.base import Array
from pellucid.tabular import Column

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

MOST_COLUMNS = 30
FIRST_COLUMNS = 10
MOST_SENTENCES = 12


class Display:
    """Prints for people: on standard output, or on standard error where that is kept for one JSON document.

    A quiet one prints the JSON document alone, if it is asked for.
    """

    def __init__(self, *, as_json: bool, quiet: bool = False) -> None:
        from rich.console import Console

        self._console = Console(stderr=as_json, quiet=quiet, highlight=False, markup=False, emoji=False)
        self._as_json = as_json

    def say(self, line: str = "") -> None:
        """Print a line, which is never broken."""
        self._console.print(line, soft_wrap=True)

    @property
    def width(self) -> int:
        """The width of the terminal in characters."""
        return self._console.width

    def show(self, table: RenderableType) -> None:
        """Print a table or a report, fitted to the width of the terminal."""
        self._console.print(table)

    def finish(self, document: dict[str, Any]) -> None:
        """Print the JSON document, if it is asked for."""
        if self._as_json:
            print(json.dumps(_finite(document), indent=2, ensure_ascii=False, allow_nan=False))


def listing(display: Display, sentences: Sequence[str]) -> None:
    """Say each of some sentences on a line of its own, of many the first ones and their number."""
    for sentence in sentences[:MOST_SENTENCES]:
        display.say(f"  {sentence}")
    if len(sentences) > MOST_SENTENCES:
        display.say(f"  and {len(sentences) - MOST_SENTENCES:,} more")


def columns_table(columns: Sequence[Column], roles: Mapping[str, str], width: int) -> Table:
    """Return what was understood of a table's columns, at most ``width`` characters wide; of many, only the first.

    roles : by name, what columns are besides what is learned from, such as "target"
    """
    shown = list(columns if len(columns) <= MOST_COLUMNS else columns[:FIRST_COLUMNS])
    shown += [column for column in columns if column.name in roles and column not in shown]
    headings = ("column", "kind", "missing", "distinct")
    rows = []
    for column in shown:
        kind = f"{column.kind} ({roles[column.name]})" if column.name in roles else column.kind
        rows.append((_shortened(column.name, 40), kind, f"{column.n_missing:,}", f"{column.n_distinct:,}"))
    taken = sum(max(len(row[index]) for row in [headings, *rows]) + 3 for index in range(len(headings)))
    table = plain_table(*headings, "examples", right=(2, 3))
    for row, column in zip(rows, shown, strict=True):
        examples = ", ".join(" ".join(example.split()) for example in column.examples)
        table.add_row(*row, _shortened(examples, max(width - taken, 12)))
    return table


def columns_summary(columns: Sequence[Column]) -> str:
    """Return how many columns there are of each kind, of a table that is too wide to show."""
    counts = Counter(column.kind for column in columns)
    words = ", ".join(f"{count:,} {kind}" for kind, count in counts.most_common())
    return f"by kind: {words}; the first {FIRST_COLUMNS} and the target:"


def scores_table(by_method: dict[str, Scores]) -> Table:
    """Return metrics down and methods across."""
    table = plain_table("", *by_method, right=range(1, len(by_method) + 1))
    for metric in next(iter(by_method.values())):
        plain, of, target = metric.partition(" of ")
        better = "lower" if plain in LOWER_IS_BETTER else "higher"
        values = [found[metric] for found in by_method.values()]
        cells = [share(value) for value in values] if plain in SHARES else aligned(values)
        table.add_row(f"{'R²' if plain == 'R2' else plain}{of}{target} ({better} is better)", *cells)
    return table


def confusion_table(counts: Array, classes: Sequence[Any]) -> Table:
    """Return how many rows of each class were predicted as each class."""
    names = [str(name) for name in classes]
    table = plain_table("true class", *(f"predicted {name}" for name in names), right=range(1, len(names) + 1))
    for name, row in zip(names, counts.tolist(), strict=True):
        table.add_row(name, *(f"{count:,}" for count in row))
    return table


def number(value: float) -> str:
    """Return a number with about four digits that matter.

    >>> number(0.123456), number(46012.7), number(float("nan"))
    ('0.1235', '46,013', '-')
    """
    if math.isnan(value):
        return "-"
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e15 else f"{value:.4g}"


def aligned(values: Sequence[float]) -> list[str]:
    """Return numbers with as many decimals for all as give the largest four digits that matter.

    >>> aligned([5.347, 0.93, 35.87])
    ['5.35', '0.93', '35.87']
    """
    sizes = [abs(value) for value in values if math.isfinite(value) and value]
    digits = 3 - math.floor(math.log10(max(sizes))) if sizes else 0
    if not 0 <= digits <= 8:
        return [number(value) for value in values]
    return ["-" if math.isnan(value) else f"{value:,.{digits}f}" for value in values]


def share(value: float) -> str:
    """Return a number that is at most 1 with four decimals.

    >>> share(0.9), share(float("nan"))
    ('0.9000', '-')
    """
    return "-" if math.isnan(value) else f"{value:.4f}"


def size(n_bytes: int) -> str:
    """Return a file's size.

    >>> size(123_456)
    '123 kB'
    """
    return f"{n_bytes / 1e6:.1f} MB" if n_bytes >= 1_000_000 else f"{max(round(n_bytes / 1e3), 1)} kB"


def counted(count: int, noun: str) -> str:
    """Return a count with its noun.

    >>> counted(1, "row"), counted(1200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def note(line: str) -> None:
    """Print a line about what was done on standard error, beside an output that another program may read."""
    print(line, file=sys.stderr)


def plain_table(*headings: str, right: Collection[int]) -> Table:
    """Return a table without rows, with some columns to the right."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for index, heading in enumerate(headings):
        table.add_column(heading, justify="right" if index in right else "left", no_wrap=True, overflow="ellipsis")
    return table


def _shortened(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _finite(value: Any) -> Any:
    """Return JSON data, with null for the numbers that JSON does not have."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
