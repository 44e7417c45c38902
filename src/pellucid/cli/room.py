"""Room is what a model needs on the disk: looked for when training begins, as soon as the networks' sizes are known."""

from __future__ import annotations

from typing import Any

from pellucid.domains import Kind
from pellucid.options import option
from pellucid.population.population import PopulationRun
from pellucid.training import Callback, Run


class Room(Callback):
    """Hands the size of the weights, of an ensemble at most, to a function that raises for lack of room."""

    check: Any = option(Kind((object,), "a function of a number of bytes"), "What raises.", kw_only=False)

    def begin(self, run: Run) -> None:
        """Look for room before the first step."""
        if isinstance(run, PopulationRun):
            self.check(run.population.most_bytes)
        else:
            self.check(run.network.parameters.nbytes + run.network.buffers.nbytes)
