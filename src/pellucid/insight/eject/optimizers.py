"""The templates of optimizers: each writes its rule as the loop over parameters p and their slopes g.

They say in the page's words what the optimizer's `step` computes, operation by operation; a contract test holds each to
its optimizer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pellucid.errors import OptionError
from pellucid.optimizers import SGD, Adam, AdamW, Optimizer, RMSprop


@dataclass(frozen=True)
class Rule:
    """A rule as lines: what is set before training, what each step begins with, and what happens to each p.

    states : name in the loop -> name of the list with an array for each parameter, which starts at 0
    """

    update: list[str]
    states: dict[str, str] = field(default_factory=dict)
    settings: list[str] = field(default_factory=list)
    each_step: list[str] = field(default_factory=list)
    modules: tuple[str, ...] = ()


def rule_of(optimizer: Optimizer) -> Rule:
    """Return the rule; `OptionError` for an optimizer without a template."""
    if type(optimizer) not in RULES:
        raise OptionError(
            f"eject: {optimizer!r} has no template, so its training cannot be written as plain NumPy. Write one in "
            "pellucid/insight/eject/optimizers.py, or eject without training."
        )
    return RULES[type(optimizer)](optimizer)


def sgd(optimizer: SGD) -> Rule:
    """Gradient descent, with or without momentum."""
    if not optimizer.momentum:
        return Rule(["p -= rate * g"])
    states, settings = {"v": "velocities"}, [f"momentum = {optimizer.momentum!r}"]
    if optimizer.rate == "inside":
        move = "p += momentum * v - rate * g" if optimizer.nesterov else "p += v"
        return Rule(["v *= momentum", "v -= rate * g", move], states, settings)
    move = "p -= rate * (g + momentum * v)" if optimizer.nesterov else "p -= rate * v"
    return Rule(["v *= momentum", "v += g", move], states, settings)


def rmsprop(optimizer: RMSprop) -> Rule:
    """Each slope divided by its recent size."""
    return Rule(
        ["s *= share", "s += (1 - share) * np.square(g)", "p -= rate * (g / (np.sqrt(s) + epsilon))"],
        {"s": "mean_squares"},
        [f"share, epsilon = {optimizer.decay!r}, {optimizer.epsilon!r}"],
        modules=("numpy",),
    )


def adam(optimizer: Adam | AdamW) -> Rule:
    """Running means of slope and square, corrected for their start at 0."""
    by_rate = isinstance(optimizer, Adam) and optimizer.correction == "rate"
    root = "np.sqrt(s) + epsilon" if by_rate else "np.sqrt(s) / math.sqrt(1 - beta2_power) + epsilon"
    factor = "math.sqrt(1 - beta2_power) / (1 - beta1_power)" if by_rate else "1 / (1 - beta1_power)"
    return Rule(
        [
            *(["p -= decay * p"] if isinstance(optimizer, AdamW) else []),
            "m *= beta1",
            "m += (1 - beta1) * g",
            "s *= beta2",
            "s += (1 - beta2) * np.square(g)",
            f"p -= rate * (m / ({root}) * factor)",
        ],
        {"m": "means", "s": "mean_squares"},
        [
            f"beta1, beta2, epsilon = {optimizer.beta1!r}, {optimizer.beta2!r}, {optimizer.epsilon!r}",
            "beta1_power, beta2_power = 1.0, 1.0",
        ],
        ["beta1_power *= beta1", "beta2_power *= beta2", f"factor = {factor}"],
        ("numpy", "math"),
    )


RULES: dict[type[Optimizer], Callable[[Any], Rule]] = {SGD: sgd, RMSprop: rmsprop, Adam: adam, AdamW: adam}
