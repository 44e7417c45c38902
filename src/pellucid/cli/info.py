"""``pellucid info``: what a model file holds, and how it came about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pellucid.cli.arguments import Json, Model


def info(model: Model, json: Json = False) -> int:
    """Show what a model is: its task, the columns it needs, its networks, its receipt. The file is verified."""
    from pellucid.cli.display import MOST_COLUMNS, Display, columns_summary, columns_table, counted, number, size
    from pellucid.cli.ensemble import (
        calibration_lines,
        ensemble_lines,
        ensemble_table,
        remark_lines,
        to_json,
        which_network,
    )
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
    for line in (found := remark_lines(estimator)):
        display.say(line)
    if found:
        display.say()
    which = which_network(estimator)
    display.say(f"{which[:1].upper()}{which[1:]}:" if which else "The network:")
    display.say(estimator.network_.summary())
    display.say()
    display.say("The receipt of its training:")
    for name, shown in receipt_lines(receipt):
        display.say(f"  {name.replace('_', ' '):<17} {shown}")
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


def receipt_lines(receipt: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each entry of a receipt with its text."""
    from pellucid.cli.display import counted, number, share
    from pellucid.cli.scores import SHARES

    seconds = ("fit_seconds", "cpu_seconds")
    data, plan, command, test = (receipt.get(name, {}) for name in ("data", "plan", "command", "test"))
    n_columns = sum(column[0] == "X" for column in data["columns"])
    yield "data", f"{counted(data['columns'][0][3], 'row')}, {counted(n_columns, 'column')}, SHA-256 {data['sha256']}"
    for name, value in receipt.items():
        if not isinstance(value, dict):
            shown = f"{value:.3f} s" if name in seconds else number(value) if isinstance(value, float) else str(value)
            yield name.removesuffix("_seconds") + " time" * (name in seconds), "-" if value == "" else shown
    for name, entries in (("plan", plan), ("command", command)):
        said = [f"{key.replace('_', ' ')} {_text(entries[key])}" for key in entries if key != "reasons"]
        if said:
            yield name, ", ".join(said)
    if run := receipt.get("playground"):
        edits = counted(len(run["edits"]), "edit")
        yield "playground", f"step {run['step']:,}, {edits} by hand; --json shows the configuration"
    if test:
        scores = [f"{name} {share(value) if name in SHARES else number(value)}" for name, value in _numbers(test)]
        yield "test", f"{counted(test['rows'], 'row')}: {', '.join(scores)}"


def _numbers(test: Mapping[str, Any]) -> list[tuple[str, float]]:
    return [(name, float(value)) for name, value in test["metrics"].items()]


def _text(value: Any) -> str:
    if isinstance(value, dict):
        value = [f"{key}={item}" for key, item in value.items()]
    return (" ".join(map(str, value)) if isinstance(value, list) else str(value if value is not None else "")) or "-"
