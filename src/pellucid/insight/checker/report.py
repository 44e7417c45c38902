"""The checker's report: the verdict on a backward pass, what it rests on, and the line that mends it."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

RIGHT, NEARLY, UNCLEAR = "right", "nearly right", "unclear"
KNOWN, UNKNOWN = "known fault", "unknown fault"

HEADINGS = {
    RIGHT: "right: every gradient is what the network computes, up to rounding",
    NEARLY: "nearly right: the differences are small, but more than rounding explains",
    UNCLEAR: "neither right nor wrong on this batch: rounding may be as large as the gradients",
    KNOWN: "wrong, and the fault is known",
    UNKNOWN: "wrong, in a way that is not among the known faults",
}


@dataclass(frozen=True)
class Finding:
    """A fault: its name, what went wrong in words, the places where it is, and the line that mends it."""

    name: str
    title: str
    places: tuple[str, ...]
    mend: str


@dataclass(frozen=True)
class ParameterCheck:
    """One parameter's gradient: the largest error relative to the largest number, and how large rounding may make it.

    ``error`` is None where the shapes differ; ``alone`` names a fault that would explain this gradient taken alone.
    """

    name: str
    shape: tuple[int, ...]
    your_shape: tuple[int, ...]
    error: float | None
    tolerance: float
    right: bool
    alone: str = ""


@dataclass(frozen=True)
class Cell:
    """One number of evidence: yours, the right one, and the one that the named fault would give."""

    parameter: str
    index: tuple[int, ...]
    yours: float
    right: float | None
    predicted: float | None


@dataclass(frozen=True)
class BackwardReport:
    """The verdict on a learner's backward pass; true where it is right.

    Attributes
    ----------
    verdict : ``"right"``, ``"nearly right"``, ``"unclear"``, ``"known fault"`` or ``"unknown fault"``
    faults : the simplest explanation, in backward order: one `Finding` or two
    others : further explanations that give the same numbers on this batch
    first : the parameter at which the pass first differs, in backward order, or ""
    checks : one `ParameterCheck` per parameter, in backward order
    evidence : cells of the first wrong gradient, the largest differences first
    unseen : faults that this batch could not show, although another would
    suggestion : which batch to try next, or ""
    notes : what else was seen
    loss : the loss on this batch
    """

    verdict: str
    faults: tuple[Finding, ...]
    others: tuple[tuple[Finding, ...], ...]
    first: str
    checks: tuple[ParameterCheck, ...]
    evidence: tuple[Cell, ...]
    unseen: tuple[str, ...]
    suggestion: str
    notes: tuple[str, ...]
    loss: float

    def __bool__(self) -> bool:
        return self.verdict == RIGHT

    def __str__(self) -> str:
        lines = [f"Your backward pass is {HEADINGS[self.verdict]}."]
        for finding in self.faults:
            lines += ["", f"  {finding.title}", f"    where: {_joined(finding.places)}", f"    mend:  {finding.mend}"]
        for other in self.others:
            lines += ["", "  or, with the same numbers on this batch:"]
            lines += [f"  {finding.title} ({_joined(finding.places)})" for finding in other]
        if self.first:
            order = ", ".join(check.name for check in self.checks)
            lines += ["", f"  It first shows in {self.first} (on the way back: {order})."]
        for heading, rows in self._tables():
            lines += ["", *_aligned(heading, rows)]
        lines += [f"\n  {text}" for text in self._remarks()]
        return "\n".join(lines)

    __repr__ = __str__

    def __rich__(self) -> Any:
        """Return the same text for rich, with the verdict in color."""
        from rich.text import Text

        heading, _, rest = str(self).partition("\n")
        text = Text(heading, style="bold green" if self else "bold yellow" if self.verdict == NEARLY else "bold red")
        if rest:
            text.append(f"\n{rest}", style="not bold default")
        text.highlight_regex(r"mend:  .*", "bold cyan")
        return text

    def _repr_html_(self) -> str:
        parts = [f"<p><strong>Your backward pass is {_escaped(HEADINGS[self.verdict])}.</strong></p>"]
        for finding in self.faults:
            parts.append(
                f"<p>{_escaped(finding.title)}<br>where: {_escaped(_joined(finding.places))}<br>"
                f"mend: <code>{_escaped(finding.mend)}</code></p>"
            )
        for other in self.others:
            titles = "; ".join(f"{finding.title} ({_joined(finding.places)})" for finding in other)
            parts.append(f"<p>Or, with the same numbers on this batch: {_escaped(titles)}</p>")
        if self.first:
            parts.append(f"<p>It first shows in <code>{_escaped(self.first)}</code>.</p>")
        for heading, rows in self._tables():
            head = "".join(f'<th scope="col">{_escaped(cell)}</th>' for cell in heading)
            body = "".join(f"<tr>{''.join(f'<td>{_escaped(cell)}</td>' for cell in row)}</tr>" for row in rows)
            parts.append(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")
        parts += [f"<p>{_escaped(text)}</p>" for text in self._remarks()]
        return "\n".join(parts)

    def to_json(self) -> str:
        """Return all fields as one JSON document."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False, allow_nan=False)

    def _tables(self) -> list[tuple[list[str], list[list[str]]]]:
        rows = []
        for check in self.checks:
            shape = str(check.shape) if check.shape == check.your_shape else f"{check.your_shape} for {check.shape}"
            error = "-" if check.error is None else f"{check.error:.1e}"
            verdict = "right" if check.right else f"wrong; alone it looks like: {check.alone}" if check.alone else "wrong"
            rows.append([check.name, shape, error, f"{check.tolerance:.1e}", verdict])
        tables = [(["gradient", "shape", "relative error", "allowed", ""], rows)]
        if self.evidence:
            heading = ["number", "yours", "right"] + ["with this fault"] * (self.verdict == KNOWN)
            cells = []
            for cell in self.evidence:
                values = [cell.yours, cell.right] + [cell.predicted] * (self.verdict == KNOWN)
                name = f"{cell.parameter}{list(cell.index) if cell.index else ''}"
                cells.append([name, *("-" if value is None else f"{value:.8g}" for value in values)])
            tables.append((heading, cells))
        return tables

    def _remarks(self) -> list[str]:
        remarks = [f"The loss of this batch is {self.loss:.6g}."]
        if self.unseen:
            remarks.append(f"This batch cannot show: {'; '.join(self.unseen)}.")
        return [*remarks, *([self.suggestion] if self.suggestion else []), *self.notes]


def _joined(places: Sequence[str]) -> str:
    return ", ".join(places)


def _escaped(text: str) -> str:
    return html.escape(text)


def _aligned(heading: list[str], rows: list[list[str]]) -> list[str]:
    """Return a table as lines: the first column to the left, numbers to the right, the last column as it comes."""
    widths = [max(len(row[column]) for row in [heading, *rows]) for column in range(len(heading))]
    lines = []
    for row in [heading, *rows]:
        cells = [
            f"{cell:<{width}}" if column == 0 or not heading[column] else f"{cell:>{width}}"
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(f"  {'  '.join(cells)}".rstrip())
    return lines
