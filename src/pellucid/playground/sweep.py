"""A sweep trains a small network for each cell of a table of settings, one after another, a little at a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pellucid.errors import OptionError, PellucidError
from pellucid.playground.configuration import Configuration
from pellucid.playground.run import Run
from pellucid.playground.settings import MODELS_OWN

if TYPE_CHECKING:
    from pellucid.playground.experiment import Experiment, Frame

MOST_CELLS = 64


def start_sweep(experiment: Experiment, x: Any, y: Any, epochs: int) -> Frame:
    """Begin a sweep; `Experiment.advance` trains its cells."""
    fields = [str(side.get("field")) for side in (x, y or {})]
    if experiment.run.rows.network is not None and any(field.startswith("network") for field in fields):
        raise OptionError(MODELS_OWN)

    def begin(configuration: Configuration) -> Run:
        return Run(configuration, experiment.rows_of(configuration))

    experiment.sweep = Sweep(experiment.configuration, x, y, epochs, begin)
    return experiment.sweep.frame()


def stop_sweep(experiment: Experiment) -> Frame:
    """Leave the cells that are left."""
    if experiment.sweep is None:
        raise OptionError("stop_sweep: no sweep runs.")
    experiment.sweep.stop()
    return experiment.sweep.frame()


class Sweep:
    """The cells that are done, and the one that is being trained; `advance` goes on for some time."""

    def __init__(
        self, configuration: Configuration, x: Any, y: Any, epochs: int, begin: Callable[[Configuration], Run]
    ) -> None:
        self._sides = [_side("x", x), _side("y", y) if y is not None else ("", [None])]
        self._epochs, self._begin = epochs, begin
        x_values, y_values = self._sides[0][1], self._sides[1][1]
        if len(x_values) * len(y_values) > MOST_CELLS:
            n_cells = len(x_values) * len(y_values)
            raise OptionError(f"start_sweep: {n_cells} cells; it expects at most {MOST_CELLS}.")
        self._todo = []
        for j, y_value in enumerate(y_values):
            for i, x_value in enumerate(x_values):
                changed = _changed(configuration, self._sides[0][0], x_value)
                changed = changed if y is None else _changed(changed, self._sides[1][0], y_value)
                self._todo.append((i, j, changed))
        self.n_cells = len(self._todo)
        self._shown = {"x": x, "y": y, "epochs": epochs}
        self.cells: list[dict[str, Any]] = []
        self._current: Run | None = None

    @property
    def running(self) -> bool:
        """Whether cells are left."""
        return bool(self._todo)

    def stop(self) -> None:
        """Leave the cells that are left."""
        self._todo = []

    def advance(self, seconds: float) -> bool:
        """Train for some time; return whether a cell was finished."""
        until = time.monotonic() + seconds
        i, j, configuration = self._todo[0]
        try:
            if self._current is None:
                self._current = self._begin(configuration)
            run = self._current
            timeline = run.timeline
            while timeline.epoch < self._epochs and time.monotonic() < until:
                timeline.go_to(timeline.step + timeline.batches)
            if timeline.epoch < self._epochs:
                return False
            train_loss, test_loss = run.losses()
            cell: dict[str, Any] = {"train_loss": train_loss, "test_loss": test_loss, "problem": None}
        except PellucidError as error:
            cell = {"train_loss": None, "test_loss": None, "problem": str(error)}
        self.cells.append({"x": i, "y": j, **cell})
        self._todo.pop(0)
        self._current = None
        return True

    def frame(self) -> Frame:
        """Return the cells so far."""
        return {"frame": "sweep", **self._shown, "cells": self.cells, "n_cells": self.n_cells, "running": self.running}


def _side(name: str, side: Any) -> tuple[str, list[Any]]:
    field, values = side.get("field"), side.get("values")
    if set(side) != {"field", "values"} or not isinstance(field, str) or not isinstance(values, list) or not values:
        raise OptionError(f'start_sweep: {name} expects {{"field": "optimizer.learning_rate", "values": [...]}}.')
    if len(values) > MOST_CELLS:
        raise OptionError(f"start_sweep: {name} has {len(values)} values; it expects at most {MOST_CELLS}.")
    return field, values


def _changed(configuration: Configuration, field: str, value: Any) -> Configuration:
    section, _, name = field.partition(".")
    sections = configuration.to_json()
    if field == "network.width":
        hidden = [{**layer, "width": value} for layer in sections["network"]["hidden"]]
        return configuration.changed(network={"hidden": hidden})
    if section in ("optimizer", "loss", "schedule", "penalty", "data") and name and sections[section] is not None:
        return configuration.changed(**{section: {**sections[section], name: value}})
    if field in ("batch_size", "seed"):
        return configuration.changed(**{field: value})
    raise OptionError(
        f"start_sweep: field got {field!r:.60}; it expects an option of the optimizer, loss, schedule, penalty or "
        "data, such as 'optimizer.learning_rate', or 'network.width', 'batch_size', 'seed'."
    )
