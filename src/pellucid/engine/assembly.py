"""An assembly is a plan in the making: its operations so far, and where their arrays lie."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from pellucid.engine.records import Code, Operand, Operation, Space
from pellucid.layers import Embedding
from pellucid.network import Network

PAD = 16
"""Numbers after each array of the workspace, so that whole registers may be read and written."""


class Place(NamedTuple):
    """Where an array lies."""

    space: int
    offset: int


NOWHERE = Place(Space.NOWHERE, 0)

Backward = Callable[[Place, bool], Place | None]


def place_of(operand: Operand) -> Place:
    """Return the operand as a place, which can be compared."""
    return Place(operand.space, operand.offset)


def whole_registers(numbers: int) -> int:
    """Return ``numbers`` rounded up to a multiple of 16."""
    return -(-numbers // 16) * 16


class Assembly:
    """The operations so far, the size of their workspace, and the reasons why there can be no plan."""

    def __init__(self, network: Network, rows: int, *, training: bool) -> None:
        self.network, self.rows, self.training = network, rows, training
        self.forward: list[Operation] = []
        self.backward: list[Operation] = []
        self.commit: list[Operation] = []
        self.reasons: list[str] = []
        self.codes: list[tuple[int, Embedding]] = []
        self.kept: list[Any] = []
        self.size = 0
        self.columns_of_x: dict[Place, range] = {Place(Space.ROWS, 0): range(network.n_inputs)}
        self._offsets = {
            Space.PARAMETERS: _offsets(network.named_parameters),
            Space.BUFFERS: _offsets(network.named_buffers),
        }

    def numbers(self, count: int) -> Place:
        """Return memory for so many numbers."""
        place = Place(Space.WORKSPACE, self.size)
        self.size += whole_registers(count) + PAD
        return place

    def rows_of(self, columns: int) -> Place:
        """Return memory for an array with a row per row of the batch."""
        return self.numbers(self.rows * columns)

    def parameter(self, name: str) -> Place:
        """Return where the parameter lies."""
        return Place(Space.PARAMETERS, self._offsets[Space.PARAMETERS][name])

    def gradient(self, name: str) -> Place:
        """Return where the parameter's gradient lies."""
        return Place(Space.GRADIENTS, self._offsets[Space.PARAMETERS][name])

    def buffer(self, name: str) -> Place:
        """Return where the buffer lies."""
        return Place(Space.BUFFERS, self._offsets[Space.BUFFERS][name])


def _offsets(views: Any) -> dict[str, int]:
    found, start = {}, 0
    for name, view in views.items():
        found[name] = start
        start += view.size
    return found


def operation(code: Code, n_in: int, *places: Place, n_out: int = 0, **more: Any) -> Operation:
    """Return the record; where only one size counts, ``n_out`` is the same."""
    made = Operation(code=code, n_in=n_in, n_out=n_out or n_in)
    for index in range(len(made.operands)):
        made.operands[index] = Operand(*(places[index] if index < len(places) else NOWHERE))
    for index, option in enumerate(more.pop("options", ())):
        made.options[index] = option
    for name, value in more.items():
        setattr(made, name, value)
    return made
