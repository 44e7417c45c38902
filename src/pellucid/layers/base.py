"""A layer turns one matrix of rows into another, and knows how a loss's slope flows back through it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt

from pellucid.domains import Either, Kind, Text
from pellucid.errors import LayerShapeError
from pellucid.formulas import Explanation, LayerCall
from pellucid.initializers import Initializer
from pellucid.options import Configurable
from pellucid.random import Random

Array: TypeAlias = npt.NDArray[Any]
Shape: TypeAlias = tuple[int, ...]
Rates: TypeAlias = Mapping[str, Any]
"""Factors on configured values, by name (``"learning_rate"``, ``"dropout_rate"``); 1 where nothing is said."""

NO_RATES: Rates = {}
Forward: TypeAlias = "Callable[[Layer, Array], Array]"
"""From a layer and the rows that enter it to what comes out."""

INITIALIZER = Either(
    Text("an initializer's name"), Kind((Initializer, np.ndarray, list, tuple), "an Initializer, or an explicit array")
)


def on_numpy(layer: Layer, x: Array) -> Array:
    """Return what the layer's own `forward` makes of rows."""
    y, _ = layer.forward(x)
    return y


class Layer(Configurable):
    """The interface of every layer.

    A layer is its options plus named views into the vectors of the network that holds it: ``parameters`` and, with
    the same names and shapes, ``gradients`` (dLoss/dparameter, which `backward` overwrites), and ``buffers``, numbers
    that are not trained. Nothing that `backward` needs is kept on the layer: `forward` returns it as the cache.
    """

    penalized: ClassVar[tuple[str, ...]] = ()
    """The parameters that weight decay and penalties act on; biases, factors and shifts are not among them."""

    letters: ClassVar[Mapping[str, str]] = {}
    """What formulas call the output (``"y"``), the parameters and the buffers, by name."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.parameters: dict[str, Array] = {}
        self.gradients: dict[str, Array] = {}
        self.buffers: dict[str, Array] = {}

    def output_size(self, n_inputs: int) -> int:
        """Return the number of columns that the layer makes of ``n_inputs``; `LayerShapeError` if it takes others."""
        return n_inputs

    def parameter_shapes(self, n_inputs: int) -> dict[str, Shape]:
        """Return the shape of each trained array."""
        return {}

    def buffer_shapes(self, n_inputs: int) -> dict[str, Shape]:
        """Return the shape of each array that is kept but not trained."""
        return {}

    @property
    def children(self) -> Mapping[str, Layer]:
        """The layers that this one holds, by name; a parameter's name nests: ``"0.color.weight"``."""
        return {}

    def child_sizes(self, n_inputs: int) -> Mapping[str, int]:
        """Return the number of columns that enters each of `children`."""
        return {}

    @property
    def needs_rows(self) -> bool:
        """Whether an initializer of this layer draws from the rows that enter it."""
        return any(child.needs_rows for child in self.children.values())

    @property
    def draws(self) -> bool:
        """Whether a training `forward` draws random numbers."""
        return any(child.draws for child in self.children.values())

    def initialize(self, rng: Random, x: Array | None = None, forward: Forward = on_numpy) -> None:
        """Give parameters and buffers their first values.

        x : (n_rows, n_inputs), rows entering the layer, for initializers that look at them
        forward : how a held layer hands them on to the next: the layer's own `forward`, or the same natively
        """

    @abstractmethod
    def forward(
        self, x: Array, *, training: bool = False, rng: Random | None = None, rates: Rates = NO_RATES
    ) -> tuple[Array, Any]:
        """Return ``y : (n_rows, n_outputs)`` for ``x : (n_rows, n_inputs)``, and the cache that `backward` needs."""

    @abstractmethod
    def backward(self, dy: Array, cache: Any, *, input_gradient: bool = True) -> Array | None:
        """Write dLoss/dparameter into `gradients`; return ``dx : (n_rows, n_inputs)`` for ``dy : (n_rows, n_outputs)``.

        With ``input_gradient=False`` (the first layer of a network) nobody needs dx, and it may be ``None``.
        """

    def buffer_updates(self, cache: Any) -> dict[str, Array]:
        """Return the new values of buffers that a training `forward` left in its cache, by (nested) name."""
        return {}

    def explain(self, call: LayerCall) -> Explanation:
        """Return the entries of `forward` and of `backward` for what went through, each with its formula.

        A layer that does not say has values without formulas.
        """
        return [call.y, *call.new_buffers.values()], [*call.gradients.values(), *call.input_slope()]


def walk(layer: Layer, prefix: str = "") -> Iterator[tuple[str, Layer]]:
    """Yield each layer with its path, the holding ones before the held: ``("", chain), ("0.", dense), ...``."""
    yield prefix, layer
    for name, child in layer.children.items():
        yield from walk(child, f"{prefix}{name}.")


def wrong_columns(layer: Layer, expected: int, got: int, fix: str) -> LayerShapeError:
    """Build the error for a layer that would get another number of columns than it takes."""
    return LayerShapeError(f"{layer!r} got an input of {got} columns; it expects {expected}. {fix}")
