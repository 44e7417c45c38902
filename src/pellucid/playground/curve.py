"""The curve is the losses over time, thinned so that it never grows beyond what can be seen."""

from __future__ import annotations

from typing import Any

MOST_ROWS = 1000


class Curve:
    """Rows of step, train loss and test loss, in the order of their steps."""

    def __init__(self) -> None:
        self.rows: list[list[Any]] = []
        self._sent = 0

    def add(self, step: int, train_loss: float | None, test_loss: float | None) -> None:
        """Add a row; those of this step and of later ones are dropped."""
        while self.rows and self.rows[-1][0] >= step:
            self.rows.pop()
        self._sent = min(self._sent, len(self.rows))
        self.rows.append([step, train_loss, test_loss])
        if len(self.rows) > MOST_ROWS:
            self.rows = self.rows[::2]
            self._sent = 0

    def news(self) -> dict[str, Any]:
        """Return the rows that were not yet told, and the index of the first of them."""
        start, self._sent = self._sent, len(self.rows)
        return {"from": start, "rows": self.rows[start:]}

    def tell_all(self) -> None:
        """Let the next `news` be everything."""
        self._sent = 0
