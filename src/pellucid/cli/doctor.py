"""``pellucid doctor``: what is wrong with a model or the rows it was trained on, and the command that mends it."""

from __future__ import annotations

import dataclasses
from typing import Any

from pellucid.cli.arguments import Data, Json, Model


def doctor(model: Model, data: Data, json: Json = False) -> int:
    """Examine a model on the table that it was trained on, and say what would mend what is found.

    Dead or saturated neurons, vanishing gradients, the learning rate, columns that are constant, copied or give the
    target away, labels that look wrong, and more. Nothing is changed.
    """
    from pellucid.cli.display import Display, counted
    from pellucid.cli.remedies import in_terms_of_the_table
    from pellucid.cli.rows import read_rows
    from pellucid.cli.targets import names_of, take_target
    from pellucid.insight import diagnose
    from pellucid.model import load
    from pellucid.tabular import ClassTarget

    display = Display(as_json=json)
    estimator = load(model)
    target, encoder = estimator.target_, estimator.encoder_
    classifies = isinstance(target, ClassTarget)
    names = names_of(target)
    source = read_rows(estimator, data, with_target=True)
    with source.locating():
        y = target.encode(take_target(source.table, names, "classification" if classifies else "regression"))
        report = diagnose(
            estimator.network_,
            encoder.transform(source.table),
            y,
            loss=estimator.loss_,
            history=_up_to(estimator.history_, estimator.best_epoch_),
            column_names=encoder.feature_names,
        )
    findings = [in_terms_of_the_table(finding, estimator, model, data, names) for finding in report.findings]
    report = dataclasses.replace(report, findings=tuple(finding for finding in findings if finding is not None))
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


def _up_to(history: Any, best_epoch: int) -> Any:
    """Return the history up to the epoch whose weights were kept: what came after is not in the model."""
    import numpy as np

    from pellucid.training import History

    n_rows = history["epoch"].index(best_epoch) + 1
    kept = History(history.state, history.engine, history.engine_reason)
    kept.extend({name: np.asarray(column[:n_rows]) for name, column in history.to_dict().items()})
    return kept
