"""A tape lays a forward pass out step by step, so that the way back can be walked with one step replaced."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.layers import ActivationLayer, Chain, Dense, Layer
from pellucid.layers.base import Array, walk
from pellucid.losses import CrossEntropy, Loss
from pellucid.network import Network

JITTER = 1e-7
"""How far the numbers of a jittered tape are moved, relative to each: small beside 1, large beside rounding."""


@dataclass(frozen=True, eq=False)
class Step:
    """One layer of the forward pass: its path, what entered, what came out, the cache, and its parameters' names."""

    name: str
    layer: Layer
    x: Array
    y: Array
    cache: Any
    parameters: tuple[str, ...]

    @property
    def is_activation(self) -> bool:
        """Whether the layer applies an activation and has nothing to learn."""
        return isinstance(self.layer, ActivationLayer) and not self.layer.parametric

    def __str__(self) -> str:
        return f"layer {self.name} ({self.layer!r})"


class Tape:
    """A forward pass of a float64 network, with the steps of nested chains in one list, and the loss's gradient.

    With ``jitter_seed`` every number on the way (weights, values between layers, caches, target) is multiplied by a
    factor of its own near 1: how far a gradient moves by that says how sensitive it is to rounding.
    """

    def __init__(
        self, network: Network, x: Array, target: Array, loss: Loss, *, jitter_seed: int | None = None
    ) -> None:
        jitter = _jitter(jitter_seed)
        if jitter_seed is not None and isinstance(loss, CrossEntropy) and target.ndim == 1:
            target = np.eye(network.n_outputs)[target]  # p - t cancels where p is near 1; a code could not show that
        self.network = network.copy()
        self.network.parameters[...] = jitter(network.parameters)
        self.x, self.loss = x, loss
        self.steps = tuple(_record(self.network, self.network.chain, "", x, jitter))
        self.outputs = self.steps[-1].y
        self.value, d_outputs = loss.value_and_gradient(self.outputs, jitter(target))
        self.target = target
        self._answer: tuple[int, Array, Array, dict[str, Array]] | None = None
        self._inside: dict[str, Array] = {}
        self.d_outputs: Array = jitter(d_outputs)

    @property
    def n_rows(self) -> int:
        """The number of rows of the batch."""
        return len(self.x)

    def number(self, index: int) -> int:
        """Return which dense layer a step is or belongs to, counted from 1, as in W1, z1 and a1."""
        return sum(isinstance(step.layer, Dense) for step in self.steps[: index + 1])

    def backward(self, index: int, slope: Array) -> tuple[Array, dict[str, Array]]:
        """Return a step's own backward: the slope of what entered, and its parameters' gradients by full name.

        Weights, bias and the error handed back are asked for one after another: the last answer is kept.
        """
        if self._answer is None or self._answer[0] != index or self._answer[1] is not slope:
            step = self.steps[index]
            with self._noting_inside(step):
                dx = step.layer.backward(slope, step.cache)
            assert dx is not None
            gradients = {name: self.network.named_gradients[name].copy() for name in step.parameters}
            self._answer = index, slope, dx, gradients
        return self._answer[2:]

    def slope_inside(self, index: int, slope: Array, path: str) -> Array:
        """Return the slope at the output of the layer of this path, which a step's layer holds."""
        self.backward(index, slope)
        return self._inside[path]

    @contextlib.contextmanager
    def _noting_inside(self, step: Step) -> Iterator[None]:
        """Let the layers that a step's layer holds note the slope that is handed to them."""
        held = dict(held_layers(step))

        def noting(path: str, layer: Layer) -> Callable[..., Array | None]:
            backward = layer.backward

            def noted(dy: Array, cache: Any, **how: Any) -> Array | None:
                self._inside[path] = dy
                return backward(dy, cache, **how)

            return noted

        for path, layer in held.items():
            vars(layer)["backward"] = noting(path, layer)
        try:
            yield
        finally:
            for layer in held.values():
                del vars(layer)["backward"]


def held_layers(step: Step) -> Iterator[tuple[str, Layer]]:
    """Yield the layers that a step's layer holds, with their paths: ``"1.0"``."""
    for path, layer in walk(step.layer, f"{step.name}."):
        if layer is not step.layer:
            yield path.rstrip("."), layer


def _record(network: Network, chain: Chain, prefix: str, x: Array, jitter: Callable[[Any], Any]) -> Iterator[Step]:
    for name, layer in chain.children.items():
        path = f"{prefix}{name}"
        if type(layer) is Chain:
            for step in _record(network, layer, f"{path}.", x, jitter):
                yield step
                x = step.y
            continue
        y, cache = layer.forward(x)
        parameters = tuple(known for known in network.named_parameters if known.startswith(f"{path}."))
        step = Step(path, layer, x, jitter(y), jitter(cache), parameters)
        yield step
        x = step.y


def _jitter(seed: int | None) -> Callable[[Any], Any]:
    """Return a function that moves all floating numbers of nested arrays a little; without a seed, not at all."""
    if seed is None:
        return lambda value: value
    draw = np.random.default_rng(seed)

    def jitter(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return value * (1 + JITTER * draw.uniform(-1, 1, value.shape)) if value.dtype.kind == "f" else value
        if isinstance(value, dict):
            return {key: jitter(item) for key, item in value.items()}
        return type(value)(map(jitter, value)) if isinstance(value, list | tuple) else value

    return jitter
