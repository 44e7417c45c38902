"""The ensemble as people read it: which member at which epoch has what weight, and what it was worth by itself."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.cli.display import aligned, counted, number, plain_table
from pellucid.population.configuration import Configuration
from pellucid.population.view import TITLES
from pellucid.tabular import ClassTarget
from pellucid.training.metrics import metric_for

if TYPE_CHECKING:
    from rich.table import Table

COVERAGE = 0.9  # of the interval that is shown


@dataclass(frozen=True)
class Part:
    """A member as it was at one epoch; ``n_networks`` of it, one for each fold, have the ``weight`` together."""

    member: int
    configuration: Configuration
    epoch: int
    value: float
    weight: float
    n_networks: int

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {"member": self.member, "epoch": self.epoch, "weight": self.weight, "networks": self.n_networks}


def noun(estimator: Any) -> str:
    """Return what an estimator's predictions are made by, in a word."""
    return "ensemble" if estimator.members_ else "network"


def parts_of(estimator: Any) -> list[Part]:
    """Return the ensemble's parts in the order of its networks; none of a single network."""
    used = [(epoch, member["member"], member) for member in estimator.members_ for epoch in member["used"]]
    used.sort(key=lambda each: each[:2])
    weights, rungs = estimator.ensemble_.weights, estimator.history_["epoch"]
    n_folds = len(weights) // max(len(used), 1)
    _, factor = judged_by(estimator)
    return [
        Part(
            member,
            Configuration(**state["configuration"]),
            epoch,
            state["values"][rungs.index(epoch)] * factor,
            sum(weights[index * n_folds : (index + 1) * n_folds]),
            n_folds,
        )
        for index, (epoch, member, state) in enumerate(used)
    ]


def strongest(estimator: Any) -> Part | None:
    """Return the part that the estimator's ``network_`` is of, or None of a single network."""
    parts, weights = parts_of(estimator), estimator.ensemble_.weights
    return parts[weights.index(max(weights)) // parts[0].n_networks] if parts else None


def which_network(estimator: Any) -> str:
    """Return which network of an ensemble is looked at, in words; nothing of a single network."""
    part = strongest(estimator)
    if part is None:
        return ""
    networks = counted(len(estimator.ensemble_.networks), "network")
    return f"the strongest network of the ensemble's {networks} (member {part.member} at epoch {part.epoch})"


def judged_by(estimator: Any) -> tuple[str, float]:
    """Return by what the ensemble was chosen, and what brings such a value to the target's unit."""
    task = "classification" if isinstance(estimator.target_, ClassTarget) else "regression"
    name = metric_for(task, estimator.metric, "metric").name
    deviation = np.atleast_1d(getattr(estimator.target_, "deviation", []))
    if name in ("rmse", "mae") and len(deviation) == 1:
        return name.upper(), float(deviation[0])
    return TITLES.get(name, name), 1.0


def half_widths(estimator: Any) -> list[float] | None:
    """Return how far the interval reaches to each side, for each target, or None where it cannot be told."""
    from pellucid.errors import DataError
    from pellucid.tabular.conformal import Intervals

    if not isinstance(estimator.conformal_, Intervals):
        return None
    try:
        found = estimator.conformal_.half_width(COVERAGE) * estimator.target_.deviation
    except DataError:  # too few rows
        return None
    return [float(value) for value in found]


def ensemble_table(estimator: Any) -> Table:
    """Return the ensemble's parts, the one of the largest weight first."""
    title, _ = judged_by(estimator)
    table = plain_table("weight", "member", "hidden layers", "numbers", "epoch", f"{title} alone", right=(0, 1, 4, 5))
    parts = sorted(parts_of(estimator), key=lambda part: -part.weight)
    for part, value in zip(parts, aligned([part.value for part in parts]), strict=True):
        given = part.configuration
        table.add_row(f"{part.weight:.0%}", str(part.member), given.layers, given.encoding, str(part.epoch), value)
    return table


def ensemble_lines(estimator: Any) -> list[str]:
    """Return what is known of the ensemble as a whole."""
    title, factor = judged_by(estimator)
    networks, parts = estimator.ensemble_.networks, parts_of(estimator)
    n_folds = parts[0].n_networks
    folds = f", {n_folds} of each: one for each fold" if n_folds > 1 else ""
    value = number(estimator.history_["validation_loss"][-1] * factor)
    lines = [
        f"ensemble: {counted(len(networks), 'network')}{folds}; {estimator.ensemble_.size:,} parameters in all",
        f"{title} on rows that its networks have not seen: {value}",
    ]
    names = {part.member for part in parts}
    rest = Counter(
        member["stopped_by"] or "not needed" for member in estimator.members_ if member["member"] not in names
    )
    if rest:
        why = ", ".join(f"{count} {reason}" for reason, count in rest.most_common())
        lines.append(f"not used: {counted(rest.total(), 'member')} ({why})")
    return lines


def calibration_lines(estimator: Any) -> list[str]:
    """Return what is known of how sure predictions are."""
    half = half_widths(estimator)
    if half is None:
        return []
    return [f"{COVERAGE:.0%} interval: prediction {', '.join(f'± {number(value)}' for value in half)}"]


def remark_lines(estimator: Any) -> list[str]:
    """Return what was noticed about the table and in training."""
    return [f"note: {remark}" for remark in estimator.remarks_]


def to_json(estimator: Any) -> dict[str, Any]:
    """Return the ensemble as JSON data; no parts are those of a single network."""
    return {
        "networks": len(estimator.ensemble_.networks),
        "parameters": estimator.ensemble_.size,
        "parts": [part.to_json() for part in parts_of(estimator)],
        "temperature": estimator.temperature_,
        "half_width_of_90_percent_interval": half_widths(estimator),
        "remarks": list(estimator.remarks_),
    }
