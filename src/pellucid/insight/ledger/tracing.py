"""A trace shows every number of a training step, and how it came about."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pellucid.errors import OptionError
from pellucid.insight.ledger.recording import Setting, record, twin
from pellucid.insight.ledger.traced import Trace, TracedStep
from pellucid.layers.base import Array
from pellucid.losses import Loss, Penalty
from pellucid.network import Network
from pellucid.optimizers import Optimizer, SearchingOptimizer
from pellucid.options import named
from pellucid.random import Random, as_random
from pellucid.schedules import Schedule
from pellucid.training import Callback, Run, train
from pellucid.training.batches import Order, batch_count, batches, row_order
from pellucid.training.preparation import checked_schedules
from pellucid.training.samples import Samples, checked_samples


def trace(
    network: Network,
    X: Any,
    y: Any,
    *,
    loss: Loss | str,
    optimizer: Optimizer | str = "sgd",
    steps: int | Sequence[int] = 0,
    batch: int | Sequence[int] | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    sample_weight: Any = None,
    rng: int | Random | None = 0,
    order: Any = None,
    penalty: Penalty | None = None,
    schedules: Mapping[str, Schedule | str] | None = None,
    gradient_clip: float | None = None,
    average: float | None = None,
) -> Trace:
    """Return the ledger of training steps: every quantity with its formula, its numbers, and where it came from.

    A twin of the network is trained by `train`, with ``engine="numpy"``, up to each step asked for, and that step is
    recorded; the network itself stays as it is. Each layer, the loss and the optimizer say how their numbers came
    about; beside each slope stands what finite differences say.

    Parameters
    ----------
    X, y, loss, optimizer, batch_size, sample_weight, rng, order, penalty, schedules, gradient_clip, average : as for
        `train`
    steps : which steps to show, from 0
    batch : numbers of the rows of X, from 0, to show the step for; by default those that training takes then. Training
        up to there, and from there on, is not changed by it
    epochs : how long training would be; schedules need to know

    Raises
    ------
    OptionError : a step that training does not reach, or a row that X does not have
    ShapeError, TargetError, DataError, DivergenceError : as `train`

    >>> import numpy as np
    >>> from pellucid import SGD, Dense, Network, SquaredError, trace
    >>> network = Network([Dense(1, bias=False, weight_initializer=[[2.0], [3.0]])], n_inputs=2)
    >>> found = trace(network, [[1.0, 10.0]], [30.0], loss=SquaredError(), optimizer=SGD(learning_rate=0.001))
    >>> print(found.arithmetic("Z1", 0, 0))
    Z¹₁₁ = X₁₁ W¹₁₁ + X₁₂ W¹₂₁ = 1 × 2 + 10 × 3 = 32
    >>> print(found.arithmetic("W1'", 1, 0))
    W¹′₂₁ ← W¹₂₁ − η ∂L/∂W¹₂₁ = 3 − 0.001 × 40 = 2.96
    """
    loss = named(Loss, loss, "trace: loss")  # type: ignore[type-abstract]
    optimizer = named(Optimizer, optimizer, "trace: optimizer")  # type: ignore[type-abstract]
    wanted = _checked_steps(steps)
    if schedules and epochs is None:
        raise OptionError("trace: schedules span the whole training: pass epochs, such as epochs=100.")
    student = twin(network) if network.initialized else network.copy()
    samples = checked_samples(student, loss, X, y, sample_weight)
    chosen = None if batch is None else _checked_rows(batch, len(samples))
    if chosen is not None and isinstance(optimizer, SearchingOptimizer) and max(wanted) > 0:
        raise OptionError(f"trace: {optimizer!r} remembers the loss of all rows; leave out batch, or take step 0.")
    driving = checked_schedules(schedules or {}, student, optimizer)
    order_of = row_order(order, len(samples), batch_size, as_random(rng))
    total_steps = (epochs or 1) * batch_count(order_of(0), batch_size)
    setting = Setting(student, loss, optimizer, penalty, driving, total_steps, gradient_clip, average)
    recorder = _Recorder(wanted, setting, samples, order_of, batch_size, chosen)
    train(
        student,
        X,
        y,
        loss=loss,
        optimizer=optimizer,
        epochs=epochs or max(wanted) + 1,
        batch_size=batch_size,
        sample_weight=sample_weight,
        rng=rng,
        order=order,
        penalty=penalty,
        schedules=schedules,
        gradient_clip=gradient_clip,
        average=average,
        callbacks=[recorder],
        engine="numpy",
    )
    missed = [step for step in wanted if step not in recorder.found]
    if missed:
        raise OptionError(
            f"trace: step {missed[0]} is asked for; {epochs} epochs have the steps 0 to {total_steps - 1}. Ask for one "
            f"of them, or for more epochs."
        )
    return Trace([recorder.found[step] for step in wanted])


class _Recorder(Callback):
    """Records the wanted steps before training takes them, and ends training after the last."""

    def __init__(
        self,
        wanted: list[int],
        setting: Setting,
        samples: Samples,
        order_of: Order,
        batch_size: int | None,
        chosen: Array | None,
    ) -> None:
        self.state = {}
        self.found: dict[int, TracedStep] = {}
        self._wanted, self._setting, self._samples, self._order_of = wanted, setting, samples, order_of
        self._batch_size, self._chosen = batch_size, chosen
        self._epoch, self._number = 0, 0

    def begin(self, run: Run) -> None:
        self._record(run)

    def after_step(self, run: Run) -> None:
        self._number += 1
        if self._number == batch_count(self._order_of(self._epoch), self._batch_size):
            self._epoch, self._number = self._epoch + 1, 0
        self._record(run)

    def _record(self, run: Run) -> None:
        state = run.history.state
        if state.step in self._wanted:
            rows = self._order_of(self._epoch)
            parts = batches(self._samples, rows, self._batch_size)
            batch = next(itertools.islice(parts, self._number, None))
            if self._chosen is not None:
                batch, numbers = self._samples[self._chosen], self._chosen
            elif rows is None:
                numbers = np.arange(len(self._samples))
            else:
                size = self._batch_size or len(rows)
                numbers = rows[self._number * size :][:size]
            made = record(self._setting, batch, state, self._number)
            self.found[state.step] = TracedStep(made, self._epoch, self._number, numbers)
        if state.step >= max(self._wanted):
            run.stop("every step that was asked for is recorded")


def _checked_steps(steps: int | Sequence[int]) -> list[int]:
    found = [steps] if isinstance(steps, int | np.integer) else list(steps)
    if not found or not all(isinstance(step, int | np.integer) and step >= 0 for step in found):
        raise OptionError(f"trace: steps got {steps!r}; it expects numbers of steps from 0, such as steps=[0, 1, 999].")
    return sorted({int(step) for step in found})


def _checked_rows(batch: int | Sequence[int], n_rows: int) -> Array:
    rows = np.atleast_1d(np.asarray(batch))
    if rows.ndim != 1 or not len(rows) or rows.dtype.kind not in "iu":
        raise OptionError(f"trace: batch got {batch!r}; it expects row numbers, such as batch=3 or batch=[0, 3].")
    if rows.min() < 0 or rows.max() >= n_rows:
        wrong = rows[(rows < 0) | (rows >= n_rows)][0]
        raise OptionError(f"trace: asked to take the step for row {wrong}; X has the rows 0 to {n_rows - 1}.")
    return rows
