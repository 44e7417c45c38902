"""The choice of the engine, and training on the native one: epochs in C, told to the history as the loop would."""

from __future__ import annotations

import math
import time

import numpy as np

from pellucid.engine.native import Library, library
from pellucid.engine.plan import Plan, plan_training
from pellucid.engine.predictor import check_codes
from pellucid.engine.records import Status
from pellucid.engine.trainer import Epochs, Trainer
from pellucid.errors import OptionError, listed, near_miss
from pellucid.layers.base import Array
from pellucid.losses import Penalty
from pellucid.network import Network
from pellucid.optimizers import SearchingOptimizer
from pellucid.random import Random
from pellucid.training.batches import Order
from pellucid.training.callbacks import Callback, Run
from pellucid.training.history import History, TrainingState
from pellucid.training.objective import BatchObjective
from pellucid.training.samples import Samples
from pellucid.training.step import Step
from pellucid.training.weights import averaged, require_finite_weights

_ENGINES = ("auto", "native", "numpy")
_ORDER_NUMBERS = 2**17  # row numbers handed over at once: memory does not grow with the number of epochs
_MOST_EPOCHS = 2**14


def choose_engine(
    engine: str, step: Step, samples: Samples, batch_size: int | None
) -> tuple[NativeTraining | None, str]:
    """Return native training, or None for NumPy, and why it was chosen.

    Raises `OptionError` if native is asked for by name and cannot be; the message lists the reasons.
    """
    if engine not in _ENGINES:
        raise OptionError(
            f"train: engine got {engine!r}; it expects one of {listed(_ENGINES)}{near_miss(engine, _ENGINES) or '.'}"
        )
    if engine == "numpy":
        return None, "asked for by name"
    loaded = library()
    reasons = [loaded] if isinstance(loaded, str) else _reasons(step)
    if not reasons and isinstance(loaded, Library):
        training = NativeTraining(loaded, step, samples, batch_size)
        reasons = training.reasons
        if not reasons:
            return training, f"every part of it has a native form ({loaded.instruction_set})"
    if engine == "native":
        raise OptionError(f"train: engine='native' cannot run this: {'; '.join(reasons)}. Write engine='auto'.")
    return None, "; ".join(reasons)


def _reasons(step: Step) -> list[str]:
    found = []
    if type(step.network) is not Network:
        found.append(f"the network is a {type(step.network).__name__}")
    if type(step.objective.penalty) not in (Penalty, type(None)):
        found.append(f"the penalty {step.objective.penalty!r} has no native form")
    return found


class NativeObjective(BatchObjective):
    """The objective over the whole table, computed natively, for an optimizer that searches."""

    def __init__(self, given: BatchObjective, trainer: Trainer, state: TrainingState) -> None:
        super().__init__(given.network, given.loss, given.penalty)
        self._trainer, self._state = trainer, state
        self.cache = []

    def __call__(self) -> float:
        self.value = self._trainer.evaluate(self._state)
        return self.value


class NativeTraining:
    """Trains the network of a `Step` natively and keeps state and history as the loop does.

    ``reasons`` says why it cannot, if it cannot.
    """

    def __init__(self, loaded: Library, step: Step, samples: Samples, batch_size: int | None) -> None:
        self._library, self._step, self._samples, self._given_size = loaded, step, samples, batch_size
        self._trainer: Trainer | None = None
        self._plan: Plan | None = None
        self._norm: float | None = None
        self.reasons = self._prepare(len(samples))

    def _prepare(self, n_visited: int) -> list[str]:
        """Plan for epochs of so many rows and request the memory."""
        size = n_visited if self._given_size is None else min(self._given_size, n_visited)
        if self._plan is not None and size <= self._plan.rows:
            return []
        step, objective = self._step, self._step.objective
        planned = plan_training(
            step.network,
            size,
            objective.loss,
            self._samples.target,
            step.optimizer,
            objective.penalty,
            step.gradient_clip,
            step.average,
        )
        if not isinstance(planned, Plan):
            return planned
        check_codes(planned, self._samples.x)
        self._plan = planned
        self._trainer = Trainer(
            self._library, planned, step.network, self._samples, size, step.schedules, step.total_steps
        )
        return []

    def epoch(self, rows: Array | None, run: Run, watchers: list[Callback]) -> float:
        """Take the steps of one epoch over these rows; return its loss, so far if a callback stopped the run in it."""
        state, step = run.history.state, self._step
        if isinstance(step.optimizer, SearchingOptimizer):
            loss = self._search(state)
            for watcher in watchers:
                watcher.after_step(run)
            return loss
        self._prepare(len(self._samples) if rows is None else len(rows))
        assert self._trainer is not None
        watching = [watcher for watcher in watchers if type(watcher).after_step is not Callback.after_step]
        orders = None if rows is None else np.ascontiguousarray(rows, dtype=np.int64)[None, :]
        batch = 0
        while True:
            idle = min((watcher.idle_seconds() for watcher in watching), default=math.inf)
            got = self._trainer.train(orders, 1, state, batch, idle)
            self._norm = float(got.norms[0]) if got.epochs else None
            self._require_finite_loss(got, state, orders)
            step.rates = self._rates_at(state.step - 1)
            for watcher in watching:
                watcher.after_step(run)
            if got.epochs or run.stopped_by:
                return float(got.losses[0]) if got.epochs else got.loss_so_far
            batch = got.batch

    @property
    def gradient_norm(self) -> float:
        """The norm of the last step's gradient, after clipping."""
        return self._step.gradient_norm if self._norm is None else self._norm

    def all_epochs(self, order_of: Order, epochs: int, history: History, began: float) -> None:
        """Train until ``epochs`` are done: nobody needs Python in between. Returns at once for one that searches."""
        state, step = history.state, self._step
        if isinstance(step.optimizer, SearchingOptimizer):
            return
        while state.epoch < epochs:
            first, left = order_of(state.epoch), min(epochs - state.epoch, _MOST_EPOCHS)
            orders = None
            if first is not None:
                orders = _alike(order_of, state.epoch, first, min(left, max(1, _ORDER_NUMBERS // len(first))))
                left = len(orders)
            self._prepare(len(self._samples) if first is None else len(first))
            self._some_epochs(orders, left, history, began)

    def _some_epochs(self, orders: Array | None, count: int, history: History, began: float) -> None:
        state, step, trainer = history.state, self._step, self._trainer
        assert trainer is not None
        n_steps = trainer.steps_of(len(self._samples) if orders is None else orders.shape[1])
        batch = 0
        while count:
            before = time.monotonic() - began
            first_step = state.step - batch
            got = trainer.train(orders, count, state, batch)
            done = got.epochs - (got.status == Status.WEIGHTS_NOT_FINITE)
            numbers = np.arange(1, done + 1)
            if done:
                history.extend(
                    {
                        "epoch": state.epoch + numbers,
                        "loss": got.losses[:done],
                        "learning_rate": self._learning_rates(first_step + n_steps * numbers - 1),
                        "gradient_norm": got.norms[:done],
                        "seconds": before + got.times[:done],
                    }
                )
            state.epoch += got.epochs
            orders = None if orders is None else orders[got.epochs :]
            self._require_finite_loss(got, state, orders)
            if got.status == Status.WEIGHTS_NOT_FINITE:
                with averaged(step.network, state):
                    require_finite_weights(step.network, state.epoch)
            step.rates = self._rates_at(state.step - 1)
            count -= got.epochs
            batch = got.batch

    def _learning_rates(self, steps: Array) -> Array:
        step = self._step
        configured = float(getattr(step.optimizer, "learning_rate", 0.0))
        if "learning_rate" not in step.schedules:
            return np.full(len(steps), configured)
        return np.array([configured * self._rates_at(each)["learning_rate"] for each in steps.tolist()])

    def _rates_at(self, step: int) -> dict[str, float]:
        total = self._step.total_steps
        moment = min(max(step, 0), total - 1)
        return {name: schedule.factor(moment, total) for name, schedule in self._step.schedules.items()}

    def _require_finite_loss(self, got: Epochs, state: TrainingState, orders: Array | None) -> None:
        if got.status != Status.LOSS_NOT_FINITE:
            return
        assert self._plan is not None
        objective, step = self._step.objective, self._step
        size = self._plan.rows if self._given_size is None else self._given_size
        rows = np.arange(len(self._samples)) if orders is None else orders[0]
        step.rates = self._rates_at(state.step)
        objective.at(self._samples[rows[got.batch * size :][:size]], Random(state.seed, step=state.step), step.rates)
        objective.value = got.loss
        objective.require_finite(state.epoch, got.batch, step.learning_rate)

    def _search(self, state: TrainingState) -> float:
        assert self._trainer is not None
        step = self._step
        if not isinstance(step.objective, NativeObjective):
            step.objective = NativeObjective(step.objective, self._trainer, state)
        with np.errstate(over="ignore", invalid="ignore"):
            step(self._samples, state, 0)
        return step.objective.loss.combine([step.objective.value], [self._samples.total_weight])


def _alike(order_of: Order, epoch: int, first: Array, most: int) -> Array:
    """Return the orders of this epoch and of those after it that visit as many rows, ``(n_epochs, n)``."""
    rows = [first]
    while len(rows) < most:
        try:
            following = order_of(epoch + len(rows))
        except Exception:  # its error belongs to its own epoch: it is raised there, after those before are done
            break
        if following is None or len(following) != len(first):
            break
        rows.append(following)
    return np.array(rows, dtype=np.int64)
