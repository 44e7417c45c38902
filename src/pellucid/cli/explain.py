"""``pellucid explain``: a model and a table go in, a page that tells the model's story comes out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pellucid.cli.arguments import Data, Force, Json, Model

if TYPE_CHECKING:
    from pellucid.cli.source import Source


def explain(
    model: Model,
    data: Data,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="FILE", help="The page to write, such as report.html.", show_default=False
        ),
    ],
    target: Annotated[
        list[str] | None,
        typer.Option(
            "--target",
            metavar="COLUMN",
            help="The column of true values, where the table calls it otherwise; once for each target.",
            show_default="the model's own",
        ),
    ] = None,
    force: Force = False,
    json: Json = False,
) -> int:
    """Write what a model is, how good it is on a table, and what it relies on, as one page to look at and to print.

    Quality with intervals, confusion, ROC and calibration or errors, the importance of columns and how predictions
    follow them, the rows it gets most wrong, the doctor's findings, its training and its network. Without true values
    the page tells what can be told. Figures mean something on rows that the model was not trained on.
    """
    from pellucid.cli.display import Display, counted, size
    from pellucid.cli.output import check_output
    from pellucid.insight import explain as gather
    from pellucid.insight.report.gather import target_names
    from pellucid.model import load

    display = Display(as_json=json)
    if output.suffix.lower() not in (".html", ".htm"):
        raise typer.BadParameter(f"got {str(output)!r}; it expects a name that ends in '.html'.", param_hint="--output")
    check_output(output, force=force, inputs=(model, data), noun="a report")
    estimator = load(model)
    source, names = _rows(estimator, data, target or [])
    with source.locating():
        y = _truth(estimator, source, names)
        diagnosis = None if y is None else _diagnosis(estimator, source, y, model, data, names)
        story = gather(estimator, source.table.to_dict(), y, diagnosis=diagnosis)
    story.save(output, overwrite=force)
    n_bytes = output.stat().st_size
    display.say(f"wrote {output} ({size(n_bytes)}): {counted(story.n_rows, 'row')}, {story.n_judged:,} of them judged")
    if y is None:
        named = ", ".join(target_names(estimator.target_))
        display.say(f"{data} has no column {named}: the page tells what can be told without true values (--target)")
    display.finish(
        {
            "model": str(model),
            "data": str(data),
            "output": str(output),
            "bytes": n_bytes,
            "rows": story.n_rows,
            "judged": story.n_judged,
            "metrics": {
                f"{found.name}{f' of {quality.name}' if len(story.qualities) > 1 else ''}": [
                    found.value,
                    found.low,
                    found.high,
                ]
                for quality in story.qualities
                for found in quality.estimates
            },
        }
    )
    return 0


def _rows(estimator: Any, data: Path, given: list[str]) -> tuple[Source, list[str]]:
    """Return the table, and the names of its columns of true values; none where it does not have them."""
    from pellucid.cli.rows import read_rows
    from pellucid.cli.source import Source
    from pellucid.insight.report.gather import target_names
    from pellucid.tabular import ClassTarget

    target = estimator.target_
    own = list(target_names(target))
    source = read_rows(estimator, data, with_target=False)
    source.require(given, "which --target names")
    if given and len(given) != len(own):
        raise typer.BadParameter(
            f"got {len(given)}; the model predicts {len(own)}, so give as many.", param_hint="--target"
        )
    names = given or [name for name in own if name in source.table.columns]
    if len(names) != len(own):
        return source, []
    if isinstance(target, ClassTarget) and not target.is_multilabel and target.classes.dtype.kind == "U":
        texts = [*(name for name in estimator.encoder_.category_columns if name in source.table.columns), *names]
        source = Source.read(data, missing=estimator.missing, columns_as_text=texts)  # the class 01 is not the number 1
    return source, names


def _truth(estimator: Any, source: Source, names: list[str]) -> Any:
    from pellucid.cli.targets import take_target
    from pellucid.tabular import ClassTarget

    task = "classification" if isinstance(estimator.target_, ClassTarget) else "regression"
    return take_target(source.table, names, task) if names else None


def _diagnosis(estimator: Any, source: Source, y: Any, model: Path, data: Path, names: list[str]) -> Any:
    """Return the doctor's report in terms of the command line, or None without a row that has its true values."""
    from pellucid.cli.remedies import in_terms_of_the_command_line
    from pellucid.insight.report.gather import doctors_report, rows_with_truth

    judged = rows_with_truth(y)
    if not len(judged):
        return None
    report = doctors_report(estimator, source.table, y, judged)
    return in_terms_of_the_command_line(report, estimator, model, data, names)
