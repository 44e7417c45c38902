"""The population: many networks for one table, of which those that help each other are used together."""

from __future__ import annotations

from pellucid.population.selection import Selection, blend, select_ensemble

__all__ = ["Selection", "blend", "select_ensemble"]
