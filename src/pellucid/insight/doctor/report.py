"""A report is what the doctor found: each finding with its figures, where it is, what it means, and what mends it."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from rich.console import RenderableType

SEVERITIES = ("problem", "warning", "note")
"""A problem keeps the network from learning, a warning costs accuracy or time, a note is worth a look."""

MOST_SHOWN = 10
WIDTH = 100
COLORS = {"problem": "#b3261e", "warning": "#8a5a00", "note": "#1f5fa8"}  # each at least 4.5 : 1 on white


@dataclass(frozen=True)
class Finding:
    """One fault, or one thing to look at.

    Attributes
    ----------
    name : what was found, such as ``"dead ReLUs"``
    severity : ``"problem"``, ``"warning"`` or ``"note"``
    explanation : what it means, in plain words, with the figures
    mend : the line of code that mends it
    figures : the evidence, by name
    layer : the layer's name as in the parameters' names, such as ``"1"`` or ``"0.numbers"``; "" for none
    neurons : numbers of the layer's outputs, from 0
    columns : names of the columns of X
    rows : row numbers of X, from 0
    """

    name: str
    severity: str
    explanation: str
    mend: str
    figures: Mapping[str, Any] = field(default_factory=dict)
    layer: str = ""
    neurons: tuple[int, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[int, ...] = ()

    @property
    def where(self) -> str:
        """The place in words, such as ``"layer 1, neurons 0, 2"``."""
        parts = [f"layer {self.layer}"] if self.layer else []
        for noun, items in (("neuron", self.neurons), ("column", self.columns), ("row", self.rows)):
            if items:
                parts.append(f"{noun}{'' if len(items) == 1 else 's'} {shortened(items)}")
        return ", ".join(parts)

    def to_json(self) -> dict[str, Any]:
        """Return the finding as JSON data."""
        return {
            "name": self.name,
            "severity": self.severity,
            "layer": self.layer,
            "neurons": list(self.neurons),
            "columns": list(self.columns),
            "rows": list(self.rows),
            "figures": {name: _plain(value) for name, value in self.figures.items()},
            "explanation": self.explanation,
            "mend": self.mend,
        }


@dataclass(frozen=True)
class Report:
    """What `diagnose` returns: the findings, the gravest first.

    Attributes
    ----------
    findings : of severity "problem", then "warning", then "note"
    subject : what was examined, in one line
    examined : the checks that were made
    unexamined : the checks that could not be made, each with the reason
    largest_losses : row number -> loss of up to five rows that a constant answer would fit better, the largest first:
        a wrong target would be among them
    """

    findings: tuple[Finding, ...]
    subject: str
    examined: tuple[str, ...]
    unexamined: Mapping[str, str]
    largest_losses: Mapping[int, float]

    @property
    def healthy(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def __getitem__(self, name: str) -> list[Finding]:
        """Return the findings of this name; an empty list if there are none."""
        return [finding for finding in self.findings if finding.name == name]

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON data."""
        return {
            "subject": self.subject,
            "healthy": self.healthy,
            "findings": [finding.to_json() for finding in self.findings],
            "examined": list(self.examined),
            "unexamined": dict(self.unexamined),
            "largest_losses": [{"row": row, "loss": _plain(loss)} for row, loss in self.largest_losses.items()],
        }

    def __str__(self) -> str:
        lines = [self.subject, ""]
        for finding in self.findings:
            lines += [_heading(finding), *_wrapped(finding.explanation), f"  mend: {finding.mend}", ""]
        lines += [line for text in self._rest() for line in textwrap.wrap(text, WIDTH, subsequent_indent="  ")]
        return "\n".join(lines)

    __repr__ = __str__

    def __rich__(self) -> RenderableType:
        """Return the report for a terminal, in colors and at its width."""
        from rich.console import Group
        from rich.padding import Padding
        from rich.text import Text

        styles = {"problem": "bold red", "warning": "bold yellow", "note": "bold cyan"}
        parts: list[RenderableType] = [Text(self.subject), Text()]
        for finding in self.findings:
            parts.append(Text(_heading(finding), style=styles[finding.severity]))
            parts.append(Padding(Text(finding.explanation), (0, 0, 0, 2), expand=False))
            mend = Text.assemble(("mend: ", "bold"), (finding.mend, "green"))
            parts += [Padding(mend, (0, 0, 0, 2), expand=False), Text()]
        verdict, *rest = self._rest()
        parts += [Text(verdict), *(Text(text, style="dim") for text in rest)]
        return Group(*parts)

    def _repr_html_(self) -> str:
        """Return the report for a notebook, as a card that is readable on light and dark pages."""
        items = "".join(
            f'<li style="margin:0 0 1em 0"><b style="color:{COLORS[finding.severity]}">'
            f"{html.escape(finding.severity)}: {html.escape(finding.name)}</b>"
            f"{' in ' + html.escape(finding.where) if finding.where else ''}<br>{html.escape(finding.explanation)}"
            f'<pre style="margin:.4em 0;padding:.4em .6em;background:#f1f3f5;color:#1b1f24;white-space:pre-wrap">'
            f"{html.escape(finding.mend)}</pre></li>"
            for finding in self.findings
        )
        after = "<br>".join(map(html.escape, self._rest()))
        return (
            '<div style="background:#ffffff;color:#1b1f24;padding:1em 1.2em;border-radius:6px;max-width:60em;'
            f'font-family:system-ui,sans-serif"><p>{html.escape(self.subject)}</p>'
            f'<ul style="padding-left:1.2em">{items}</ul><p style="color:#57606a">{after}</p></div>'
        )

    def _rest(self) -> list[str]:
        """Return what is said after the findings: how many, what was checked and what was not, the largest losses."""
        counts = [(sum(f.severity == severity for f in self.findings), severity) for severity in SEVERITIES]
        found = ", ".join(f"{count} {severity}{'' if count == 1 else 's'}" for count, severity in counts if count)
        lines = [f"{found or 'Nothing found'}, after {len(self.examined)} checks: {', '.join(self.examined)}."]
        by_reason: dict[str, list[str]] = {}
        for name, reason in self.unexamined.items():
            by_reason.setdefault(reason, []).append(name)
        lines += [f"Not examined: {', '.join(names)}, because {reason}." for reason, names in by_reason.items()]
        if self.largest_losses:
            largest = ", ".join(f"row {row}: {loss:.3g}" for row, loss in self.largest_losses.items())
            lines.append(f"Rows that a constant answer fits better, the largest losses first: {largest}.")
        return lines


def shortened(items: Any, most: int = MOST_SHOWN) -> str:
    """Return items in a row, of many only the first.

    >>> shortened([3, 1, 2]), shortened(range(60), most=3)
    ('3, 1, 2', '0, 1, 2 and 57 more')
    """
    shown = [str(item) for item in items]
    more = f" and {len(shown) - most} more" if len(shown) > most else ""
    return ", ".join(shown[:most]) + more


def _heading(finding: Finding) -> str:
    return f"{finding.severity}: {finding.name}{': ' + finding.where if finding.where else ''}"


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="  ")


def _plain(value: Any) -> Any:
    """Return a figure as JSON data, which knows no NumPy and no infinity."""
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(item) for item in value]
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not np.isfinite(value) else value
