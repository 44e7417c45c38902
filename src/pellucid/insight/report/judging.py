"""The sections on how good the model is: figures with intervals, confusion, ROC, calibration, errors, worst rows."""

from __future__ import annotations

import numpy as np

from pellucid.insight.pictures.calibration import plot_calibration
from pellucid.insight.pictures.confusion import plot_confusion
from pellucid.insight.pictures.predictions import plot_predictions, plot_residuals
from pellucid.insight.pictures.roc import plot_roc
from pellucid.insight.report.drawing import inline
from pellucid.insight.report.explanation import Explanation
from pellucid.insight.report.intervals import Estimate
from pellucid.insight.report.markup import counted, figure, number, paragraph, percent, pictures, section, table, words
from pellucid.insight.report.quality import COVERAGE, ClassQuality, NumberQuality

MOST_CLASSES = 10
MOST_PAIRS = 10
MOST_PICTURED = 4  # targets or labels that have pictures of their own
SHARES = ("accuracy", "coverage")


def figures_of(story: Explanation) -> str:
    """Return the figures at the top."""
    cells = []
    if len(story.qualities) == 1:
        quality = story.qualities[0]
        cells = [(_value(found), found.name, _interval(found)) for found in quality.estimates]
        if quality.coverage is not None:
            found = quality.coverage
            kind = "intervals" if isinstance(quality, NumberQuality) else "sets"
            cells.append((_value(found), f"within its {100 * COVERAGE:.0f} % {kind}", _interval(found)))
    elif not story.qualities:
        return ""
    else:
        return section(
            f"{len(story.qualities)} {'labels' if story.task == 'labels' else 'targets'}, one by one",
            table(
                ("", *(found.name for found in story.qualities[0].estimates)),
                [
                    (
                        words(quality.name, 60),
                        *(
                            f'{_value(found)}<br><span class="quiet">{_interval(found)}</span>'
                            for found in quality.estimates
                        ),
                    )
                    for quality in story.qualities
                ],
                right=(1, 2, 3),
            ),
        )
    boxes = "".join(
        f'<div class="figure"><span>{name}</span><b>{value}</b><span>{interval}</span></div>'
        for value, name, interval in cells
    )
    return f'<div class="figures">{boxes}</div>'


def quality_sections(story: Explanation) -> list[str]:
    """Return a section for each target, of many only the first."""
    shown = story.qualities[:MOST_PICTURED]
    return [_classes(found, story) if isinstance(found, ClassQuality) else _numbers(found, story) for found in shown]


def worst_section(story: Explanation) -> str:
    """Return the rows that were predicted worst."""
    if not story.worst:
        return ""
    names = list(story.worst[0].values)
    rows = [
        (
            f"{row.number:,}",
            words(row.truth, 40),
            words(row.predicted, 40),
            number(row.loss),
            *(words(row.values[name], 30) for name in names),
        )
        for row in story.worst
    ]
    first = story.worst[0]
    heading = (
        f"Row {first.number:,} surprised it most: {words(first.truth, 30)}, taken for {words(first.predicted, 30)}"
    )
    if story.task == "numbers" and len(story.targets) == 1:
        heading = f"It is farthest off in row {first.number:,}: {words(first.predicted)} for {words(first.truth)}"
    elif story.task != "classes":
        heading = f"It is farthest off in row {first.number:,}"
    if len(story.worst) == 1:
        heading = "The one row that was judged"
    return section(
        heading,
        table(("row", "true", "predicted", "loss", *(words(name, 24) for name in names)), rows, right=(0, 3)),
        paragraph(
            f"The rows of the largest loss ({words(story.loss_name)}), with their most important columns. "
            "A wrong true value would be among them.",
            "quiet",
        ),
    )


def _classes(quality: ClassQuality, story: Explanation) -> str:
    accuracy, area, _ = quality.estimates
    name = f"{words(quality.name, 40)}: " if len(story.qualities) > 1 else ""
    constant = f"always answering ‘{words(quality.commonest, 40)}’ is right in {percent(quality.commonest_share)}"
    heading = f"{name}right in {percent(accuracy.value)} of {counted(story.n_judged, 'row')}; {constant}"
    heading = heading[0].upper() + heading[1:] if not name else heading
    drawn = []
    n_classes = len(quality.classes)
    if n_classes <= MOST_CLASSES:
        drawn.append(
            figure(
                _mistakes(quality),
                inline(plot_confusion(quality.confusion, quality.classes), "confusion of classes"),
                "Rows by true class (down) and predicted class (across). Right answers are blue; the stronger, the "
                "larger the share of the true class.",
            )
        )
    if quality.curves:
        worded = "the class" if len(quality.curves) > 1 else f"‘{words(next(iter(quality.curves)), 30)}’"
        drawn.append(
            figure(
                f"A row of {worded} ranks above another in {percent(area.value)} of pairs",
                inline(plot_roc(quality.curves), "ROC curves"),
                "ROC: the share of a class that is found, for each share of false alarms. The dotted line is guessing."
                + (
                    " Of all classes, the four that are hardest to tell from the rest."
                    if len(quality.curves) > 4
                    else ""
                ),
            )
        )
    drawn.append(
        figure(
            _calibration(quality),
            inline(plot_calibration(quality.calibration, event=quality.event), "calibration"),
            f"{counted(len(quality.calibration.counts), 'group')} of rows by probability, with 95 % intervals of what "
            f"happened. Predicted and observed are {100 * quality.calibration.error:.1f} points apart on average.",
        )
    )
    return section(heading, pictures(*drawn), "" if n_classes <= MOST_CLASSES else _pairs(quality))


def _mistakes(quality: ClassQuality) -> str:
    """Return the most frequent mistake, in words."""
    wrong = quality.confusion - np.diag(np.diag(quality.confusion))
    if not wrong.any():
        return "No row is taken for another class"
    true, predicted = np.unravel_index(int(wrong.argmax()), wrong.shape)
    names = [words(quality.classes[int(code)], 24) for code in (true, predicted)]
    return f"{counted(int(wrong.max()), 'row')} of ‘{names[0]}’ taken for ‘{names[1]}’"


def _pairs(quality: ClassQuality) -> str:
    """Return the most frequent mistakes, where classes are too many for a picture."""
    wrong = quality.confusion - np.diag(np.diag(quality.confusion))
    order = np.argsort(-wrong, axis=None, kind="stable")[:MOST_PAIRS]
    places = [divmod(int(flat), len(quality.classes)) for flat in order if wrong.flat[flat]]
    rows = [
        (words(quality.classes[true], 40), words(quality.classes[predicted], 40), f"{wrong[true, predicted]:,}")
        for true, predicted in places
    ]
    said = f"The most frequent mistakes. A picture of {len(quality.classes):,} classes would be too small to read."
    shown = table(("true", "predicted", "rows"), rows, right=(2,))
    return f"<h3>{_mistakes(quality)}</h3>{shown}{paragraph(said, 'quiet')}"


def _calibration(quality: ClassQuality) -> str:
    """Return whether probabilities are what happens, in words."""
    if quality.is_calibrated:
        return "Its probabilities agree with what happens"
    gap = quality.confidence - quality.estimates[0].value
    if abs(gap) < 0.005:
        return "Its probabilities are off in places, too high here and too low there"
    sure = "too sure" if gap > 0 else "not sure enough"
    return f"It is {sure}: {percent(quality.confidence)} expected right, {percent(quality.estimates[0].value)} are"


def _numbers(quality: NumberQuality, story: Explanation) -> str:
    error, typical, explained = quality.estimates
    name = words(quality.name, 40)
    if np.isnan(explained.value):
        heading = f"{name}: {number(quality.prediction[0])} predicted, {number(quality.truth[0])} true"
    elif explained.value <= 0:
        heading = f"{name}: no better than always answering the mean"
    else:
        heading = (
            f"{name}: {percent(explained.value)} of the variance explained, {number(typical.value)} off on average"
        )
    beaten = f"Always answering the mean of these rows has an RMSE of {number(quality.constant_error)}."
    residual = quality.truth - quality.prediction
    bias = float(residual.mean())
    spread = float(residual.std(ddof=1) / np.sqrt(len(residual))) if len(residual) > 1 else float("inf")
    side = "low" if bias > 0 else "high"
    leaning = f"It predicts too {side} by {number(abs(bias))} on average"
    if abs(bias) <= 2.576 * spread:  # 99 %
        leaning = "It leans neither high nor low"
    return section(
        heading,
        paragraph(beaten) if len(quality.truth) > 1 else "",
        pictures(
            figure(
                f"RMSE {number(error.value)}: predicted against true",
                inline(plot_predictions(quality.truth, quality.prediction, name=quality.name), "predicted and true"),
                "Each point is a row; on the dotted line a prediction is right.",
            ),
            figure(
                leaning,
                inline(plot_residuals(quality.truth, quality.prediction, name=quality.name), "residuals"),
                "What is left, by prediction. Line and band: median and middle half of groups of rows.",
            ),
        ),
    )


def _value(found: Estimate) -> str:
    return percent(found.value) if found.name in SHARES else number(found.value)


def _interval(found: Estimate) -> str:
    if not found.has_interval:
        return "no interval"
    if found.name in SHARES:
        return f"{100 * found.low:.1f} to {percent(found.high)}"
    return f"{number(found.low)} to {number(found.high)}"
