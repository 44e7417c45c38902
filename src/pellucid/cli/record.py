"""The record is what a receipt keeps of the command that trained a model, so that the same rows can be found again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from pellucid.cli.material import Material, Order
from pellucid.cli.targets import names_of
from pellucid.errors import ModelFileError, listed
from pellucid.tabular import ClassTarget
from pellucid.tabular.fingerprint import Fingerprint
from pellucid.tabular.row_sum import added

TYPES: dict[str, Any] = {
    "targets": list,
    "test_share": float,
    "seed": int,
    "task": str,
    "kinds": dict,
    "missing": list,
    "drop": list,
    "groups": str | None,
    "order": str | None,
}


def record(order: Order, task: str) -> dict[str, Any]:
    """Return what decides which rows and columns of the data are learned from, as JSON data."""
    return {
        "targets": list(order.targets),
        "test_share": 0.0 if order.test else float(order.test_share),  # a file to judge by leaves all rows to learn
        "seed": order.seed,
        "task": task,
        "kinds": order.kinds,
        "missing": list(order.missing),
        "drop": list(order.drop),
        "groups": order.groups,
        "order": order.order,
    }


def recorded_order(estimator: Any, model: Path, data: Path, targets: list[str]) -> Order:
    """Return the order that trained a model, with other data; a model from Python learned from all rows.

    targets : the target columns that were given, which are needed only where the model does not know them
    """
    told = estimator.receipt_.get("command")
    if told is None:
        told = {
            "targets": targets or names_of(estimator.target_),
            "test_share": 0.0,
            "seed": estimator.seed_,
            "task": "classification" if isinstance(estimator.target_, ClassTarget) else "regression",
            "kinds": dict(estimator.kinds or {}),
            "missing": list(estimator.missing),
            "drop": [],
            "groups": None,
            "order": None,
        }
    wrong = [name for name, kind in TYPES.items() if name not in told or not isinstance(told[name], kind)]
    texts = [*told.get("targets", ()), *told.get("missing", ()), *told.get("drop", ()), *told.get("kinds", ())]
    if wrong or set(told) != set(TYPES) or not all(isinstance(text, str) for text in texts):
        raise ModelFileError(f"{model}: its receipt records another command than this release writes: {listed(told)}.")
    if targets and targets != told["targets"]:
        raise typer.BadParameter(
            f"got {listed(targets)}, and the model was trained on {listed(told['targets'])}.", param_hint="--target"
        )
    lists = {name: tuple(told[name]) for name in ("targets", "missing", "drop")}
    return Order(**{**told, **lists}, data=data, output=model, test=None, options={})


def test_differences(receipt: Mapping[str, Any], material: Material) -> list[str]:
    """Say how the rows that are held out differ from those that a receipt's scores are of."""
    if material.test is None or "test" not in receipt:
        return []
    return Fingerprint.from_json(receipt["test"]["data"]).differences(
        material.fingerprint(material.test, material.test_y)
    )


def have_moved(receipt: Mapping[str, Any], material: Material) -> bool:
    """Return whether rows, learned from and held out, are those of a receipt, but for their order."""
    told, seen = [receipt["data"]], [material.fingerprint(material.table, material.y)]
    if material.test is not None and "test" in receipt:
        told.append(receipt["test"]["data"])
        seen.append(material.fingerprint(material.test, material.test_y))
    if _of_rows(told[0]) == _of_rows(seen[0].to_json()):  # what differs is beside X and y, such as a weight
        return False
    return added(*(each["row_sum"] for each in told)) == added(*(each.row_sum for each in seen))


def _of_rows(fingerprint: Mapping[str, Any]) -> list[Any]:
    return [column for column in fingerprint["columns"] if column[0] in ("X", "y")]
