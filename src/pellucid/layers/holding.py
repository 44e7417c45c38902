"""Layers that hold layers: one after another, around a shortcut, or side by side on slices of the columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from pellucid.activations import Activation
from pellucid.domains import Integer, Kind, Several
from pellucid.errors import LayerShapeError, OptionError
from pellucid.formulas import Entry, Explanation, LayerCall, Placed
from pellucid.layers.activation import ActivationLayer
from pellucid.layers.base import NO_RATES, Array, Forward, Layer, Rates, on_numpy, wrong_columns
from pellucid.options import option
from pellucid.random import Random

LAYER = Kind((Layer, Activation, str, list, tuple), "a layer, an activation or its name, or a list of them")


def as_layer(value: Any, owner: str) -> Layer:
    """Return a layer as it is, an activation as its layer, and a list of them as a `Chain`."""
    if isinstance(value, Layer):
        return value
    if isinstance(value, Activation | str):
        return ActivationLayer(value)
    if isinstance(value, list | tuple):
        return Chain(value)
    raise OptionError(f"{owner} got {value!r} ({type(value).__name__}); it expects {LAYER.describe()}.")


def _addresses(rng: Random | None, count: int) -> list[Random | None]:
    """Return an address of random numbers for each of ``count`` held layers."""
    return [None if rng is None else rng.child(index) for index in range(count)]


class Chain(Layer):
    """Layers one after another: the output of each is the input of the next. A `Network` is a chain and its vectors."""

    layers: Any = option(Several(LAYER, at_least=1), "The layers, first to last.", kw_only=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.layers: tuple[Layer, ...] = tuple(as_layer(layer, type(self).__name__) for layer in self.layers)

    @property
    def children(self) -> Mapping[str, Layer]:
        """The layers by position: ``"0"``, ``"1"``, ..."""
        return {str(index): layer for index, layer in enumerate(self.layers)}

    def output_size(self, n_inputs: int) -> int:
        """Return the number of columns after the last layer."""
        return self.sizes(n_inputs)[-1]

    def sizes(self, n_inputs: int) -> list[int]:
        """Return the number of columns before the first layer and after each; `LayerShapeError` where two differ."""
        found = [n_inputs]
        for index, layer in enumerate(self.layers):
            try:
                found.append(layer.output_size(found[-1]))
            except LayerShapeError as error:
                before = f"layer {index - 1} ({self.layers[index - 1]!r}) before it" if index else "the input"
                raise LayerShapeError(f"layer {index}: {error} ({before} has {found[-1]} columns.)") from None
        return found

    def child_sizes(self, n_inputs: int) -> Mapping[str, int]:
        """Return the number of columns that enters each layer."""
        return dict(zip(self.children, self.sizes(n_inputs), strict=False))

    def initialize(self, rng: Random, x: Array | None = None, forward: Forward = on_numpy) -> None:
        """Initialize each layer, with the rows as the layers before it hand them on while a later one looks at them."""
        for index, layer in enumerate(self.layers):
            layer.initialize(rng.child(index), x, forward)
            if x is not None:  # wide layers make much of many rows: no more than is needed
                x = forward(layer, x) if any(later.needs_rows for later in self.layers[index + 1 :]) else None

    def forward(
        self, x: Array, *, training: bool = False, rng: Random | None = None, rates: Rates = NO_RATES
    ) -> tuple[Array, list[Any]]:
        """Return the last layer's output and the caches of all."""
        caches = []
        for layer, address in zip(self.layers, _addresses(rng, len(self.layers)), strict=True):
            x, cache = layer.forward(x, training=training, rng=address, rates=rates)
            caches.append(cache)
        return x, caches

    def backward(self, dy: Array, caches: list[Any], *, input_gradient: bool = True) -> Array | None:
        """Hand dy back through the layers, last to first."""
        gradient: Array | None = dy
        for index in reversed(range(len(self.layers))):
            assert gradient is not None
            gradient = self.layers[index].backward(gradient, caches[index], input_gradient=input_gradient or index > 0)
        return gradient

    def buffer_updates(self, caches: list[Any]) -> dict[str, Array]:
        """Return the updates of all layers, by nested name."""
        return _nested_updates(self.children, caches)

    def explain(self, call: LayerCall) -> Explanation:
        """Return the layers' entries: forward first to last, back last to first."""
        return _nested_explanation(self.children, call)


class Residual(Chain):
    """``y = x + chain(x)``: the layers learn what to add to their input (He et al. 2016), so ``dx = dy + dx_chain``."""

    letters: ClassVar[Mapping[str, str]] = {"y": "R"}

    def output_size(self, n_inputs: int) -> int:
        """Return ``n_inputs``, after a check that the layers give as many."""
        size = super().output_size(n_inputs)
        if size != n_inputs:
            fix = f"Its layers end with {size}, which cannot be added: end with Dense({n_inputs})."
            raise wrong_columns(self, size, n_inputs, fix)
        return n_inputs

    def forward(
        self, x: Array, *, training: bool = False, rng: Random | None = None, rates: Rates = NO_RATES
    ) -> tuple[Array, list[Any]]:
        """Return y and the caches of the layers."""
        change, caches = super().forward(x, training=training, rng=rng, rates=rates)
        return x + change, caches

    def backward(self, dy: Array, caches: list[Any], *, input_gradient: bool = True) -> Array | None:
        """Return the slope through the shortcut plus that through the layers."""
        dx = super().backward(dy, caches, input_gradient=input_gradient)
        return None if dx is None else dy + dx

    def explain(self, call: LayerCall) -> Explanation:
        """Return the layers' entries, and the sums that the shortcut adds."""
        forward, back = super().explain(call)
        first, last = (call.inner[str(index)] for index in (0, len(self.layers) - 1))
        i, j = call.rows(), call.columns()
        y = call.y.equals((i, j), call.x[i, j] + last.y[i, j], "the input, and what the layers add to it")
        if call.dx is not None and first.dx is not None:
            back = [*back, call.dx.equals((i, j), call.dy[i, j] + first.dx[i, j], "by the shortcut and by the layers")]
        return [*forward, y], back


class Columns(Layer):
    """Layers side by side: each takes a slice of the columns, and their outputs are concatenated.

    ``parts`` maps a name to ``(start, stop, layer)``; columns in no slice are left out, columns in two count twice. A
    table's numbers and its columns of category codes travel in one matrix this way:

    >>> from pellucid import Columns, Embedding, Network, Scale
    >>> table = Columns({"numbers": (0, 2, Scale()), "color": (2, 3, Embedding(4, 2))})
    >>> list(Network([table], n_inputs=3).named_parameters)
    ['0.numbers.factor', '0.color.weight']
    """

    letters: ClassVar[Mapping[str, str]] = {"y": "C"}

    parts: Any = option(Kind((Mapping,), "a mapping of names to (start, stop, layer)"), "The slices.", kw_only=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.parts:
            raise OptionError("Columns got no parts; it expects at least one, such as {'numbers': (0, 2, Scale())}.")
        for name, part in self.parts.items():
            if not (isinstance(name, str) and name and "." not in name):
                raise OptionError(f"Columns: a part is named {name!r}; it expects a text without a full stop.")
            whole = isinstance(part, Sequence) and len(part) == 3 and all(map(Integer(0).contains, part[:2]))
            if not (whole and part[0] < part[1]):
                raise OptionError(
                    f"Columns: part {name!r} is {part!r}; it expects (start, stop, layer), 0 <= start < stop."
                )
        self.parts: dict[str, tuple[int, int, Layer]] = {
            name: (start, stop, as_layer(layer, f"Columns: part {name!r}"))
            for name, (start, stop, layer) in self.parts.items()
        }

    @property
    def children(self) -> Mapping[str, Layer]:
        """The layers by their part's name."""
        return {name: layer for name, (_, _, layer) in self.parts.items()}

    def output_size(self, n_inputs: int) -> int:
        """Return the sum of the parts' sizes, after a check that each slice exists."""
        needed = max(stop for _, stop, _ in self.parts.values())
        if needed > n_inputs:
            raise wrong_columns(self, needed, n_inputs, "Shorten the slices, or give it more columns.")
        return sum(layer.output_size(stop - start) for start, stop, layer in self.parts.values())

    def child_sizes(self, n_inputs: int) -> Mapping[str, int]:
        """Return the width of each slice."""
        return {name: stop - start for name, (start, stop, _) in self.parts.items()}

    def initialize(self, rng: Random, x: Array | None = None, forward: Forward = on_numpy) -> None:
        """Initialize each part with its slice of the rows."""
        for index, (start, stop, layer) in enumerate(self.parts.values()):
            layer.initialize(rng.child(index), None if x is None else x[:, start:stop], forward)

    def forward(
        self, x: Array, *, training: bool = False, rng: Random | None = None, rates: Rates = NO_RATES
    ) -> tuple[Array, tuple[int, list[int], list[Any]]]:
        """Return the outputs side by side and the cache (n_inputs, where each output ends, the parts' caches)."""
        outputs, caches = [], []
        for (start, stop, layer), address in zip(self.parts.values(), _addresses(rng, len(self.parts)), strict=True):
            y, cache = layer.forward(x[:, start:stop], training=training, rng=address, rates=rates)
            outputs.append(y)
            caches.append(cache)
        ends = np.cumsum([y.shape[1] for y in outputs]).tolist()
        return np.concatenate(outputs, axis=1), (x.shape[1], ends, caches)

    def backward(
        self, dy: Array, cache: tuple[int, list[int], list[Any]], *, input_gradient: bool = True
    ) -> Array | None:
        """Hand each part its columns of dy, and add their dx up."""
        n_inputs, ends, caches = cache
        dx = np.zeros((len(dy), n_inputs), dtype=dy.dtype) if input_gradient else None
        slices = np.split(dy, ends[:-1], axis=1)
        for (start, stop, layer), d_part, part_cache in zip(self.parts.values(), slices, caches, strict=True):
            d_slice = layer.backward(d_part, part_cache, input_gradient=input_gradient)
            if dx is not None and d_slice is not None:
                dx[:, start:stop] += d_slice
        return dx

    def buffer_updates(self, cache: tuple[int, list[int], list[Any]]) -> dict[str, Array]:
        """Return the updates of all parts, by nested name."""
        return _nested_updates(self.children, cache[2])

    def explain(self, call: LayerCall) -> Explanation:
        """Return the parts' entries, their outputs side by side, and the sum of their slopes."""
        forward, back = _nested_explanation(self.children, call)
        parts = [call.inner[name] for name in self.parts]
        starts = np.cumsum([0, *(part.y.shape[1] for part in parts)]).tolist()
        i, j = call.rows(), call.columns()
        side_by_side = Placed(tuple(zip(starts, (part.y for part in parts), strict=False)), (i, j))
        y = call.y.equals((i, j), side_by_side, "the parts side by side")
        for dx in call.input_slope():
            at = dx.indices()
            slopes = [(start, part.dx) for (start, _, _), part in zip(self.parts.values(), parts, strict=True)]
            pieces = tuple((start, slope) for start, slope in slopes if slope is not None)
            back.append(dx.equals(at, Placed(pieces, at), "the sum of what each part gives"))
        return [*forward, y], back


def _nested_updates(children: Mapping[str, Layer], caches: list[Any]) -> dict[str, Array]:
    return {
        f"{name}.{inner}": value
        for (name, child), cache in zip(children.items(), caches, strict=True)
        for inner, value in child.buffer_updates(cache).items()
    }


def _nested_explanation(children: Mapping[str, Layer], call: LayerCall) -> Explanation:
    forward: list[Entry] = []
    back: list[Entry] = []
    for name, child in children.items():
        there, return_ = child.explain(call.inner[name])
        forward, back = forward + there, return_ + back
    return forward, back
