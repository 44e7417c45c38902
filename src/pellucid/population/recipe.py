"""The recipe says what network a configuration is, for a table that was encoded."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from pellucid.elementary import logarithm
from pellucid.initializers import Normal
from pellucid.layers import (
    ActivationLayer,
    Columns,
    Dense,
    Dropout,
    Embedding,
    Layer,
    PeriodicEmbedding,
    PiecewiseLinearEmbedding,
    Scale,
)
from pellucid.layers.base import Array
from pellucid.losses import Loss
from pellucid.network import Network
from pellucid.population.configuration import Configuration
from pellucid.random import Random
from pellucid.tabular.encoder import Encoder

SCALE_RATE = 6.0  # how much faster the factor of a column learns (RealMLP, arXiv 2407.04491)
MOST_EMBEDDED = 128  # columns of numbers; a table of more, such as an image's pixels, has them as they are
EMBEDDED_WIDTH = 512  # of all embeddings of numbers together
CODED_WIDTH = 4096  # of all embeddings of categories together, where their size is drawn
GROUP = 512  # embeddings of categories side by side; of more, groups stand side by side: `Random.child` numbers 1,024
EMBEDDING_DEVIATION = 0.01  # near nothing, so that rare levels, which are seldom trained, add little noise


def build_member(
    encoder: Encoder,
    n_outputs: int,
    configuration: Configuration,
    loss: Loss,
    target: Array,
    weight: Array | None,
    rng: Random,
) -> Network:
    """Return the network of a configuration, float32, whose last biases start at the best constant for the target.

    Numbers enter by the embedding that the configuration names, and as they are; these, truth values, one-hot columns
    and waves of dates have a factor each, and codes an embedding. Then come the hidden layers with dropout.
    """
    parts: dict[str, tuple[int, int, Layer]] = {}
    n_plain = encoder.n_numeric + encoder.n_one_hot
    size, n_numbers, first = number_size(encoder, configuration), encoder.n_scaled, 0
    if size and configuration.numbers == "piecewise":
        parts["numbers"] = (0, n_numbers, PiecewiseLinearEmbedding(size, n_bins=configuration.n_bins))
    elif size:
        parts["numbers"] = (0, n_numbers, PeriodicEmbedding(n_outputs=size))
        first = n_numbers  # it hands them on as they are, too
    if n_plain > first:
        parts["columns"] = (first, n_plain, Scale())
    parts |= _embeddings(encoder, configuration.embedding_size)
    layers: list[Layer] = [Columns(parts)]
    for width in configuration.hidden_layer_sizes:
        layers += [Dense(width, weight_initializer="he"), ActivationLayer(configuration.activation)]
        if configuration.dropout:
            layers.append(Dropout(configuration.dropout))
    start = best_constant(loss, target, weight, n_outputs)
    layers.append(Dense(n_outputs, weight_initializer="lecun", bias_initializer=start))
    network = Network(layers, encoder.n_columns, rng=rng, dtype="float32")
    for name, factor in network.views(network.learning_rate_factor).items():
        factor[...] = SCALE_RATE if name.endswith(".factor") else 1.0
    return network


def leave_out_rare(network: Network, encoder: Encoder, configuration: Configuration, x: Array) -> None:
    """Fix at 0 the factors of numbers that are rarely elsewhere than at their medians, if they are most of the numbers.

    Adam makes as large a step for a column that is other than usual in one row of a thousand as for any: a network
    learns such rows by heart. In some tables these columns tell most, so that only some members go without.

    x : the encoded rows to learn from, (n_rows, n_columns), in which a number's median is 0
    """
    if not configuration.least_share:
        return
    rare = np.count_nonzero(x[:, : encoder.n_scaled], axis=0) < configuration.least_share * len(x)
    if 2 * np.count_nonzero(rare) > len(rare):
        for values in (network.parameters, network.learning_rate_factor):
            network.views(values)["0.columns.factor"][: len(rare)][rare] = 0.0


def _embeddings(encoder: Encoder, size: int) -> dict[str, tuple[int, int, Layer]]:
    """Return an embedding for each column of codes, the last columns of the matrix; of many, in groups."""
    parts: dict[str, tuple[int, int, Layer]] = {}
    for index, code in enumerate(encoder.code_columns):
        embedding = Embedding(code.n_codes, size, weight_initializer=Normal(deviation=EMBEDDING_DEVIATION))
        parts[f"category{index}"] = (code.column_index, code.column_index + 1, embedding)
    if len(parts) <= GROUP:
        return parts
    groups: dict[str, tuple[int, int, Layer]] = {}
    for first in range(0, len(parts), GROUP):
        held = dict(list(parts.items())[first : first + GROUP])
        start, stop = encoder.code_columns[first].column_index, max(end for _, end, _ in held.values())
        moved = {name: (begin - start, end - start, layer) for name, (begin, end, layer) in held.items()}
        groups[f"categories{first // GROUP}"] = (start, stop, Columns(moved))
    return groups


def suited(configuration: Configuration, encoder: Encoder, fixed: Mapping[str, Any]) -> Configuration:
    """Return what a configuration comes to for a table: without embedded numbers, or with smaller embedded categories.

    fixed : what was decided beforehand, which stays
    """
    changed: dict[str, Any] = {}
    if not number_size(encoder, configuration):  # no numbers, or too many to be embedded
        changed["numbers"] = "plain"
    if encoder.code_columns and "embedding_size" not in fixed:
        changed["embedding_size"] = min(configuration.embedding_size, max(1, CODED_WIDTH // len(encoder.code_columns)))
    if encoder.n_scaled <= MOST_EMBEDDED:
        changed["least_share"] = 0.0
    return dataclasses.replace(configuration, **changed)


def best_constant(loss: Loss, target: Array, weight: Array | None, n_outputs: int) -> list[float]:
    """Return the outputs that are best for all rows alike; a class that is not in the target counts as half a row."""
    found = np.full(n_outputs, logarithm(0.5 / len(target)))  # of classes above the highest code in the target
    best = loss.best_constant(loss.check_target(target, n_outputs), weight)
    found[: len(best)] = best
    return [float(value) for value in found]


def number_size(encoder: Encoder, configuration: Configuration) -> int:
    """Return how many numbers a number's embedding has, 0 where there are none; the more columns, the smaller."""
    if configuration.numbers == "plain" or not 0 < encoder.n_scaled <= MOST_EMBEDDED:
        return 0
    return min(configuration.number_size, EMBEDDED_WIDTH // encoder.n_scaled)


def work_per_row(encoder: Encoder, n_outputs: int, configuration: Configuration) -> float:
    """Return about how many floating-point operations a row costs in a step of a network of this configuration."""
    size = encoder.n_columns + number_size(encoder, configuration) * encoder.n_scaled
    size += (configuration.embedding_size - 1) * len(encoder.code_columns)
    products = 0
    for width in (*configuration.hidden_layer_sizes, n_outputs):
        products += size * width
        size = width
    return 6.0 * products
