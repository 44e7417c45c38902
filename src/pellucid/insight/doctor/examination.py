"""An examination is what the checks look at: the rows, what the network makes of them, and the slopes that return."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from pellucid.errors import DataError, OptionError, ShapeError
from pellucid.layers import Chain, Columns, Dense, Embedding
from pellucid.layers.base import Array, Layer, walk
from pellucid.losses import Loss, SquaredError
from pellucid.network import Network
from pellucid.training import History

MOST_ROWS = 20_000  # of more rows, as many spread evenly go through the network: shares are then known to within 1 %
SOLVED = 0.9  # of the baseline's loss explained: little gradient is left, and that it is small is no fault

A_QUARTER = 0.25
"""The share of a layer's neurons that must idle before it is a finding. Two neighboring layers that each lose a quarter
lose 1 - (3/4)² = 44 % of the weights between them; a few idle neurons are common in wide layers and cost nothing."""


class UnexaminedError(Exception):
    """A check cannot be made; the message says why."""


@dataclass(frozen=True)
class Leaf:
    """A layer that holds no other, with the cache of its forward pass and, where known, the slope at its output."""

    name: str
    layer: Layer
    cache: Any
    d_output: Array | None

    def __str__(self) -> str:
        shown = getattr(self.layer, "function", self.layer)  # an activation's layer is known by its function
        return f"{self.name} ({type(shown).__name__})"


@dataclass(frozen=True)
class Classes:
    """A target of classes: the code of each row, ``(n_rows,)``, and its probabilities, ``(n_rows, n_classes)``."""

    codes: Array
    probabilities: Array

    @cached_property
    def predicted(self) -> Array:
        """The most probable class of each row."""
        return np.asarray(self.probabilities.argmax(axis=1))


class Examination:
    """The network's copy, the rows and, computed when a check first asks, all that follows from them.

    ``X : (n_rows, n_inputs)`` are all rows; ``rows`` are those that go through the network, and ``x``, ``target``,
    ``outputs`` and all that follows are theirs.
    """

    def __init__(
        self,
        network: Network,
        X: Any,
        y: Any,
        loss: Loss,
        history: History | None,
        column_names: Sequence[str] | None,
    ) -> None:
        self.network = network.copy()  # a backward pass writes gradients
        self.loss = loss
        self.history = history
        self.X = self.network.check_rows(X)
        if not len(self.X):
            raise DataError("diagnose: X has no rows; it expects at least one.")
        if not np.isfinite(self.X).all():
            row, column = np.argwhere(~np.isfinite(self.X))[0]
            raise DataError(
                f"diagnose: X has {self.X[row, column]} in row {row}, column {column}; it expects finite numbers."
            )
        self.y = loss.check_target(y, self.network.n_outputs, self.network.dtype)
        if len(self.y) != len(self.X):
            raise ShapeError(
                f"diagnose: X has {len(self.X)} rows and y has {len(self.y)}; each row of X needs its target."
            )
        if column_names is None:
            column_names = [str(index) for index in range(self.network.n_inputs)]
        if len(column_names) != self.network.n_inputs:
            raise OptionError(
                f"diagnose: column_names got {len(column_names)} names; it expects {self.network.n_inputs}, one for "
                "each column of X."
            )
        self.column_names = [str(name) for name in column_names]
        self.rows = np.unique(np.linspace(0, len(self.X) - 1, min(len(self.X), MOST_ROWS)).astype(np.int64))
        self.x, self.target = self.X[self.rows], self.y[self.rows]

    @cached_property
    def _forward(self) -> tuple[Array, list[Any]]:
        with np.errstate(over="ignore", invalid="ignore"):  # "weights not finite" and "unscaled inputs" say so
            return self.network.forward(self.x)

    @property
    def outputs(self) -> Array:
        """The raw outputs, (n_rows, n_outputs); `UnexaminedError` if they are not finite."""
        if not np.isfinite(self._forward[0]).all():
            raise UnexaminedError("the outputs are not finite")
        return self._forward[0]

    @cached_property
    def row_losses(self) -> Array:
        """The loss of each row, (n_rows,)."""
        return self.loss.per_row(self.outputs, self.target)[0]

    @property
    def is_half_sum(self) -> bool:
        """Whether the loss is the tutorials', half the squared error, summed over the rows."""
        return isinstance(self.loss, SquaredError) and self.loss.reduction == "half_sum"

    @property
    def value(self) -> float:
        """The mean of the rows' losses."""
        return float(self.row_losses.mean())

    @cached_property
    def baseline(self) -> float:
        """The mean loss of the best constant answer: what is to be beaten."""
        constant = self.loss.best_constant(self.target).astype(self.network.dtype)
        tiled = np.tile(constant, (len(self.target), 1))
        return float(self.loss.per_row(tiled, self.target)[0].mean())

    @property
    def explained(self) -> float:
        """The share of the baseline's loss that the network has learned away; below 0 it is worse than a constant."""
        if self.baseline <= 0:
            return 1.0 if self.value <= 0 else 0.0
        return 1 - self.value / self.baseline

    @property
    def solved(self) -> bool:
        """Whether most of what is to be learned is learned."""
        return self.explained >= SOLVED

    @cached_property
    def slopes(self) -> list[Array]:
        """The loss's slope at the output of each layer of the chain, (n_rows, n_outputs of the layer)."""
        outputs, caches = self.outputs, self._forward[1]
        with np.errstate(over="ignore", invalid="ignore"):
            gradient: Array = self.loss.value_and_gradient(outputs, self.target)[1]
            found = [gradient]
            for index in reversed(range(1, len(self.network.layers))):
                gradient = self.network.layers[index].backward(gradient, caches[index])  # type: ignore[assignment]
                found.append(gradient)
        return found[::-1]

    @cached_property
    def leaves(self) -> list[Leaf]:
        """Every layer that holds no other, first to last, held ones included."""
        return [
            leaf
            for index, layer in enumerate(self.network.layers)
            for leaf in _leaves(str(index), layer, self._forward[1][index], self.slopes[index])
        ]

    @cached_property
    def last_weights(self) -> int:
        """The position in the chain of the last layer with weights; those after it belong to the output."""
        return max((index for index, layer in enumerate(self.network.layers) if holds_weights(layer)), default=-1)

    @cached_property
    def hidden(self) -> list[Leaf]:
        """The leaves before the last weights."""
        return [leaf for leaf in self.leaves if int(leaf.name.partition(".")[0]) < self.last_weights]

    @cached_property
    def code_columns(self) -> set[int]:
        """The columns that are codes of categories, which an `Embedding` takes."""
        return set(_codes(self.network.layers[0], 0))

    @cached_property
    def number_columns(self) -> list[int]:
        """The columns that are numbers."""
        return [index for index in range(self.network.n_inputs) if index not in self.code_columns]

    @cached_property
    def classes(self) -> Classes | None:
        """The target as classes, where it is one class a row: by cross-entropy, or 0 and 1 by any loss."""
        if self.loss.link == "softmax":
            codes = self.target if self.target.ndim == 1 else self.target.argmax(axis=1)
            return Classes(codes, self.loss.predict(self.outputs))
        if self.target.ndim != 2 or self.target.shape[1] != 1 or not np.isin(self.target, (0, 1)).all():
            return None
        if self.loss.link not in ("identity", "sigmoid") or self.outputs.shape[1] != 1:
            return None
        one = self.loss.predict(self.outputs)
        return Classes(self.target[:, 0].astype(np.int64), np.hstack([1 - one, one]))

    @cached_property
    def indicators(self) -> Array:
        """The target as numbers, (n_rows, n_targets): those of a class are 1 for its rows, else 0."""
        if self.target.ndim == 1:
            return np.eye(self.network.n_outputs)[self.target]
        return self.target.astype(np.float64)

    def names(self, columns: Sequence[int]) -> tuple[str, ...]:
        """Return the names of columns of X."""
        return tuple(self.column_names[index] for index in columns)

    def rewritten(self, *, changes: dict[int, list[Any]]) -> str:
        """Return the line that builds the network with other layers at some positions of the chain."""
        layers: list[Any] = []
        for index, layer in enumerate(self.network.layers):
            layers += changes.get(index, [layer])
        dtype = "" if self.network.dtype == np.float64 else f", dtype={str(self.network.dtype)!r}"
        line = f"network = Network([{', '.join(map(repr, layers))}], n_inputs={self.network.n_inputs}{dtype})"
        if len(line) <= 150:
            return line
        new = ", ".join(repr(layer) for index in changes for layer in changes[index])
        return f"network = Network([..., {new}, ...], n_inputs={self.network.n_inputs}{dtype})"


def holds_weights(layer: Layer) -> bool:
    """Return whether a layer, or one that it holds, has parameters that are weights."""
    return any(inner.penalized for _, inner in walk(layer))


def _leaves(name: str, layer: Layer, cache: Any, d_output: Array | None) -> Iterator[Leaf]:
    if isinstance(layer, Chain):
        for (inner, child), own in zip(layer.children.items(), cache, strict=True):
            yield from _leaves(f"{name}.{inner}", child, own, None)
    elif isinstance(layer, Columns):
        for (inner, child), own in zip(layer.children.items(), cache[2], strict=True):
            yield from _leaves(f"{name}.{inner}", child, own, None)
    else:
        yield Leaf(name, layer, cache, d_output)


def _codes(layer: Layer, start: int) -> Iterator[int]:
    """Yield the columns of X that reach an embedding as they are."""
    if isinstance(layer, Embedding):
        yield start
    elif isinstance(layer, Columns):
        for begin, _, child in layer.parts.values():
            yield from _codes(child, start + begin)
    elif type(layer) is Chain:
        yield from _codes(layer.layers[0], start)


def dense_positions(network: Network) -> list[int]:
    """Return the positions of the dense layers in the chain."""
    return [index for index, layer in enumerate(network.layers) if isinstance(layer, Dense)]
