"""A finding in terms of the command line: columns by the names in the file, and the command that mends it."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pellucid.errors import listed
from pellucid.insight import Finding
from pellucid.insight.doctor.report import shortened

FLAGS = {  # for a model that `pellucid train` makes
    "dead ReLUs": "--activation gelu",
    "saturated neurons": "--activation relu",
    "vanishing gradients": "--activation relu",
    "exploding gradients": "--learning-rate 0.001",
    "symmetric neurons": "--seed 1",
    "stuck outputs": "--seed 1 --learning-rate 0.01",
    "overfitting": "--dropout 0.3 --weight-decay 0.1",
    "no hidden layer": "--hidden-layer-sizes 128,128",
    "weights not finite": "--learning-rate 0.0003",
    "suspect labels": "",
}


def in_terms_of_the_table(
    finding: Finding, estimator: Any, model: Path, data: Path, targets: Sequence[str]
) -> Finding | None:
    """Return the finding as a user of the command line sees it, or None where it is about the encoding alone.

    A category's level that no row has, and the marks of holes that two columns share, are no fault of the table.
    """
    if finding.columns:
        columns = _whole_columns(finding.columns, estimator.encoder_)
        if finding.name in ("constant columns", "duplicated columns") and not columns:
            return None
        told = {
            "constant columns": f"The same value in every row, single exceptions aside: {listed(columns)}. That cannot "
            "tell rows apart.",
            "duplicated columns": f"Copies of other columns, up to a factor and an offset: {_copies(finding)}. A copy "
            "says nothing new.",
        }
        drops = " ".join(f"--drop {shlex.quote(name)}" for name in columns)
        explanation = told.get(finding.name, finding.explanation)
        finding = dataclasses.replace(finding, columns=tuple(columns) or finding.columns, explanation=explanation)
        return dataclasses.replace(finding, mend=_train(data, targets, drops)) if drops else finding
    if finding.name == "class imbalance":
        classes = estimator.target_.classes
        common = str(classes[finding.figures["class"]])
        return dataclasses.replace(
            finding,
            explanation=f"Every row is predicted as {common!r}, which {finding.figures['majority_share']:.1%} of "
            "the rows are: the accuracy is that of this constant answer. Judge by AUROC or log-loss, which pellucid "
            "evaluate shows, and look for columns that tell the others apart; in Python, fit takes a sample_weight.",
            mend=f"pellucid evaluate {shlex.quote(str(model))} {shlex.quote(str(data))}",
        )
    if finding.name.startswith("learning rate"):
        rate = finding.figures["learning_rate"] * (0.1 if finding.name.endswith("high") else 10)
        return dataclasses.replace(finding, mend=_train(data, targets, f"--learning-rate {rate:.3g}"))
    if finding.name in FLAGS:
        return dataclasses.replace(finding, mend=_train(data, targets, FLAGS[finding.name]))
    return finding


def _copies(finding: Finding) -> str:
    """Return which feature copies which."""
    return shortened(f"{copy!r} of {group[0]!r}" for group in finding.figures["groups"] for copy in group[1:])


def _whole_columns(features: Sequence[str], encoder: Any) -> list[str]:
    """Return the columns of the table whose every feature, besides the mark of a hole, is among those named."""
    named = set(features)
    found = []
    for encoding in encoder.encodings:
        own = [feature.name for feature in encoding.features()]
        own = [name for name in own if name != f"{encoding.name} is missing"] or own
        if named.issuperset(own):
            found.append(encoding.name)
    return found


def _train(data: Path, targets: Sequence[str], flags: str) -> str:
    """Return the command that trains again."""
    wanted = " ".join(f"--target {shlex.quote(name)}" for name in targets)
    return f"pellucid train {shlex.quote(str(data))} {wanted} {flags}".rstrip()
