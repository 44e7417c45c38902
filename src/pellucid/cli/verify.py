"""``pellucid verify``: whether the data and the receipt of a model give the same weights again, bit for bit."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pellucid.cli.arguments import Json, Model

if TYPE_CHECKING:
    from pellucid.cli.display import Display


def verify(
    model: Model,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            metavar="DATA",
            help="The table that it was trained on; of a run of the playground on rows that it drew, none.",
            show_default=False,
        ),
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(
            "--target", "-t", metavar="COLUMN", help="The column to predict, if the model was trained in Python."
        ),
    ] = None,
    json: Json = False,
) -> int:
    """Train a model again by its receipt, and say whether its weights are the same bits.

    The exit code is 0 if they are, and 1 if the data or the weights differ. Data that differ are not trained on. Rows
    that were held out take no part, but are to be those that the recorded scores are of.

    Of a model that was taken out of the playground the run is gone through again, with its edits by hand.
    """
    from pellucid.cli.display import Display, counted, listing
    from pellucid.cli.material import prepare
    from pellucid.cli.record import have_moved, recorded_order, test_differences
    from pellucid.model import load
    from pellucid.model import verify as trained_again
    from pellucid.tabular.fingerprint import MOVED

    display = Display(as_json=json)
    estimator = load(model)
    if "playground" in estimator.receipt_:
        return _run_again(display, estimator, model, data, target or [])
    if data is None:
        raise typer.BadParameter("it is needed to train the model again.", param_hint="--data")
    order = recorded_order(estimator, model, data, target or [])
    material = prepare(order, Display(as_json=json, quiet=True))
    display.say(f"{model}: the file is intact, SHA-256 {estimator.receipt_['sha256']}")
    with material.test_source.locating():
        found = trained_again(model, material.table, material.y, verbose=True, **material.parting.to_fit())
    learned, held = material.table.height, 0 if material.test is None else material.test.height
    rows = f"{learned:,} of {counted(learned + held, 'row')}" if held else counted(learned, "row")
    held_out = test_differences(estimator.receipt_, material)
    if found.data and have_moved(estimator.receipt_, material):
        found = dataclasses.replace(found, data=(MOVED,))
    if found.data:
        display.say(f"data: not what the model was trained on ({data}, {rows} to learn from)")
        listing(display, found.data)
        display.say("different: it was not trained again")
    else:
        display.say(f"data: what the model was trained on ({data}, {rows} to learn from)")
        networks = counted(len(estimator.ensemble_.networks), "network")
        size = f"{networks}, {counted(estimator.ensemble_.size, 'parameter')}"
        display.say(f"trained again in {found.seconds:.1f} s: {size}")
        for said in found.versions:
            display.say(f"note: {said}, when it was trained and now")
        if found.weights:
            display.say("different: the weights in the file are not those of the training")
            listing(display, found.weights)
            if not found.versions:
                display.say("the versions are the same: the file was edited, or a callback took part in the training")
        else:
            display.say("same: every weight is the same bits")
        if held_out:
            display.say(f"different: the {counted(held, 'row')} held out are not those that it was scored on")
            listing(display, held_out)
    same = found.same and not held_out
    told = {**found.to_json(), "same": same, "held_out": held_out}
    display.finish({"model": str(model), "data_file": str(data), "rows": learned, **told})
    return 0 if same else 1


def _run_again(display: Display, estimator: Any, model: Path, data: Path | None, targets: list[str]) -> int:
    """Go through a run of the playground again, and say whether its weights are the same bits."""
    from pellucid.cli.display import counted, listing
    from pellucid.cli.source import Source
    from pellucid.playground.repeating import recorded_run, repeated

    if targets:
        raise typer.BadParameter(
            "the receipt of a run of the playground knows it; leave it out.", param_hint="--target"
        )
    told = estimator.receipt_
    display.say(f"{model}: the file is intact, SHA-256 {told['sha256']}")
    if data is None:
        found = repeated(model)
    else:
        configuration, _, _ = recorded_run(model, told)
        source = Source.of_kinds(data, configuration.data["kinds"])
        with source.locating():
            found = repeated(model, source.table)
    learned, held = told["training_rows"], told.get("test", {}).get("rows", 0)
    where = "drawn by its configuration" if data is None else str(data)
    if found.data:
        display.say(f"data: not what the run was on ({where})")
        listing(display, found.data)
        display.say("different: the run was not repeated")
    else:
        display.say(
            f"data: what the run was on ({where}, {learned:,} of {counted(learned + held, 'row')} to learn from)"
        )
        run = told["playground"]
        steps, edits = counted(run["step"], "step"), counted(len(run["edits"]), "edit")
        display.say(f"gone through again in {found.seconds:.1f} s: {steps}, {edits} by hand")
        for said in found.versions:
            display.say(f"note: {said}, when it was trained and now")
        if found.weights:
            display.say("different: the weights in the file are not those of the run")
            listing(display, found.weights)
        else:
            display.say("same: every weight is the same bits")
    shown = None if data is None else str(data)
    display.finish({"model": str(model), "data_file": shown, "rows": learned, **found.to_json(), "held_out": []})
    return 0 if found.same else 1
