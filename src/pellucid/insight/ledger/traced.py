"""A trace is the ledgers of some training steps, to be looked up, expanded cell by cell, and shown."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from pellucid.errors import OptionError, listed, near_miss
from pellucid.formulas import Entry
from pellucid.formulas.writing import Latex, Text
from pellucid.insight.ledger.checking import Differences
from pellucid.insight.ledger.recording import Recording
from pellucid.insight.ledger.sections import Section, ledger_of
from pellucid.insight.ledger.view import View
from pellucid.layers.base import Array

_PLAIN = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹₁₂∂′ℓ", "012345678912d'l")


class TracedStep:
    """The ledger of one step.

    Attributes
    ----------
    number, epoch, batch : of the step in training, of its epoch, and of its batch in the epoch, all from 0
    rows : (n_rows,), numbers of the batch's rows in X
    sections : the entries under their headings, in the order in which they came about
    recording : the arrays as they were recorded
    """

    def __init__(self, recording: Recording, epoch: int, batch: int, rows: Array) -> None:
        self.recording, self.epoch, self.batch, self.rows = recording, epoch, batch, rows
        self.number = recording.before.step
        self._ledger = ledger_of(recording)

    @property
    def sections(self) -> list[Section]:
        """The entries under their headings."""
        return self._ledger.sections

    @property
    def entries(self) -> list[Entry]:
        """All entries."""
        return [entry for section in self.sections for entry in section.entries]

    @cached_property
    def differences(self) -> Differences:
        """What finite differences say of the slopes."""
        return Differences(self.recording, self._ledger)

    def __getitem__(self, name: str) -> Entry:
        for entry in self.entries:
            if name and name in (entry.symbol.text, entry.symbol.text.translate(_PLAIN), entry.name):
                return entry
        names = [entry.symbol.text for entry in self.entries]
        close = near_miss(name.translate(_PLAIN), [text.translate(_PLAIN) for text in names])
        raise OptionError(f"trace: no quantity {name!r}; there are {listed(names, limit=40)}{close or '.'}")


class Trace:
    """The ledgers of some training steps: what `trace` returns.

    ``trace["dL/dW1"]`` is an entry of the first of the steps; so are ``"∂L/∂W¹"``, ``"W1'"``, ``"0.weight"``. In a
    notebook a trace shows itself as a page.

    Attributes
    ----------
    steps : the steps, as `TracedStep`
    """

    def __init__(self, steps: list[TracedStep]) -> None:
        self.steps = steps

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[TracedStep]:
        return iter(self.steps)

    def __getitem__(self, name: str) -> Entry:
        return self.steps[0][name]

    def step(self, number: int) -> TracedStep:
        """Return the step with this number in training."""
        for step in self.steps:
            if step.number == number:
                return step
        raise OptionError(f"trace: step {number} was not traced; there are {listed(s.number for s in self.steps)}.")

    def arithmetic(self, name: str, *cell: int, step: int | None = None, digits: int = 4, latex: bool = False) -> str:
        """Return how a cell came about: symbols, numbers, result.

        name : of the entry, such as ``"dL/dW1"``
        cell : its row and column from 0, as far as the entry has them; formulas count them from 1
        digits : significant digits of the numbers
        """
        entry = (self.steps[0] if step is None else self.step(step))[name]
        if len(cell) != len(entry.shape) or any(
            not 0 <= at < size for at, size in zip(cell, entry.shape, strict=False)
        ):
            raise OptionError(f"trace: {entry.symbol} has shape {entry.shape}; it has no cell {cell}, counted from 0.")
        writer = (Latex if latex else Text)(digits=digits)
        if entry.formula is None:
            return f"{writer.cell(entry, cell)} = {writer.number(float(entry.value[cell]))}"
        return writer.arithmetic(entry, cell)

    def to_text(self, *, width: int = 100, **chosen: Any) -> str:
        """Return the ledger as plain text; ``chosen`` are the fields of `View`."""
        from pellucid.insight.ledger.text import plain_text

        return plain_text(self.steps, View(**chosen), width)

    def show(self, **chosen: Any) -> None:
        """Print the ledger on the terminal; ``chosen`` are the fields of `View`."""
        from pellucid.insight.ledger.text import show

        show(self.steps, View(**chosen))

    def to_markdown(self, **chosen: Any) -> str:
        """Return the ledger as Markdown with LaTeX; ``chosen`` are the fields of `View`."""
        from pellucid.insight.ledger.markdown import markdown

        return markdown(self.steps, View(**chosen))

    def to_html(self, **chosen: Any) -> str:
        """Return the ledger as a self-contained page; ``chosen`` are the fields of `View`."""
        from pellucid.insight.ledger.page import page

        return page(self.steps, View(**chosen))

    def to_json(self, *, most: int | None = None, **chosen: Any) -> dict[str, Any]:
        """Return the ledger as JSON data, formulas as trees; ``most`` and ``chosen`` are the fields of `View`."""
        from pellucid.insight.ledger.document import document

        return document(self.steps, View(most=most, **chosen))

    def _repr_html_(self) -> str:
        from pellucid.insight.ledger.page import fragment

        return fragment(self.steps, View())

    def __repr__(self) -> str:
        numbers = ", ".join(str(step.number) for step in self.steps)
        count = sum(len(step.entries) for step in self.steps)
        return f"Trace of {'step' if len(self.steps) == 1 else 'steps'} {numbers}: {count} quantities; trace.show()"
