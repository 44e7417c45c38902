"""The numbers of the next step, as the ledger tells them: each quantity in its order, each weight with its slope."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from pellucid.errors import OptionError
from pellucid.formulas import Entry
from pellucid.formulas.matrices import matrix_form
from pellucid.formulas.writing import Text
from pellucid.insight.ledger import TracedStep
from pellucid.insight.ledger.checking import Difference
from pellucid.insight.ledger.recording import Setting, record
from pellucid.insight.ledger.view import Shown, View
from pellucid.layers import Dense
from pellucid.layers.base import Array
from pellucid.playground.timeline import Timeline
from pellucid.playground.views import plain
from pellucid.training.samples import checked_samples

MOST_SHOWN = 20  # rows and columns of a quantity
DIGITS = 5


def next_step(timeline: Timeline, rows: Array) -> TracedStep:
    """Return the ledger of the step that comes next, taken for these rows; the timeline stays where it is."""
    recipe = timeline.recipe
    total_steps = recipe.epochs * timeline.batches
    setting = Setting(
        timeline.network,
        recipe.loss,
        recipe.optimizer,
        recipe.penalty,
        timeline.schedules,
        total_steps,
        None,
        None,
    )
    samples = checked_samples(timeline.network, recipe.loss, timeline.X, timeline.target, None)
    made = record(setting, samples[rows], copy.deepcopy(timeline.state), timeline.batch)
    return TracedStep(made, timeline.epoch, timeline.batch, rows)


def outline(step: TracedStep) -> list[dict[str, Any]]:
    """Return what each quantity of a step is, in the order in which they come about, without its numbers."""
    return [
        entry_of(entry, index, section.title)
        for index, (section, entry) in enumerate((s, e) for s in step.sections for e in s.entries)
    ]


def entry_of(entry: Entry, index: int, section: str) -> dict[str, Any]:
    """Return what a quantity is."""
    return {
        "index": index,
        "section": section,
        "symbol": entry.symbol.text,
        "name": entry.name,
        "meaning": entry.meaning,
        "shape": list(entry.shape),
        "layer": _layer(entry, section),
        "formula": None if entry.formula is None else Text(digits=DIGITS).equation(entry),
        "matrix_form": None if entry.formula is None else matrix_form(entry),
    }


def _layer(entry: Entry, section: str) -> int | str:
    """Return the number of the layer that computes a quantity, or "given", "loss" or "optimizer"."""
    if section == "Given":
        return "given"
    if entry.source.startswith("layer "):
        return int(entry.source.removeprefix("layer ").partition(":")[0].partition(".")[0])
    return "loss" if section in ("Loss", "Backward", "Penalty") else "optimizer"


def operation(step: TracedStep, at: int) -> dict[str, Any]:
    """Return a quantity of a step with its numbers."""
    entries = [(section.title, entry) for section in step.sections for entry in section.entries]
    title, entry = entries[at]
    view = View(most=MOST_SHOWN, digits=DIGITS, arithmetic="all", differences=None)
    shown = Shown(view, step, entry)
    writer = Text(digits=DIGITS)
    return {
        "entry": entry_of(entry, at, title),
        "values": plain(shown.values),
        "arithmetic": [[list(cell), writer.arithmetic(entry, cell)] for cell in shown.written_out[:MOST_SHOWN]],
        "differences": plain(shown.differences),
        "verdict": shown.verdict,
    }


def weight(step: TracedStep, parameter: str, at: tuple[int, ...]) -> dict[str, Any]:
    """Return a weight with the arithmetic of its slope and of its update, and the finite difference beside it."""
    named = [entry for entry in step.entries if entry.name == parameter]
    given = named[0]
    slope = next(entry for entry in reversed(named) if step.differences.has(entry))
    new = next((entry for entry in named if entry.replaces is given), None)
    where = next((e for e in step.entries if given in e.operands and e.formula is not None), None)
    difference = step.differences.at(slope, at)
    return {
        "parameter": parameter,
        "at": list(at),
        "value": plain(given.value[at]),
        "formula": None if where is None else Text(digits=DIGITS).equation(where),
        "gradient": plain(slope.value[at]),
        "arithmetic": _arithmetic(slope, at),
        **_sides(difference),
        "update": None if new is None else _arithmetic(new, at),
        "new_value": None if new is None else plain(new.value[at]),
    }


def neuron(step: TracedStep, layer: int, column: int) -> dict[str, Any]:
    """Return how a neuron's value came about in the step's first row: its layer, and those up to the next Dense."""
    layers = step.recording.network.layers
    end = next((n for n in range(layer + 1, len(layers)) if isinstance(layers[n], Dense)), len(layers))
    sections = {section.title: section.entries for section in step.sections}
    own = range(layer, end)
    steps, slopes = [], []
    for entry in sections["Forward"]:
        cell = _cell(entry, column)
        if cell is not None and _layer(entry, "Forward") in own:
            value, said = plain(entry.value[cell]), _arithmetic(entry, cell)
            steps.append({"symbol": entry.symbol.text, "meaning": entry.meaning, "value": value, "arithmetic": said})
    wanted = {f"∂L/∂{said['symbol']}" for said in steps}
    for entry in sections["Backward"]:
        cell = _cell(entry, column)
        if cell is None or entry.symbol.text not in wanted:
            continue
        found = step.differences.at(entry, cell) if step.differences.has(entry) else None
        said = _arithmetic(entry, cell)
        slopes.append(
            {
                "symbol": entry.symbol.text,
                "value": plain(entry.value[cell]),
                "arithmetic": said,
                "difference": None if found is None else plain(found.middle),
            }
        )
    return {"steps": steps, "gradients": slopes}


def _cell(entry: Entry, column: int) -> tuple[int, int] | None:
    return (0, column) if len(entry.shape) == 2 and column < entry.shape[1] else None


def _arithmetic(entry: Entry, cell: tuple[int, ...]) -> str:
    writer = Text(digits=DIGITS)
    if entry.formula is None:
        return f"{writer.cell(entry, cell)} = {writer.number(float(entry.value[cell]))}"
    return writer.arithmetic(entry, cell)


def _sides(difference: Difference | None) -> dict[str, Any]:
    if difference is None:
        return {"difference": None, "left": None, "right": None}
    return {
        "difference": plain(difference.middle),
        "left": plain(difference.left),
        "right": plain(difference.right),
    }


def batch_rows(timeline: Timeline, rows: Any) -> Array:
    """Return the training rows that are asked for, or those of the next batch."""
    if rows is None:
        return timeline.next_rows
    if not rows or max(rows) >= len(timeline.X):
        raise OptionError(f"rows got {rows!r:.60}; the training rows are 0 to {len(timeline.X) - 1}.")
    return np.array(rows)
