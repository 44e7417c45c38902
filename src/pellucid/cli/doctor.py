"""``pellucid doctor``: what is wrong with a model or the rows it was trained on, and the command that mends it."""

from __future__ import annotations

from pellucid.cli.arguments import Data, Json, Model


def doctor(model: Model, data: Data, json: Json = False) -> int:
    """Examine a model on the table that it was trained on, and say what would mend what is found.

    Dead or saturated neurons, vanishing gradients, the learning rate, columns that are constant, copied or give the
    target away, labels that look wrong, and more. Nothing is changed.
    """
    from pellucid.cli.display import Display, counted
    from pellucid.cli.remedies import in_terms_of_the_command_line
    from pellucid.cli.rows import read_rows
    from pellucid.cli.targets import names_of, take_target
    from pellucid.insight.doctor.estimators import diagnose_estimator
    from pellucid.model import load
    from pellucid.tabular import ClassTarget

    display = Display(as_json=json)
    estimator = load(model)
    target = estimator.target_
    classifies = isinstance(target, ClassTarget)
    names = names_of(target)
    source = read_rows(estimator, data, with_target=True)
    with source.locating():
        y = target.encode(take_target(source.table, names, "classification" if classifies else "regression"))
        report = diagnose_estimator(estimator, source.table, y)
    report = in_terms_of_the_command_line(report, estimator, model, data, names)
    display.say(
        f"{model} on {data}: {counted(source.table.height, 'row')}, "
        f"{'target' if len(names) == 1 else 'targets'} {', '.join(names)}"
    )
    display.say()
    display.show(report)
    if any(finding.rows for finding in report.findings) or report.largest_losses:
        display.say("(Rows are counted from 0, the first below the heading.)")
    display.finish({"model": str(model), "data": str(data), "targets": names, **report.to_json()})
    return 0
