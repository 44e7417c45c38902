"""What happens before the first step: the arguments of `train` are checked and made to fit each other."""

from __future__ import annotations

import copy
from collections.abc import Mapping

from pellucid.errors import OptionError, ShapeError, listed, near_miss
from pellucid.layers import Dropout
from pellucid.layers.base import Array, Forward, walk
from pellucid.network import Network
from pellucid.optimizers import Optimizer
from pellucid.options import named
from pellucid.random import Random, as_random
from pellucid.schedules import ConstantRate, Schedule
from pellucid.training.callbacks import Callback
from pellucid.training.history import History, TrainingState


def start_or_resume(
    network: Network,
    x: Array,
    forward: Forward,
    optimizer: Optimizer,
    rng: int | Random | None,
    epochs: int,
    total_epochs: int | None,
    average: float | None,
    watchers: list[Callback],
    resume: History | None,
) -> TrainingState:
    """Return the state to train from; weights and callbacks are put where it says."""
    if resume is None:
        if not network.initialized:
            network.initialize(x, forward=forward)
        state = TrainingState(
            as_random(rng).seed, total_epochs or epochs, optimizer=optimizer.start(network.parameters)
        )
        state.average = None if average is None else network.parameters.copy()
        for watcher in watchers:
            watcher.state = {}
        return state
    state = copy.deepcopy(resume.state)
    if state.parameters is None or state.parameters.shape != network.parameters.shape:
        raise ShapeError("train: resume holds the history of another network; pass the network that it trained.")
    if total_epochs not in (None, state.total_epochs):
        raise OptionError(
            f"train: total_epochs got {total_epochs}; the history to resume began with {state.total_epochs}, which its "
            f"schedules span. Leave it out, or pass the same."
        )
    if len(state.callbacks) != len(watchers):
        raise OptionError(
            f"train: resume has {len(state.callbacks)} callbacks and got {len(watchers)}; pass the same ones."
        )
    if set(state.optimizer) != set(optimizer.start(network.parameters)) or (state.average is None) != (average is None):
        raise OptionError(
            f"train: resume holds the state of another optimizer than {optimizer!r} with average={average}; pass the "
            "optimizer and the average of the first call."
        )
    network.parameters[...] = state.parameters
    network.buffers[...] = state.buffers
    network.initialized = True
    for watcher, kept in zip(watchers, state.callbacks, strict=True):
        watcher.state = kept
    return state


def checked_schedules(
    schedules: Mapping[str, Schedule | str], network: Network, optimizer: Optimizer
) -> dict[str, Schedule]:
    """Return the schedules, each of which must drive something; what has none, or a constant one, is not named."""
    found: dict[str, Schedule] = {}
    known = {name for name in ("learning_rate", "weight_decay") if hasattr(optimizer, name)}
    if any(isinstance(layer, Dropout) for _, layer in walk(network.chain)):
        known.add("dropout_rate")
    for name, schedule in schedules.items():
        if name not in known:
            raise OptionError(
                f"train: schedules names {name!r}, which neither {optimizer!r} nor the layers have; there are "
                f"{listed(known)}{near_miss(name, known) or '.'}"
            )
        found[name] = named(Schedule, schedule, f"train: schedules[{name!r}]")  # type: ignore[type-abstract]
    return {name: schedule for name, schedule in found.items() if not isinstance(schedule, ConstantRate)}
