"""A recording is one real training step, taken by a twin of the network, with everything that went through noted."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from pellucid.layers import Layer
from pellucid.layers.base import Array, walk
from pellucid.losses import Loss, Penalty
from pellucid.network import Network
from pellucid.optimizers import Optimizer, SearchingOptimizer
from pellucid.schedules import Schedule
from pellucid.training.history import TrainingState
from pellucid.training.objective import BatchObjective
from pellucid.training.samples import Samples
from pellucid.training.step import Step


@dataclass
class Passage:
    """What went through one layer and back."""

    x: Array
    y: Array
    cache: Any
    dy: Array = field(default_factory=lambda: np.empty(0))
    dx: Array | None = None
    gradients: dict[str, Array] = field(default_factory=dict)


@dataclass(frozen=True)
class Setting:
    """How training goes, apart from the rows."""

    network: Network
    loss: Loss
    optimizer: Optimizer
    penalty: Penalty | None
    schedules: Mapping[str, Schedule]
    total_steps: int
    gradient_clip: float | None
    average: float | None


@dataclass
class Recording:
    """A step: the batch, what went through each layer (by its path, the chain's is ""), and the vectors on the way.

    before, after : the state of training, with parameters and buffers, before and after the step
    loss, penalty : their values
    loss_gradient, gradient, given_gradient : (n_parameters,), of the loss, of the objective, and what the optimizer got
    rates, factors : those of the schedules, and with the network's own factors as the optimizer got them
    """

    setting: Setting
    network: Network
    batch: Samples
    before: TrainingState
    passages: dict[str, Passage] = field(default_factory=dict)
    loss: float = 0.0
    penalty: float = 0.0
    loss_gradient: Array = field(default_factory=lambda: np.empty(0))
    gradient: Array = field(default_factory=lambda: np.empty(0))
    given_gradient: Array = field(default_factory=lambda: np.empty(0))
    rates: dict[str, float] = field(default_factory=dict)
    factors: dict[str, Any] = field(default_factory=dict)
    after: TrainingState = field(default_factory=lambda: TrainingState(0, 1))

    @property
    def start(self) -> Array:
        """The parameters before the step."""
        assert self.before.parameters is not None
        return self.before.parameters

    @property
    def buffers(self) -> Mapping[str, Array]:
        """The buffers before the step, by name."""
        assert self.before.buffers is not None
        return self.network.buffer_views(self.before.buffers)


def twin(network: Network, dtype: Any = None) -> Network:
    """Return a network with layers and vectors of its own and the same numbers, of whatever classes the layers are."""
    layers = copy.deepcopy(network.layers)
    for layer in layers:
        for _, inner in walk(layer):
            inner.parameters, inner.gradients, inner.buffers = {}, {}, {}
    made = Network(layers, network.n_inputs, dtype=dtype or network.dtype)
    for name in ("parameters", "buffers", "learning_rate_factor", "weight_decay_factor"):
        getattr(made, name)[...] = getattr(network, name)
    made.initialized = True
    return made


def record(setting: Setting, batch: Samples, state: TrainingState, number: int) -> Recording:
    """Take the step for a batch and return what was noted; neither the network nor the state is touched.

    number : the batch's number in its epoch, for messages
    """
    network = twin(setting.network)
    setting = replace(setting, network=twin(network))  # training goes on with the one that was given
    before = copy.deepcopy(state)
    before.parameters, before.buffers = network.parameters.copy(), network.buffers.copy()
    made = Recording(setting, network, batch, before)
    for path, layer in walk(network.chain):
        note_passage(made, path, layer)
    objective = _NotedObjective(made)
    optimizer = _noted_optimizer(made, objective)
    step = Step(
        network,
        objective,
        optimizer,
        setting.schedules,
        setting.total_steps,
        setting.gradient_clip,
        setting.average,
    )
    after = copy.deepcopy(state)
    step(batch, after, number)
    after.parameters, after.buffers = network.parameters.copy(), network.buffers.copy()
    made.after, made.rates = after, dict(step.rates)
    return made


def note_passage(made: Recording, path: str, layer: Layer) -> None:
    """Let the layer's forward and backward also note what they are given and give, the first time."""
    forward, backward = layer.forward, layer.backward

    def noted_forward(x: Array, **how: Any) -> tuple[Array, Any]:
        given = x.copy()
        y, cache = forward(x, **how)
        made.passages.setdefault(path, Passage(given, y.copy(), cache))
        return y, cache

    def noted_backward(dy: Array, cache: Any, **how: Any) -> Array | None:
        given = dy.copy()
        dx = backward(dy, cache, **how)
        passage = made.passages[path]
        if not passage.dy.size:
            passage.dy, passage.dx = given, None if dx is None else dx.copy()
            passage.gradients = {name: view.copy() for name, view in layer.gradients.items()}
            if how.get("input_gradient") is False:
                passage.dx = None  # some layers give it for nothing, but nobody asked
        return dx

    vars(layer).update(forward=noted_forward, backward=noted_backward)


class _NotedObjective(BatchObjective):
    """The objective, which notes the first time what it found."""

    def __init__(self, made: Recording) -> None:
        super().__init__(made.network, made.setting.loss, made.setting.penalty)
        self._made = made

    def __call__(self) -> float:
        if self._made.gradient.size:
            return super().__call__()
        made, penalty = self._made, self.penalty
        self.penalty = None
        made.loss = super().__call__()
        self.penalty = penalty
        made.loss_gradient = made.gradient = self.network.gradients.copy()
        if penalty is None:
            return made.loss
        made.penalty, _ = penalty.value_and_gradient(self.network.parameters, self.network.weight_decay_factor)
        value = super().__call__()
        made.gradient = self.network.gradients.copy()
        return value


def _noted_optimizer(made: Recording, objective: BatchObjective) -> Optimizer:
    """Return the optimizer, such that its step notes the gradient and the factors that it is given."""
    optimizer = copy.copy(made.setting.optimizer)
    step = optimizer.step

    def noted_step(parameters: Array, gradients: Array, state: Any, rates: Any, *searched: Any) -> None:
        if isinstance(optimizer, SearchingOptimizer):
            objective()  # where it starts from: of its own evaluations, the first may be elsewhere
        made.given_gradient, made.factors = gradients.copy(), dict(rates)
        step(parameters, gradients, state, rates, *searched)

    vars(optimizer)["step"] = noted_step
    return optimizer
