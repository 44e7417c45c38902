"""The ledger on a terminal."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pellucid.errors import require
from pellucid.formulas.matrices import matrix_form
from pellucid.formulas.writing import Text
from pellucid.insight.ledger.traced import TracedStep
from pellucid.insight.ledger.view import Shown, View

if TYPE_CHECKING:
    from rich.console import Console


def plain_text(steps: list[TracedStep], view: View, width: int) -> str:
    """Return the ledgers of some steps without colors."""
    console = _console(file=io.StringIO(), width=width, color_system=None)
    _print(console, steps, view)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def show(steps: list[TracedStep], view: View) -> None:
    """Print the ledgers on the terminal."""
    _print(_console(), steps, view)


def conventions(view: View) -> str:
    """Return how to read the numbers."""
    return (
        "Indices in formulas count from 1; steps, and rows of the table, from 0. "
        f"Numbers are rounded to {view.digits} digits."
    )


def headline(step: TracedStep) -> str:
    """Return which step this is, in words."""
    whole = [*step.rows] == [*range(len(step.rows))]
    listed = ", ".join(map(str, step.rows[:8])) + (", ..." if len(step.rows) > 8 else "")
    which = "row" if len(step.rows) == 1 else "rows"
    numbers = "" if whole else f" ({which} {listed})"
    return f"Step {step.number}: epoch {step.epoch}, batch {step.batch}, {len(step.rows):,} {which}{numbers}"


def origin(shown: Shown) -> str:
    """Return shape, meaning and source of an entry in words."""
    entry = shown.entry
    return " · ".join(part for part in (shown.size, entry.meaning, entry.source, entry.name) if part)


def _console(**how: Any) -> Console:
    require("rich", extra="standard", purpose="showing a trace as text")
    from rich.console import Console

    return Console(highlight=False, markup=False, **how)


def _print(console: Console, steps: list[TracedStep], view: View) -> None:
    from rich.table import Table

    for step in steps:
        sections = view.of(step)
        console.print(headline(step), style="bold")
        console.print(conventions(view), style="dim")
        for title, entries in sections:
            console.print()
            console.rule(title, align="left", characters="─", style="dim")
            for shown in entries:
                console.print()
                console.print(shown.entry.symbol.text, style="bold cyan", end="  ")
                console.print(origin(shown), style="dim", soft_wrap=True)
                for line in _formulas(shown, view):
                    console.print(f"  {line}", soft_wrap=True)
                console.print(_numbers(shown, view, Table))
                writer = Text(digits=view.digits)
                for cell in shown.written_out:
                    console.print(f"  {writer.arithmetic(shown.entry, cell)}", style="green", soft_wrap=True)
                if shown.summary:
                    console.print(f"  {shown.summary}", style="dim", soft_wrap=True)
                if shown.verdict:
                    console.print(f"  {shown.verdict}", style="dim" if shown.agrees else "bold red", soft_wrap=True)
        console.print()


def _formulas(shown: Shown, view: View) -> Iterator[str]:
    entry = shown.entry
    if entry.formula is None:
        return
    writer = Text(digits=view.digits)
    whole = matrix_form(entry)
    if whole is not None:
        yield whole
    ranges = writer.ranges(entry)
    yield writer.equation(entry) + (f"    {ranges}" if ranges else "")
    yield f"from {', '.join(operand.symbol.text for operand in entry.operands)}"


def _numbers(shown: Shown, view: View, table_class: Any) -> Any:
    """Return the numbers as a table, with the finite differences beside them."""
    table = table_class(box=None, padding=(0, 1), show_header=bool(shown.entry.shape) or shown.differences is not None)
    writer = Text(digits=view.digits)
    table.add_column("", justify="right", style="dim")
    headings = shown.labels(by_row=False) if shown.entry.shape and not shown.is_column else [""]
    for heading in headings:
        table.add_column(heading, justify="right", header_style="dim", no_wrap=True)
    if shown.differences is not None:
        for index, heading in enumerate(headings):
            title = f"by differences {heading}" if index == 0 else heading
            table.add_column(title.rstrip(), justify="right", header_style="dim", style="magenta", no_wrap=True)
    labels = shown.labels(by_row=True) if len(shown.entry.shape) == 2 or shown.is_column else [""]
    for index, (label, values) in enumerate(zip(labels, shown.values, strict=True)):
        cells = [writer.number(value) for value in values]
        if shown.differences is not None:
            cells += shown.by_differences(writer)[index]
        table.add_row(label, *cells)
    return table
