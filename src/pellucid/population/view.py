"""A live view of the population: which members train, which stopped, and what the ensemble is worth."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.population.members import Member
from pellucid.population.plan import KEPT
from pellucid.population.population import Population, PopulationRun
from pellucid.training import Callback, Run

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

TITLES = {
    "auroc": "AUROC",
    "brier": "Brier score",
    "log_loss": "log-loss",
    "mae": "standardized MAE",
    "r2": "R²",
    "rmse": "standardized RMSE",
}
SECONDS_BETWEEN = 0.2  # two pictures
BESIDE_ROWS = 7  # lines of the picture that are no member's
BESIDE_RUNGS = 39  # characters of a line that are no rung's
RUNG = 8
ENCODING = 9


class MembersView(Callback):
    """A table on standard error, drawn anew as training goes on; silent when that is no terminal."""

    def begin(self, run: Run) -> None:
        """Draw the table as it is before training."""
        from rich.console import Console
        from rich.live import Live

        console = Console(stderr=True)
        self._live: Live | None = None
        self._began = self._drawn = time.monotonic()
        if console.is_terminal:
            self._live = Live(console=console, auto_refresh=False, transient=True)
            self._live.start()
            self.after_epoch(run)

    def after_step(self, run: Run) -> None:
        """Draw the table, a few times a second."""
        if self._live is not None and time.monotonic() > self._drawn + SECONDS_BETWEEN:
            self.after_epoch(run)

    def after_epoch(self, run: Run) -> None:
        """Draw the table with what the rung brought."""
        if self._live is None or not isinstance(run, PopulationRun):
            return
        self._drawn = time.monotonic()
        size = self._live.console.size
        shown = picture(run.population, self._drawn - self._began, size.width, size.height)
        self._live.update(shown, refresh=True)

    def idle_seconds(self) -> float:
        """Until the next picture."""
        return SECONDS_BETWEEN

    def end(self, run: Run) -> None:
        """Remove the table."""
        if self._live is not None:
            self._live.stop()


def picture(population: Population, seconds: float, width: int, height: int) -> RenderableType:
    """Return the population after so many seconds of training, for a terminal of this size, in characters."""
    from rich.console import Group
    from rich.text import Text

    plan, history = population.plan, population.history
    n_networks = len(population.members) * len(population.folds)
    left = seconds_left(population, seconds)
    lines = [
        f"{len(population.members)} members, {n_networks} networks: {history.state.epoch} of {plan.epochs} epochs",
        f"{seconds:.0f} s" + ("" if left is None else f", at most about {left:.0f} s more"),
    ]
    shown = _shown_members(population, max(height - BESIDE_ROWS, 1))
    rest = len(population.members) - len(shown)
    heading = "; ".join(lines)
    parts: list[RenderableType] = [
        Text(heading if len(heading) <= width else "\n".join(lines), no_wrap=True, overflow="ellipsis"),
        Text(),
        _table(population, shown, width),
        Text("" if not rest else f"... and {rest} more", style="dim"),
    ]
    said = "ensemble: none yet"
    if len(history):
        row, name = history[-1], population.metric.name
        said = (
            f"ensemble: {row['networks']} networks, {TITLES.get(name, name)} {figure(row['validation_loss'])} "
            f"(best member {figure(row['loss'])})"
        )
    return Group(*parts, Text(said, style="bold", no_wrap=True, overflow="ellipsis"))


def figure(value: float) -> str:
    """Return a number of a column.

    >>> figure(0.01234), figure(123.456)
    ('0.0123', '123.5')
    """
    return f"{value:.4f}" if abs(value) < 10 else f"{value:.4g}"


def seconds_left(population: Population, seconds: float) -> float | None:
    """Return how long training goes on, if it does not end early; None before the first network of a rung is done."""
    plan, n_folds = population.plan, len(population.folds)
    ends = [0, *plan.rungs]
    n_rungs = len(population.history)
    done = sum(
        n_folds * row["members"] * (row["epoch"] - end) for row, end in zip(population.history, ends[:-1], strict=False)
    )
    going = sum(1 for member in population.members if not member.stopped_by)
    to_do = 0.0
    for rung in range(n_rungs, len(plan.rungs)):
        n_epochs = plan.rungs[rung] - ends[rung]
        n_done = sum(job.done() for job in population.jobs.values()) if rung == n_rungs else 0
        done += n_done * n_epochs
        to_do += (going * n_folds - n_done) * n_epochs
        going = max(1, round(going * KEPT[min(rung, len(KEPT) - 1)]))
    if not done:
        return None
    left = seconds * to_do / done
    return left if population.deadline is None else max(0.0, min(left, population.deadline - time.perf_counter()))


def _shown_members(population: Population, most: int) -> list[Member]:
    """Return the members worth a line, in their order: those in use, then those not stopped, the best first."""
    used = _uses(population)
    sign = -1.0 if population.metric.higher_is_better else 1.0

    def key(member: Member) -> tuple[Any, ...]:
        best = min((sign * value for value in member.values), default=0.0)
        return member.number not in used, bool(member.stopped_by), best, member.number

    return sorted(sorted(population.members, key=key)[:most], key=lambda member: member.number)


def _uses(population: Population) -> dict[int, float]:
    """Return the weight of each member that is in the ensemble."""
    uses: dict[int, float] = {}
    if population.selection is not None:
        for index in np.flatnonzero(population.selection.counts).tolist():
            number = population.candidates[index].member
            uses[number] = uses.get(number, 0.0) + float(population.selection.weights[index])
    return uses


def _table(population: Population, members: list[Member], width: int) -> Table:
    from rich.table import Table
    from rich.text import Text

    rungs = population.plan.rungs
    n_reached = len(population.history)
    n_columns = min(len(rungs), max(1, (width - BESIDE_RUNGS) // RUNG))
    first = min(max(0, n_reached + 1 - n_columns), len(rungs) - n_columns)
    with_encoding = width - BESIDE_RUNGS - ENCODING >= RUNG * n_columns
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("hidden layers", no_wrap=True, min_width=16)
    if with_encoding:
        table.add_column("numbers", no_wrap=True, min_width=7)
    table.add_column("state", no_wrap=True, min_width=8)
    table.add_column("used", justify="right", no_wrap=True, min_width=5)
    for rung in range(first, first + n_columns):
        table.add_column(f"ep. {rungs[rung]}", justify="right", no_wrap=True, min_width=RUNG - 2)
    uses = _uses(population)
    for member in members:
        state, done = _state(population, member)
        use = uses.get(member.number)
        cells = [str(member.number), member.configuration.layers]
        if with_encoding:
            cells.append(member.configuration.encoding)
        cells += [state, "" if use is None else f"{use:.0%}"]
        best = max if population.metric.higher_is_better else min
        values = [Text(figure(value), style="bold" if value == best(member.values) else "") for value in member.values]
        row = [*values, Text(done, style="dim")][first : first + n_columns]
        style = "green" if use is not None else "red" if state == "diverged" else "dim" if state == "stopped" else ""
        table.add_row(*cells, *row, style=style)
    return table


def _state(population: Population, member: Member) -> tuple[str, str]:
    """Return what a member is at, and how many of its networks have reached the end of the rung."""
    if member.stopped_by:
        return "diverged" if member.stopped_by.startswith("diverged") else "stopped", ""
    if len(population.history) == len(population.plan.rungs):
        return "trained", ""
    jobs = [job for (number, _), job in population.jobs.items() if number == member.number]
    n_done = sum(job.done() for job in jobs)
    if not n_done and not any(job.running() for job in jobs):
        return "waiting", ""
    return "trained" if n_done == len(jobs) else "training", f"{n_done}/{len(jobs)}"
