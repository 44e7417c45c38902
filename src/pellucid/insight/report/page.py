"""The page: an explanation as one file of HTML that asks for nothing else, each heading saying what was found."""

from __future__ import annotations

from pellucid import __version__
from pellucid.insight.report.explanation import Explanation
from pellucid.insight.report.judging import figures_of, quality_sections, worst_section
from pellucid.insight.report.making import doctor_section, network_section, training_section
from pellucid.insight.report.markup import counted, items, number, paragraph, percent, section, table, words
from pellucid.insight.report.relying import dependence_section, importance_section
from pellucid.insight.report.style import STYLE

MOST_COLUMNS = 40
MOST_ANSWERS = 12


def page(story: Explanation) -> str:
    """Return the whole page."""
    subject = ", ".join(story.targets[:4]) + (f" and {len(story.targets) - 4} more" if len(story.targets) > 4 else "")
    body = [
        paragraph("a model explained", "kicker"),
        f"<h1>What predicts {words(subject)}</h1>",
        paragraph(_lead(story), "lead"),
        _caution(story),
        figures_of(story),
        *quality_sections(story),
        _answers(story),
        importance_section(story),
        dependence_section(story),
        worst_section(story),
        doctor_section(story),
        training_section(story),
        network_section(story),
        _data(story),
        _reading(story),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';style-src 'unsafe-inline'\">\n"
        f"<title>What predicts {words(subject)}</title>\n<style>{STYLE}</style></head>\n<body><main>\n"
        + "\n".join(part for part in body if part)
        + f"<footer>Written by Pellucid {__version__}. Nothing on this page is loaded from elsewhere.</footer>\n"
        "</main></body></html>\n"
    )


def _lead(story: Explanation) -> str:
    kinds = {"classes": "the class", "labels": "yes or no for each label", "numbers": "the number"}
    n_networks = len(story.estimator.ensemble_.networks)
    made = "One network" if n_networks == 1 else f"An ensemble of {n_networks} networks"
    several = "s" if story.task == "numbers" and len(story.targets) > 1 else ""
    said = f"{made} that says {kinds[story.task]}{several} from {counted(len(story.columns), 'column')}, trained on "
    said += f"{counted(story.receipt['training_rows'], 'row')}. Here it meets a table of "
    return said + f"{counted(story.n_rows, 'row')}{'' if story.n_judged else ', whose true values are not known'}."


def _caution(story: Explanation) -> str:
    n_rows = story.receipt["training_rows"]
    if not story.n_judged or story.n_judged < n_rows:
        return ""
    return paragraph(
        f"This table has {counted(story.n_judged, 'judged row')}, and the model learned from {n_rows:,}: if these are "
        "the same rows, every figure below flatters it. Give rows that it has not seen.",
        "warned",
    )


def _answers(story: Explanation) -> str:
    """Return what is predicted; beside a quality it goes without saying."""
    if story.qualities:
        return ""
    shown = list(story.answers.items())[:MOST_ANSWERS]
    if story.task == "numbers":
        rows = [(words(name, 60), number(value)) for name, value in shown]
        heading = f"Half of its predictions are below {number(story.answers[list(story.answers)[2]])}"
        if len(story.targets) > 1:
            heading = "What it predicts"
    else:
        rows = [(words(name, 60), percent(value)) for name, value in shown]
        first = f"‘{words(shown[0][0], 40)}’"
        heading = f"It answers {first} in {percent(shown[0][1])} of the rows"
        if story.task == "labels":
            heading = f"It says yes to {first} in {percent(shown[0][1])} of the rows"
    more = len(story.answers) - len(shown)
    return section(
        heading,
        table(("prediction", "share of rows" if story.task != "numbers" else "value"), rows, right=(1,)),
        paragraph(f"… and {more:,} more", "quiet") if more > 0 else "",
        paragraph(
            "The table has no column of true values, so how good these answers are, what the model relies on by "
            "shuffling, its worst rows and the doctor's findings cannot be told. Give a table that has the target.",
            "quiet",
        ),
    )


def _shortened(text: str) -> str:
    return text if len(text) <= 9 else f"{float(text):.6g}"


def _data(story: Explanation) -> str:
    holes = sum(column.missing_share > 0 for column in story.columns)
    said = "no holes" if not holes else f"holes in {counted(holes, 'column')}"
    rows = [
        (
            words(column.name, 60),
            column.kind,
            percent(column.missing_share) if column.missing_share else "–",
            f"{column.n_distinct:,}",
            words(", ".join(_shortened(each) if column.kind == "number" else each for each in column.examples), 60),
        )
        for column in story.columns[:MOST_COLUMNS]
    ]
    more = len(story.columns) - len(rows)
    return section(
        f"It reads {counted(len(story.columns), 'column')}, with {said} here",
        table(("column", "kind", "missing here", "distinct in training", "such as"), rows, right=(2, 3)),
        paragraph(f"… and {more:,} more columns", "quiet") if more > 0 else "",
        items(words(remark, 400) for remark in story.remarks),
    )


def _reading(story: Explanation) -> str:
    notes = [words(omission, 600) for omission in story.omissions]
    if story.qualities:
        notes += [
            "Intervals are at 95 %. Shares of rows, such as accuracy and coverage, have Wilson's interval for a "
            "proportion; the other metrics have the middle 95 % of their values on rows drawn anew with replacement "
            "(the bootstrap). They tell how much chance is in these rows, not what happens when the world changes.",
            "Rows are counted from 0, the first below the heading.",
        ]
    notes.append(
        "Partial dependence sets a column to a value in every row and averages the predictions: it shows what the "
        "model does, not what causes what."
    )
    return section("How to read this page", items(notes))
