"""The sections on how the model came about: the doctor's findings, its training, and its network."""

from __future__ import annotations

from typing import Any

from pellucid.insight.doctor.report import SEVERITIES
from pellucid.insight.pictures.training import plot_training
from pellucid.insight.report.drawing import inline, inline_diagram
from pellucid.insight.report.explanation import Explanation
from pellucid.insight.report.markup import counted, figure, items, number, paragraph, pictures, section, table, words

MOST_MEMBERS = 12


def doctor_section(story: Explanation) -> str:
    """Return the doctor's findings, the gravest first."""
    report = story.diagnosis
    if report is None:
        return ""
    counts = [(sum(found.severity == severity for found in report.findings), severity) for severity in SEVERITIES]
    said = ", ".join(counted(count, severity) for count, severity in counts if count)
    heading = f"The doctor found {said}" if said else "The doctor found nothing wrong"
    found = "".join(
        f'<li class="{finding.severity}"><h3>{finding.severity}: {words(finding.name)}'
        f"{': ' + words(finding.where, 200) if finding.where else ''}</h3>"
        f"<p>{words(finding.explanation, 900)}</p><code>{words(finding.mend, 400)}</code></li>"
        for finding in report.findings
    )
    checks = f"{counted(len(report.examined), 'check')} of the strongest network: {', '.join(report.examined)}."
    missed = [f"Not examined: {words(name)}, because {words(why, 300)}." for name, why in report.unexamined.items()]
    return section(
        heading,
        f'<ul class="findings">{found}</ul>' if found else "",
        paragraph(words(checks, 600), "quiet"),
        f"<details><summary>What it could not examine</summary>{items(missed)}</details>" if missed else "",
    )


def training_section(story: Explanation) -> str:
    """Return the curve of the training, its members and its receipt."""
    used = [member for member in story.members if member["used"]]
    if story.members:
        heading = f"{len(used)} of {counted(len(story.members), 'member')} made it into the ensemble"
        caption = "Each gray line is a member, judged by rows apart from its own; × marks where one was stopped."
    else:
        heading = f"Its best epoch was {story.receipt['best_epoch']} of {story.receipt['epochs']}"
        caption = "Rows that it learned from, and rows apart that it was judged by."
    curve = figure("It was judged as it learned", inline(plot_training(story.estimator), "the training"), caption)
    shown = {name: value for name, value in story.receipt.items() if value != "" and not isinstance(value, dict)}
    shown["SHA-256 of the data"] = story.receipt["data"]["sha256"]
    receipt = table(
        ("receipt", ""),
        [(words(name.replace("_", " ")), words(number(v) if isinstance(v, float) else v)) for name, v in shown.items()],
    )
    reasons = items(words(reason, 400) for reason in story.reasons)
    return section(heading, pictures(curve, f"<div>{reasons}{_members(used)}</div>"), receipt)


def network_section(story: Explanation) -> str:
    """Return the diagram of the strongest network."""
    ensemble = story.estimator.ensemble_
    size = counted(story.estimator.network_.parameters.size, "parameter")
    several = len(ensemble.networks) > 1
    heading = f"Its strongest network has {size}" if several else f"Its network has {size}"
    more = f" All {len(ensemble.networks)} have {ensemble.size:,}." if several else ""
    return section(
        heading,
        f'<div class="wide">{inline_diagram(story.diagram)}</div>',
        paragraph(
            f"Circles are neurons, lines are weights: the wider, the larger; vermilion and dashed below zero. Of many "
            f"neurons the first are drawn, and a gray band stands for a layer that is not one matrix.{more}",
            "quiet",
        ),
    )


def _members(used: list[dict[str, Any]]) -> str:
    if not used:
        return ""
    chosen = sorted(used, key=lambda member: -sum(member["used"].values()))
    rows = []
    for member in chosen[:MOST_MEMBERS]:
        own = member["configuration"]
        sizes = "×".join(map(str, own["hidden_layer_sizes"]))
        rows.append(
            (str(member["member"]), f"{sizes} {words(own['activation'])}, {words(own['numbers'])}",
             number(own["learning_rate"]), str(sum(member["used"].values())))
        )  # fmt: skip
    more = len(chosen) - len(rows)
    return table(("member", "layers, numbers as", "rate", "votes"), rows, right=(2, 3)) + (
        paragraph(f"… and {more} more", "quiet") if more > 0 else ""
    )
