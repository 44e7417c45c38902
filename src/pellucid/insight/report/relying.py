"""The sections on what the model relies on: the importance of columns, and how the prediction follows them."""

from __future__ import annotations

import numpy as np

from pellucid.insight.dependence import Dependence
from pellucid.insight.pictures.dependence import plot_dependence
from pellucid.insight.report.drawing import inline
from pellucid.insight.report.explanation import Explanation
from pellucid.insight.report.markup import counted, figure, number, paragraph, percent, pictures, section, table, words

MOST_BARS = 25
METRICS = {"log_loss": "log-loss", "rmse": "RMSE"}


def importance_section(story: Explanation) -> str:
    """Return the columns by importance, each with a bar and the spread of its repeats."""
    found = story.importances
    if found is None:
        return ""
    ranking, means = found.ranking, found.means
    spreads = np.nan_to_num(found.spreads)
    low = min(0.0, float((means - spreads).min()))
    high = max(float((means + spreads).max()), 0.0)
    reach = (high - low) or 1.0
    rows = []
    for index in ranking[:MOST_BARS]:
        mean, spread = float(means[index]), float(spreads[index])
        left, right = 100 * (min(mean, 0.0) - low) / reach, 100 * abs(mean) / reach
        start, width = 100 * (mean - spread - low) / reach, 200 * spread / reach
        bar = (
            f'<div class="track"><div class="bar{" below" if mean < 0 else ""}" style="margin-left:{left:.1f}%;'
            f'width:{right:.1f}%"></div><div class="spread" style="left:{start:.1f}%;width:{width:.1f}%"></div></div>'
        )
        rows.append((words(found.columns[index], 40), bar, f"{number(mean)} ± {spread:.2g}"))
    metric = METRICS.get(found.metric, words(found.metric.replace("_", " ")))
    useful = [index for index in ranking if means[index] > 2 * spreads[index] and means[index] > 0]
    heading = f"It relies most on {words(found.columns[ranking[0]], 40)}"
    if not useful:
        heading = "No column matters measurably on these rows"
    elif len(useful) > 1:
        heading += f", then on {words(found.columns[ranking[1]], 40)}"
    idle = len(ranking) - len(useful)
    said = f"How much worse the {metric} becomes when a column is shuffled among the rows, from {number(found.value)}; "
    said += "the line is the spread of the repeats (one standard deviation to each side)."
    if idle and useful:
        said += f" {counted(idle, 'column')} cannot be told from useless within two spreads."
    more = len(ranking) - len(rows)
    bars = table(("column", "", metric), rows, right=(2,)).replace("<table>", '<table class="bars">')
    return section(
        heading, paragraph(said), bars, paragraph(f"… and {counted(more, 'column')} more", "quiet") if more > 0 else ""
    )


def dependence_section(story: Explanation) -> str:
    """Return a picture for each of the most important columns."""
    if not story.dependences:
        return ""
    means = np.concatenate([found.means.ravel() for found in story.dependences])
    margin = 0.06 * float(np.ptp(means))
    limits = (float(means.min()) - margin, float(means.max()) + margin) if margin > 0 else None
    drawn = [
        figure(
            _finding(found, story),
            inline(
                plot_dependence(found, of=_of(found, story), limits=limits), f"dependence on {words(found.column, 60)}"
            ),
            "Strokes below: deciles of the data. All curves have the same vertical axis."
            if found.kind in ("number", "date")
            else _shares(found),
        )
        for found in story.dependences
    ]
    widest = max(story.dependences, key=lambda found: found.reach)
    heading = f"{words(widest.column, 40)} moves its predictions most, by {_moved(widest, story)} on average"
    return section(heading, pictures(*drawn))


def _of(found: Dependence, story: Explanation) -> str:
    if story.task != "numbers":
        return f"probability of {found.curves[0]}" if len(found.curves) == 1 else "probability"
    return f"predicted {story.targets[0]}" if len(found.curves) == 1 else "standard deviations from the mean"


def _moved(found: Dependence, story: Explanation) -> str:
    if story.task != "numbers":
        return f"{100 * found.reach:.0f} points"
    return number(found.reach) if len(found.curves) == 1 else f"{number(found.reach)} standard deviations"


def _finding(found: Dependence, story: Explanation) -> str:
    """Return what a curve or bars say, in words."""
    name = words(found.column, 40)
    if found.kind not in ("number", "date"):
        curve = int(np.ptp(found.means, axis=0).argmax())
        top = words(found.labels[int(found.means[:, curve].argmax())], 24)
        of = f" for {words(found.curves[curve], 20)}" if len(found.curves) > 1 else ""
        return f"{name}: highest at ‘{top}’{of}"
    if len(found.curves) > 1:
        return f"{name}: up to {_moved(found, story)}"
    curve_means = found.means[:, 0]
    steps = np.diff(curve_means)
    rise, fall = float(steps[steps > 0].sum()), float(-steps[steps < 0].sum())
    if rise + fall == 0:
        return f"{name}: makes no difference"
    if min(rise, fall) <= 0.15 * (rise + fall):
        way = "rises" if rise > fall else "falls"
        return f"{name}: {way} by {_moved(found, story)}"
    return f"{name}: up and down, within {_moved(found, story)}"


def _shares(found: Dependence) -> str:
    most = ", ".join(
        f"{words(label, 20)} {percent(float(share))}"
        for label, share in list(zip(found.labels, found.shares, strict=True))[:3]
    )
    return f"Most frequent first: {most} of the rows."
