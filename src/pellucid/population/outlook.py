"""What a training came to, in words: how far it got, and what its last rungs say of more time."""

from __future__ import annotations

from pellucid.population.plan import PopulationPlan
from pellucid.training import History
from pellucid.training.metrics import Metric

LEAST_GAIN = 0.001  # of the metric, between rungs: below, more training is not worth its time


def gain(metric: Metric, before: float, after: float) -> float:
    """Return by which share of its size the metric became better, negative if it became worse.

    >>> from pellucid import LogLoss
    >>> gain(LogLoss(), 0.5, 0.4)
    0.2
    """
    better = after - before if metric.higher_is_better else before - after
    return round(better / abs(before), 12) if before else 0.0


def outlook(plan: PopulationPlan, done: PopulationPlan, history: History, metric: Metric) -> tuple[str, ...]:
    """Return what came of a plan, a sentence each: the rungs that were reached, and what more time would likely buy.

    More time is judged by the last two rungs: each is about twice as much training as all before it.

    done : the plan with what was reached
    history : a row per rung, ``validation_loss`` the ensemble's metric
    """
    rungs, values = done.rungs, history["validation_loss"]
    ends = f"{len(rungs)} of {len(plan.rungs)} rungs were reached, the last after {_epochs(rungs[-1])}"
    stopped = f"; stopped by {history.stopped_by}" if history.stopped_by else ""
    members = f"members trained up to each: {', '.join(map(str, done.trained))}"
    return f"{ends}{stopped}; {members}", _more_time(rungs, values, metric)


def _more_time(rungs: tuple[int, ...], values: list[float], metric: Metric) -> str:
    if len(rungs) < 2:
        return f"what more time would buy cannot be told from one rung, {_epochs(rungs[0])}"
    last = gain(metric, values[-2], values[-1])
    found = f"from epoch {rungs[-2]} to {rungs[-1]} {metric.name} went from {values[-2]:.4g} to {values[-1]:.4g}"
    if last <= LEAST_GAIN:
        return f"{found}: more time would likely buy little"
    found = f"{found}, {100 * last:.2g} % better"
    if len(rungs) > 2 and last > gain(metric, values[-3], values[-2]):
        return f"{found}, and more than in the rung before: twice the time may well buy as much again"
    return f"{found}: twice the time would likely buy less than that"


def _epochs(count: int) -> str:
    return "1 epoch" if count == 1 else f"{count} epochs"
