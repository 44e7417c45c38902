"""How a report is shown: as text, in color by rich, as a part of a page in notebooks, and as JSON."""

from __future__ import annotations

import html
import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Table:
    """A table of texts; a column without a heading is not aligned to the right."""

    heading: Sequence[str]
    rows: Sequence[Sequence[str]]

    def lines(self) -> list[str]:
        """Return the table as lines of text."""
        everything = [self.heading, *self.rows]
        widths = [max(len(row[column]) for row in everything) for column in range(len(self.heading))]
        lines = []
        for row in everything:
            cells = [
                f"{cell:>{width}}" if column and self.heading[column] else f"{cell:<{width}}"
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            lines.append("  ".join(cells).rstrip())
        return lines

    def html(self) -> str:
        """Return the table as HTML."""
        head = "".join(f'<th scope="col">{html.escape(cell)}</th>' for cell in self.heading)
        body = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in self.rows)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


class Rendered(ABC):
    """A report, a dataclass, made of a sentence and blocks: paragraphs, each a list of lines, and tables."""

    color = ""

    @abstractmethod
    def _sentence(self) -> str:
        """Return the verdict in one sentence."""

    @abstractmethod
    def _blocks(self) -> list[list[str] | Table]:
        """Return what is shown below the sentence."""

    def __str__(self) -> str:
        parts = [[self._sentence()]]
        for block in self._blocks():
            parts.append([f"  {line}" for line in (block.lines() if isinstance(block, Table) else block)])
        return "\n\n".join("\n".join(lines) for lines in parts)

    __repr__ = __str__

    def __rich__(self) -> Any:
        """Return the text for rich, with the verdict and the mend in color."""
        from rich.text import Text

        heading, _, rest = str(self).partition("\n")
        text = Text(heading, style=f"bold {self.color}").append(f"\n{rest}" if rest else "", style="not bold default")
        text.highlight_regex(r"mend: .*", "bold cyan")
        return text

    def _repr_html_(self) -> str:
        parts = [f"<p><strong>{html.escape(self._sentence())}</strong></p>"]
        for block in self._blocks():
            if isinstance(block, Table):
                parts.append(block.html())
            else:
                parts.append(f"<p>{'<br>'.join(html.escape(line.strip()) for line in block)}</p>")
        return "\n".join(parts)

    def to_json(self) -> str:
        """Return all fields as one JSON document."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False, allow_nan=False)  # type: ignore[call-overload]
