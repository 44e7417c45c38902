"""Checks of neurons: those that are dead, saturated, or copies of each other, and weights that are no numbers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pellucid.activations import LeakyReLU, ReLU, Sigmoid, Tanh
from pellucid.initializers import Constant, Explicit, Zeros, initializer
from pellucid.insight.doctor.examination import A_QUARTER, Examination
from pellucid.insight.doctor.report import Finding, shortened
from pellucid.layers import ActivationLayer, BatchNorm, Dense, Dropout, LayerNorm, Scale
from pellucid.layers.base import Array
from pellucid.network import Network

SATURATED = 0.05
"""A neuron is saturated if it lets through less than a twentieth of the slope that it could. Sums z that are spread
normally around 0 let through a share of about 1.6 / deviation, as the slope's integral over z is 4 times its peak for
the sigmoid; a twentieth means a deviation of 30, or all sums beyond ±4.4."""
LARGE = 10.0  # sums that weights alone seldom make; beyond, the inputs are not scaled
STEEPEST = {"sigmoid": 0.25, "tanh": 1.0}  # the largest slope
COLUMN_BY_COLUMN = (ActivationLayer, Dropout, BatchNorm, LayerNorm, Scale)  # what may stand between two dense layers


def weights_not_finite(case: Examination) -> Iterator[Finding]:
    """Parameters that are NaN or infinite: training has diverged."""
    for name, view in case.network.named_parameters.items():
        wrong = int((~np.isfinite(view)).sum())
        if wrong:
            yield Finding(
                "weights not finite",
                "problem",
                f"NaN or infinite: {wrong} of the {view.size} numbers of {name!r}, and so all that they enter. "
                "Training took steps so long that numbers overflowed; the weights are lost: begin anew with a "
                "smaller step.",
                "network.initialize(); history = train(network, X, y, loss=loss, "
                "optimizer=SGD(learning_rate=0.001), gradient_clip=1.0)",
                {"not_finite": wrong, "of": view.size},
                layer=name.rpartition(".")[0],
            )
            return


def dead_relus(case: Examination) -> Iterator[Finding]:
    """ReLU neurons that are 0 in every row: where z <= 0 the slope is 0, so they never change again."""
    for leaf in case.hidden:
        layer = leaf.layer
        if not (isinstance(layer, ActivationLayer) and isinstance(layer.function, ReLU)) or layer.parametric:
            continue
        z = leaf.cache[0]
        dead = np.flatnonzero((z <= 0).all(axis=0))
        n_neurons = z.shape[1]
        if len(dead) < A_QUARTER * n_neurons:
            continue
        everything = len(dead) == n_neurons
        position = int(leaf.name.partition(".")[0])
        yield Finding(
            "dead ReLUs",
            "problem" if everything else "warning",
            f"Neurons of layer {leaf} that are 0 in each of the {len(z):,} rows: {len(dead)} of {n_neurons}. Their "
            f"sums z reach at most {z[:, dead].max():.3g}. Where z is below 0 the slope of ReLU is 0, so no gradient "
            f"comes through and these neurons stay as they are"
            + ("; nothing before this layer learns at all. " if everything else ". ")
            + "The usual causes are a step so large that it pushed the bias far down, or inputs that are not centered. "
            "LeakyReLU has a slope on both sides.",
            case.rewritten(changes={position: [LeakyReLU()]})
            if leaf.name.isdigit()
            else "network = Network([..., LeakyReLU(), ...])",
            {"dead": len(dead), "of": n_neurons, "largest_z": float(z[:, dead].max())},
            layer=leaf.name,
            neurons=tuple(dead.tolist()),
        )


def saturated_neurons(case: Examination) -> Iterator[Finding]:
    """Hidden sigmoid and tanh neurons on their flat ends, in a network that has not learned its task."""
    if case.solved:  # a neuron that has decided rightly is saturated too, and need not move
        return
    for leaf in case.hidden:
        if not isinstance(leaf.layer, ActivationLayer) or leaf.layer.parametric:
            continue
        function = leaf.layer.function
        if not isinstance(function, Sigmoid | Tanh):
            continue
        z, a = leaf.cache
        share = function.derivative(z, a) / STEEPEST[function.name]
        arriving = np.ones_like(share) if leaf.d_output is None else np.abs(leaf.d_output)
        total = arriving.sum(axis=0)
        passed = (share * arriving).sum(axis=0) / np.where(total > 0, total, 1)
        flat = np.flatnonzero((passed < SATURATED) & (total > 0))
        if len(flat) < A_QUARTER * z.shape[1]:
            continue
        typical = float(np.median(np.abs(z[:, flat])))
        yield Finding(
            "saturated neurons",
            "problem" if len(flat) == z.shape[1] else "warning",
            f"Neurons of layer {leaf} on their flat ends: {len(flat)} of {z.shape[1]}. They let through "
            f"{passed[flat].mean():.2%} of the gradient that they could: their sums z are typically ±{typical:.3g}, "
            f"where the {function.name} is flat. The rows that are still wrong cannot move these neurons. Weights or "
            "inputs are too large: scale the inputs and start from smaller weights; another start may do as well.",
            "network.initialize(rng=1)"
            if typical < LARGE
            else "X = (X - X.mean(axis=0)) / np.where(X.std(axis=0) > 0, X.std(axis=0), 1)",
            {
                "saturated": len(flat),
                "of": z.shape[1],
                "share_passed": float(passed[flat].mean()),
                "typical_z": typical,
            },
            layer=leaf.name,
            neurons=tuple(flat.tolist()),
        )


def symmetric_neurons(case: Examination) -> Iterator[Finding]:
    """Neurons with the same weights in and out: they get the same gradient, and stay the same for ever."""
    layers = case.network.layers
    for position, layer in enumerate(layers[: case.last_weights]):
        if not isinstance(layer, Dense):
            continue
        signature = _in_and_out(case.network, position)
        if signature is None:
            continue
        groups = _equal_rows(signature)
        copies = sum(len(group) - 1 for group in groups)
        if copies == 0 or copies < A_QUARTER * layer.n_outputs:
            continue
        largest = max(groups, key=len)
        started = isinstance(initializer(layer.weight_initializer), Zeros | Constant | Explicit)
        mended = type(layer)(layer.n_outputs, bias=layer.bias) if started else layer
        yield Finding(
            "symmetric neurons",
            "problem",
            f"Of the {layer.n_outputs} neurons of layer {position} (Dense), {copies} are copies of others: "
            f"{shortened(largest)}, for example, have the same weights coming in and the same going out. Equal neurons "
            "get equal gradients and stay equal, so together they can do no more than one. Start from random weights.",
            case.rewritten(changes={position: [mended]}) if started else "network.initialize(rng=1)",
            {"copies": copies, "of": layer.n_outputs, "distinct": layer.n_outputs - copies},
            layer=str(position),
            neurons=tuple(sorted(number for group in groups for number in group)),
        )


def _in_and_out(network: Network, position: int) -> Array | None:
    """Return a row of numbers for each neuron of a dense layer: all parameters that make it differ from the others.

    None where what follows mixes columns before the next dense layer, so that nothing can be said.
    """
    layer = network.layers[position]
    parts = [layer.parameters["weight"].T]
    if "bias" in layer.parameters:
        parts.append(layer.parameters["bias"][:, None])
    for following in network.layers[position + 1 :]:
        if isinstance(following, Dense):
            return np.hstack([*parts, following.parameters["weight"]])
        if not isinstance(following, COLUMN_BY_COLUMN):
            return None
        parts += [view[:, None] for view in following.parameters.values()]
    return None


def _equal_rows(rows: Array) -> list[list[int]]:
    """Return the groups of rows that are equal up to rounding: within the root of the dtype's epsilon of the largest.

    Twins drift apart by the rounding of each step, where sums are taken in another order; rows that differ by chance
    are as near as that in two or more numbers only once in 1 / epsilon pairs.
    """
    tolerance = np.sqrt(np.finfo(rows.dtype).eps) * (np.abs(rows).max() or 1.0)
    groups: list[list[int]] = []
    for index, row in enumerate(rows):
        for group in groups:
            if np.abs(rows[group[0]] - row).max() <= tolerance:
                group.append(index)
                break
        else:
            groups.append([index])
    return [group for group in groups if len(group) > 1]
