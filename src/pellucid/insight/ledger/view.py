"""A view is the part of a ledger that a reader chose to see, cut from its arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from pellucid.errors import OptionError
from pellucid.formulas import Entry
from pellucid.formulas.writing import Text, number

if TYPE_CHECKING:
    from pellucid.insight.ledger.checking import Difference
    from pellucid.insight.ledger.traced import TracedStep

LIMIT = 20_000  # cells; more than anyone reads, and each may take two passes through the network


class TooLargeError(OptionError):
    """A view of more cells than anyone reads; ``problem`` says how many."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"{problem} Choose fewer: rows=[0, 1], columns=[0, 1, 2], or most=6.")
        self.problem = problem


@dataclass(frozen=True)
class View:
    """What to show of each array.

    rows : which rows of the batch, from 0, as they stand in it; None for the first ones
    columns : which columns, from 0; where an array has none of them, its first ones are shown
    most : the largest number of rows and of columns that is shown where none are chosen; None for all
    digits : significant digits
    arithmetic : which cells to write out: ``"first"`` of each array, ``"all"`` that are shown, or ``"none"``
    differences : whether to take finite differences beside the slopes; None for as many as take a bearable time
    """

    rows: Sequence[int] | None = None
    columns: Sequence[int] | None = None
    most: int | None = 6
    digits: int = 4
    arithmetic: str = "first"
    differences: bool | None = None

    def __post_init__(self) -> None:
        for name in ("rows", "columns"):
            value = getattr(self, name)
            if value is None:
                continue
            numbers = [value] if isinstance(value, int) else list(value)
            if not numbers or not all(isinstance(n, int | np.integer) and n >= 0 for n in numbers):
                raise OptionError(f"trace: {name} got {value!r}; it expects numbers from 0, such as {name}=[0, 3].")
            object.__setattr__(self, name, [int(n) for n in numbers])
        if self.most is not None and not (isinstance(self.most, int) and self.most >= 1):
            raise OptionError(
                f"trace: most got {self.most!r}; it expects a whole number of at least 1, or None for all."
            )
        if not (isinstance(self.digits, int) and 1 <= self.digits <= 17):
            raise OptionError(f"trace: digits got {self.digits!r}; it expects a whole number from 1 to 17.")
        if self.arithmetic not in ("first", "all", "none"):
            raise OptionError(f"trace: arithmetic got {self.arithmetic!r}; it expects 'first', 'all' or 'none'.")

    def of(self, step: TracedStep) -> list[tuple[str, list[Shown]]]:
        """Return the sections of a step with the shown part of each entry; `OptionError` if that is too much."""
        n_rows = len(step.rows)
        for row in self.rows or ():
            if row >= n_rows:
                raise OptionError(f"trace: asked to show row {row}; the batch has the rows 0 to {n_rows - 1}.")
        widest = max(entry.shape[-1] for entry in step.entries if entry.shape and [i.letter for i in entry.at] != ["i"])
        for column in self.columns or ():
            if column >= widest:
                raise OptionError(
                    f"trace: asked to show column {column}; the widest array has the columns 0 to {widest - 1}."
                )
        found = [(section.title, [Shown(self, step, entry) for entry in section.entries]) for section in step.sections]
        cells = sum(shown.n_cells for _, entries in found for shown in entries)
        if cells > LIMIT:
            largest = max((shown for _, entries in found for shown in entries), key=lambda shown: shown.n_cells)
            raise TooLargeError(
                f"trace: this would show {cells:,} cells of {len(step.entries)} quantities, the largest "
                f"{largest.entry.symbol} with shape {largest.entry.shape}; at most {LIMIT:,} are shown."
            )
        return found


class Shown:
    """The shown part of an entry.

    Attributes
    ----------
    entry : the entry
    rows, columns : numbers from 0 of the shown part of each axis; one of them is [0] where the entry has no such axis
    """

    def __init__(self, view: View, step: TracedStep, entry: Entry) -> None:
        self.entry, self.view, self._step = entry, view, step
        axes = [index.letter for index in entry.at] or ["k", "j"][-len(entry.shape) :] if entry.shape else []
        parts = [
            self._part(size, letter == "i", axis)
            for axis, (size, letter) in enumerate(zip(entry.shape, axes, strict=False))
        ]
        self.is_column = len(parts) == 1 and axes[0] == "i"
        self.rows = parts[0] if len(parts) == 2 or self.is_column else [0]
        self.columns = [0] if not parts or self.is_column else parts[-1]

    def _part(self, size: int, by_row: bool, axis: int) -> list[int]:
        view = self.view
        chosen = view.rows if by_row else view.columns if axis == len(self.entry.shape) - 1 else None
        there = [n for n in chosen or () if n < size]
        if there:
            return there
        return list(range(size if view.most is None else min(size, view.most)))

    @property
    def n_cells(self) -> int:
        """How many cells are shown."""
        return len(self.rows) * len(self.columns)

    @property
    def left_out(self) -> int:
        """How many cells are not shown."""
        return math.prod(self.entry.shape) - self.n_cells

    def cell(self, row: int, column: int) -> tuple[int, ...]:
        """Return the entry's own index for a shown row and column, both counted from 0 in the entry."""
        if not self.entry.shape:
            return ()
        if len(self.entry.shape) == 2:
            return row, column
        return (row,) if self.is_column else (column,)

    @property
    def cells(self) -> list[tuple[int, ...]]:
        """The shown cells, row by row."""
        return [self.cell(row, column) for row in self.rows for column in self.columns]

    @property
    def values(self) -> list[list[float]]:
        """The shown numbers, row by row."""
        return [[float(self.entry.value[self.cell(row, column)]) for column in self.columns] for row in self.rows]

    @property
    def written_out(self) -> list[tuple[int, ...]]:
        """The cells whose arithmetic is to be shown."""
        if self.entry.formula is None or self.view.arithmetic == "none":
            return []
        return self.cells if self.view.arithmetic == "all" else self.cells[:1]

    @property
    def differences(self) -> list[list[float | None]] | None:
        """Finite differences beside the shown numbers; None where there are none to take, or none are wanted."""
        if self._found is None:
            return None
        return [[None if found is None else found.middle for found in row] for row in self._found]

    def by_differences(self, writer: Text, none: str = "–", to: str = "…") -> list[list[str]]:
        """Return the finite differences as they are written: at a kink the slopes to the left and to the right."""

        def written(found: Difference | None) -> str:
            if found is None:
                return none
            if found.is_kink(self._scale):
                return f"{writer.number(found.left)} {to} {writer.number(found.right)}"
            return writer.number(found.middle)

        return [[written(found) for found in row] for row in self._found or []]

    @cached_property
    def _found(self) -> list[list[Difference | None]] | None:
        checker = None if self.view.differences is False else self._step.differences
        if checker is None or not checker.has(self.entry):
            return None
        taken = [checker.at(self.entry, cell) for cell in self.cells[: self._n_taken]]
        found = [*taken, *[None] * (self.n_cells - len(taken))]
        width = len(self.columns)
        return [found[start : start + width] for start in range(0, self.n_cells, width)]

    @property
    def _n_taken(self) -> int:
        """Of how many cells the differences are taken."""
        return self.n_cells if self.view.differences else min(self.n_cells, self._step.differences.bearable(self.entry))

    @property
    def kinks(self) -> list[tuple[tuple[int, ...], Difference]]:
        """The shown cells at which the slope jumps."""
        found = [difference for row in self._found or [] for difference in row]
        return [(c, d) for c, d in zip(self.cells, found, strict=False) if d is not None and d.is_kink(self._scale)]

    @property
    def _pairs(self) -> list[tuple[float, Difference]]:
        return [
            (value, found)
            for values, differences in zip(self.values, self._found or [], strict=True)
            for value, found in zip(values, differences, strict=True)
            if found is not None
        ]

    @cached_property
    def _scale(self) -> float:
        """The largest slope that is shown, and at least what differences of the loss can tell from zero."""
        largest = max((abs(number) for value, found in self._pairs for number in (value, found.middle)), default=0.0)
        return max(largest, self._step.differences.smallest) or 1.0

    @property
    def disagreement(self) -> float:
        """The largest distance of a shown slope from its finite difference, relative to the largest slope."""
        return max((found.distance(value) for value, found in self._pairs), default=0.0) / self._scale

    @property
    def agrees(self) -> bool:
        """Whether the shown slopes agree with their differences."""
        return self.differences is None or self.disagreement <= self._step.differences.tolerance

    @property
    def verdict(self) -> str:
        """The agreement with finite differences in words; empty where there are none."""
        if self.view.differences is False:
            return ""
        if self.differences is None:
            why = self._step.differences.why_not(self.entry)
            return f"no finite differences: {why}" if why else ""
        if not self._pairs:
            return "no finite differences: a code has no neighbors"
        size = f"{self.disagreement:.0e}" if self.disagreement else "0"
        if not self.agrees:
            return f"finite differences DISAGREE: the farthest is off by {size} of the largest slope"
        kinks = len(self.kinks)
        at_kinks = ""
        if kinks:
            where = "1 number stands" if kinks == 1 else f"{kinks} numbers stand"
            at_kinks = f"; {where} at a kink, where the slope jumps: any slope between both sides is right"
        return f"finite differences agree to {size} of the largest slope{at_kinks}{self._without}"

    @property
    def _without(self) -> str:
        """Which of the shown slopes have no difference, and why, in words."""
        codes, left = self._n_taken - len(self._pairs), self.n_cells - self._n_taken
        text = f"; {codes} of the numbers have none: a code has no neighbors" if codes else ""
        if left:
            n_rows = self._step.differences.n_rows
            text += (
                f"; taken for {self._n_taken:,} of the {self.n_cells:,} numbers, as each sends {n_rows:,} rows twice "
                f"through the network (all, if differences are asked for)"
            )
        return text

    @property
    def size(self) -> str:
        """The shape in words: ``4 × 3``."""
        return " × ".join(map(str, self.entry.shape)) or "a number"

    @property
    def summary(self) -> str:
        """What is not shown, in words: how many cells, and their range, mean and deviation; empty if all are shown."""
        if not self.left_out:
            return ""
        value = self.entry.value
        figures = ", ".join(
            f"{name} {number(float(figure), self.view.digits)}"
            for name, figure in (("lowest", value.min()), ("highest", value.max()), ("mean", value.mean()))
        )
        return f"{self.n_cells:,} of {value.size:,} cells are shown; of all: {figures}"

    def labels(self, by_row: bool) -> list[str]:
        """Return labels of the shown rows or columns: counted from 1, and with a row's number in X if it differs."""
        numbers = self.rows if by_row else self.columns
        entry = self.entry
        letters = [index.letter for index in entry.at]
        if by_row and letters[:1] == ["i"]:
            whole = np.array_equal(self._step.rows, np.arange(len(self._step.rows)))
            return [str(n + 1) if whole else f"{n + 1} (row {self._step.rows[n]})" for n in numbers]
        return [str(n + 1) for n in numbers]
