"""A history is the table of numbers that training leaves, one row per epoch, with the state to go on from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pellucid.errors import OptionError, listed, near_miss
from pellucid.layers.base import Array
from pellucid.optimizers.base import State


@dataclass
class TrainingState:
    """All that training needs to go on as if it had not stopped."""

    seed: int
    total_epochs: int
    epoch: int = 0
    step: int = 0
    parameters: Array | None = None
    buffers: Array | None = None
    average: Array | None = None
    optimizer: State = field(default_factory=dict)
    callbacks: list[dict[str, Any]] = field(default_factory=list)


class History:
    """The table: ``history["loss"]`` is a column, ``history[-1]`` a row, ``len(history)`` the number of epochs.

    Columns are ``epoch`` (from 1), ``loss`` (the objective, averaged over the epoch's batches as the weights moved),
    ``validation_loss``, each metric with its ``validation_`` twin, ``learning_rate`` and ``gradient_norm`` (of the last
    step, after clipping) and ``seconds`` (of training so far; for epochs of microseconds the native engine reads the
    clock now and then and spaces those in between evenly).

    Attributes
    ----------
    state : the `TrainingState` to hand to ``train(..., resume=history)``
    stopped_by : why training ended before its last epoch, or ``""``
    engine, engine_reason : which engine ran, and why
    """

    def __init__(self, state: TrainingState, engine: str, engine_reason: str, resumed: History | None = None) -> None:
        self._columns: dict[str, list[Any]] = {} if resumed is None else resumed.to_dict()
        self._arrays: list[Mapping[str, Array]] = []
        self.state = state
        self.stopped_by = ""
        self.engine = engine
        self.engine_reason = engine_reason

    @property
    def columns(self) -> dict[str, list[Any]]:
        """The columns by name."""
        for arrays in self._arrays:
            for name, column in self._columns.items():
                column += arrays[name].tolist()
        self._arrays.clear()
        return self._columns

    def append(self, row: Mapping[str, Any]) -> None:
        """Add the numbers of an epoch; `OptionError` where the earlier epochs have others."""
        self._require_columns(row)
        for name, column in self.columns.items():
            column.append(row[name])

    def extend(self, arrays: Mapping[str, Array]) -> None:
        """Add the numbers of several epochs, ``(n_epochs,)`` each; they become lists when somebody reads them."""
        self._require_columns(arrays)
        self._arrays.append(arrays)

    def _require_columns(self, given: Mapping[str, Any]) -> None:
        if self._columns and given.keys() != self._columns.keys():
            raise OptionError(
                f"History has the columns {listed(self._columns)}; this epoch gave {listed(given)}. Resume with the "
                "same metrics and validation rows as before."
            )
        for name in given:
            self._columns.setdefault(name, [])

    def __len__(self) -> int:
        return len(self.columns.get("epoch", ()))

    def __getitem__(self, key: str | int) -> Any:
        if isinstance(key, int):
            return {name: column[key] for name, column in self.columns.items()}
        if key not in self.columns:
            raise OptionError(
                f"History has no column {key!r}; there are {listed(self.columns)}{near_miss(key, self.columns)}"
            )
        return self.columns[key]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self[index] for index in range(len(self)))

    def to_dict(self) -> dict[str, list[Any]]:
        """Return the columns, ready for a DataFrame."""
        return {name: list(column) for name, column in self.columns.items()}

    def __repr__(self) -> str:
        if not len(self):
            return "History of 0 epochs"
        shown = [self[index] for index in range(len(self))]
        lines = [f"History of {len(self)} epochs" + (f", stopped by {self.stopped_by}" if self.stopped_by else "")]
        widths = {name: max(len(name), 11) for name in self.columns}
        lines.append("  ".join(f"{name:>{width}}" for name, width in widths.items()))
        for index, row in enumerate(shown):
            if len(shown) <= 12 or index < 5 or index >= len(shown) - 5:
                lines.append("  ".join(f"{_figure(row[name]):>{width}}" for name, width in widths.items()))
            elif index == 5:
                lines.append(f"{'...':>{widths['epoch']}}")
        return "\n".join(lines)


def _figure(value: Any) -> str:
    return str(value) if isinstance(value, int) else f"{value:.6g}"
