"""Distributions of weights, activations and gradients: by layer, and over the time of a training."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.domains import Integer, Kind
from pellucid.errors import OptionError
from pellucid.insight.pictures.picture import GRAY, POSITIVE, SERIES, Picture, blank, title
from pellucid.layers import ActivationLayer
from pellucid.layers.base import Array
from pellucid.losses import Loss
from pellucid.network import Network
from pellucid.options import named, option
from pellucid.training import Callback, Run

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
KINDS = {"weights": "weights", "activations": "activations", "gradients": "gradients, size (dLoss/dweight)"}
MOST_LAYERS = 12
LEAST = 1e-12  # gradients below are drawn here

Quantiles = dict[str, dict[str, Array]]
"""By kind, then by layer: the numbers at `LEVELS`. Those of gradients are of their sizes."""


class Recorder(Callback):
    """Records the distributions of weights, activations and gradients on some rows as training goes on.

    Pass it to `train` among the callbacks, and to `plot_distributions` afterwards. The gradients are those of the loss
    on the given rows, at the weights that would be used; training itself is not changed.

    >>> import numpy as np
    >>> from pellucid import Dense, Network, Recorder, train
    >>> X, y = np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 3.0, 5.0])
    >>> recorder = Recorder(X, y, "squared_error", every=10)
    >>> history = train(Network([Dense(1)], n_inputs=1), X, y, loss="squared_error", epochs=30, callbacks=[recorder])
    >>> recorder.epochs
    [1, 10, 20, 30]
    """

    X: Any = option(Kind((object,), "rows, (n_rows, n_inputs)"), "The rows that are looked at.", kw_only=False)
    y: Any = option(Kind((object,), "their targets"), "The targets, as the loss describes them.", kw_only=False)
    loss: Any = option(Kind((Loss, str), "a Loss or its name"), "What the gradients are of.", kw_only=False)
    every: int = option(Integer(1), "Record the first epoch, and then each whose number this divides.", default=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.loss: Loss = named(Loss, self.loss, "Recorder: loss")

    def begin(self, run: Run) -> None:
        """Begin with an empty record, unless this is a resumed run."""
        self.state.setdefault("epochs", [])
        self.state.setdefault("quantiles", [])

    def after_epoch(self, run: Run) -> None:
        """Look at the network."""
        if run.epoch == 1 or run.epoch % self.every == 0:
            self.state["epochs"].append(run.epoch)
            self.state["quantiles"].append(measure(run.network, self.X, self.y, self.loss))

    @property
    def epochs(self) -> list[int]:
        """The epochs that were recorded."""
        return list(self.state.get("epochs", ()))

    @property
    def quantiles(self) -> list[Quantiles]:
        """For each of them, what was found."""
        return list(self.state.get("quantiles", ()))


def plot_distributions(
    source: Network | Recorder, X: Any = None, y: Any = None, *, loss: Loss | str | None = None
) -> Picture:
    """Draw how weights, activations and gradients are distributed: 5 % to 95 %, the middle half, and the median.

    Parameters
    ----------
    source : a network, to see it as it is, layer by layer; or a `Recorder` that watched a training, to see each layer
        over the epochs
    X, y, loss : for a network: the rows, (n_rows, n_inputs), their targets, and the loss whose gradients are shown

    Raises `OptionError` for a recorder without epochs, or a network without rows or loss; `ShapeError`, `TargetError`
    or `DataError` for rows that do not fit.

    >>> import numpy as np
    >>> from pellucid import Dense, Network, Tanh, plot_distributions
    >>> X, y = np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 3.0, 5.0])
    >>> network = Network([Dense(4), Tanh(), Dense(1)], n_inputs=1)
    >>> len(plot_distributions(network, X, y, loss="squared_error").figure.axes)
    3
    """
    if isinstance(source, Recorder):
        if not source.epochs:
            raise OptionError("plot_distributions: the recorder has no epochs; pass it to train among the callbacks.")
        return _over_time(source.epochs, source.quantiles)
    if not isinstance(source, Network):
        raise OptionError(
            f"plot_distributions got a {type(source).__name__}; it expects a Network, or a Recorder that watched one."
        )
    if X is None or y is None or loss is None:
        raise OptionError("plot_distributions: a network needs X, y and loss=..., for activations and gradients.")
    return _by_layer(measure(source, X, y, named(Loss, loss, "plot_distributions: loss")))  # type: ignore[type-abstract]


def measure(network: Network, X: Any, y: Any, loss: Loss) -> Quantiles:
    """Return the quantiles of each layer's weights, activations and gradients; the network is left as it is."""
    before = network.gradients.copy()
    try:
        network.loss_and_gradient(X, y, loss)
        gradients = {name: np.abs(view).ravel() for name, view in network.named_gradients.items()}
    finally:
        network.gradients[...] = before
    x = network.check_rows(X)
    activations = {}
    for index, layer in enumerate(network.layers):
        x, _ = layer.forward(x)
        if isinstance(layer, ActivationLayer):
            activations[f"{index} {layer.function.name}"] = x.ravel()
    if not isinstance(network.layers[-1], ActivationLayer):
        activations[f"{len(network.layers) - 1} outputs"] = x.ravel()
    matrices = [name for name, view in network.named_parameters.items() if view.ndim > 1]
    weights = {name: network.named_parameters[name].ravel() for name in matrices}
    found = {
        "weights": weights,
        "activations": activations,
        "gradients": {name: gradients[name] for name in matrices},
    }
    return {
        kind: {name: np.quantile(values.astype(np.float64), LEVELS) for name, values in by_layer.items()}
        for kind, by_layer in found.items()
    }


def _by_layer(quantiles: Quantiles) -> Picture:
    n_layers = min(max(map(len, quantiles.values())), MOST_LAYERS)
    figure, axes = blank(10.5, 1.4 + 0.42 * n_layers, 1, 3)
    for axis, (kind, by_layer) in zip(axes.flat, quantiles.items(), strict=True):
        shown = dict(list(by_layer.items())[:MOST_LAYERS])
        for place, levels in enumerate(shown.values()):
            values = np.maximum(levels, LEAST) if kind == "gradients" else levels
            axis.plot(values[[0, -1]], [place, place], color=POSITIVE, linewidth=1.4, solid_capstyle="butt")
            axis.plot(values[[1, 3]], [place, place], color=POSITIVE, linewidth=7, alpha=0.45, solid_capstyle="butt")
            axis.plot(values[2], place, "o", color=POSITIVE, markersize=5)
        axis.set_yticks(range(len(shown)), list(shown))
        axis.set_ylim(len(shown) - 0.4, -0.6)
        if kind == "gradients":
            axis.set_xscale("log")
        else:
            axis.axvline(0, color=GRAY, linewidth=0.8)
        more = len(by_layer) - len(shown)
        title(axis, KINDS[kind] + (f"\n(first {len(shown)} of {len(by_layer)} layers)" if more else ""))
    figure.supxlabel("dot: median    thick: middle half    thin: 5 % to 95 %", fontsize=9, color=GRAY)
    return Picture(figure)


def _over_time(epochs: list[int], quantiles: list[Quantiles]) -> Picture:
    names = {kind: list(quantiles[0][kind])[:MOST_LAYERS] for kind in KINDS}
    n_rows = max(map(len, names.values()))
    figure, axes = blank(10.5, 0.8 + 1.55 * n_rows, n_rows, 3, sharex=True)
    for column, kind in enumerate(KINDS):
        for row in range(n_rows):
            axis = axes[row, column]
            if row >= len(names[kind]):
                axis.set_visible(False)
                continue
            name = names[kind][row]
            levels = np.array([found[kind][name] for found in quantiles])
            if kind == "gradients":
                levels = np.maximum(levels, LEAST)
                axis.set_yscale("log")
            axis.fill_between(epochs, levels[:, 0], levels[:, -1], color=SERIES[0], alpha=0.15, linewidth=0)
            axis.fill_between(epochs, levels[:, 1], levels[:, 3], color=SERIES[0], alpha=0.35, linewidth=0)
            axis.plot(epochs, levels[:, 2], color=SERIES[0], linewidth=1.6, marker="o" if len(epochs) == 1 else "")
            title(axis, f"{kind}: {name}")
            if row == len(names[kind]) - 1:
                axis.tick_params(labelbottom=True)
                axis.set_xlabel("epoch", fontsize=9)
    figure.supxlabel("line: median    dark: middle half    light: 5 % to 95 %", fontsize=9, color=GRAY)
    return Picture(figure)
