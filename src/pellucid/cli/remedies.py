"""A finding in terms of the command line: columns by the names in the file, and the command that mends it."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pellucid.errors import listed
from pellucid.insight import Finding, Report
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


def in_terms_of_the_command_line(
    report: Report, estimator: Any, model: Path, data: Path, targets: Sequence[str]
) -> Report:
    """Return the doctor's report with the findings as a user of the command line sees them."""
    found = [in_terms_of_the_table(finding, estimator, model, data, targets) for finding in report.findings]
    return dataclasses.replace(report, findings=tuple(finding for finding in found if finding is not None))


def in_terms_of_the_table(
    finding: Finding, estimator: Any, model: Path, data: Path, targets: Sequence[str]
) -> Finding | None:
    """Return the finding as a user of the command line sees it, or None where it is about the encoding alone.

    A category's level that no row has, and the marks of holes that two columns share, are no fault of the table.
    """
    if finding.columns:
        return _of_columns(finding, estimator.encoder_, data, targets)
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


def _of_columns(finding: Finding, encoder: Any, data: Path, targets: Sequence[str]) -> Finding | None:
    """Return a finding about columns of the matrix as one about columns of the table, or None where it is none."""
    columns = _columns_of(finding.columns, encoder, whole=finding.name != "leaking column")
    explanation = finding.explanation
    if finding.name in ("constant columns", "duplicated columns") and not columns:
        return None
    if finding.name == "constant columns":
        same = f"The same value in every row, single exceptions aside: {listed(columns)}."
        explanation = f"{same} That cannot tell rows apart."
    if finding.name == "duplicated columns":
        pairs = [(copy, group[0]) for group in finding.figures["groups"] for copy in group[1:]]
        told = shortened(f"{copy!r} of {original!r}" for copy, original in pairs)
        explanation = f"Copies of other columns, up to a factor and an offset: {told}. A copy says nothing new."
    if not columns:
        return finding
    drops = " ".join(f"--drop {shlex.quote(name)}" for name in columns)
    mend = _train(data, targets, drops)
    return dataclasses.replace(finding, columns=tuple(columns), explanation=explanation, mend=mend)


def _columns_of(features: Sequence[str], encoder: Any, *, whole: bool) -> list[str]:
    """Return the columns of the table that have features among those named: all besides the mark of a hole, or any."""
    named = set(features)
    found = []
    for encoding in encoder.encodings:
        own = [feature.name for feature in encoding.features()]
        own = [name for name in own if name != f"{encoding.name} is missing"] or own
        if named.issuperset(own) if whole else named.intersection(own):
            found.append(encoding.name)
    return found


def _train(data: Path, targets: Sequence[str], flags: str) -> str:
    """Return the command that trains again."""
    wanted = " ".join(f"--target {shlex.quote(name)}" for name in targets)
    return f"pellucid train {shlex.quote(str(data))} {wanted} {flags}".rstrip()
