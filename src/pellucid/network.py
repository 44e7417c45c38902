"""A network is a chain of layers over one vector of parameters."""

from __future__ import annotations

import copy
import textwrap
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from pellucid.activations import Activation
from pellucid.errors import DataError, NotInitializedError, OptionError, ShapeError
from pellucid.layers.base import NO_RATES, Array, Forward, Layer, Rates, Shape, on_numpy, walk
from pellucid.layers.holding import Chain
from pellucid.losses.base import Loss
from pellucid.losses.penalty import Penalty
from pellucid.options import from_config, to_config
from pellucid.random import Purpose, Random, as_random

_VECTORS = ("parameters", "gradients", "buffers", "learning_rate_factor", "weight_decay_factor")


class Network:
    """A chain of layers whose weights are views into one contiguous vector.

    Parameters
    ----------
    layers : the layers, first to last; an `Activation` or its name stands for its layer
    n_inputs : number of columns of X; may be left out where the first layer names it
    rng : the seed of the first weights, or a `Random`
    dtype : ``"float64"`` or ``"float32"``, of parameters, gradients and outputs

    Attributes
    ----------
    parameters, gradients : (n_parameters,), writable; gradients hold dLoss/dparameter after `backward`
    named_parameters, named_gradients : views into them by name, such as ``"0.weight"``
    buffers : (n_buffers,), numbers that are kept but not trained, such as running statistics
    learning_rate_factor : (n_parameters,), multiplies the learning rate of each parameter; 0 freezes it
    weight_decay_factor : (n_parameters,), multiplies weight decay and penalties; starts at 1 for weights, else 0

    >>> import numpy as np
    >>> from pellucid import Dense, Sigmoid
    >>> network = Network([Dense(3), Sigmoid(), Dense(1), Sigmoid()], n_inputs=2, rng=0)
    >>> network.parameters.shape, network.named_parameters["2.weight"].shape
    ((13,), (3, 1))
    """

    def __init__(
        self,
        layers: Sequence[Layer | Activation | str],
        n_inputs: int | None = None,
        *,
        rng: int | Random | None = 0,
        dtype: Any = "float64",
    ) -> None:
        self.dtype = _floating(dtype)
        self.chain = Chain(tuple(layers))
        self.rng = as_random(rng)
        self.n_inputs = self._first_size(n_inputs)
        self.sizes = self.chain.sizes(self.n_inputs)
        self.n_outputs = self.sizes[-1]
        shapes = _collect_shapes(self.chain, self.n_inputs)
        self._parameter_shapes = {name: shape for name, (kind, shape, _) in shapes.items() if kind == "parameter"}
        self._buffer_shapes = {name: shape for name, (kind, shape, _) in shapes.items() if kind == "buffer"}
        self.parameters, self.named_parameters = self._vector(self._parameter_shapes)
        self.gradients, self.named_gradients = self._vector(self._parameter_shapes)
        self.buffers, self.named_buffers = self._vector(self._buffer_shapes)
        self.learning_rate_factor = np.ones_like(self.parameters)
        self.weight_decay_factor = np.zeros_like(self.parameters)
        for name, view in self.views(self.weight_decay_factor).items():
            view[...] = shapes[name][2]
        self._bind()
        self.initialized = False
        if not self.chain.needs_rows:
            self.initialize()

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers, first to last."""
        return tuple(self.chain.layers)

    def views(self, vector: Array) -> Mapping[str, Array]:
        """Return views by parameter name into any vector with one number per parameter.

        ``network.views(network.learning_rate_factor)["0.weight"][...] = 0`` freezes the first layer's weights.
        """
        if vector.shape != self.parameters.shape:
            raise ShapeError(f"Network.views got shape {vector.shape}; it expects {self.parameters.shape}.")
        return _views(vector, self._parameter_shapes)

    def buffer_views(self, vector: Array) -> Mapping[str, Array]:
        """Return views by name into any vector with one number per buffer."""
        return _views(vector, self._buffer_shapes)

    def initialize(self, X: Any = None, *, rng: int | Random | None = None, forward: Forward = on_numpy) -> Network:
        """Draw all weights anew and return self.

        Parameters
        ----------
        X : (n_rows, n_inputs), rows for initializers that need them
        rng : a new seed, or address, of the random numbers
        forward : how the rows go through a layer to those after it; with `pellucid.engine.forward`, which training
            uses, natively, so that the weights are the same bits on every machine
        """
        if rng is not None:
            self.rng = as_random(rng)
        rows = self.check_rows(X) if X is not None and self.chain.needs_rows else None
        self.initialized = True
        try:
            self.chain.initialize(self.rng.at(purpose=Purpose.INITIALIZE, layer=0, step=0), rows, forward)
        except BaseException:
            self.initialized = False
            raise
        return self

    def forward(
        self, X: Array, *, training: bool = False, rng: Random | None = None, rates: Rates = NO_RATES
    ) -> tuple[Array, list[Any]]:
        """Return the outputs ``(n_rows, n_outputs)`` and the cache that `backward` needs."""
        self._require_weights()
        return self.chain.forward(self.check_rows(X), training=training, rng=rng, rates=rates)

    def backward(self, d_outputs: Array, cache: list[Any]) -> Array:
        """Overwrite `gradients` and return ``dX : (n_rows, n_inputs)``, for ``d_outputs : (n_rows, n_outputs)``."""
        dX = self.chain.backward(d_outputs, cache)
        assert dX is not None
        return dX

    def predict(self, X: Any, *, block_rows: int = 8192) -> Array:
        """Return the outputs ``(n_rows, n_outputs)``, computed block by block so that memory does not grow with X."""
        self._require_weights()
        rows = self.check_rows(X)
        blocks = [self.chain.forward(rows[start : start + block_rows])[0] for start in range(0, len(rows), block_rows)]
        return np.concatenate(blocks) if blocks else np.empty((0, self.n_outputs), self.dtype)

    def loss_and_gradient(
        self,
        X: Any,
        y: Any,
        loss: Loss,
        *,
        sample_weight: Any = None,
        penalty: Penalty | None = None,
        training: bool = False,
        rng: Random | None = None,
    ) -> tuple[float, Array]:
        """Return the objective and `gradients`, for the whole of X at once.

        Parameters
        ----------
        X, y : (n_rows, n_inputs) and (n_rows,) or (n_rows, n_targets), as the loss describes its target
        sample_weight : (n_rows,) at least 0; the loss is Σwℓ/Σw
        penalty : what is added to the loss
        training, rng : whether dropout and normalization act as in training, and the address of their random numbers

        Raises `ShapeError`, `TargetError` or `DataError` for input that does not fit.
        """
        target = loss.check_target(y, self.n_outputs, self.dtype)
        outputs, cache = self.forward(X, training=training, rng=rng)
        if len(outputs) != len(target):
            raise ShapeError(f"X has {len(outputs)} rows and y has {len(target)}; each row of X needs its target.")
        if sample_weight is not None:
            sample_weight = np.asarray(sample_weight, dtype=self.dtype)
            if sample_weight.shape != (len(outputs),):
                raise ShapeError(
                    f"sample_weight has shape {sample_weight.shape}; it expects ({len(outputs)},), one per row of X."
                )
        value, d_outputs = loss.value_and_gradient(outputs, target, sample_weight)
        self.chain.backward(d_outputs, cache, input_gradient=False)
        if penalty is not None:
            extra, gradient = penalty.value_and_gradient(self.parameters, self.weight_decay_factor)
            value += extra
            self.gradients += gradient
        return value, self.gradients

    def apply_buffer_updates(self, cache: list[Any]) -> None:
        """Take over the running statistics that a training `forward` left in its cache."""
        if not self.named_buffers:
            return
        for name, value in self.chain.buffer_updates(cache).items():
            self.named_buffers[name][...] = value

    def check_rows(self, X: Any) -> Array:
        """Return X as ``(n_rows, n_inputs)`` in the network's dtype, or raise `ShapeError` or `DataError`."""
        try:
            rows = np.asarray(X, dtype=self.dtype)
        except (TypeError, ValueError) as error:
            raise DataError(
                f"Network: X ({type(X).__name__}) is no table of numbers ({error}). Give every row as many columns, "
                "all numbers; TabularClassifier and TabularRegressor take text and categories."
            ) from error
        if rows.ndim != 2 or rows.shape[1] != self.n_inputs:
            one_row = rows.ndim == 1 and rows.shape[0] == self.n_inputs
            fix = "For one row write X[None, :]." if one_row else f"Give it {self.n_inputs} columns."
            raise ShapeError(
                f"Network: X has shape {rows.shape}; the first layer, {self.layers[0]!r}, expects "
                f"(n_rows, {self.n_inputs}). {fix}"
            )
        return rows

    def copy(self) -> Network:
        """Return a network with layers, weights and factors of its own."""
        return copy.deepcopy(self)

    def __getstate__(self) -> dict[str, Any]:
        """Return configuration and vectors: views into a vector would not survive `pickle` or `copy` as views."""
        vectors = {name: getattr(self, name).copy() for name in _VECTORS}
        return {"config": self.to_config(), "vectors": vectors, "initialized": self.initialized, "rng": self.rng}

    def __setstate__(self, state: dict[str, Any]) -> None:
        twin = Network.from_config(state["config"])
        self.__dict__.update(twin.__dict__)
        for name, vector in state["vectors"].items():
            getattr(self, name)[...] = vector
        self.initialized, self.rng = state["initialized"], state["rng"]

    def to_config(self) -> dict[str, Any]:
        """Return the architecture as JSON data, without the weights."""
        return {"n_inputs": self.n_inputs, "dtype": str(self.dtype), "layers": to_config(self.layers)}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Network:
        """Build the network that `to_config` described, with new weights."""
        layers = [from_config(Layer, layer) for layer in config["layers"]]  # type: ignore[type-abstract]
        return cls(layers, config["n_inputs"], dtype=config["dtype"])

    def summary(self) -> str:
        """Return a table with a line per layer: its size and its number of parameters."""
        rows = [("layer", "", "columns", "parameters")]
        for index, (layer, sizes, count) in enumerate(self.summary_rows()):
            rows.append((str(index), textwrap.shorten(repr(layer), 60, placeholder=" ..."), sizes, f"{count:,}"))
        rows.append(("", "", "all", f"{self.parameters.size:,}"))
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        lines = [
            f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}  {d:>{widths[3]}}".rstrip() for a, b, c, d in rows
        ]
        return "\n".join(lines)

    def summary_rows(self) -> list[tuple[Layer, str, int]]:
        """Return each layer, its numbers of columns, such as ``"2 -> 3"``, and its number of parameters."""
        rows = []
        for index, layer in enumerate(self.layers):
            count = sum(view.size for name, view in self.named_parameters.items() if name.startswith(f"{index}."))
            rows.append((layer, f"{self.sizes[index]} -> {self.sizes[index + 1]}", count))
        return rows

    def __repr__(self) -> str:
        return f"Network([{', '.join(map(repr, self.layers))}], n_inputs={self.n_inputs}, dtype={str(self.dtype)!r})"

    def _first_size(self, n_inputs: int | None) -> int:
        declared = getattr(self.layers[0], "n_inputs", None)
        size = declared if n_inputs is None else n_inputs
        if not isinstance(size, int | np.integer) or isinstance(size, bool) or size < 1:
            raise OptionError(
                f"Network: n_inputs got {n_inputs!r}; it expects the number of columns of X, such as n_inputs=2."
            )
        return int(size)

    def _vector(self, shapes: Mapping[str, Shape]) -> tuple[Array, Mapping[str, Array]]:
        vector = np.zeros(sum(int(np.prod(shape)) for shape in shapes.values()), self.dtype)
        return vector, _views(vector, shapes)

    def _bind(self) -> None:
        """Give each layer its views."""
        for prefix, layer in walk(self.chain):
            if layer.parameters or layer.buffers:
                raise OptionError(
                    f"Network: {layer!r} stands in two places; a layer has one set of weights. Write a new layer, "
                    f"or copy a network with network.copy()."
                )
            for own, all_ in (
                (layer.parameters, self.named_parameters),
                (layer.gradients, self.named_gradients),
                (layer.buffers, self.named_buffers),
            ):
                for name, view in all_.items():
                    if name.startswith(prefix) and "." not in name[len(prefix) :]:
                        own[name[len(prefix) :]] = view

    def _require_weights(self) -> None:
        if not self.initialized:
            raise NotInitializedError(
                f"{self!r} has no weights yet, because an initializer needs rows: call network.initialize(X), or train."
            )


def _collect_shapes(chain: Chain, n_inputs: int) -> dict[str, tuple[str, Shape, float]]:
    """Return kind, shape and weight-decay factor of each array by name, in the order of the layers."""
    found: dict[str, tuple[str, Shape, float]] = {}

    def visit(layer: Layer, size: int, prefix: str) -> None:
        for name, shape in layer.parameter_shapes(size).items():
            found[prefix + name] = ("parameter", shape, float(name in layer.penalized))
        for name, shape in layer.buffer_shapes(size).items():
            found[prefix + name] = ("buffer", shape, 0.0)
        for name, child in layer.children.items():
            visit(child, layer.child_sizes(size)[name], f"{prefix}{name}.")

    visit(chain, n_inputs, "")
    return found


def _floating(dtype: Any) -> np.dtype[Any]:
    try:
        kind = np.dtype(dtype)
    except TypeError:
        kind = None
    if kind not in (np.float32, np.float64):
        raise OptionError(f"Network: dtype got {dtype!r}; it expects 'float32' or 'float64'.")
    return kind


def _views(vector: Array, shapes: Mapping[str, Shape]) -> Mapping[str, Array]:
    views, start = {}, 0
    for name, shape in shapes.items():
        stop = start + int(np.prod(shape))
        views[name] = vector[start:stop].reshape(shape)
        start = stop
    return MappingProxyType(views)
