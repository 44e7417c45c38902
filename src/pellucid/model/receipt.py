"""The receipt of a model says how it came about: the data, the plan, the versions, the time, the result."""

from __future__ import annotations

import dataclasses
import math
import platform
from collections.abc import Mapping
from typing import Any

import numpy as np

import pellucid
from pellucid.engine.native import Library, library
from pellucid.errors import ModelFileError, listed
from pellucid.population.plan import PopulationPlan
from pellucid.tabular.fingerprint import Fingerprint
from pellucid.training.metrics import metric_for

VERSIONS = ("pellucid", "numpy", "python", "machine", "engine", "instruction_set")
NEEDED = {
    **dict.fromkeys((*VERSIONS, "stopped_by", "metric"), str),
    **dict.fromkeys(("seed", "training_rows", "batch_size", "epochs", "steps", "best_epoch"), int),
    **dict.fromkeys(("fit_seconds", "cpu_seconds"), float),
    "refitted": bool,
}
SECTIONS = ("plan", "data", "command", "test", "playground")  # beside these numbers and texts


def receipt(estimator: Any) -> dict[str, Any]:
    """Return how a fitted estimator came about, as JSON data.

    Among it: ``data``, the `Fingerprint`; ``plan``, that of a population; ``steps`` of a single network's (first)
    training; ``validation_loss``, the metric on rows that were not learned from; wall and CPU seconds.
    """
    if not hasattr(estimator, "plan_"):  # it was loaded itself
        return {name: value for name, value in estimator.receipt_.items() if name != "sha256"}
    history, plan = estimator.history_, estimator.plan_
    is_population = isinstance(plan, PopulationPlan)
    task = "regression" if estimator.loss_.link == "identity" else "classification"
    best = history["validation_loss"][history["epoch"].index(estimator.best_epoch_)]
    return {
        **versions(history.engine),
        "seed": estimator.seed_,
        "training_rows": plan.n_rows,
        "batch_size": int(plan.batch_size),
        "epochs": history["epoch"][-1],
        "steps": history.state.step,
        "best_epoch": estimator.best_epoch_,
        "metric": metric_for(task, estimator.metric, "metric").name if is_population else "loss",
        "validation_loss": to_json(best),
        "refitted": estimator.refitted_,
        "stopped_by": history.stopped_by,
        "fit_seconds": round(estimator.fit_seconds_, 3),
        "cpu_seconds": round(estimator.cpu_seconds_, 3),
        **({"plan": plan.to_json()} if is_population else {}),
        "data": estimator.fingerprint_.to_json(),
    }


def versions(engine: str) -> dict[str, str]:
    """Return what trains here, by what: `VERSIONS`."""
    loaded = library()
    return {
        "pellucid": pellucid.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "engine": engine,
        "instruction_set": loaded.instruction_set if isinstance(loaded, Library) else "",
    }


def checked_receipt(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the receipt that a file holds; raise unless it has all that is needed, in the right types."""
    if "data" not in state:
        raise ModelFileError("its receipt has no fingerprint of the data")
    wrong = [n for n, value in state.items() if n not in SECTIONS and not isinstance(value, str | int | float)]
    if wrong:
        raise ModelFileError(f"its receipt has values of another type: {listed(wrong)}")
    for name, kind in NEEDED.items():
        if type(state.get(name)) is not kind:
            raise ModelFileError(f"its receipt has {name} {state.get(name)!r}")
    Fingerprint.from_json(state["data"])
    if "plan" in state:
        recorded_plan(state)
    if not isinstance(state.get("command", {}), dict):
        raise ModelFileError(f"its receipt has command {state['command']!r:.80}")
    if "playground" in state:
        run = state["playground"]
        parts = {"configuration": dict, "loss": dict, "edits": list, "step": int}
        if {name: type(value) for name, value in run.items()} != parts:
            raise ModelFileError(f"its receipt has playground {run!r:.80}")
    if "test" in state:
        rows, metrics = state["test"]["rows"], state["test"]["metrics"]
        if type(rows) is not int or not all(type(value) in (float, str) for value in metrics.values()):
            raise ModelFileError("its receipt has scores that are no numbers")
        for value in metrics.values():
            float(value)
        Fingerprint.from_json(state["test"]["data"])
    return dict(state)


def recorded_plan(state: Mapping[str, Any]) -> PopulationPlan:
    """Return the plan of a population that a receipt holds."""
    plan = PopulationPlan.from_json(state["plan"])
    types = {"int": int, "tuple[int, ...]": tuple, "tuple[str, ...]": tuple}
    for field in dataclasses.fields(plan):
        value = getattr(plan, field.name)
        items = value if isinstance(value, tuple) else ()
        kind = str if field.name == "reasons" else int
        if type(value) is not types[str(field.type)] or not all(type(item) is kind for item in items):
            raise ModelFileError(f"its plan has {field.name} {value!r:.80}")
    return plan


def to_json(value: Any) -> Any:
    """Return a number as JSON, which has no infinity."""
    return value if math.isfinite(value) else str(float(value))
