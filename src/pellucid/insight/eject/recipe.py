"""The recipe of a training: the arguments of `train`, checked, with the order of the rows for every epoch."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.errors import OptionError, ShapeError, listed, near_miss
from pellucid.layers.base import Array
from pellucid.losses import Loss, Penalty
from pellucid.network import Network
from pellucid.optimizers import Optimizer, SearchingOptimizer
from pellucid.options import check, named
from pellucid.random import Random, as_random
from pellucid.schedules import Schedule
from pellucid.training import train
from pellucid.training.batches import batch_count, row_order
from pellucid.training.loop import OPTIONS
from pellucid.training.preparation import checked_schedules
from pellucid.training.samples import Samples, checked_samples

NOT_TAKEN = ("network", "X_val", "y_val", "sample_weight_val", "metrics", "callbacks", "engine", "resume")
"""What only watches a training, stops it, or begins in its middle: a page takes every step from first to last."""


@dataclass(frozen=True)
class Recipe:
    """How a network is trained: from the weights that it has, on these samples.

    order : row numbers, (n,) for every epoch or (n_epochs, n); None for the table as it is
    shuffled : whether each epoch draws its order from the seed
    total_steps : the steps that schedules span
    """

    samples: Samples
    loss: Loss
    optimizer: Optimizer
    epochs: int
    batch_size: int | None
    seed: int
    order: Array | None
    shuffled: bool
    penalty: Penalty | None
    schedules: Mapping[str, Schedule]
    gradient_clip: float | None
    average: float | None
    total_steps: int

    @property
    def steps(self) -> int:
        """How many steps are taken."""
        size = len(self.samples) if self.order is None else self.order.shape[-1]
        return self.epochs * (1 if self.batch_size is None else -(-size // self.batch_size))


def recipe_of(network: Network, arguments: Mapping[str, Any]) -> Recipe:
    """Return the recipe for the arguments that `train` would get.

    Raises `OptionError` for those that a page cannot carry, and what `train` raises for the others.
    """
    parameters = inspect.signature(train).parameters
    taken = [name for name in parameters if name not in NOT_TAKEN]
    for name in arguments:
        if name not in taken:
            raise OptionError(
                f"eject: training got {name!r}; a page takes all steps from the first to the last, so it takes "
                f"{listed(taken, 20)}{near_miss(name, taken) or '.'}"
            )
    given = {name: arguments.get(name, parameters[name].default) for name in taken}
    for name in ("X", "y", "loss"):
        if given[name] is inspect.Parameter.empty:
            raise OptionError(f"eject: training=True needs {name}: pass the arguments of train, X, y, loss and so on.")
    for declared in OPTIONS:
        if given[declared.name] is not None or declared.default is not None:
            check("eject", declared, given[declared.name])
    loss = named(Loss, given["loss"], "eject: loss")
    optimizer = named(Optimizer, given["optimizer"], "eject: optimizer")
    if not isinstance(given["penalty"], Penalty | None):
        raise OptionError(f"eject: penalty got {given['penalty']!r}; it expects a Penalty, such as Penalty(l2=0.01).")
    samples = checked_samples(network, loss, given["X"], given["y"], given["sample_weight"])
    seed = as_random(given["rng"]).seed
    epochs, batch_size, n_rows = given["epochs"], given["batch_size"], len(samples)
    shuffled = given["order"] is None and batch_size is not None and batch_size < n_rows
    whole = given["order"] is None and not shuffled
    if isinstance(optimizer, SearchingOptimizer) and (
        not whole or given["gradient_clip"] is not None or network.chain.draws
    ):
        raise OptionError(
            f"eject: {optimizer!r} needs all rows in each step, and the same loss for the same weights: write "
            "batch_size=None, without order, gradient_clip and Dropout."
        )
    order_of = row_order(given["order"], n_rows, batch_size, Random(seed))
    return Recipe(
        samples,
        loss,
        optimizer,
        epochs,
        None if whole else batch_size,
        seed,
        None if whole or shuffled else _every_order([order_of(epoch) for epoch in range(epochs)]),
        shuffled,
        given["penalty"],
        checked_schedules(given["schedules"] or {}, network, optimizer),
        given["gradient_clip"],
        given["average"],
        (given["total_epochs"] or epochs) * batch_count(order_of(0), batch_size),
    )


def _every_order(orders: list[Any]) -> Array:
    """Return one order for all epochs, (n,), or one for each, (n_epochs, n)."""
    if len({len(rows) for rows in orders}) > 1:
        raise ShapeError("eject: order gives epochs of different lengths; a page needs as many rows in each.")
    whole = np.array(orders, dtype=np.int64)
    return whole[0] if (whole == whole[0]).all() else whole
