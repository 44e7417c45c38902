"""``pellucid info``: what a model file holds, and how it came about."""

from __future__ import annotations

from typing import Any

from pellucid.cli.arguments import Json, Model


def info(model: Model, json: Json = False) -> int:
    """Show what a model is: its task, the columns it needs, its networks, its receipt. The file is verified."""
    from pellucid.cli.display import MOST_COLUMNS, Display, columns_summary, columns_table, counted, number, size
    from pellucid.cli.ensemble import calibration_lines, ensemble_lines, ensemble_table, to_json, which_network
    from pellucid.cli.targets import names_of
    from pellucid.errors import ModelFileError
    from pellucid.model import load
    from pellucid.tabular import ClassTarget

    display = Display(as_json=json)
    estimator = load(model)
    target, receipt = estimator.target_, dict(estimator.receipt_)
    digest = receipt.pop("sha256")
    try:
        names = names_of(target)
    except ModelFileError:  # trained in Python, on a target without a name
        names = []
    task = "classification" if isinstance(target, ClassTarget) else "regression"
    classes = None if task == "regression" or target.is_multilabel else target.classes.tolist()
    columns = [column for column in estimator.encoder_.columns if column.is_used]
    n_bytes = model.stat().st_size

    display.say(f"{model}: a {type(estimator).__name__}")
    display.say()
    display.say(f"task      {task} of {', '.join(names) or 'a target without a name'}")
    if classes is not None:
        more = ", ..." if len(classes) > 10 else ""
        display.say(f"classes   {len(classes)}: {', '.join(map(str, classes[:10]))}{more}")
    elif task == "regression":
        for name, low, high in zip(names or ["target"], target.low, target.high, strict=True):
            display.say(f"range     {name} from {number(low)} to {number(high)} in the training rows")
    display.say(f"file      {size(n_bytes)}, SHA-256 {digest}, verified")
    display.say()
    display.say(f"{counted(len(columns), 'column')} that it needs, as they were in training:")
    if len(columns) > MOST_COLUMNS:
        display.say(columns_summary(columns))
    display.show(columns_table(columns, {}, display.width))
    display.say()
    if estimator.members_:
        display.say("The ensemble:")
        display.show(ensemble_table(estimator))
        for line in (*ensemble_lines(estimator), *calibration_lines(estimator)):
            display.say(line)
        display.say()
    which = which_network(estimator)
    display.say(f"{which[:1].upper()}{which[1:]}:" if which else "The network:")
    display.say(estimator.network_.summary())
    display.say()
    display.say("The receipt of its training:")
    for name, value in receipt.items():
        if name != "plan":  # which --json shows
            shown = number(value) if isinstance(value, float) else "-" if value == "" else str(value)
            display.say(f"  {name.replace('_', ' '):<16} {shown}")
    document: dict[str, Any] = {
        "model": str(model),
        "bytes": n_bytes,
        "sha256": digest,
        "verified": True,
        "estimator": type(estimator).__name__,
        "task": task,
        "targets": names,
        "classes": classes,
        "columns": [{"name": column.name, "kind": column.kind} for column in columns],
        "network": {
            "parameters": int(estimator.network_.parameters.size),
            "layers": [repr(layer) for layer in estimator.network_.layers],
        },
        "ensemble": to_json(estimator),
        "receipt": receipt,
    }
    display.finish(document)
    return 0
