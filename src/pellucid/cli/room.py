"""Room is what a model needs on the disk: looked for when training begins, as soon as the network's size is known."""

from __future__ import annotations

from typing import Any

from pellucid.domains import Kind
from pellucid.options import option
from pellucid.training import Callback, Run


class Room(Callback):
    """Hands the size of the network's weights to a function that raises where there is no room for them."""

    check: Any = option(Kind((object,), "a function of a number of bytes"), "What raises.", kw_only=False)

    def begin(self, run: Run) -> None:
        """Look for room before the first step."""
        self.check(run.network.parameters.nbytes + run.network.buffers.nbytes)
