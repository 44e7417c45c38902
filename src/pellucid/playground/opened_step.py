"""An opened step is the next step of a run, gone through one quantity at a time without being taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pellucid.errors import OptionError
from pellucid.playground import numbers
from pellucid.playground.timeline import Timeline

if TYPE_CHECKING:
    from pellucid.playground.experiment import Frame


class OpenedStep:
    """``rows`` are training rows, or None for those of the next batch; the first quantity is looked at."""

    def __init__(self, timeline: Timeline, rows: list[int] | None) -> None:
        self._step = numbers.next_step(timeline, numbers.batch_rows(timeline, rows))
        self._is_next = rows is None
        self._at = 0

    def is_beyond(self, by: int) -> bool:
        """Return whether so many quantities on, the step is over; `OptionError` where it cannot be taken."""
        over = self._at + by >= len(self._step.entries)
        if over and not self._is_next:
            raise OptionError("step_operation: this was the last quantity; a step for chosen rows is only looked at.")
        return over

    def move(self, by: int) -> None:
        """Look at another quantity, so many on; before the first it stays."""
        self._at = max(0, self._at + by)

    def ledger(self) -> Frame:
        """Return what all the quantities are."""
        step = self._step
        place = {"step": step.number, "epoch": step.epoch, "batch": step.batch, "rows": step.rows.tolist()}
        return {"frame": "ledger", **place, "entries": numbers.outline(step), "at": self._at}

    def operation(self) -> Frame:
        """Return the quantity that is looked at, with its numbers."""
        said = numbers.operation(self._step, self._at)
        return {"frame": "operation", "step": self._step.number, "at": self._at, **said}
