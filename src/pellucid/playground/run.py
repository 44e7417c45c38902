"""A run is what a configuration amounts to: rows, a network, the timeline of its training, and the losses so far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pellucid.errors import OptionError
from pellucid.losses import Loss, Penalty
from pellucid.network import Network
from pellucid.optimizers import Optimizer
from pellucid.playground.choices import losses_for
from pellucid.playground.configuration import Configuration, build_network, configured
from pellucid.playground.curve import Curve
from pellucid.playground.rows import Rows
from pellucid.playground.surgery import operate
from pellucid.playground.timeline import Edit, Recipe, Timeline
from pellucid.playground.views import score
from pellucid.schedules import Schedule


class Run:
    """A run is a function of its configuration, the rows that this describes, and the edits.

    X, y : of the training rows; X_test, y_test : of those that only test
    """

    def __init__(self, configuration: Configuration, rows: Rows, edits: Sequence[Edit] = ()) -> None:
        self.configuration, self.rows = configuration, rows
        self.loss = _loss(configuration, rows)
        self.X, self.y = rows.X[~rows.is_test], rows.target[~rows.is_test]
        self.X_test, self.y_test = rows.X[rows.is_test], rows.target[rows.is_test]
        network = self._network()
        recipe = Recipe(
            self.loss,
            configured(Optimizer, configuration.optimizer, "optimizer"),
            configured(Schedule, configuration.schedule, "schedule"),
            Penalty(**configuration.penalty) if any(configuration.penalty.values()) else None,
            configuration.batch_size,
            configuration.epochs,
            configuration.seed,
        )

        def apply(edit: Edit) -> None:
            operate(network, edit.command, edit.fields)

        trial = network.copy()
        for edit in edits:  # those of a link: each must be possible
            operate(trial, edit.command, edit.fields)
        self.timeline = Timeline(network, self.X, self.y, recipe, apply, list(edits))
        self.curve = Curve()

    def _network(self) -> Network:
        rows, target = self.rows, self.rows.target
        n_outputs = len(rows.classes) if self.loss.link == "softmax" else self.loss.n_outputs(target[:, None])
        if rows.network is not None:
            network = rows.network.copy()
        else:
            network = build_network(self.configuration, rows.X.shape[1], n_outputs)
        self.loss.check_target(target, n_outputs)
        return network

    @property
    def network(self) -> Network:
        """The network as it is now."""
        return self.timeline.network

    @property
    def edits(self) -> list[dict[str, Any]]:
        """What was done by hand, as JSON data."""
        return [edit.to_json() for edit in self.timeline.edits]

    def scores(self) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        """Return the scores on the training rows and on those that test."""
        network, loss, classes = self.network, self.loss, self.rows.classes
        with np.errstate(all="ignore"):
            return score(network, self.X, self.y, loss, classes), score(
                network, self.X_test, self.y_test, loss, classes
            )

    def losses(self) -> tuple[float | None, float | None]:
        """Return the losses on the training rows and on those that test."""
        train, test = self.scores()
        return (None if train is None else train["loss"]), (None if test is None else test["loss"])

    def note(self) -> None:
        """Put the losses of this moment on the curve."""
        step = self.timeline.step
        if not self.curve.rows or self.curve.rows[-1][0] != step:
            self.curve.add(step, *self.losses())


def _loss(configuration: Configuration, rows: Rows) -> Loss:
    fitting = losses_for(rows)
    name = fitting[0] if configuration.loss is None else configuration.loss["type"]
    if name not in fitting:
        raise OptionError(f"loss: {name} does not fit this target; there are {', '.join(fitting)}.")
    loss: Loss = rows.loss or configured(Loss, configuration.loss or {"type": name}, "loss")
    return loss
