"""The diagram of a network: a circle for each neuron, and a line for each weight with the weight's size and sign."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np

from pellucid.errors import OptionError, ShapeError
from pellucid.insight.pictures.picture import write
from pellucid.insight.pictures.svg import (
    LABEL_SIZE,
    WIDTH,
    Labels,
    circle,
    compact,
    document,
    line,
    text,
)
from pellucid.layers import Dense
from pellucid.layers.base import Array, Layer
from pellucid.network import Network

MOST_NEURONS = 10
MOST_NUMBERED = 12  # weights between two columns of circles: of more, the numbers are left to the pointer
TOP, BOTTOM = 74, 84  # pixels above the circles, and below them
WIDE, NARROW = 86.0, 52.0  # from a circle to the next, where there are few and where there are many
FEW = 4
THINNEST, WIDEST = 0.5, 6.5


@dataclass(frozen=True)
class Diagram:
    """A drawing in SVG: `save` writes it, a notebook shows it, and ``svg`` is its text."""

    svg: str = field(repr=False)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the drawing to a file that ends with .svg; raises `OptionError` for another, `OutputError`."""
        if not os.fspath(path).lower().endswith(".svg"):
            raise OptionError(f"Diagram.save got {os.fspath(path)!r}; a diagram is SVG: let the name end with .svg.")
        write(path, lambda target: target.write_text(self.svg, encoding="utf-8"))

    def _repr_svg_(self) -> str:
        """Return the drawing for a notebook."""
        return self.svg


@dataclass
class Stage:
    """One column of circles: the inputs, or what comes out of a layer and those that act on each column after it."""

    size: int
    heading: list[str]
    layer: Layer | None = None
    values: Array | None = None
    shown: list[int] = field(default_factory=list)
    ys: list[float] = field(default_factory=list)

    @property
    def slots(self) -> int:
        """The number of circles, and of the line that tells how many more there are."""
        return len(self.shown) + (len(self.shown) < self.size)


def plot_network(
    network: Network,
    row: Any = None,
    *,
    neurons: int | Mapping[int, Sequence[int]] = MOST_NEURONS,
    column_names: Sequence[str] | None = None,
) -> Diagram:
    """Draw the network with its real weights, and with ``row`` what each neuron makes of that row.

    A line's width is the size of the weight; positive ones are blue, negative ones vermilion and dashed. Biases stand
    below the circles. With a row, the circles hold the activations, colored alike. The pointer shows every number.

    Parameters
    ----------
    row : (n_inputs,), the inputs to send through, or None
    neurons : how many circles a column has at most, the first ones, with "… 52 more" below; or, by column, which:
        ``{0: [2, 5], 1: range(4)}``, column 0 being the inputs
    column_names : n_inputs names of the inputs

    Raises `ShapeError` for a row that does not fit, `OptionError` for columns or neurons that are not there.

    >>> import numpy as np
    >>> from pellucid import Dense, Network, Sigmoid, plot_network
    >>> network = Network([Dense(3), Sigmoid(), Dense(1), Sigmoid()], n_inputs=2, rng=0)
    >>> diagram = plot_network(network, row=np.array([0, 1]))
    >>> diagram.svg.count("<circle"), diagram.svg.count('class="weight')
    (6, 9)
    """
    if not isinstance(network, Network):
        raise OptionError(f"plot_network got a {type(network).__name__}; it expects a Network, such as model.network_.")
    names = _names(network, column_names)
    stages = _stages(network, row)
    _choose(stages, neurons)
    slots = max(stage.slots for stage in stages)
    gap = WIDE if slots <= FEW else NARROW
    height = gap * (slots - 1)
    for stage in stages:
        top = TOP + (height - gap * (stage.slots - 1)) / 2  # each column is centered
        stage.ys = [top + gap * place for place in range(stage.slots)]
    left, right = (150.0 if column_names is not None else 80.0), 70.0
    step = (WIDTH - left - right) / max(len(stages) - 1, 1)
    xs = [left + step * index for index in range(len(stages))]
    radius = min(19.0, step / 4)

    lines, labels = _weights(stages, xs, radius)
    parts = [*lines, *_circles(stages, xs, radius, names), *labels, *_headings(stages, xs, step)]
    total = TOP + height + BOTTOM
    parts += _legend(stages, total, row is not None)
    sizes = " to ".join(str(stage.size) for stage in stages)
    return Diagram(document(parts, total, f"A network of {len(stages)} columns of neurons: {sizes}"))


def _names(network: Network, column_names: Sequence[str] | None) -> list[str]:
    if column_names is None:
        return [f"x{index}" for index in range(network.n_inputs)]
    if len(column_names) != network.n_inputs:
        raise OptionError(
            f"plot_network: column_names got {len(column_names)} names; the network has {network.n_inputs} inputs."
        )
    return [str(name) for name in column_names]


def _stages(network: Network, row: Any) -> list[Stage]:
    """Return the columns of circles: layers that act on each column by itself belong to the one before."""
    x = None
    if row is not None:
        values = np.asarray(row)
        if values.shape not in ((network.n_inputs,), (1, network.n_inputs)):
            raise ShapeError(
                f"plot_network: row has shape {values.shape}; it expects ({network.n_inputs},), the inputs of one row."
            )
        network.forward(values.reshape(1, -1))  # a network without weights says so here
        x = network.check_rows(values.reshape(1, -1))
    stages = [Stage(network.n_inputs, ["inputs"], values=None if x is None else x[0])]
    for index, layer in enumerate(network.layers):
        if x is not None:
            x, _ = layer.forward(x)
        size = network.sizes[index + 1]
        mixes = isinstance(layer, Dense) or bool(layer.children) or size != network.sizes[index]
        name = getattr(getattr(layer, "function", None), "name", type(layer).__name__)
        if mixes:
            stages.append(Stage(size, [f"{name} {size}"], layer))
        else:
            stages[-1].heading.append(name)
        stages[-1].values = None if x is None else x[0]
    return stages


def _choose(stages: list[Stage], neurons: int | Mapping[int, Sequence[int]]) -> None:
    """Set which circles each stage shows."""
    chosen = neurons if isinstance(neurons, Mapping) else {}
    most = neurons if isinstance(neurons, int) and not isinstance(neurons, bool) else MOST_NEURONS
    if not isinstance(neurons, int | Mapping) or isinstance(neurons, bool) or most < 1:
        raise OptionError(
            f"plot_network: neurons got {neurons!r}; it expects how many to show, at least 1, or which: {{1: [0, 4]}}."
        )
    for index in chosen:
        if index not in range(len(stages)):
            raise OptionError(
                f"plot_network: neurons names column {index!r}; the picture has 0, the inputs, to {len(stages) - 1}."
            )
    for index, stage in enumerate(stages):
        stage.shown = list(chosen[index]) if index in chosen else list(range(min(stage.size, most)))
        wrong = [number for number in stage.shown if number not in range(stage.size)]
        if wrong or not stage.shown or len(set(stage.shown)) < len(stage.shown):
            raise OptionError(
                f"plot_network: neurons of column {index} got {stage.shown}; it expects different numbers from 0 to "
                f"{stage.size - 1}."
            )


def _weights(stages: list[Stage], xs: list[float], radius: float) -> tuple[list[str], list[str]]:
    """Return the lines, thin ones first, and the numbers on them where there is room."""
    matrices = {
        index: stage.layer.parameters["weight"] for index, stage in enumerate(stages) if isinstance(stage.layer, Dense)
    }
    shown = {
        index: matrix[np.ix_(stages[index - 1].shown, stages[index].shown)].astype(np.float64)
        for index, matrix in matrices.items()
    }
    largest = max((float(np.abs(block).max()) for block in shown.values()), default=0.0) or 1.0
    lines: list[str] = []
    labels: list[str] = []
    for index in range(1, len(stages)):
        before, after = stages[index - 1], stages[index]
        x0, x1 = xs[index - 1] + radius, xs[index] - radius
        if index not in shown:
            lines.append(_opaque(before, after, x0, x1))
            continue
        block = shown[index]
        for flat in np.argsort(np.abs(block), axis=None):
            i, j = divmod(int(flat), block.shape[1])
            weight = float(block[i, j])
            ends = (x0, before.ys[i], x1, after.ys[j])
            width = THINNEST + (WIDEST - THINNEST) * abs(weight) / largest
            told = f"weight from {before.shown[i]} to {after.shown[j]}: {weight:.6g}"
            lines.append(line(ends, width, negative=weight < 0, tooltip=told))
        if block.size <= MOST_NUMBERED and x1 - x0 > 90:
            drawn = {(i, j): (x0, before.ys[i], x1, after.ys[j]) for i, j in np.ndindex(*block.shape)}
            room = Labels(list(drawn.values()))
            for (i, j), ends in drawn.items():
                labels += room.place(ends, compact(float(block[i, j])))
    return lines, labels


def _opaque(before: Stage, after: Stage, x0: float, x1: float) -> str:
    """Return a band in place of weights, for a layer that is not one matrix."""
    ys = [before.ys[0] - 12, before.ys[len(before.shown) - 1] + 12]
    ends = [after.ys[len(after.shown) - 1] + 12, after.ys[0] - 12]
    points = f"{x0:.0f},{ys[0]:.0f} {x1:.0f},{ends[1]:.0f} {x1:.0f},{ends[0]:.0f} {x0:.0f},{ys[1]:.0f}"
    return f'<polygon class="band" points="{points}"><title>{escape(repr(after.layer)[:300])}</title></polygon>'


def _circles(stages: list[Stage], xs: list[float], radius: float, names: list[str]) -> list[str]:
    parts = []
    for index, (stage, x) in enumerate(zip(stages, xs, strict=True)):
        bias = stage.layer.parameters.get("bias") if isinstance(stage.layer, Dense) else None
        values = None if stage.values is None else stage.values[stage.shown].astype(np.float64)
        largest = 0.0 if values is None else float(np.abs(values).max())
        for place, number in enumerate(stage.shown):
            y = stage.ys[place]
            value = None if values is None else float(values[place])
            told = [f"{'input' if index == 0 else 'neuron'} {number}"]
            told += [] if bias is None else [f"bias {float(bias[number]):.6g}"]
            told += [] if value is None else [f"{'value' if index == 0 else 'activation'} {value:.6g}"]
            parts.append(circle(x, y, radius, value, largest, ", ".join(told)))
            if value is not None and radius > 12:
                parts.append(text(x, y + 4, compact(value), "number" if radius > 17 else "number tight"))
            if index == 0:
                label = names[number] if len(names[number]) <= 18 else names[number][:17] + "…"
                parts.append(text(x - radius - 8, y + 4, label, "name", anchor="end"))
            if bias is not None and radius > 12:
                parts.append(text(x, y + radius + LABEL_SIZE, f"b {compact(float(bias[number]))}", "small halo"))
        if len(stage.shown) < stage.size:
            y = stage.ys[len(stage.shown)]
            parts.append(text(x, y + 2, f"… {stage.size - len(stage.shown):,} more", "name"))
    return parts


def _headings(stages: list[Stage], xs: list[float], step: float) -> list[str]:
    parts = []
    most = max(int(step / 6.2), 5)  # characters that fit between two columns
    for stage, x in zip(stages, xs, strict=True):
        shown = [word if len(word) <= most else word[: most - 1] + "…" for word in stage.heading]
        if len(shown) > 3:
            shown = [*shown[:2], f"and {len(shown) - 2} more"]
        for place, word in enumerate(shown):
            parts.append(text(x, 20 + 14 * place, word, "heading" if place == 0 else "small"))
    return parts


def _legend(stages: list[Stage], total: float, has_row: bool) -> list[str]:
    y = total - 24
    blocks = [
        stage.layer.parameters["weight"][np.ix_(before.shown, stage.shown)]
        for before, stage in itertools.pairwise(stages)
        if isinstance(stage.layer, Dense)
    ]
    largest = max((float(np.abs(block).max()) for block in blocks), default=0.0)
    parts = [
        line((40, y, 80, y), 3, negative=False, tooltip="", key=True),
        text(88, y + 4, "positive weight", "small", anchor="start"),
        line((190, y, 230, y), 3, negative=True, tooltip="", key=True),
        text(238, y + 4, "negative weight", "small", anchor="start"),
        text(350, y + 4, f"widest line: ±{compact(largest)}", "small", anchor="start"),
    ]
    if has_row:
        parts.append(text(480, y + 4, "in the circles: the values for this row", "small", anchor="start"))
    return parts
