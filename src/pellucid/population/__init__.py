"""The population: many networks for one table, of which those that help each other are used together."""

from __future__ import annotations

from pellucid.population.memory import FreeMemory, MemoryForecast, forecast_memory, free_memory, require_memory
from pellucid.population.selection import Selection, blend, select_ensemble

__all__ = [
    "FreeMemory",
    "MemoryForecast",
    "Selection",
    "blend",
    "forecast_memory",
    "free_memory",
    "require_memory",
    "select_ensemble",
]
