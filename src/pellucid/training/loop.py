"""The training loop: a batch of rows goes forward, its loss comes back as slopes, the optimizer takes a step."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pellucid.domains import Integer, Number
from pellucid.engine.evaluator import forward as natively_forward
from pellucid.errors import OptionError
from pellucid.layers.base import on_numpy
from pellucid.losses import Loss, Penalty
from pellucid.network import Network
from pellucid.optimizers import Optimizer, SearchingOptimizer
from pellucid.options import Option, check, named
from pellucid.random import Random
from pellucid.schedules import Schedule
from pellucid.training.batches import batch_count, batches, row_order
from pellucid.training.callbacks import Callback, Run, as_callbacks
from pellucid.training.engines import choose_engine
from pellucid.training.history import History
from pellucid.training.judging import Judge
from pellucid.training.metrics import Metric
from pellucid.training.objective import BatchObjective
from pellucid.training.preparation import checked_schedules, start_or_resume
from pellucid.training.samples import checked_samples
from pellucid.training.step import Step
from pellucid.training.weights import averaged, require_finite_weights

OPTIONS = (
    Option("epochs", Integer(1), 100, "Number of passes over the rows."),
    Option("batch_size", Integer(1), None, "Rows per step."),
    Option("gradient_clip", Number(0, open="low"), None, "Largest norm of the gradient."),
    Option("average", Number(0, 1, open="low high"), None, "Decay of the moving average of the weights."),
    Option("total_epochs", Integer(1), None, "Epochs over which the schedules run."),
)


def train(
    network: Network,
    X: Any,
    y: Any,
    *,
    loss: Loss | str,
    optimizer: Optimizer | str = "sgd",
    epochs: int = 100,
    batch_size: int | None = None,
    sample_weight: Any = None,
    rng: int | Random | None = 0,
    order: Any = None,
    X_val: Any = None,
    y_val: Any = None,
    sample_weight_val: Any = None,
    metrics: Sequence[Metric | str] = (),
    penalty: Penalty | None = None,
    schedules: Mapping[str, Schedule | str] | None = None,
    gradient_clip: float | None = None,
    average: float | None = None,
    callbacks: Iterable[Callback | Callable[[Run], Any]] = (),
    engine: str = "auto",
    resume: History | None = None,
    total_epochs: int | None = None,
) -> History:
    """Train the network in place and return the history.

    Parameters
    ----------
    X, y : (n_rows, n_inputs) and (n_rows,) or (n_rows, n_targets), as the loss describes its target
    loss, penalty : their sum is the objective; see `pellucid.losses`
    optimizer : the update rule; loss, optimizer, metrics and schedules may be given by name, with default options
    epochs : how many passes over the rows to make now
    batch_size : rows per step; ``None`` means the whole table in its own order
    sample_weight : (n_rows,) at least 0; a batch's loss is Σwℓ/Σw
    rng : seed of the shuffling and of dropout; a resumed run goes on with its own
    order : explicit row order, ``(n,)``, ``(n_epochs, n)`` or a function of the epoch (from 0) that gives the same rows
        whenever it is asked
    X_val, y_val, sample_weight_val : rows to judge by after each epoch
    metrics : what to record beside the loss, such as ``["accuracy"]``
    schedules : factor over time by name: ``"learning_rate"``, ``"weight_decay"``, ``"dropout_rate"``
    gradient_clip : the gradient is shortened to this norm where it is longer
    average : decay of an exponential moving average of the weights, which is then used to judge and at the end; the
        decay rises as (1 + step) / (10 + step) until it is reached
    callbacks : `Callback` objects, or functions called with the `Run` after each epoch
    engine : ``"native"``, whole epochs in C; ``"numpy"``, this page; or ``"auto"``, native wherever it can; the
        history says which it was and why
    resume : the history of an earlier call, to go on where it stopped; n epochs and then n more equal 2n, bit for bit,
        with the same ``total_epochs`` and the same other arguments. An epoch that was stopped in its middle is over
    total_epochs : the number of epochs that schedules span; by default those of this call

    Raises
    ------
    DivergenceError : the loss became NaN or infinite; the message names epoch, batch and layer
    ShapeError, TargetError, DataError, OptionError : the input does not fit

    >>> import numpy as np
    >>> from pellucid import SGD, Dense, Network, SquaredError, train
    >>> X = np.array([[0.0], [1.0], [2.0]])
    >>> network = Network([Dense(1)], n_inputs=1, rng=0)
    >>> history = train(network, X, 3 * X + 1, loss=SquaredError(), optimizer=SGD(learning_rate=0.3), epochs=200)
    >>> round(float(network.predict(np.array([[10.0]]))[0, 0]), 4)
    31.0
    """
    given = dict(
        zip((o.name for o in OPTIONS), (epochs, batch_size, gradient_clip, average, total_epochs), strict=True)
    )
    for declared in OPTIONS:
        if given[declared.name] is not None or declared.default is not None:
            check("train", declared, given[declared.name])
    loss = named(Loss, loss, "train: loss")  # type: ignore[type-abstract]
    optimizer = named(Optimizer, optimizer, "train: optimizer")  # type: ignore[type-abstract]
    if not isinstance(penalty, Penalty | None):
        raise OptionError(f"train: penalty got {penalty!r}; it expects a Penalty, such as Penalty(l2=0.01), or None.")
    scores = [named(Metric, metric, "train: metrics") for metric in metrics]  # type: ignore[type-abstract]
    driving = checked_schedules(schedules or {}, network, optimizer)
    samples = checked_samples(network, loss, X, y, sample_weight)
    validation = None if X_val is None else checked_samples(network, loss, X_val, y_val, sample_weight_val, "_val")
    whole_table = order is None and (batch_size is None or batch_size >= len(samples))
    if isinstance(optimizer, SearchingOptimizer) and (
        not whole_table or gradient_clip is not None or network.chain.draws
    ):
        raise OptionError(
            f"train: {optimizer!r} needs all rows in each step, and the same loss for the same weights: write "
            f"batch_size=None, without order, gradient_clip and Dropout."
        )

    watchers = as_callbacks(callbacks)
    forward = on_numpy if engine == "numpy" else natively_forward
    state = start_or_resume(
        network, samples.x, forward, optimizer, rng, epochs, total_epochs, average, watchers, resume
    )
    order_of = row_order(order, len(samples), batch_size, Random(state.seed))
    total_steps = state.total_epochs * batch_count(order_of(state.epoch), batch_size)
    step = Step(
        network, BatchObjective(network, loss, penalty), optimizer, driving, total_steps, gradient_clip, average
    )
    native, reason = choose_engine(engine, step, samples, batch_size)
    history = History(state, "numpy" if native is None else "native", reason, resume)
    run = Run(network, history, epochs=state.epoch + epochs, metrics=scores)
    judge = Judge(network, loss, scores, samples, validation, native=native is not None)
    began = time.monotonic() - (resume["seconds"][-1] if resume else 0.0)

    for watcher in watchers:
        watcher.begin(run)
    try:
        if native is not None and not (watchers or scores or validation):
            native.all_epochs(order_of, run.epochs, history, began)
        while state.epoch < run.epochs and not run.stopped_by:
            if native is not None:
                epoch_loss = native.epoch(order_of(state.epoch), run, watchers)
            else:
                losses: list[float] = []
                weights: list[float] = []
                for number, batch in enumerate(batches(samples, order_of(state.epoch), batch_size)):
                    step(batch, state, number)
                    losses.append(step.objective.value)
                    weights.append(batch.total_weight)
                    for watcher in watchers:
                        watcher.after_step(run)
                    if run.stopped_by:
                        break
                epoch_loss = loss.combine(losses, weights)
            state.epoch += 1
            row: dict[str, Any] = {"epoch": state.epoch, "loss": epoch_loss}
            with averaged(network, state):
                require_finite_weights(network, state.epoch)
                row.update(judge())
                row["learning_rate"] = step.learning_rate
                row["gradient_norm"] = step.gradient_norm if native is None else native.gradient_norm
                row["seconds"] = time.monotonic() - began
                history.append(row)
                for watcher in watchers:
                    watcher.after_epoch(run)
    finally:
        state.parameters, state.buffers = network.parameters.copy(), network.buffers.copy()
        if state.average is not None:
            network.parameters[...] = state.average
        for watcher in watchers:
            watcher.end(run)
        state.callbacks = [copy.deepcopy(watcher.state) for watcher in watchers]
        history.stopped_by = run.stopped_by
    return history
