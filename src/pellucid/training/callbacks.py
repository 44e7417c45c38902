"""Callbacks watch training from outside: they stop it, show it, or keep its best weights; they never update weights."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from pellucid.domains import Boolean, Choice, Integer, Kind, Number, Text
from pellucid.errors import OptionError, listed, near_miss
from pellucid.network import Network
from pellucid.options import Configurable, option
from pellucid.training.history import History
from pellucid.training.metrics import Metric


@dataclass
class Run:
    """What a callback sees of training: the network (with the weights that would be used), the history, the metrics."""

    network: Network
    history: History
    epochs: int
    metrics: list[Metric] = field(default_factory=list)
    stopped_by: str = ""

    @property
    def epoch(self) -> int:
        """Number of epochs done."""
        return self.history.state.epoch

    def stop(self, reason: str) -> None:
        """End training after the current step; the first reason is kept."""
        self.stopped_by = self.stopped_by or reason


class Callback(Configurable):
    """The interface of every callback; each hook may be left out. ``state`` is what `resume` must bring back."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.state: dict[str, Any] = {}

    def begin(self, run: Run) -> None:
        """Training starts, or goes on."""

    def after_step(self, run: Run) -> None:
        """The weights were updated."""

    def idle_seconds(self) -> float:
        """How long `after_step` need not be called from now on: the native engine takes many steps meanwhile."""
        return 0.0

    def after_epoch(self, run: Run) -> None:
        """The history has a new row."""

    def end(self, run: Run) -> None:
        """Training is over, for whatever reason."""


class EachEpoch(Callback):
    """Any function as a callback: it is called with the `Run` after each epoch."""

    function: Any = option(Kind((object,), "a function of a Run"), "What to call.", kw_only=False)

    def validate(self) -> None:
        """Refuse what cannot be called."""
        if not callable(self.function):
            raise OptionError(f"callbacks got {self.function!r}; it expects Callback objects or functions of a Run.")

    def after_epoch(self, run: Run) -> None:
        """Call the function."""
        self.function(run)


class EarlyStopping(Callback):
    """Stop when ``monitor`` has not improved for ``patience`` epochs, and go back to the best epoch's weights.

    The best epoch is kept even where training ends for another reason. With ``min_delta`` an improvement must be larger
    than that. Among equal epochs the last is kept if ``last_of_ties``, else the first.
    """

    monitor: str = option(Text("a column of the history"), "The figure that decides.", default="validation_loss")
    patience: int = option(Integer(1), "How many epochs to wait for an improvement.", default=10, unit="epochs")
    min_delta: float = option(Number(0), "How much better counts as an improvement.", default=0.0)
    goal: str = option(Choice(("auto", "lowest", "highest")), "Which is better; auto asks the metric.", default="auto")
    last_of_ties: bool = option(Boolean(), "Keep the last of equally good epochs.", default=False)

    def begin(self, run: Run) -> None:
        """Begin to wait, unless this is a resumed run."""
        if not self.state:
            self.state = {"best": math.inf, "best_epoch": 0, "waited": 0, "parameters": None, "buffers": None}

    def after_epoch(self, run: Run) -> None:
        """Compare the newest figure with the best one."""
        if self.monitor not in run.history.columns:
            names = run.history.columns
            hint = " Pass X_val and y_val to train." if "validation" in self.monitor else ""
            raise OptionError(
                f"EarlyStopping: monitor {self.monitor!r} is not recorded; there are {listed(names)}"
                f"{near_miss(self.monitor, names) or '.'}{hint}"
            )
        value = run.history[self.monitor][-1] * (-1 if self._higher(run) else 1)
        state = self.state
        improved = value < state["best"] - (self.min_delta if math.isfinite(state["best"]) else 0)
        if improved or (self.last_of_ties and value == state["best"]):
            state.update(best=value, best_epoch=run.epoch)
            state.update(parameters=run.network.parameters.copy(), buffers=run.network.buffers.copy())
        state["waited"] = 0 if improved else state["waited"] + 1
        if self.has_waited:
            run.stop(f"early stopping: {self.monitor} did not improve for {self.patience} epochs")

    def end(self, run: Run) -> None:
        """Go back to the best weights."""
        if self.state["parameters"] is not None:
            run.network.parameters[...] = self.state["parameters"]
            run.network.buffers[...] = self.state["buffers"]

    @property
    def has_waited(self) -> bool:
        """Whether the patience is used up."""
        return bool(self.state["waited"] >= self.patience)

    def _higher(self, run: Run) -> bool:
        if self.goal != "auto":
            return self.goal == "highest"
        name = self.monitor.removeprefix("validation_")
        if name == "loss":
            return False
        for metric in run.metrics:
            if metric.name == name:
                return metric.higher_is_better
        raise OptionError(
            f"EarlyStopping: for {self.monitor!r} goal='auto' cannot tell; write goal='lowest' or 'highest'."
        )


class TimeBudget(Callback):
    """Stop at the end of a step after ``seconds`` of training, counted anew where training is resumed."""

    seconds: float = option(Number(0, open="low"), "Wall-clock time.", unit="seconds", kw_only=False)

    def begin(self, run: Run) -> None:
        """Look at the clock."""
        self._deadline = time.monotonic() + self.seconds

    def after_step(self, run: Run) -> None:
        """Stop when the time is over."""
        if time.monotonic() >= self._deadline:
            run.stop(f"the time budget of {self.seconds:g} s")

    def idle_seconds(self) -> float:
        """The time that is left."""
        return self._deadline - time.monotonic()


class ProgressBar(Callback):
    """A bar with epoch, losses and time left, on standard error; silent when that is no terminal."""

    description: str = option(Text("a text"), "What stands before the bar.", default="training")

    def begin(self, run: Run) -> None:
        """Draw the empty bar."""
        from pellucid.errors import require

        require("rich", extra="standard", purpose="ProgressBar")
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("epoch {task.completed:.0f} of at most {task.total:.0f}{task.fields[figures]}"),
            TimeElapsedColumn(),
            TextColumn("left:"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        if not self._progress.disable:
            self._progress.start()
        self._task = self._progress.add_task(self.description, total=run.epochs, completed=run.epoch, figures="")

    def after_epoch(self, run: Run) -> None:
        """Move the bar."""
        row = run.history[-1]
        losses = [(name, row[name]) for name in ("loss", "validation_loss") if name in row]
        figures = "".join(f", {name.replace('_', ' ')} {value:.4g}" for name, value in losses)
        self._progress.update(self._task, completed=run.epoch, figures=figures)

    def end(self, run: Run) -> None:
        """Remove the bar."""
        if not self._progress.disable:  # stopping prints a line, even where there is nothing to show
            self._progress.stop()


def as_callback(value: Callback | Callable[[Run], Any]) -> Callback:
    """Return a callback as it is, and a function as one."""
    return value if isinstance(value, Callback) else EachEpoch(value)


def as_callbacks(values: Iterable[Callback | Callable[[Run], Any]]) -> list[Callback]:
    """Return what `train` was given as a list of callbacks."""
    if isinstance(values, Callback) or not isinstance(values, Iterable):
        raise OptionError(f"train: callbacks got {values!r}; it expects a list: write callbacks=[...].")
    return [as_callback(value) for value in values]
