"""The order in which rows are visited, and the batches that it is cut into."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from pellucid.engine.native import permutation
from pellucid.errors import OptionError, ShapeError
from pellucid.layers.base import Array
from pellucid.random import Purpose, Random
from pellucid.training.samples import Samples

Order = Callable[[int], Array | None]
"""From the number of an epoch (from 0) to its rows; None stands for the whole table as it is."""


def row_order(order: Any, n_rows: int, batch_size: int | None, rng: Random) -> Order:
    """Return the function from the epoch's number to the rows in the order in which it visits them.

    Without an explicit ``order``, a whole-table batch keeps the table's own order, and smaller batches are drawn from a
    new permutation each epoch. ``order`` may be ``(n,)`` for every epoch, ``(n_epochs, n)``, or a function of it.
    """
    if order is None:
        if batch_size is None or batch_size >= n_rows:
            return lambda epoch: None
        return lambda epoch: permutation(rng.at(purpose=Purpose.SHUFFLE, layer=0, step=epoch), n_rows)
    if callable(order):
        return lambda epoch: _checked(order(epoch), n_rows)
    rows = np.asarray(order)
    if rows.ndim == 1:
        return lambda epoch: _checked(rows, n_rows)
    if rows.ndim != 2:
        raise ShapeError(
            f"train: order has shape {rows.shape}; it expects (n,), (n_epochs, n) or a function of the epoch."
        )

    def of_epoch(epoch: int) -> Array:
        if epoch >= len(rows):
            raise ShapeError(f"train: order has {len(rows)} epochs, and epoch {epoch + 1} is asked for.")
        return _checked(rows[epoch], n_rows)

    return of_epoch


def batches(samples: Samples, rows: Array | None, batch_size: int | None) -> Iterator[Samples]:
    """Yield the samples at ``rows`` in batches; the last one may be smaller."""
    if rows is None:
        yield samples
        return
    size = len(rows) if batch_size is None else batch_size
    for start in range(0, len(rows), size):
        yield samples[rows[start : start + size]]


def batch_count(rows: Array | None, batch_size: int | None) -> int:
    """Return how many batches `batches` yields."""
    return 1 if rows is None or batch_size is None else math.ceil(len(rows) / batch_size)


def _checked(rows: Any, n_rows: int) -> Array:
    indices = np.asarray(rows)
    if indices.ndim != 1 or indices.dtype.kind not in "iu" or not len(indices):
        raise OptionError(
            f"train: order gave {indices!r:.80}; it expects a list of row numbers from 0 to {n_rows - 1}."
        )
    if indices.min() < 0 or indices.max() >= n_rows:
        raise OptionError(f"train: order names rows {indices.min()} to {indices.max()}; X has rows 0 to {n_rows - 1}.")
    return indices
