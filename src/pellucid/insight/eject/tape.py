"""The tape: the lines of an ejected network's passes, written while its layers are gone through once."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from pellucid.insight.eject.layout import Expression, laid_out
from pellucid.insight.eject.sources import Sources
from pellucid.insight.numbering import Numbers
from pellucid.layers.base import Array, Layer

MARGIN = 4


class Value(NamedTuple):
    """A matrix between two layers: its name when predicting, its name when training, its number of columns."""

    predicted: str
    trained: str
    size: int


class Weight(NamedTuple):
    """A trained array or a buffer: its name on the page, and its numbers."""

    symbol: str
    array: Array


Backward = Callable[[str, bool], str | None]
"""From the name of dL/dy, and whether dL/dx is wanted, to the name of dL/dx; it writes the lines in between."""


class Tape:
    """Lines of the forward pass (when predicting, and when training), of the way back, and what they need."""

    def __init__(self, sources: Sources, dtype: np.dtype[np.floating], *, training: bool, scheduled_dropout: bool):
        self.sources, self.dtype, self.training = sources, dtype, training
        self.scheduled_dropout = scheduled_dropout
        self.predicting_lines: list[str] = []
        self.training_lines: list[str] = []
        self.backward_lines: list[str] = []
        self.parameters: list[Weight] = []
        self.buffers: list[Weight] = []
        self.running: list[str] = []
        self.draws = False
        self._numbers = Numbers()
        self._parts = 0

    def number(self, layer: Layer) -> int:
        """Return the number of a layer's symbols, the ledger's; to be asked for in the order of the forward pass."""
        return self._numbers.next(layer)

    def next_part(self) -> int:
        """Return the number of the next slice of columns: 1, 2, ..."""
        self._parts += 1
        return self._parts

    def forward(self, name: str, text: str, x: Value, size: int | None = None) -> Value:
        """Write ``name = text`` into both forward passes, with the name of x in place of ``{x}``."""
        self._write(self.predicting_lines, name, text.replace("{x}", x.predicted), size)
        return self.forward_training(name, text, x, size)

    def forward_predicting(self, name: str, text: Expression, size: int | None = None) -> None:
        """Write ``name = text`` into the forward pass of prediction."""
        self._write(self.predicting_lines, name, text, size)

    def forward_training(self, name: str, text: Expression, x: Value, size: int | None = None) -> Value:
        """Write ``name = text`` into the forward pass of training."""
        text = text.replace("{x}", x.trained) if isinstance(text, str) else text
        self._write(self.training_lines, name, text, size)
        return Value(name, name, size or x.size)

    def backward(self, name: str, text: Expression, shape: str = "") -> str:
        """Write ``name = text`` into the way back, with a comment on the shape."""
        self.backward_lines += laid_out(text, before=f"{name} = ", after=f"  # {shape}" if shape else "", indent=MARGIN)
        return name

    def statement(self, text: str) -> None:
        """Write a line that is no assignment into the way back."""
        self.backward_lines.append(" " * MARGIN + text)

    def _write(self, lines: list[str], name: str, text: Expression, size: int | None) -> None:
        lines += laid_out(text, before=f"{name} = ", after=f"  # (n, {size})" if size else "", indent=MARGIN)
